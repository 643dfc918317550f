"""Recipes: what is folded is the same as doing it at once, what is not goes through a verified file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.engine import run
from converter.engine.errors import MediaError
from converter.engine.operations import get
from converter.engine.tests.making import FLOWER, clip, difference, execute, frames, media

GIF = {"width": 96, "height": 54, "fps": 10, "profile": "fast"}


def _steps(*steps: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"steps": [{"operation": name, "params": params} for name, params in steps]}


def _stages(params: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    plan = run.plan("pipeline", [media()], params)
    return [(stage.operation.name, stage.operation.stored(stage.params)) for stage in plan.extra["stages"]]


def test_cut_crop_and_gif_are_one_decode_and_the_same_bytes(media_dir: Path, tmp_path: Path) -> None:
    source = clip(media_dir, FLOWER)
    cut = {"start": 1.0, "duration": 2.0, "crop": "100,50,640,360", "rotate": "180"}
    recipe = execute("pipeline", [source], _steps(("trim", cut), ("gif", {**GIF, "start": 0.5, "duration": 1.0})), tmp_path)
    direct = execute("gif", [source], {**GIF, "start": 1.5, "duration": 1.0, "crop": cut["crop"], "rotate": "180"}, tmp_path)
    assert recipe.path.read_bytes() == direct.path.read_bytes()
    assert recipe.plan.operation == "pipeline"
    assert len(recipe.plan.extra["stages"]) == 1


def test_two_cuts_are_one() -> None:
    found = _stages(_steps(("trim", {"start": 2, "end": 20, "rotate": "90"}), ("trim", {"start": 3, "end": 5, "flip": "horizontal", "rotate": "90"})))
    assert len(found) == 1
    name, params = found[0]
    assert (name, params["start"], params["end"], params["rotate"], params["flip"]) == ("trim", 5.0, 7.0, "180", "horizontal")


@given(st.floats(0, 20), st.floats(0.5, 9), st.floats(0, 0.4), st.floats(0.1, 0.9))
def test_ranges_add_up(start: float, length: float, offset: float, share: float) -> None:
    inner = (length - offset) * share
    found = _stages(_steps(("trim", {"start": start, "duration": length}), ("gif", {"start": offset, "duration": inner})))
    assert len(found) == 1
    assert found[0][1]["start"] == pytest.approx(start + offset)
    assert found[0][1]["duration"] == pytest.approx(inner)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"duration": 2}, {"duration": 6}),  # what follows the cut must not come back
        ({"duration": 5, "speed": 2}, {"duration": 1}),
        ({"duration": 5, "mode": "copy"}, {"duration": 1}),
        ({"ranges": [{"start": 0, "end": 1}, {"start": 5, "end": 6}]}, {"duration": 1}),
        ({"duration": 5}, {"duration": 1, "speed": 2}),
    ],
)
def test_what_would_not_be_the_same_gets_a_file_between(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert [name for name, _ in _stages(_steps(("trim", first), ("gif", {**GIF, **second})))] == ["trim", "gif"]


def test_a_file_between_is_verified_read_and_removed(media_dir: Path, tmp_path: Path) -> None:
    source = clip(media_dir, FLOWER)
    steps = _steps(("trim", {"start": 1, "duration": 1}), ("gif", {**GIF, "duration": 2}))
    seen: list[run.Progress] = []
    sources = [run.Source(source, run_probe(source))]
    result = run.execute("pipeline", sources, steps, work=tmp_path, progress=seen.append)
    assert result.media.video is not None and result.media.video.frames == 20
    # Where the GIF encoder could not be compiled, ffmpeg draws, and its palette stays.
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "palette.png"] == [result.path]
    assert [told.fraction for told in seen] == sorted(told.fraction for told in seen)
    assert any(told.stage.startswith("step 1: ") for told in seen) and any(told.stage.startswith("step 2: ") for told in seen)
    pictures, cut = frames(result.path), frames(source)
    # The second of the clip is played twice, as the GIF was told to fill its two seconds.
    assert difference(pictures[0], pictures[10]) < 2 and difference(pictures[0], cut[30]) < 12


def run_probe(path: Path) -> Any:
    """The clip's facts."""
    from converter.engine import probe

    return probe.inspect(path, path.name)


@pytest.mark.parametrize(
    ("params", "code", "field", "said"),
    [
        ({}, "bad_parameter", "steps", "at least one"),
        (_steps(("nothing", {})), "bad_parameter", "steps[0].params.operation", "Step 1: operation: 'nothing'"),
        (_steps(("pipeline", {})), "bad_parameter", "steps[0].operation", "can't hold another"),
        ({"steps": [{"operation": "gif", "extra": 1}]}, "bad_parameter", "steps[0]", "write a step as"),
        ({"steps": [{"operation": "gif"}] * 11}, "bad_parameter", "steps", "at most 10"),
        (_steps(("trim", {"start": 99})), "start_past_end", "steps[0].params.start", "Step 1: "),
        (_steps(("trim", {"duration": 5}), ("gif", {"start": 7})), "start_past_end", "steps[1].params.start", "Step 2: "),
        (_steps(("gif", {}), ("audio", {})), "no_audio", None, "Step 2: "),
        (_steps(("analyse", {}), ("gif", {})), "no_video", None, "Step 2: "),
    ],
)
def test_what_is_wrong_names_its_step(params: dict[str, Any], code: str, field: str | None, said: str) -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("pipeline", [media()], get("pipeline").stored(get("pipeline").read(params)))
    assert caught.value.code.name == code, caught.value.detail
    assert said in caught.value.detail
    assert field is None or caught.value.field == field
