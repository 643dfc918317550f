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

from .facts import facts
from .model import LARGEST, Model

PRIORS = Path(__file__).resolve().parent / "priors.json"
"""What the benchmark's clips taught; written by `python -m benchmarks.estimating`."""
PRIOR_JOBS = 12.0
"""What is shipped counts as much as so many jobs of this machine."""
FEWEST = 4.0
"""Jobs after which a model is believed; before, the operation's own estimate stands."""
WIDE = 4.0
"""Standard deviations that a range reaches. Two would do if jobs had nothing to do with each other; but jobs on one clip err alike,
and the next clip is another. Measured on clips left out: 82 of 100 sizes inside at 2.2, 88 at 3, 97 at 4."""
SLACK = 8.0
"""Times that the work may take, at most, of what the operation itself expects; at least its inverse."""
SIZE, SECONDS = "size", "seconds"
LIKELY = "likely_size"
"""Where a refined plan keeps the single most likely number of bytes, in its `extra`."""


class Book:
    """Models by operation and number. Not for several threads at once."""

    def __init__(self, models: Mapping[str, Model] | None = None) -> None:
        self.models = dict(models or {})

    def refine(self, plan: Plan, media: tuple[Media, ...]) -> Plan:
        """The plan with what is known of its like: never outside its own range of sizes, nor absurd in time."""
        told = facts(plan, media)
        low, high = plan.size_range
        size = self._known(plan.operation, SIZE)
        if size is not None and high > 0:
            mean, spread = size.predict(told.size)
            bounds = (told.size_unit * math.exp(max(-LARGEST, min(LARGEST, mean + side * WIDE * spread))) for side in (-1, 1))
            # Where both ends fall outside the promise is right: it knows what can't be.
            low, high = (round(min(max(bound, plan.size_range[0]), plan.size_range[1])) for bound in bounds)
            likely = min(max(told.size_unit * math.exp(mean), low), high)
            plan = replace(plan, size_range=(low, high), extra={**plan.extra, LIKELY: round(likely)})
        seconds = self._known(plan.operation, SECONDS)
        if seconds is not None:
            mean, _ = seconds.predict(told.seconds)
            plan = replace(plan, work_seconds=told.seconds_unit * math.exp(min(math.log(SLACK), max(-math.log(SLACK), mean))))
        return plan

    def learn(self, plan: Plan, media: tuple[Media, ...], size: int, cpu_seconds: float) -> None:
        """Add a finished job: the plan as the operation made it, the bytes that came out, the CPU seconds it took."""
        told = facts(plan, media)
        if size > 0:
            self.model(plan.operation, SIZE).update(told.size, math.log(size / told.size_unit))
        if cpu_seconds > 0:
            self.model(plan.operation, SECONDS).update(told.seconds, math.log(cpu_seconds / told.seconds_unit))

    def model(self, operation: str, number: str) -> Model:
        """A model, a new one where there is none."""
        return self.models.setdefault(key(operation, number), Model())

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {name: model.as_dict() for name, model in sorted(self.models.items())}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Book:
        """Read `as_dict` back. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        return cls({name: Model.from_dict(model) for name, model in data.items()})

    def _known(self, operation: str, number: str) -> Model | None:
        model = self.models.get(key(operation, number))
        return model if model is not None and model.jobs >= FEWEST else None


def likely(plan: Plan) -> int:
    """The most likely size of a plan's result, in bytes: what was learned, or the middle of its range."""
    known = plan.extra.get(LIKELY)
    return int(known) if known is not None else round(math.sqrt(max(1, plan.size_range[0]) * max(1, plan.size_range[1])))


def key(operation: str, number: str) -> str:
    """A model's name."""
    return f"{operation}/{number}"


def keys(operation: str) -> Iterable[str]:
    """The names of an operation's models."""
    return (key(operation, SIZE), key(operation, SECONDS))


def shipped() -> Book:
    """A new book with what every installation knows; what this machine does soon outweighs it."""
    return Book({name: model.loosened(PRIOR_JOBS) for name, model in _priors().models.items()})


@cache
def _priors() -> Book:
    return Book.from_dict(json.loads(PRIORS.read_text(encoding="utf-8"))) if PRIORS.is_file() else Book()
