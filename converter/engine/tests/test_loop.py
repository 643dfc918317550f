"""Loops of real files: where they are cut, how they are joined, and what is said about it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from converter.engine import run
from converter.engine.errors import MediaError
from converter.engine.operations.loop import LoopParams, suggestion
from converter.engine.seams import Seam, drawing
from converter.engine.tests import making
from converter.engine.tests.making import FRIDAY, clip, difference, execute, frames, times
from converter.engine.tests.planted import planted

PERIOD, RATE = 45, 30


@pytest.fixture(scope="session")
def turning(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of things that go round every 1.5 s, with a tone that does, too."""
    folder = tmp_path_factory.mktemp("turning")
    case = next(case for case in map(planted, range(200)) if case.starts[0] == 0 and 44 <= case.period <= 46 and "shake" not in case.name)
    (folder / "raw").write_bytes(case.clip.frames[:180].tobytes())
    target = folder / "turning.mp4"
    period = case.period / RATE
    making.ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "32x32", "-r", str(RATE), "-i", str(folder / "raw")),
        *("-f", "lavfi", "-i", f"aevalsrc=0.3*sin(2*PI*t*(300+200*sin(2*PI*t/{period}))):s=48000:d=6"),
        *("-vf", "scale=128:96:flags=bicubic", "-c:v", "libx264", "-crf", "12", "-g", "60", "-c:a", "aac", str(target)),
    )
    target.with_suffix(".json").write_text(json.dumps(case.period))
    return target


def period_of(turning: Path) -> int:
    return int(json.loads(turning.with_suffix(".json").read_text()))


def test_a_loop_is_found_and_cut(turning: Path, tmp_path: Path) -> None:
    result = execute("loop", [turning], {"start": 1, "duration": 1.6, "search": 0.5}, tmp_path)
    assert result.plan.expects.frames is not None
    assert abs(result.plan.expects.frames - period_of(turning)) <= 1
    assert "cut. Its seam scores" in result.warnings[-1]
    assert result.media.audio is not None
    shown = frames(result.path)
    # Going round is one more ordinary step.
    steps = [difference(a, b) for a, b in pairwise(shown)]
    assert difference(shown[-1], shown[0]) <= 1.5 * max(steps)


def test_the_frames_are_the_sources_own(turning: Path, tmp_path: Path) -> None:
    result = execute("loop", [turning], {"start": 1, "end": 2.5, "search": 0, "mode": "cut", "sound": False}, tmp_path)
    source, shown = frames(turning), frames(result.path)
    assert len(shown) == 45
    assert times(result.path) == pytest.approx([k / RATE for k in range(45)], abs=0.0005)
    for k in (0, 20, 44):
        assert min(range(27 + k, 34 + k), key=lambda n: difference(shown[k], source[n])) == 30 + k
    assert result.media.audio is None


def test_a_cross_fade_ends_before_its_start(turning: Path, tmp_path: Path) -> None:
    params = {"start": 2, "end": 3.7, "search": 0, "mode": "crossfade", "fade": 0.5}
    result = execute("loop", [turning], params, tmp_path)
    source, shown = frames(turning), frames(result.path)
    assert len(shown) == 51
    assert difference(shown[0], source[60]) < 3
    assert difference(shown[30], source[90]) < 3
    # The last frame is nearly the one before the first.
    assert difference(shown[-1], source[59]) < difference(shown[-1], source[110])
    assert result.media.duration == pytest.approx(1.7, abs=0.03)
    assert "cross-faded for 0.50 s" in result.warnings[-1]


@pytest.mark.parametrize("range_", ["tv", "pc"])
def test_a_cross_fade_is_even(tmp_path: Path, range_: str) -> None:
    """Dark before the start and light after it: each step of the fade is as large as the others, at either range of levels."""
    dark, light = (f"color=c={grey}:s=128x96:r=30000/1001:d={seconds}" for grey, seconds in (("#282828", 1.001), ("#c8c8c8", 2.002)))
    source = tmp_path / "step.mp4"
    filters = f"[0][1]concat,scale=out_range={range_},format=yuv420p"
    inputs = ("-f", "lavfi", "-i", dark, "-f", "lavfi", "-i", light)
    making.ffmpeg(*inputs, "-filter_complex", filters, "-c:v", "libx264", "-crf", "6", "-color_range", range_, str(source))
    params = {"start": 1.001, "end": 2.002, "search": 0, "mode": "crossfade", "fade": 0.334}
    result = execute("loop", [source], params, tmp_path)
    levels = [sum(shown.resize((1, 1)).getpixel((0, 0))) / 3 for shown in frames(result.path)]
    assert levels == pytest.approx([200.0] * 20 + [200 - 16 * k for k in range(10)], abs=4)
    assert times(result.path) == pytest.approx([k * 1.001 / RATE for k in range(30)], abs=0.0005)
    assert [path.name for path in result.path.parent.iterdir()] == ["result.mp4"]


