"""Crop, rotation, mirroring, speed and direction: the arithmetic, and what ffmpeg makes of the filters."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from converter.engine import edits, params, ranges
from converter.engine.edits import EditParams
from converter.engine.errors import MediaError
from converter.engine.media import VideoStream
from converter.engine.tests import making
from converter.engine.tests.making import clip, difference

T = Image.Transpose


def read(**raw: Any) -> EditParams:
    return params.parse(EditParams, raw)


def stream(path: Path) -> VideoStream:
    found = making.probe.inspect(path).video
    assert found is not None
    return found


def shown(path: Path, chain: tuple[str, ...], size: tuple[int, int]) -> list[Image.Image]:
    """Every frame after `chain`, which must already be of that size."""
    raw = making.ffmpeg(
        *("-i", str(path), "-map", "0:v:0", "-vf", ",".join((*chain, "format=rgb24"))),
        *("-fps_mode", "passthrough", "-f", "rawvideo", "-"),
    )
    step = size[0] * size[1] * 3
    assert len(raw) % step == 0
    return [Image.frombytes("RGB", size, raw[at : at + step]) for at in range(0, len(raw), step)]


def upright(path: Path) -> list[Image.Image]:
    """The source's frames as a person sees them: turned, with square pixels."""
    video = stream(path)
    return shown(path, (f"scale={video.width}:{video.height}:flags=lanczos", "setsar=1"), (video.width, video.height))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("1,2,3", "is not x,y,width,height"),
        ("1;2;3;4", "is not x,y,width,height"),
        ("-1,0,5,5", "is not x,y,width,height"),
        ("1.5,0,5,5", "is not x,y,width,height"),
        ("0,0,0,5", "at least 1"),
        ("0,0,1921,1080", "beyond the picture, which is 1920×1080"),
        ("1900,0,21,10", "beyond the picture"),
        ("0,0,5,5:x=movie", "is not x,y,width,height"),
    ],
)
def test_crops_that_are_none(raw: str, why: str) -> None:
    for use in (edits.edited, edits.picture_filters):
        with pytest.raises(MediaError) as caught:
            use(making.video(), read(crop=raw))
        assert (caught.value.code.name, caught.value.field) == ("bad_parameter", "crop")
        assert why in caught.value.detail


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"rotate": "45"}, "rotate"),
        ({"rotate": True}, "rotate"),
        ({"flip": "up"}, "flip"),
        ({"speed": 0.2}, "speed"),
        ({"speed": 5}, "speed"),
        ({"speed": "nan"}, "speed"),
        ({"reverse": "perhaps"}, "reverse"),
        ({"crop": "1" * 41}, "crop"),
    ],
)
def test_values_that_are_none(raw: dict[str, Any], field: str) -> None:
    with pytest.raises(MediaError) as caught:
        read(**raw)
    assert caught.value.field == field


def test_degrees_may_be_a_number() -> None:
    assert read(rotate=90) == read(rotate="90")


def test_nothing_asked_is_nothing_done() -> None:
    video = making.video(interlaced=True, sample_aspect="64/45")
    assert edits.edited(video, EditParams()) == video
    assert edits.picture_filters(video, EditParams()) == edits.sound_filters(EditParams()) == ()
    assert edits.crop_of(video, read(crop=" 0, 0, 1920 ,1080 ")) is None


@given(
    width=st.integers(1, 4000), height=st.integers(1, 4000), data=st.data(), turn=st.sampled_from(["0", "90", "180", "270"]), speed=st.floats(0.25, 4)
)
def test_geometry_and_rate(width: int, height: int, data: st.DataObject, turn: str, speed: float) -> None:
    w, h = data.draw(st.integers(1, width)), data.draw(st.integers(1, height))
    x, y = data.draw(st.integers(0, width - w)), data.draw(st.integers(0, height - h))
    video = making.video(width, height, 30)
    asked = read(crop=f"{x},{y},{w},{h}", rotate=turn, speed=speed)
    after = edits.edited(video, asked)
    assert (after.width, after.height) == ((h, w) if turn in ("90", "270") else (w, h))
    assert after.fps == pytest.approx(30 * min(1, speed), rel=0.01)
    assert Fraction(after.frame_rate) == Fraction(after.fps).limit_denominator(10**6) or after.fps < 30
    assert after.duration == pytest.approx(30 / speed, rel=0.01)


