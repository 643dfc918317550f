"""Every operation keeps the promises that the form, the API and the command line rely on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from converter.engine import run
from converter.engine.errors import MediaError
from converter.engine.media import Media
from converter.engine.operations import all_operations, get
from converter.engine.operations.base import Operation
from converter.engine.params import specs
from converter.engine.tests import making

OPERATIONS = list(all_operations().values())
NEEDED: Mapping[str, Mapping[str, Any]] = {"pipeline": {"steps": [{"operation": "gif"}]}}
"""What an operation can't do without."""


def _fitting(operation: Operation[Any]) -> Media:
    """A made-up file of a kind that the operation takes."""
    if "video" in operation.accepts:
        return making.media()
    picture = making.video(fps=0.0, duration=None, codec="mjpeg", frames=1)
    return making.media(picture=replace(picture, frame_rate="0/1"), sound=False, duration=None, kind="image", container="jpeg", mime="image/jpeg")


def test_the_registry_holds_them() -> None:
    assert {"compress", "gif", "join", "trim"} <= set(all_operations())
    with pytest.raises(MediaError) as caught:
        get("nothing")
    assert (caught.value.code.name, caught.value.field) == ("bad_parameter", "operation")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_parameter_is_explained_and_bounded(operation: Operation[Any]) -> None:
    for spec in specs(operation.params):
        assert spec.label
        assert spec.help.endswith(".")
        if spec.type in ("number", "integer"):
            assert spec.minimum is not None
            assert spec.maximum is not None
        if spec.type == "choice":
            assert spec.default in dict(spec.choices)
    assert json.loads(json.dumps(operation.describe()))["name"] == operation.name


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_defaults_and_presets_can_be_planned_stored_and_read_again(operation: Operation[Any]) -> None:
    given, media = NEEDED.get(operation.name, {}), _fitting(operation)
    for preset in (None, *(preset.name for preset in operation.presets)):
        params = operation.read(given, preset)
        assert operation.read(operation.stored(params)) == params
        plan = run.plan(operation.name, [media], given, preset)
        assert plan.params == operation.stored(params)
        public = plan.as_dict()
        assert json.loads(json.dumps(public)) == public
        assert 0 <= public["size_min"] < public["size_max"]
        assert public["work_seconds"] > 0
        assert public["duration"] is None or public["duration"] > 0
        shares = sum(command.share for command in plan.commands)
        # An operation with a run of its own reports what it does beside ffmpeg.
        assert shares == pytest.approx(1) if type(operation).run is Operation.run else 0 <= shares <= 1 + 1e-6
        assert all("/" not in command.output for command in plan.commands)
        assert plan.commands == run.plan(operation.name, [media], given, preset).commands


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_what_is_not_known_is_refused(operation: Operation[Any]) -> None:
    for params, preset in (({"nothing": 1}, None), ({}, "nothing")):
        with pytest.raises(MediaError) as caught:
            operation.read(params, preset)
        assert caught.value.code.name == "bad_parameter"
