"""Several operations as one recipe, with as few encodings between them as there can be."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.engine.chain.folding import fold
from converter.engine.chain.predicting import predict
from converter.engine.errors import MediaError
from converter.engine.media import KINDS, Media
from converter.engine.params import as_dict, listing

from . import get
from .base import Operation, Plan

if TYPE_CHECKING:
    from converter.engine.workbench import Progress, Source, Workbench

NAME = "pipeline"
MOST = 10


@dataclass(frozen=True, slots=True)
class Step:
    """One operation with what it is given; `params` stand on top of the preset's."""

    operation: str
    params: Mapping[str, Any] = field(default_factory=dict)
    preset: str = ""


def read_step(raw: object, field: str) -> Step:
    """A step from `{"operation": "gif", "params": {…}, "preset": "…"}`. Raises `MediaError("bad_parameter")`."""
    if isinstance(raw, Step):
        return raw
    if not isinstance(raw, Mapping) or not set(raw) <= {"operation", "params", "preset"} or not isinstance(raw.get("operation"), str):
        raise MediaError("bad_parameter", f'{field}: write a step as {{"operation": "gif", "params": {{"start": 3}}}}.', field=field)
    params, preset = raw.get("params") or {}, raw.get("preset") or ""
    if not isinstance(params, Mapping) or not isinstance(preset, str):
        raise MediaError("bad_parameter", f"{field}: params must be an object and preset a name.", field=field)
    if raw["operation"] == NAME:
        raise MediaError("bad_parameter", f"{field}.operation: a recipe can't hold another; write its steps here.", field=f"{field}.operation")
    return Step(raw["operation"], dict(params), preset)


@dataclass(frozen=True, slots=True)
class PipelineParams:
    """The recipe."""

    steps: tuple[Step, ...] = listing(
        label="Steps", help="Operations in their order, each with its parameters.", read=read_step, maximum=MOST, advanced=False
    )


@dataclass(frozen=True, slots=True)
class _Stage:
    """A step that will really run: an operation with its parameters, and which of the person's steps it stands for."""

    operation: Operation[Any]
    params: Any
    number: int