@given(speed=st.floats(0.25, 4))
def test_tempo_keeps_to_steps_that_blend(speed: float) -> None:
    steps = [float(word.partition("=")[2]) for word in edits.sound_filters(read(speed=speed))]
    assert all(0.5 <= step <= 2 for step in steps)
    whole = 1.0
    for step in steps:
        whole *= step
    assert whole == pytest.approx(speed, rel=0.005)


TURNS: dict[str, Any] = {"90": T.ROTATE_270, "180": T.ROTATE_180, "270": T.ROTATE_90}
"""Pillow turns counter-clockwise."""


@pytest.mark.parametrize("name", ["small.mp4", "rotated.mp4", "wide_pixels.mp4", "see_through.mov", "moving.gif", "moving.webp"])
@pytest.mark.parametrize(
    "asked", [{"crop": "31,17,64,45"}, {"crop": "32,16,64,45", "rotate": 90, "flip": "horizontal"}, {"rotate": 270}, {"flip": "both"}]
)
def test_pixels_go_where_they_should(media_dir: Path, name: str, asked: dict[str, Any]) -> None:
    path = clip(media_dir, name)
    video, wanted = stream(path), upright(path)[4]
    chosen = read(**asked)
    after = edits.edited(video, chosen)
    crop = edits.crop_of(video, chosen)
    if crop:
        wanted = wanted.crop((crop.x, crop.y, crop.x + crop.width, crop.y + crop.height))
    wanted = wanted.transpose(TURNS[chosen.rotate]) if chosen.rotate != "0" else wanted
    for flip, turn in (("horizontal", T.FLIP_LEFT_RIGHT), ("both", T.ROTATE_180)):
        wanted = wanted.transpose(turn) if chosen.flip == flip else wanted
    got = shown(path, edits.picture_filters(video, chosen), (after.width, after.height))[4]
    assert difference(got, wanted) < 2.5
    wrong = wanted.transpose(T.ROTATE_180)
    assert difference(got, wrong) > difference(got, wanted) + 3


def test_an_odd_crop_keeps_colours_in_their_place(tmp_path: Path) -> None:
    path = tmp_path / "stripes.mkv"
    making.ffmpeg("-f", "lavfi", "-i", "color=blue:s=64x64:d=0.2,drawbox=0:0:32:64:red:fill", "-pix_fmt", "yuv420p", "-c:v", "ffv1", str(path))
    picture = shown(path, edits.picture_filters(stream(path), read(crop="31,31,2,2")), (2, 2))[0]
    assert picture.getpixel((0, 0))[0] > 200 > 60 > picture.getpixel((1, 0))[0]


