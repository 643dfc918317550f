"""The models of all operations, and how they change a plan."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from converter.engine.media import Media
from converter.engine.operations.base import Plan

from .facts import Facts, facts, looked, variant
from .model import LARGEST, Model

PRIORS = Path(__file__).resolve().parent / "priors.json"
"""What the benchmark's clips taught; written by `python -m benchmarks.estimating`."""
FEWEST = 4.0
"""Jobs after which a model is believed; before, the operation's own estimate stands."""
WIDE = 4.0
"""Standard deviations that a range reaches. Two would do if jobs had nothing to do with each other; but jobs on one clip err alike,
and the next clip is another. Measured on clips left out: 82 of 100 sizes inside at 2.2, 88 at 3, 97 at 4."""
SLACK = 8.0
"""Times that the work may take, at most, of what the operation itself expects; at least its inverse."""
SIZE, SECONDS = "size", "seconds"
PRIOR_JOBS = {SIZE: 60.0, SECONDS: 12.0}
"""What is shipped counts as much as so many jobs of this machine at most. Another machine takes other times, but makes the same sizes."""
LOOKED = "-looked"
"""What the names of models end with that learn from sources at which somebody looked; the others know the probe alone."""
LEAST_PART = 0.2
"""Part of a size that is never taken for known, however long the sound."""
LIKELY = "likely_size"
"""Where a refined plan keeps the single most likely number of bytes, in its `extra`."""


class Book:
    """Models by operation and number. Not for several threads at once."""

    def __init__(self, models: Mapping[str, Model] | None = None) -> None:
        self.models = dict(models or {})

    def refine(self, plan: Plan, media: tuple[Media, ...]) -> Plan:
        """The plan with what is known of its like: never outside its own range of sizes, nor absurd in time."""
        return self._timed(self._sized(plan, media), media)

    def _sized(self, plan: Plan, media: tuple[Media, ...]) -> Plan:
        told, model = self._best(plan, media, SIZE)
        low, high = plan.size_range
        if model is None or high <= 0:
            return plan
        mean, spread = model.predict(told.size)
        bounds = (told.size_known + told.size_unit * math.exp(_held(mean + side * WIDE * spread)) for side in (-1, 1))
        # Where both ends fall outside the promise is right: it knows what can't be.
        # Its lower end only knows that somebody might send silence, or a black picture; who looked knows more.
        least = min(plan.size_range[0], told.size_known) if told.looked else plan.size_range[0]
        low, high = (round(min(max(bound, least), plan.size_range[1])) for bound in bounds)
        likely = min(max(told.size_known + told.size_unit * math.exp(mean), low), high)
        return replace(plan, size_range=(low, high), extra={**plan.extra, LIKELY: round(likely)})

    def _timed(self, plan: Plan, media: tuple[Media, ...]) -> Plan:
        told, model = self._best(plan, media, SECONDS)
        if model is None:
            return plan
        mean, _ = model.predict(told.seconds)
        return replace(plan, work_seconds=told.seconds_unit * math.exp(min(math.log(SLACK), max(-math.log(SLACK), mean))))

    def learn(self, plan: Plan, media: tuple[Media, ...], size: int, cpu_seconds: float) -> None:
        """Add a finished job: the plan as the operation made it, the bytes that came out, the CPU seconds it took."""
        for told in filter(None, (facts(plan, media), looked(plan, media))):
            if size > 0:
                rest = max(size - told.size_known, LEAST_PART * size)
                self.model(variant(plan), SIZE, looked=told.looked).update(told.size, math.log(rest / told.size_unit))
            if cpu_seconds > 0:
                self.model(variant(plan), SECONDS, looked=told.looked).update(told.seconds, math.log(cpu_seconds / told.seconds_unit))

    def model(self, way: str, number: str, *, looked: bool = False) -> Model:
        """A model, a new one where there is none."""
        return self.models.setdefault(key(way, number, looked=looked), Model())

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {name: model.as_dict() for name, model in sorted(self.models.items())}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Book:
        """Read `as_dict` back. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        return cls({name: Model.from_dict(model) for name, model in data.items()})

    def _best(self, plan: Plan, media: tuple[Media, ...], number: str) -> tuple[Facts, Model | None]:
        """What the most knowing model that has seen enough is to be asked, and that model."""
        with_look = looked(plan, media)
        if with_look is not None and (model := self._known(variant(plan), number, looked=True)) is not None:
            return with_look, model
        return facts(plan, media), self._known(variant(plan), number, looked=False)

    def _known(self, way: str, number: str, *, looked: bool) -> Model | None:
        model = self.models.get(key(way, number, looked=looked))
        return model if model is not None and model.jobs >= FEWEST else None


def likely(plan: Plan) -> int:
    """The most likely size of a plan's result, in bytes: what was learned, or the middle of its range."""
    known = plan.extra.get(LIKELY)
    if known is None and plan.expects.max_size:
        # Who names a size gets it, as a rule.
        return min(plan.expects.max_size, plan.size_range[1])
    return int(known) if known is not None else round(math.sqrt(max(1, plan.size_range[0]) * max(1, plan.size_range[1])))


def key(way: str, number: str, *, looked: bool = False) -> str:
    """A model's name."""
    return f"{way}/{number}{LOOKED if looked else ''}"


def number_of(name: str) -> str:
    """Which number a model of that name foretells: `SIZE` or `SECONDS`."""
    return name.rpartition("/")[2].removesuffix(LOOKED)


def keys(plan: Plan) -> tuple[str, ...]:
    """The names of the models that a plan's job teaches, or that foretell it."""
    return tuple(key(variant(plan), number, looked=looked) for number in (SIZE, SECONDS) for looked in (False, True))


def _held(exponent: float) -> float:
    return max(-LARGEST, min(LARGEST, exponent))


def shipped(names: Iterable[str] | None = None) -> Book:
    """A new book with what every installation knows (of some models, or all); what this machine does soon outweighs it."""
    known = _priors().models
    wanted = known if names is None else [name for name in names if name in known]
    return Book({name: known[name].loosened(PRIOR_JOBS[number_of(name)]) for name in wanted})


@cache
def _priors() -> Book:
    return Book.from_dict(json.loads(PRIORS.read_text(encoding="utf-8"))) if PRIORS.is_file() else Book()
