from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageStat

from converter.engine import probe, strip
from converter.engine.errors import MediaError
from converter.engine.peaks import Outline, peaks
from converter.engine.strip import filmstrip
from converter.engine.tests.formats import make
from converter.engine.tests.making import clip, ffmpeg
from converter.engine.workbench import Source

GREY = "color=black:s=160x90:r=25:d={d},geq=lum='16+219*T/{d}':cb=128:cr=128"


def source(path: Path) -> Source:
    return Source(path, probe.inspect(path, path.name))


def brightness(path: Path, tiles: int) -> list[float]:
    with Image.open(path) as image:
        width = image.width // tiles
        return [ImageStat.Stat(image.convert("L").crop((i * width, 0, (i + 1) * width, image.height))).mean[0] for i in range(tiles)]


@pytest.mark.parametrize("keyframes", ["5", "250"])
def test_tiles_show_the_middle_of_their_part(tmp_path: Path, keyframes: str) -> None:
    path, target = tmp_path / "ramp.mp4", tmp_path / "strip.jpg"
    ffmpeg("-f", "lavfi", "-i", GREY.format(d=8), "-pix_fmt", "yuv420p", "-c:v", "libx264", "-g", keyframes, "-sc_threshold", "0", str(path))
    filmstrip(source(path), target, tiles=10, height=36)
    found = brightness(target, 10)
    assert found == pytest.approx([255 * (i + 0.5) / 10 for i in range(10)], abs=12)
    assert list(tmp_path.glob("*/")) == []


def test_long_clips_are_sought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strip, "LONG_SECONDS", 2)
    path, target = tmp_path / "ramp.mp4", tmp_path / "strip.jpg"
    ffmpeg("-f", "lavfi", "-i", GREY.format(d=4), "-f", "lavfi", "-i", "sine=d=6", "-pix_fmt", "yuv420p", "-c:v", "libx264", str(path))
    filmstrip(source(path), target, tiles=6, height=36)
    found = brightness(target, 6)
    assert found[:4] == pytest.approx([255 * (i + 0.5) / 4 for i in range(4)], abs=12)
    # The sound goes on; the last picture stays on the screen.
    assert found[4:] == pytest.approx([found[3]] * 2, abs=40)


@pytest.mark.parametrize("name", ["rotated.mp4", "small.mp4", "moving.gif", "moving.webp", "offset.ts", "late_picture.mp4", "vp8.webm"])
def test_every_kind_gets_equal_tiles_without_bars(media_dir: Path, tmp_path: Path, name: str) -> None:
    item = source(clip(media_dir, name))
    assert item.media.video is not None
    filmstrip(item, tmp_path / "strip.jpg")
    with Image.open(tmp_path / "strip.jpg") as image:
        assert image.format == "JPEG"
        assert image.size == (20 * strip.tile_size(item.media.video, 72)[0], 72)
    assert min(brightness(tmp_path / "strip.jpg", 20)) > 3


def test_odd_shapes_are_bounded(media_dir: Path) -> None:
    small = probe.inspect(clip(media_dir, "small.mp4")).videos[0]
    from dataclasses import replace

    assert strip.tile_size(replace(small, width=10_000, height=10), 72) == (288, 72)
    assert strip.tile_size(replace(small, width=10, height=10_000), 72) == (18, 72)


@pytest.mark.parametrize("name", ["a.wav", "cover.mp3", "p.png"])
def test_what_does_not_move_has_no_strip(media_dir: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaError) as caught:
        filmstrip(source(make(media_dir, name)), tmp_path / "strip.jpg")
    assert caught.value.code.name == "no_video"
    assert list(tmp_path.iterdir()) == []


def test_peaks_follow_the_sound(tmp_path: Path) -> None:
    path = tmp_path / "steps.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=f=440:d=4:r=48000", "-af", "volume='if(lt(t,1),0,if(lt(t,2),1,if(lt(t,3),4,2)))':eval=frame", str(path))
    found = peaks(source(path), buckets=40)
    assert found[:9] == pytest.approx([0] * 9, abs=0.01)
    assert found[11:19] == pytest.approx([0.25] * 8, abs=0.03)
    assert found[21:29] == pytest.approx([1.0] * 8, abs=0.03)
    assert found[31:39] == pytest.approx([0.5] * 8, abs=0.03)
    assert max(found) == 1.0


def test_silence_stays_flat_and_late_sound_late(media_dir: Path, tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "anullsrc=d=2", str(tmp_path / "silent.wav"))
    assert peaks(source(tmp_path / "silent.wav"), buckets=50) == [0.0] * 50
    small = str(clip(media_dir, "small.mp4"))
    ffmpeg(
        "-i", small, "-f", "lavfi", "-itsoffset", "2.5", "-i", "sine=d=2.5", "-map", "0:v", "-map", "1:a", "-c:v", "copy", str(tmp_path / "late.mkv")
    )
    found = peaks(source(tmp_path / "late.mkv"), buckets=10)
    assert max(found[:4]) == 0
    assert min(found[6:9]) > 0.5


def test_no_sound_no_peaks(media_dir: Path) -> None:
    with pytest.raises(MediaError) as caught:
        peaks(source(make(media_dir, "mute.mp4")))
    assert caught.value.code.name == "no_audio"


@given(st.lists(st.integers(-32768, 32767), max_size=300), st.integers(1, 40), st.integers(1, 400), st.integers(1, 97))
def test_pieces_of_any_size_give_the_same_outline(samples: list[int], buckets: int, expected: int, piece: int) -> None:
    data = struct.pack(f"<{len(samples)}h", *samples)
    outline = Outline(buckets, expected)
    for at in range(0, len(data), piece):
        outline.feed(data[at : at + piece])
    wanted = [0] * buckets
    for number, sample in enumerate(samples):
        bucket = min(buckets - 1, number * buckets // expected)
        wanted[bucket] = max(wanted[bucket], abs(sample))
    assert outline._peaks == wanted
    assert all(0 <= height <= 1 and math.isfinite(height) for height in outline.heights())