def test_transparency_and_depth_stay(media_dir: Path) -> None:
    path = clip(media_dir, "see_through.mov")
    chain = edits.picture_filters(stream(path), read(crop="1,1,21,21", rotate=90, reverse=True))
    raw = making.ffmpeg("-i", str(path), "-vf", ",".join(chain), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgba", "-")
    assert Image.frombytes("RGBA", (21, 21), raw).getextrema()[3] == (128, 128)


def test_rows_are_joined_before_they_move(tmp_path: Path) -> None:
    path = tmp_path / "fields.mkv"
    source = "testsrc2=s=160x120:r=50:d=1,interlace=scan=tff,setfield=tff"
    making.ffmpeg("-f", "lavfi", "-i", source, "-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-q:v", "2", str(path))
    video = stream(path)
    assert video.interlaced
    chain = edits.picture_filters(video, read(crop="3,5,101,51"))
    assert chain[0].startswith("bwdif")
    assert not edits.edited(video, read(rotate=90)).interlaced
    assert len(shown(path, chain, (101, 51))) == pytest.approx(25, abs=1)


@pytest.mark.parametrize("name", ["small.mp4", "gaps.mp4", "moving.webp"])
def test_backwards_is_forwards_from_the_end(media_dir: Path, name: str) -> None:
    path = clip(media_dir, name)
    video = stream(path)
    size = video.width, video.height
    rate = f"fps={video.frame_rate}"
    forwards, backwards = (shown(path, chain, size) for chain in ((rate,), edits.picture_filters(video, read(reverse=True))))
    assert len(forwards) == len(backwards) > 10
    assert all(difference(one, other) == 0 for one, other in zip(forwards, reversed(backwards), strict=True))


@pytest.mark.parametrize(("speed", "rate"), [(2, 24.0), (0.5, 12.0), (1.5, 24.0)])
def test_speed_changes_length_and_not_pitch(media_dir: Path, tmp_path: Path, speed: float, rate: float) -> None:
    path, target = clip(media_dir, "small.mp4"), tmp_path / "paced.mkv"
    video, chosen = stream(path), read(speed=speed)
    after = edits.edited(video, chosen)
    assert after.fps == pytest.approx(rate * video.fps / 24, rel=0.01)
    chains = ("-vf", ",".join(edits.picture_filters(video, chosen)), "-af", ",".join(edits.sound_filters(chosen)))
    making.ffmpeg("-i", str(path), *chains, "-c:v", "ffv1", "-c:a", "pcm_s16le", "-fps_mode", "passthrough", str(target))
    times = making.times(target)
    assert after.duration is not None
    assert times[-1] + 1 / after.fps == pytest.approx(after.duration, abs=2.5 / after.fps)
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(steps) == pytest.approx(1 / after.fps, abs=0.004)
    before, now = len(making.samples(path)), len(making.samples(target))
    assert now == pytest.approx(before / speed, rel=0.02)


def test_sound_runs_backwards(media_dir: Path, tmp_path: Path) -> None:
    path, target = clip(media_dir, "sound.wav"), tmp_path / "back.wav"
    making.ffmpeg("-i", str(path), "-af", ",".join(edits.sound_filters(read(reverse=True))), str(target))
    forwards, backwards = memoryview(making.samples(path)).cast("I"), memoryview(making.samples(target)).cast("I")
    assert list(forwards) == list(backwards)[::-1]


def test_pitch_stays(tmp_path: Path) -> None:
    path, target = tmp_path / "tone.wav", tmp_path / "slow.wav"
    making.ffmpeg("-f", "lavfi", "-i", "sine=frequency=440:d=4:sample_rate=8000", str(path))
    for speed in (0.25, 4):
        making.ffmpeg("-i", str(path), "-af", ",".join(edits.sound_filters(read(speed=speed))), str(target))
        sound = memoryview(making.samples(target)).cast("h")
        middle = sound[len(sound) // 4 : 3 * len(sound) // 4]
        crossings = sum(1 for one, other in itertools.pairwise(middle) if one < 0 <= other)
        assert crossings / (len(middle) / 8000) == pytest.approx(440, rel=0.03)


def test_too_much_to_turn_round_is_refused_with_what_would_work() -> None:
    video, sound = making.video(1920, 1080, 30, pixel_format="yuv420p"), making.media().audio
    edits.check(video, sound, read(reverse=True), 0.15)
    edits.check(video, sound, read(), 1e6)
    with pytest.raises(MediaError) as caught:
        edits.check(video, None, read(reverse=True), 10)
    assert (caught.value.code.name, caught.value.field) == ("bad_parameter", "reverse")
    assert "10.0 s of it are too much" in caught.value.detail
    edits.check(video, None, read(reverse=True, crop="0,0,160,90"), 20)
    edits.check(None, sound, read(reverse=True), 60)
    with pytest.raises(MediaError):
        edits.check(None, sound, read(reverse=True), 120)


@pytest.mark.slow
def test_memory_stays_bounded_when_played_backwards(media_dir: Path, tmp_path: Path) -> None:
    from converter.engine.operations.base import Command, Input
    from converter.engine.run import Source
    from converter.engine.workbench import Workbench

    path = tmp_path / "large.mp4"
    making.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=30:d=3", "-c:v", "libx264", "-preset", "ultrafast", str(path))
    probed, chosen = making.probe.inspect(path), read(reverse=True)
    video = replace(stream(path), frames=None)
    longest = edits.REVERSE_BYTES / edits.frame_bytes(video) / video.fps
    edits.check(video, None, chosen, longest)
    bench = Workbench(tmp_path, [Source(path, probed)])
    chain = ",".join(edits.picture_filters(video, chosen))
    arguments = ("-map", "0:v:0", "-vf", chain, "-t", f"{longest:.3f}", "-c:v", "libx264", "-preset", "veryfast")
    bench.ffmpeg(Command("", (Input(source=0, options=("-t", f"{longest:.3f}", *ranges.seek(probed, 0))),), arguments, "back.mp4", "mp4", longest))
    assert bench.metrics.peak_memory < 300_000_000
