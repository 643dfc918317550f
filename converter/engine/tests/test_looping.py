"""What all loops share: which frames are shown and in which order, edits on the way, and words in the picture."""

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

from converter.engine import captions, gif, looping, params, replay, run
from converter.engine.errors import MediaError
from converter.engine.looping import LoopParams
from converter.engine.tests import making
from converter.engine.tests.making import FLOWER, clip, difference, execute, frames

T = Image.Transpose
SMALL = {"width": 160, "height": 90, "fps": 12, "duration": 1, "start": 1}


def shown(path: Path) -> list[Image.Image]:
    return frames(path)


def arranged(length: float = 30.0, /, **raw: Any) -> looping.Round:
    source = making.media(picture=making.video(duration=length), duration=length)
    return looping.arrange(source, params.parse(LoopParams, raw))


def test_ping_pong_shows_neither_end_twice() -> None:
    assert [replay.position(i, 4, pingpong=True) for i in range(10)] == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3]
    assert [replay.position(i, 3) for i in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert [replay.position(i, 3, reverse=True) for i in range(4)] == [2, 1, 0, 2]
    assert [replay.position(i, 3, pingpong=True, reverse=True) for i in range(5)] == [2, 1, 0, 1, 2]
    assert [replay.position(i, 1, pingpong=True) for i in range(3)] == [0, 0, 0]
    assert [replay.position(i, 2, pingpong=True) for i in range(5)] == [0, 1, 0, 1, 0]


@given(frames=st.integers(1, 400), wanted=st.integers(1, 900), pingpong=st.booleans(), reverse=st.booleans())
def test_every_position_is_a_frame_and_neighbours_are_neighbours(frames: int, wanted: int, pingpong: bool, reverse: bool) -> None:
    order = [replay.position(k, frames, pingpong=pingpong, reverse=reverse) for k in range(wanted)]
    assert all(0 <= number < frames for number in order)
    if pingpong and frames > 1:
        assert all(abs(one - other) == 1 for one, other in itertools.pairwise(order))


@pytest.mark.parametrize("rate", [Fraction(50), Fraction(24000, 1001), Fraction(15), Fraction(1)])
def test_pictures_are_found_one_by_one(tmp_path: Path, rate: Fraction) -> None:
    source = f"testsrc=s=64x36:r={rate}:d={float(40 / rate):.6f}"
    making.ffmpeg("-f", "lavfi", "-i", source, "-frames:v", "40", "-pix_fmt", "gbrp", "-c:v", "utvideo", str(tmp_path / replay.STORE))
    wanted = [replay.position(k, 40, pingpong=True, reverse=True) for k in range(100)]
    replay.write_order(tmp_path, rate, iter(wanted))
    all_of_them = frames(tmp_path / replay.STORE)
    read = ("-f", "concat", "-i", str(tmp_path / replay.ORDER), "-vf", "scale=160:90:flags=area,format=rgb24")
    raw = making.ffmpeg(*read, "-fps_mode", "passthrough", "-f", "rawvideo", "-")
    size = 160 * 90 * 3
    found = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert found == [all_of_them[number].tobytes() for number in wanted]


@pytest.mark.parametrize(
    ("length", "raw", "drawn", "count", "turns"),
    [
        (30, {}, 90, 90, False),
        (30, {"speed": 2}, 90, 90, False),
        (30, {"speed": 0.5, "duration": None}, 900, 900, False),
        (30, {"pingpong": True}, 46, 90, True),
        (30, {"pingpong": True, "duration": None}, 450, 898, True),
        (3, {}, 45, 90, False),
        (3, {"speed": 2}, 22, 90, False),
        (3, {"fill": "pingpong"}, 45, 90, True),
        (3, {"fill": "as_is"}, 45, 45, False),
        (3, {"fill": "as_is", "speed": 0.5}, 90, 90, False),
        (2, {"fill": "as_is", "pingpong": True}, 30, 58, True),
        (3, {"pingpong": True}, 46, 90, True),
        (0.05, {}, 1, 90, False),
    ],
)
def test_frames(length: float, raw: dict[str, Any], drawn: int, count: int, turns: bool) -> None:
    planned = arranged(length, **raw)
    assert (planned.drawn, planned.frames, planned.turns) == (drawn, count, turns)


@given(
    length=st.floats(0.1, 100), speed=st.floats(0.25, 4), duration=st.floats(0.05, 60), fps=st.floats(1, 50), pingpong=st.booleans(),
    fill=st.sampled_from(["loop", "pingpong", "as_is"]),
)  # fmt: skip
def test_the_length_is_exact_or_announced(length: float, speed: float, duration: float, fps: float, pingpong: bool, fill: str) -> None:
    planned = arranged(length, speed=speed, duration=duration, fps=fps, pingpong=pingpong, fill=fill)
    wanted = max(1, round(duration * planned.rate))
    assert planned.frames == wanted or (fill == "as_is" and planned.frames < wanted and any("instead of" in said for said in planned.warnings))
    assert 1 <= planned.cycle <= planned.frames


def test_edits_of_a_gif_are_seen(media_dir: Path, tmp_path: Path) -> None:
    path = clip(media_dir, "small.mp4")
    asked = {"crop": "80,20,160,90", "rotate": "180", "flip": "horizontal", **SMALL}
    result = execute("gif", [path], asked, tmp_path)
    wanted = frames(path, "crop=160:90:80:20", "fps=12")[12].transpose(T.FLIP_TOP_BOTTOM)
    got = shown(result.path)[0]
    assert difference(got, wanted) < 12
    assert difference(got, wanted.transpose(T.ROTATE_180)) > 2 * difference(got, wanted)


def test_a_turned_gif_has_turned_sides(media_dir: Path) -> None:
    plan = run.plan("gif", [making.media(picture=making.video(1920, 1080))], {"rotate": "90", "crop": "0,0,1000,500", "width": 100})
    assert (plan.expects.width, plan.expects.height) == (100, 200)


def test_backwards_and_there_and_back(media_dir: Path, tmp_path: Path) -> None:
    path, made = clip(media_dir, FLOWER), {}
    for name, more in {"forwards": {}, "backwards": {"reverse": True}, "both": {"pingpong": True}}.items():
        (tmp_path / name).mkdir()
        made[name] = shown(execute("gif", [path], {**SMALL, **more}, tmp_path / name).path)
    assert [len(pictures) for pictures in made.values()] == [12, 12, 12]
    # Each GIF has colours of its own, so the same picture is not the same to the last bit.
    for number, picture in enumerate(made["backwards"]):
        off = [difference(picture, other) for other in made["forwards"]]
        assert off[11 - number] < 8
        assert off[11 - number] < max(off) / 1.5
    assert all(difference(made["both"][6 - k], made["both"][6 + k]) < 8 for k in range(1, 6))
    assert difference(made["forwards"][0], made["forwards"][11]) > 6


@pytest.mark.parametrize(("speed", "number"), [(2, 16), (0.5, 4)])
def test_speed(media_dir: Path, tmp_path: Path, speed: float, number: int) -> None:
    path = clip(media_dir, FLOWER)
    source = frames(path, "fps=24")
    result = shown(execute("gif", [path], {**SMALL, "start": 0, "speed": speed, "duration": 1}, tmp_path).path)
    assert len(result) == 12
    off = [difference(result[4], source[at]) for at in (number, number + 24)]
    assert off[0] < off[1]


def test_words_are_drawn_where_they_should_stand(media_dir: Path, tmp_path: Path) -> None:
    path, said = clip(media_dir, "red.mp4"), {}
    for place in ("top", "middle", "bottom"):
        (tmp_path / place).mkdir()
        asked = {"width": 160, "fps": 5, "duration": 0.4, "caption": "Żółw: 100% \\{pts} 'x'", "caption_place": place, "caption_size": 12}
        picture = shown(execute("gif", [path], asked, tmp_path / place).path)[0].convert("L")
        bright = picture.point(lambda value: 255 if value > 170 else 0).getbbox()
        assert bright is not None
        said[place] = bright
    assert said["top"][3] < 45 < said["bottom"][1]
    assert said["middle"][1] < 45 < said["middle"][3]
    assert all(abs((box[0] + box[2]) / 2 - 80) < 4 for box in said.values())


def test_long_words_are_broken_and_made_smaller() -> None:
    one = captions.caption("Short", "top", 10, 640, 360)
    many = captions.caption("This is a very much longer caption that needs several lines", "top", 20, 320, 180)
    assert one is not None
    assert many is not None
    assert (one.lines, one.size) == (("Short",), 36)
    assert len(many.lines) > 2
    assert max(captions.font().width(line) for line in many.lines) * many.size <= 320 * 0.94
    assert captions.caption("  ", "top", 10, 640, 360) is None


def test_characters_that_the_font_lacks_are_named() -> None:
    with pytest.raises(MediaError) as caught:
        captions.caption("Hi 日本 😀", "top", 10, 640, 360)
    assert (caught.value.code.name, caught.value.field) == ("bad_parameter", "caption")
    assert "日 本 😀" in caught.value.detail
    assert not captions.font().lacks("Grüße, Ελλάδα, Привет — “ok” €")


def test_a_single_frame_source(media_dir: Path, tmp_path: Path) -> None:
    source = replace(making.media(picture=making.video(duration=0.04)), duration=0.04)
    planned = looping.arrange(source, params.parse(LoopParams, {"reverse": True, "pingpong": True, "fill": "as_is"}))
    assert (planned.drawn, planned.frames) == (1, 1)


def test_memory_of_a_long_reverse_is_that_of_a_picture(media_dir: Path, tmp_path: Path) -> None:
    result = execute("gif", [clip(media_dir, FLOWER)], {"width": 640, "fps": 24, "duration": 4, "reverse": True, "profile": "fast"}, tmp_path)
    assert gif.inspect_gif(result.path).frames == 96
    assert result.metrics.peak_memory < 320_000_000