class Pipeline(Operation[PipelineParams]):
    """Operations one after another."""

    name = NAME
    title = "Recipe"
    summary = "Several operations one after another; steps that only choose a part cost nothing of their own."
    params = PipelineParams
    accepts = frozenset(kind for kind in KINDS if kind in ("video", "animation", "audio", "image"))
    inputs = (1, 100)
    alone = False

    def plan(self, media: tuple[Media, ...], params: PipelineParams) -> Plan:
        """Plan the steps that remain after folding. Raises what they raise, naming the step, and `bad_parameter`."""
        stages = _folded(media, _stages(params.steps))
        plans = _plans(media, stages)
        last = plans[-1]
        return replace(
            last,
            operation=self.name,
            params=as_dict(params),
            commands=tuple(command for planned in plans for command in planned.commands),
            work_seconds=sum(planned.work_seconds for planned in plans),
            warnings=tuple(warning for planned in plans for warning in planned.warnings),
            extra={"stages": stages, "seconds": tuple(planned.work_seconds for planned in plans), "last": last},
        )

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Run each stage in a directory of its own, on the verified result of the one before."""
        stages: Sequence[_Stage] = plan.extra["stages"]
        costs = [max(0.01, seconds) for seconds in plan.extra["seconds"]]
        sources = bench.sources
        for index, stage in enumerate(stages):
            work = bench.work / f"stage{index}"
            work.mkdir(mode=0o700)
            share = (sum(costs[:index]) / sum(costs), costs[index] / sum(costs))
            part = _part(bench, work, sources, share, f"step {stage.number}: " if len(stages) > 1 else "")
            with _naming(stage.number, named=len(stages) > 1):
                path, planned = _run(stage, part, bench)
                if stage is not stages[-1]:
                    sources = (_between(stage, planned, path, part, bench),)
            if index:
                # Nobody reads it again, and a chain must not need the room of all its files at once.
                shutil.rmtree(bench.work / f"stage{index - 1}")
        bench.settled = replace(planned, operation=self.name, params=plan.params, warnings=plan.warnings, extra={"last": planned, "stages": stages})
        return path

    def check(self, plan: Plan, path: Path, media: Media) -> None:
        """What the last step checks."""
        plan.extra["stages"][-1].operation.check(plan.extra["last"], path, media)


def _stages(steps: Sequence[Step]) -> list[_Stage]:
    if not steps:
        raise MediaError("bad_parameter", "steps: name at least one operation.", field="steps")
    stages = []
    for number, step in enumerate(steps, start=1):
        with _naming(number):
            operation = get(step.operation)
            stages.append(_Stage(operation, operation.read(step.params, step.preset or None), number))
    return stages


def _folded(media: tuple[Media, ...], stages: list[_Stage]) -> tuple[_Stage, ...]:
    """The stages with every neighbour folded into the next that can be."""
    left: list[_Stage] = []
    sources = media
    for place, stage in enumerate(stages):
        following = stages[place + 1] if place + 1 < len(stages) else None
        with _naming(stage.number):
            stage.operation.admit(sources)
            planned = stage.operation.plan(sources, stage.params)
        if following is not None:
            with _naming(following.number):
                folded = fold(stage.operation, stage.params, following.operation, following.params, sources[0]) if len(sources) == 1 else None
            if folded is not None:
                stages[place + 1] = replace(following, params=following.operation.read(folded))
                continue
            stage = replace(stage, params=stage.operation.between(stage.params))
        left.append(stage)
        sources = (predict(planned, sources[0]),)
    return tuple(left)


def _plans(media: tuple[Media, ...], stages: tuple[_Stage, ...]) -> tuple[Plan, ...]:
    plans: list[Plan] = []
    for stage in stages:
        with _naming(stage.number):
            stage.operation.admit(media)
            plans.append(stage.operation.plan(media, stage.params))
        media = (predict(plans[-1], media[0]),)
    return tuple(plans)


def _part(bench: Workbench, work: Path, sources: Sequence[Source], share: tuple[float, float], prefix: str) -> Workbench:
    """A workbench for one stage, which reports within its share of the whole."""
    base, width = share

    def report(progress: Progress) -> None:
        bench.advance(base + width * progress.fraction, prefix + progress.stage)

    return type(bench)(work, sources, progress=report, stop=bench.stop, limits=bench.limits, tool=bench.tool)


def _run(stage: _Stage, part: Workbench, bench: Workbench) -> tuple[Path, Plan]:
    """Run one stage; its costs, tools and sentences count for the whole also where it fails."""
    planned = stage.operation.plan(tuple(source.media for source in part.sources), stage.params)
    try:
        path = stage.operation.run(planned, part)
    finally:
        bench.metrics += part.metrics
        bench.tools |= part.tools
        for sentence in part.warnings():
            bench.warn(sentence)
    return path, part.settled or planned


def _between(stage: _Stage, planned: Plan, path: Path, part: Workbench, bench: Workbench) -> Source:
    """The verified result of a stage as the next one's source."""
    from converter.engine.verify import verify
    from converter.engine.workbench import Source

    checking = type(bench)(part.work, (), stop=bench.stop, limits=bench.limits, tool=bench.tool)
    try:
        media = verify(path, planned.expects, checking)
        stage.operation.check(planned, path, media)
    finally:
        bench.metrics += checking.metrics
    return Source(path, media)


@contextmanager
def _naming(number: int, *, named: bool = True) -> Iterator[None]:
    """Put the number of the step before a refusal that comes from inside it."""
    try:
        yield
    except MediaError as error:
        if not named or not error.users or error.detail.startswith("Step "):
            raise
        where = f"steps[{number - 1}]" + (f".params.{error.field}" if error.field else "")
        raise MediaError(error.code.name, f"Step {number}: {error.detail}", field=where, log=error.log) from error
