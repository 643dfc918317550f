"""Every operation keeps the promises that the form, the API and the command line rely on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from converter.engine import run
from converter.engine.errors import MediaError
from converter.engine.operations import all_operations, get
from converter.engine.operations.base import Operation
from converter.engine.params import specs
from converter.engine.tests import making

OPERATIONS = list(all_operations().values())


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
    for preset in (None, *(preset.name for preset in operation.presets)):
        params = operation.read({}, preset)
        assert operation.read(operation.stored(params)) == params
        plan = run.plan(operation.name, [making.media()], {}, preset)
        assert plan.params == operation.stored(params)
        public = plan.as_dict()
        assert json.loads(json.dumps(public)) == public
        assert 0 <= public["size_min"] < public["size_max"]
        assert public["work_seconds"] > 0
        assert public["duration"] is None or public["duration"] > 0
        assert sum(command.share for command in plan.commands) == pytest.approx(1)
        assert all("/" not in command.output for command in plan.commands)
        assert plan.commands == run.plan(operation.name, [making.media()], {}, preset).commands


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_what_is_not_known_is_refused(operation: Operation[Any]) -> None:
    for params, preset in (({"nothing": 1}, None), ({}, "nothing")):
        with pytest.raises(MediaError) as caught:
            operation.read(params, preset)
        assert caught.value.code.name == "bad_parameter"
