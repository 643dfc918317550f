"""Joined clips: every frame accounted for, no seam moved, no colour changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from converter.engine import run
from converter.engine.errors import MediaError
from converter.engine.operations import get, join
from converter.engine.tests import making
from converter.engine.tests.making import FLOWER, clip, difference, execute, frames, samples

RANGES = [{"start": 1, "end": 1.5}, {"start": 0.2, "end": 0.6}, {}]


@pytest.mark.parametrize("at_once", [12, 2, 1])
def test_clips_of_every_kind_follow_each_other(media_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(join, "_GRAPH_CLIPS", at_once)
    paths = [clip(media_dir, name) for name in ("small.mp4", "green_tall.mp4", "red.mp4")]
    result = execute("join", paths, {"ranges": RANGES, "width": 320, "height": 180, "fps": 25}, tmp_path)
    assert len(result.plan.commands) == {12: 1, 2: 3, 1: 4}[at_once]
    shown = frames(result.path)
    # 0.5, 0.4 and 1 second at 25 fps; halves round to even.
    assert len(shown) == 12 + 10 + 25
    source = frames(clip(media_dir, "small.mp4"))
    assert difference(shown[0], source[30]) < 12
    assert [shown[k].getpixel((80, 45))[0] > 150 for k in (21, 22, 46)] == [False, True, True]
    assert shown[12].getpixel((2, 45)) == pytest.approx((0, 0, 0), abs=8)
    assert shown[12].getpixel((80, 45)) == pytest.approx((0x40, 0xD0, 0x98), abs=12)
    assert len(samples(result.path)) / 4 / 48000 == pytest.approx(47 / 25, abs=0.03)


def test_silence_where_a_clip_has_no_sound(media_dir: Path, tmp_path: Path) -> None:
    paths = [clip(media_dir, "red.mp4"), clip(media_dir, "green_tall.mp4")]
    result = execute("join", paths, {"ranges": ["0-0.6", "0-0.4"], "width": 64, "height": 64}, tmp_path)
    sound = samples(result.path)
    second = 48000 * 4
    assert max(abs(value) for value in memoryview(sound[: second // 2]).cast("h")) < 50
    assert max(abs(value) for value in memoryview(sound[int(0.7 * second) :][: second // 10 * 1]).cast("h")) > 500


def test_no_sound_anywhere_gives_no_sound(media_dir: Path, tmp_path: Path) -> None:
    result = execute("join", [clip(media_dir, "red.mp4")] * 2, {}, tmp_path)
    assert result.media.audio is None
    assert result.media.duration == pytest.approx(2, abs=0.05)


def test_a_blurred_frame_beside_a_transparent_clip_keeps_its_colours(media_dir: Path, tmp_path: Path) -> None:
    # One clip with transparency in the graph must not change how another is composed.
    paths = [clip(media_dir, "green_tall.mp4"), clip(media_dir, "see_through.mov")]
    result = execute("join", paths, {"ranges": ["0-0.2", "0-0.2"], "width": 320, "height": 180, "fit": "blur"}, tmp_path)
    row = {frames(result.path)[2].getpixel((x, 45)) for x in range(160)}
    assert all(pixel == pytest.approx((0x40, 0xD0, 0x98), abs=6) for pixel in row)


def test_sources_with_odd_times(media_dir: Path, tmp_path: Path) -> None:
    paths = [clip(media_dir, name) for name in ("offset.ts", "late_picture.mp4", "gaps.mp4", "rotated.mp4", "vp8.webm")]
    result = execute("join", paths, {"ranges": ["0.5-1"] * 5, "width": 160, "height": 90, "fps": 24}, tmp_path)
    shown, source = frames(result.path), frames(clip(media_dir, "small.mp4"))
    assert len(shown) == 60
    assert difference(shown[0], source[15]) < 12
    assert difference(shown[24], source[7]) < 12
    assert len(samples(result.path)) / 4 / 48000 == pytest.approx(2.5, abs=0.03)


def test_many_clips_are_never_decoded_all_at_once() -> None:
    plan = run.plan("join", [making.media()] * 100, {})
    assert max(len(command.inputs) for command in plan.commands) <= 12
    assert sum(len(command.inputs) for command in plan.commands[:-1]) == 100
    assert sum(command.share for command in plan.commands) == pytest.approx(1)
    large = making.media(picture=making.video(7680, 4320))
    assert max(len(command.inputs) for command in run.plan("join", [large] * 10, {"width": 640}).commands) <= 3


def test_rounding_does_not_add_up() -> None:
    plan = run.plan("join", [making.media()] * 90, {"ranges": ["0-1.01"] * 90, "fps": 23.976})
    assert plan.expects.frames == 90 * 24
    words = " ".join(plan.commands[0].arguments)
    assert words.count("end_sample=48048") == 12


@pytest.mark.parametrize(
    ("ranges", "code", "field"),
    [
        (["0-1"], "bad_parameter", "ranges"),
        (["0-1", "40-41"], "start_past_end", "ranges[1].start"),
        (["0-1", "3-2"], "empty_range", "ranges[1].end"),
        (["0-1", "x-2"], "bad_parameter", "ranges[1].start"),
        (["0-1", {"start": "nan"}], "bad_parameter", "ranges[1].start"),
        (["0-1", {"begin": 1}], "bad_parameter", "ranges[1]"),
        (["0-1", 7], "bad_parameter", "ranges[1]"),
        (["0-1", {"start": -1}], "bad_parameter", "ranges[1].start"),
        ("0-1", "bad_parameter", "ranges"),
    ],
)
def test_bad_ranges(ranges: Any, code: str, field: str) -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("join", [making.media()] * 2, {"ranges": ranges})
    assert (caught.value.code.name, caught.value.field) == (code, field)


def test_limits() -> None:
    for count, params, code in ((101, {}, "bad_parameter"), (0, {}, "bad_parameter"), (1, {"width": 8192, "height": 8192}, "too_many_pixels")):
        with pytest.raises(MediaError) as caught:
            run.plan("join", [making.media()] * count, params)
        assert caught.value.code.name == code
    with pytest.raises(MediaError) as caught:
        run.plan("join", [making.media(duration=7200.0)] * 3, {})
    assert caught.value.code.name == "too_long"


def test_parameters_are_stored_and_read_again() -> None:
    operation = get("join")
    params = operation.read({"ranges": ["1-2.5", {"start": 3}]})
    assert operation.read(operation.stored(params)) == params
    assert operation.stored(params)["ranges"] == [{"start": 1.0, "end": 2.5}, {"start": 3.0, "end": None}]


def test_one_source_used_often(media_dir: Path, tmp_path: Path) -> None:
    path = clip(media_dir, FLOWER)
    result = execute("join", [path] * 4, {"ranges": ["2-2.2", "0-0.2", "1-1.2", "0-0.2"], "width": 160, "height": 90, "fps": 25}, tmp_path)
    shown = frames(result.path)
    assert len(shown) == 20
    assert difference(shown[7], shown[17]) < difference(shown[7], shown[12])
