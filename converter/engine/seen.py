"""What a look at a film has shown: plain, immutable, JSON-able."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

_NEAR = 0.5
"""Seconds within which one moment is as good as another."""
_FOLLOWS = 0.5
"""Exponent with which a moment's need follows the source's own bytes around it: what a rate control evens out is hidden there."""
_FURTHEST = 1.5


@dataclass(frozen=True, slots=True)
class Moment:
    """A few pictures that follow one another, `time` seconds from the start.

    `key` and `inter` are bits for each pixel that x264 takes for the first and the following ones at 320 pixels, `small_…`
    the same at 160; `detail` those of a PNG; `change` the part of the picture that changes in
    a twelfth of a second, and `drawn` bits for each pixel to draw that part anew, in few colours.
    """

    time: float
    seconds: float
    key: float
    inter: float
    small_key: float
    small_inter: float
    detail: float
    change: float
    drawn: float


@dataclass(frozen=True, slots=True)
class Heard:
    """A moment of sound: bits a second that AAC takes at 128 kbit/s, and bits for each sample of each channel that FLAC does."""

    time: float
    lossy: float
    lossless: float


@dataclass(frozen=True, slots=True)
class Look:
    """Moments of picture and sound, in their order."""

    moments: tuple[Moment, ...] = ()
    sounds: tuple[Heard, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"moments": [_values(one) for one in self.moments], "sounds": [_values(one) for one in self.sounds]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read `as_dict` back. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        moments = tuple(Moment(*_numbers(Moment, one)) for one in data["moments"])
        return cls(moments, tuple(Heard(*_numbers(Heard, one)) for one in data["sounds"]))

    def mean(self, what: str, begin: float, end: float, rates: Rates | None = None, floor: float = 0.0) -> float:
        """Logarithm of a number of the moments from `begin` to `end` seconds; those further away count the less, and follow the `rates`."""
        total = weights = 0.0
        here = rates.within(begin, end) if rates else 1.0
        for moment in self.moments:
            away = max(0.0, begin - moment.time - moment.seconds, moment.time - end)
            weight = _NEAR / (_NEAR + away)
            there = rates.within(moment.time, moment.time + moment.seconds) if rates else 1.0
            moved = _FOLLOWS * math.log(here / there)
            total += weight * (math.log(getattr(moment, what) + floor) + max(-_FURTHEST, min(_FURTHEST, moved)))
            weights += weight
        return total / weights

    def heard(self, what: str, begin: float, end: float) -> float | None:
        """The mean of a number of the sound from `begin` to `end` seconds; None where nothing was heard."""
        total = weights = 0.0
        for one in self.sounds:
            weight = 1 / (_NEAR + max(0.0, begin - one.time, one.time - end))
            total, weights = total + weight * getattr(one, what), weights + weight
        return total / weights if weights else None


@dataclass(frozen=True, slots=True)
class Rates:
    """The source's own bytes in each of equal parts of its `duration` in seconds."""

    profile: tuple[int, ...]
    duration: float

    def within(self, begin: float, end: float) -> float:
        """Bytes a second from `begin` to `end`, at least one; of less than a part, that part's."""
        count = len(self.profile)
        if count < 2 or self.duration <= 0:
            return 1.0
        wide = max(1.0, (end - begin) / self.duration * count)
        first = max(0.0, min(count - wide, begin / self.duration * count))
        last = min(float(count), first + wide)
        inside = sum(size * max(0.0, min(last, i + 1) - max(first, i)) for i, size in enumerate(self.profile))
        return max(1.0, inside / (last - first) * count / self.duration)


def _values(one: Any) -> dict[str, float]:
    return {field.name: getattr(one, field.name) for field in fields(one)}


def _numbers(kind: type, data: Mapping[str, Any]) -> list[float]:
    values = [float(data[field.name]) for field in fields(kind)]
    if not all(math.isfinite(value) and value >= 0 for value in values):
        raise ValueError("a look holds numbers that are none")
    return [max(1e-6, value) if field.name not in ("time", "change") else value for field, value in zip(fields(kind), values, strict=True)]