def test_a_cross_fade_at_the_very_beginning_moves_on(turning: Path, tmp_path: Path) -> None:
    result = execute("loop", [turning], {"start": 0, "end": 2, "search": 0, "mode": "crossfade", "fade": 0.3}, tmp_path)
    assert result.plan.expects.frames == 60
    assert "from 0:00.3 to 0:02.3" in result.warnings[-1]


@pytest.mark.parametrize("block", [drawing.BLOCK_BYTES, 128 * 96 * 3 // 2 * 7])
def test_there_and_back(turning: Path, tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "BLOCK_BYTES", block)
    result = execute("loop", [turning], {"start": 1, "end": 2, "search": 0, "mode": "pingpong"}, tmp_path)
    source, shown = frames(turning), frames(result.path)
    assert len(shown) == 58
    assert times(result.path) == pytest.approx([k / RATE for k in range(58)], abs=0.0005)
    for k in range(30):
        assert difference(shown[k], source[30 + k]) < 4
    for k in range(30, 58):
        assert difference(shown[k], shown[58 - k]) < 3
    assert result.media.duration == pytest.approx(58 / RATE, abs=0.03)
    assert sorted(path.name for path in result.path.parent.iterdir()) == ["result.mp4"]


def test_the_report_lists_seams(turning: Path, tmp_path: Path) -> None:
    result = execute("loop", [turning], {"start": 1, "duration": 1.6, "report": True}, tmp_path, preset="doctor")
    report = json.loads(result.path.read_text())
    assert result.media.kind == "data"
    assert 1 <= len(report["seams"]) <= 5
    best = report["seams"][0]
    assert abs(best["frames"] - period_of(turning)) <= 1
    assert best["suggestion"] == "cut"
    assert best["words"] == "the seam can't be seen"
    assert result.path.parent.joinpath("seam0.raw").exists() is False


@pytest.mark.parametrize("name", ["gaps.mp4", "rotated.mp4", "wide_pixels.mp4", "late_picture.mp4", "offset.ts", "moving.gif", "mute.mp4", FRIDAY])
def test_every_kind_of_source(media_dir: Path, tmp_path: Path, name: str) -> None:
    result = execute("loop", [clip(media_dir, name)], {"start": 0.4, "duration": 1, "search": 0.3}, tmp_path)
    video = result.media.video
    assert video is not None
    assert (video.codec, video.rotation, video.sample_aspect) == ("h264", 0, "1/1")
    assert 0.4 <= (result.media.duration or 0) <= 3.3


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"start": 31}, "start_past_end"),
        ({"start": 5, "end": 5}, "empty_range"),
        ({"duration": 0}, "empty_range"),
        ({"end": 3, "duration": 2}, "bad_parameter"),
        ({"start": 1, "duration": 1, "search": 0, "shortest": 3}, "bad_parameter"),
        ({"search": 16}, "bad_parameter"),
        ({"mode": "melt"}, "bad_parameter"),
        ({"start": "nan"}, "bad_parameter"),
    ],
)
def test_bad_input(params: dict[str, Any], code: str) -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("loop", [making.media()], params)
    assert caught.value.code.name == code


def test_what_does_not_move_does_not_go_round(media_dir: Path) -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("loop", [making.media(picture=making.video(frames=1, duration=0.04), duration=0.04)], {})
    assert caught.value.code.name == "no_video"
    sound = making.probe.inspect(clip(media_dir, "sound.wav"))
    with pytest.raises(MediaError) as caught:
        run.plan("loop", [sound], {})
    assert caught.value.code.name == "no_video"


def test_there_and_back_has_a_bound() -> None:
    with pytest.raises(MediaError, match="at most 60 s"):
        run.plan("loop", [making.media(duration=100, picture=making.video(duration=100))], {"mode": "pingpong", "end": 90})


def test_a_damaged_middle_blames_the_file(media_dir: Path, tmp_path: Path) -> None:
    data = bytearray(clip(media_dir, making.FLOWER).read_bytes())
    data[300_000:600_000] = bytes(300_000)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    with pytest.raises(MediaError) as caught:
        execute("loop", [broken], {"start": 0.5, "duration": 3}, tmp_path)
    assert caught.value.code.name == "corrupt_media"


@pytest.mark.parametrize(("score", "back", "mode"), [(85, True, "cut"), (60, True, "crossfade"), (20, True, "pingpong"), (20, False, "crossfade")])
def test_auto_chooses_by_the_score(score: float, back: bool, mode: str) -> None:
    assert suggestion(Seam(0, 10, score, score, None), back=back) == mode


def test_plan_promises_a_range_of_lengths() -> None:
    plan = run.plan("loop", [making.media()], {"start": 5, "duration": 4, "search": 1})
    assert plan.expects.duration == pytest.approx(4)
    assert plan.expects.tolerance >= 2
    assert plan.size_range[0] < plan.size_range[1]
    assert "move by up to 1 s" in plan.warnings[0]
    assert LoopParams().mode == "auto"
