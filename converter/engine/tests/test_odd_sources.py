"""Sources whose kind is fine and whose inside is unusual: told as what they are, and used where they can be."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from PIL import Image

from converter.engine import look, peaks, probe, run
from converter.engine.errors import MediaError
from converter.engine.look_child import MOMENTS
from converter.engine.tests.making import execute, ffmpeg
from converter.engine.workbench import Source, Workbench


def tiff(path: Path, photometric: int, bits: int, form: int, channels: int = 1) -> Path:
    """A TIFF of 8×8 pixels in one strip, little-endian."""
    data = bytes(8 * 8 * channels * bits // 8)
    tags = {
        256: (3, 8),
        257: (3, 8),
        258: (3, bits),
        259: (3, 1),
        262: (3, photometric),
        273: (4, 0),
        277: (3, channels),
        278: (3, 8),
        279: (4, len(data)),
        339: (3, form),
    }
    tags[273] = (4, 14 + 12 * len(tags))
    rows = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, (kind, value) in sorted(tags.items()))
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(tags)) + rows + bytes(4) + data)
    return path


@pytest.mark.parametrize(("photometric", "bits", "form"), [(1, 32, 3), (1, 32, 1), (1, 16, 2), (8, 8, 1)])
def test_a_tiff_of_other_numbers_is_unsupported_rather_than_damaged(tmp_path: Path, photometric: int, bits: int, form: int) -> None:
    with pytest.raises(MediaError) as caught:
        probe.inspect(tiff(tmp_path / "odd.tiff", photometric, bits, form))
    assert caught.value.code.name == "unsupported_media"
    assert "TIFF" in caught.value.detail


@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_of_usual_numbers_is_read(tmp_path: Path, bits: int) -> None:
    assert probe.inspect(tiff(tmp_path / "plain.tiff", 1, bits, 1)).kind == "image"


@pytest.mark.parametrize("cut", [4, 9, 20, 60])
def test_a_cut_off_tiff_is_damaged(tmp_path: Path, cut: int) -> None:
    path = tiff(tmp_path / "cut.tiff", 1, 8, 1)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(MediaError) as caught:
        probe.inspect(path)
    assert caught.value.code.name in ("corrupt_media", "unsupported_media")


def test_channels_in_an_order_of_their_own_are_read(tmp_path: Path, media_dir: Path) -> None:
    path = tmp_path / "surround.aiff"
    eight = "pan=7.1|" + "|".join(f"c{number}=c0" for number in range(8))
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-af", eight, "-c:a", "pcm_s16be", str(path))
    audio = probe.inspect(path).audio
    assert audio is not None
    assert (audio.channels, audio.channel_layout) == (8, "8 channels")
    done = execute("audio", [path], {"format": "flac"}, tmp_path)
    flac = probe.inspect(done.path).audio
    assert flac is not None
    assert (flac.channels, flac.channel_layout) == (8, "7.1")


def test_channels_in_an_order_of_their_own_are_drawn_and_weighed(tmp_path: Path) -> None:
    path = tmp_path / "surround.aiff"
    eight = "pan=7.1|" + "|".join(f"c{number}=c0" for number in range(8))
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-af", eight, "-c:a", "pcm_s16be", str(path))
    source = Source(path, probe.inspect(path))
    audio = source.media.audio
    assert audio is not None
    # The quick way itself: what can't be read by it would quietly go ffmpeg's way.
    found = peaks._looked_at(Workbench(tmp_path, (source,)), audio, 1.0, 10)
    assert len(found) == 10
    assert min(found) > 0.05
    seen = look.look(source, tmp_path)
    assert seen is not None
    assert len(seen.sounds) == MOMENTS


def test_an_avif_that_is_see_through_says_so(tmp_path: Path) -> None:
    clear, plain = tmp_path / "clear.avif", tmp_path / "plain.avif"
    Image.new("RGBA", (64, 48), (10, 200, 30, 100)).save(clear)
    Image.new("RGB", (64, 48), (10, 200, 30)).save(plain)
    found = {path: probe.inspect(path) for path in (clear, plain)}
    assert [media.video is not None and media.video.has_alpha for media in found.values()] == [True, False]
    warnings = {path: run.plan("image", [media], {"format": "jpeg"}).warnings for path, media in found.items()}
    assert any("see-through" in warning for warning in warnings[clear])
    assert warnings[plain] == ()


def test_an_animated_avif_says_that_its_transparency_is_not_read(tmp_path: Path) -> None:
    moving = [Image.new("RGBA", (64, 48), (40 * number, 200, 30, 100)) for number in range(4)]
    moving[0].save(tmp_path / "moving.avif", save_all=True, append_images=moving[1:], duration=100)
    media = probe.inspect(tmp_path / "moving.avif")
    assert media.kind == "animation"
    assert any("transparency" in note for note in media.notes)
