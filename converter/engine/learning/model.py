"""One number learned from named features: recursive least squares with forgetting, in plain Python.

The update is the textbook's (Haykin, "Adaptive Filter Theory", chapter on RLS; Plackett 1950): with the
weights w and their covariance P in units of the noise, a new pair (x, y) gives

    k = Px / (1 + xᵀPx),   w += k·(y − wᵀx),   P −= k·(Px)ᵀ

Starting from P = `LOOSE`·I this is ridge regression. Everything lives in logarithms, so a prediction can't be negative.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

LOOSE = 4.0
"""Variance of an unknown weight, in units of the noise's."""
FORGET = 0.998
"""What a job still counts after the next one: half after 350. Machines and habits change."""
MOST_FEATURES = 48
OUTLIER = 2.5
"""Standard deviations beyond which a job counts the less the further it is off (Huber's weight, 1/r): a new kind of clip is still learned."""
PRIOR_JOBS, PRIOR_SPREAD = 3.0, 0.5
"""What is believed of the noise before there is any: e^±0.5, with the weight of three jobs."""
LARGEST = 12.0
"""No feature and no logarithm of a ratio is believed beyond this."""


@dataclass(slots=True)
class Model:
    """Weights by feature, their covariance, and how well they did. `jobs` is the number of jobs, old ones counting less."""

    names: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    covariance: list[list[float]] = field(default_factory=list)
    jobs: float = 0.0
    squares: float = 0.0
    """Sum of squared errors, each made before its job was known."""

    def predict(self, features: Mapping[str, float]) -> tuple[float, float]:
        """The expected number and its standard deviation. What was never seen widens it."""
        x = self._row(features)
        unknown = sum(min(LARGEST, abs(value)) ** 2 for name, value in features.items() if name not in self.names)
        mean = sum(weight * value for weight, value in zip(self.weights, x, strict=True))
        leverage = sum(a * b for a, b in zip(x, self._times(x), strict=True)) + LOOSE * unknown
        return max(-LARGEST, min(LARGEST, mean)), self.spread * math.sqrt(1 + max(0.0, leverage))

    @property
    def spread(self) -> float:
        """The noise's standard deviation."""
        return math.sqrt((self.squares + PRIOR_JOBS * PRIOR_SPREAD**2) / (self.jobs + PRIOR_JOBS))

    def update(self, features: Mapping[str, float], value: float) -> None:
        """Learn from one job; what is not a finite number is passed over."""
        if not math.isfinite(value) or not all(math.isfinite(number) for number in features.values()):
            return
        for name in features:
            self._add(name)
        x = self._row(features)
        error = max(-LARGEST, min(LARGEST, value)) - sum(weight * number for weight, number in zip(self.weights, x, strict=True))
        moved = self._times(x)
        leverage = max(0.0, sum(a * b for a, b in zip(x, moved, strict=True)))
        trust = self._trust(error, leverage)
        gain = [trust * number / (1 + trust * leverage) for number in moved]
        self.weights = [weight + step * error for weight, step in zip(self.weights, gain, strict=True)]
        size = range(len(self.names))
        rest = [[self.covariance[i][j] - (gain[i] * moved[j] + gain[j] * moved[i]) / 2 for j in size] for i in size]
        # All of it grows or none: grown in part it would be no covariance any more. Without a bound, features that never change would grow for ever.
        grown = 1 / FORGET if max((rest[i][i] for i in size), default=LOOSE) < LOOSE * FORGET else 1.0
        self.covariance = [[number * grown for number in row] for row in rest]
        self.jobs = FORGET * self.jobs + trust
        self.squares = FORGET * self.squares + trust * error * error / (1 + trust * leverage)

    def loosened(self, jobs: float) -> Model:
        """The same knowledge as if it came from at most so many jobs, so that others soon outweigh it."""
        if self.jobs <= jobs:
            return Model.from_dict(self.as_dict())
        times = self.jobs / jobs
        size = range(len(self.names))
        bound = [[self.covariance[i][j] * times for j in size] for i in size]
        return Model(list(self.names), list(self.weights), bound, jobs, self.squares / times)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        matrix = [[float(f"{number:.6g}") for number in row[: i + 1]] for i, row in enumerate(self.covariance)]
        weights = [float(f"{number:.6g}") for number in self.weights]
        return {"names": list(self.names), "weights": weights, "covariance": matrix, "jobs": round(self.jobs, 3), "squares": round(self.squares, 6)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `as_dict` back. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        names, weights, half = [str(name) for name in data["names"]], [float(w) for w in data["weights"]], data["covariance"]
        if not len(names) == len(weights) == len(half) or any(len(row) != i + 1 for i, row in enumerate(half)):
            raise ValueError("the parts of a model don't fit each other")
        matrix = [[float(half[max(i, j)][min(i, j)]) for j in range(len(names))] for i in range(len(names))]
        model = cls(names, weights, matrix, float(data["jobs"]), float(data["squares"]))
        numbers = [*weights, *(number for row in matrix for number in row), model.jobs, model.squares]
        if not all(map(math.isfinite, numbers)) or model.jobs < 0 or model.squares < 0:
            raise ValueError("a model holds numbers that are none")
        return model

    def _add(self, name: str) -> None:
        if name in self.names or len(self.names) >= MOST_FEATURES:
            return
        for row in self.covariance:
            row.append(0.0)
        self.names.append(name)
        self.weights.append(0.0)
        self.covariance.append([0.0] * (len(self.names) - 1) + [LOOSE])

    def _row(self, features: Mapping[str, float]) -> list[float]:
        return [max(-LARGEST, min(LARGEST, features.get(name, 0.0))) for name in self.names]

    def _times(self, x: list[float]) -> list[float]:
        return [sum(a * b for a, b in zip(row, x, strict=True)) for row in self.covariance]

    def _trust(self, error: float, leverage: float) -> float:
        if self.jobs < 2 * PRIOR_JOBS:
            return 1.0
        off = abs(error) / (OUTLIER * self.spread * math.sqrt(1 + leverage))
        return 1.0 if off <= 1 else 1 / off
