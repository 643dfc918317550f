from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from converter.engine import probe, strip, strip_child
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


@pytest.mark.parametrize("turned", [0, 90, 180, -90])
def test_the_quick_way_turns_pictures_as_ffmpeg_does(media_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turned: int) -> None:
    path = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", str(turned), "-i", str(clip(media_dir, "small.mp4")), "-c", "copy", str(path))
    item = source(path)
    filmstrip(item, tmp_path / "quick.jpg", tiles=5)
    monkeypatch.setattr(strip, "_INDEXED", frozenset())
    filmstrip(item, tmp_path / "slow.jpg", tiles=5)
    with Image.open(tmp_path / "quick.jpg") as quick, Image.open(tmp_path / "slow.jpg") as slow:
        assert quick.size == slow.size
        assert sum(ImageStat.Stat(ImageChops.difference(quick, slow)).mean) / 3 < 6


@given(
    keys=st.lists(st.floats(0, 1000), min_size=1, max_size=60).map(sorted),
    duration=st.floats(0.1, 1000),
    tiles=st.integers(1, 40),
    cheap=st.floats(0, 1000),
)
def test_every_tile_shows_something_of_its_own_part(keys: list[float], duration: float, tiles: int, cheap: float) -> None:
    step = duration / tiles
    chosen = strip_child.choose(keys, duration, tiles, cheap)
    assert len(chosen) == tiles
    for number, (way, time) in enumerate(chosen):
        middle = (number + 0.5) * step
        assert way == "key" or time == pytest.approx(middle)
        assert abs(time - middle) <= step / 2 * (1 + 1e-9)


def test_long_films_are_not_read_through(media_dir: Path, tmp_path: Path) -> None:
    path, target = tmp_path / "ramp.mp4", tmp_path / "strip.jpg"
    encoding = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-g", "100", "-sc_threshold", "0")
    picture = GREY.format(d=40).replace("160x90", "64x36").replace("r=25", "r=10")
    ffmpeg("-f", "lavfi", "-i", f"{picture},scale=1920:1080", *encoding, str(path))
    ways = strip_child.choose([0.0, 10.0, 20.0, 30.0], 40, 8, 19)
    assert ways == [*(("key", time) for time in (0.0, 10.0, 10.0, 20.0, 20.0, 30.0, 30.0)), ("exact", 37.5)]
    # Keyframes stand in for the middles, each within its own part; the last part has none.
    filmstrip(source(path), target, tiles=8, height=36)
    assert brightness(target, 8) == pytest.approx([255 * t / 40 for t in (0, 10, 10, 20, 20, 30, 30, 37.5)], abs=6)


def test_damage_in_the_middle_costs_pictures_not_the_strip(media_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "index_first.mp4"
    ffmpeg("-i", str(clip(media_dir, "small.mp4")), "-c", "copy", "-movflags", "+faststart", str(path))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) * 5 // 8] = b"\xa5" * (len(data) * 5 // 8 - len(data) // 2)
    path.write_bytes(data)
    item = source(path)
    filmstrip(item, tmp_path / "strip.jpg")
    assert len(peaks(item)) == 800


@pytest.mark.parametrize("coder", ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_kind_of_sample_gives_the_same_peaks(tmp_path: Path, coder: str, channels: int) -> None:
    path = tmp_path / "a.wav"
    levels = "sine=f=440:d=2:r=44100,volume='if(lt(t,1),2,6)':eval=frame"
    ffmpeg("-f", "lavfi", "-i", levels, "-ac", str(channels), "-c:a", coder, str(path))
    found = peaks(source(path), buckets=20)
    assert found[:9] == pytest.approx([1 / 3] * 9, abs=0.02)
    assert found[11:] == pytest.approx([1.0] * 9, abs=0.02)


def test_both_ways_draw_the_same_outline(media_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    item = source(media_dir / "talk_720p_speech.mp4")
    quick = peaks(item, buckets=200)
    from converter.engine import peaks as module

    monkeypatch.setattr(module, "_looked_at", lambda *_: (_ for _ in ()).throw(MediaError("tool_failed")))
    slow = peaks(item, buckets=200)
    assert sum(abs(a - b) for a, b in zip(quick, slow, strict=True)) / 200 < 0.06
