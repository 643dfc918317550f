"""The highest quality whose file fits into a number of bytes, with as few encodes as possible.

The curve of size over quality has nearly the same shape for a mosaic of tiles as for the whole
picture, at a small part of its cost. So the mosaic gives the first guess and the shape, whole
encodes give the scale, and each whole encode corrects the guess: a secant on the logarithm of
(size of the whole / size of the mosaic), which is nearly constant. The search ends when one step
fits and the next does not. Pure arithmetic: used here and by the parent's JPEG XL.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

BUDGET = 4.0
"""Encode-equivalents after which the best so far is good enough."""
SPACING = 4
"""Steps between those at which the mosaic is encoded."""


@dataclass(frozen=True, slots=True)
class Found:
    """`quality` is None where nothing fits; `size` is then that of the lowest. `encodes` counts whole pictures.

    `proven`: the next step is known not to fit, or there is none.
    """

    quality: int | None
    size: int
    encodes: float
    proven: bool


def search(
    ladder: Sequence[int],
    target: int,
    whole: Callable[[int], int],
    part: Callable[[int], float],
    *,
    scale: float,
    part_cost: float,
    budget: float = BUDGET,
) -> Found:
    """Search `ladder` (qualities, rising) for the highest with `whole(quality)` ≤ `target` bytes.

    `part` is the size of the mosaic (or any curve of the same shape), `scale` the first guess of
    whole/part, `part_cost` what a call of it costs in whole encodes.
    """
    return _Search(ladder, target, whole, part, scale, part_cost).run(budget)


class _Search:
    def __init__(
        self, ladder: Sequence[int], target: int, whole: Callable[[int], int], part: Callable[[int], float], scale: float, part_cost: float
    ) -> None:
        self.ladder, self.target, self.whole, self.part, self.part_cost = ladder, target, whole, part, part_cost
        self.scale = math.log(scale)
        self.parts: dict[int, float] = {}
        self.sizes: dict[int, int] = {}
        self.cost = 0.0

    def run(self, budget: float) -> Found:
        low, high = -1, len(self.ladder)
        while high - low > 1:
            # A file is owed, however long it takes; the last step of quality is not.
            if low >= 0 and self.cost + 1 > budget:
                return self._found(low, proven=False)
            step = min(max(self._guess(low, high), low + 1), high - 1)
            if self._size(step) <= self.target:
                low = step
            else:
                high = step
        return self._found(low, proven=True)

    def _found(self, low: int, *, proven: bool) -> Found:
        if low < 0:
            return Found(None, self.sizes[0], self.cost, True)
        return Found(self.ladder[low], self.sizes[low], self.cost, proven)

    def _size(self, step: int) -> int:
        if step not in self.sizes:
            self.cost += 1
            self.sizes[step] = self.whole(self.ladder[step])
        return self.sizes[step]

    def _guess(self, low: int, high: int) -> int:
        """The highest step that should fit, by bisection on the corrected curve; `low` where none should."""
        fits, above = low, high
        while above - fits > 1:
            middle = (fits + above) // 2
            if self._part(middle) + self._correction(middle) <= math.log(self.target):
                fits = middle
            else:
                above = middle
        return fits

    def _part(self, step: int) -> float:
        """log(part) at `step`, on a line between the measured steps beside it: the curve is smooth."""
        below = step // SPACING * SPACING
        over = min(below + SPACING, len(self.ladder) - 1)
        if step == below or over == below:
            return self._measured(step)
        share = (step - below) / (over - below)
        return (1 - share) * self._measured(below) + share * self._measured(over)

    def _measured(self, step: int) -> float:
        if step not in self.parts:
            self.cost += self.part_cost
            self.parts[step] = math.log(self.part(self.ladder[step]))
        return self.parts[step]

    def _correction(self, step: int) -> float:
        """log(whole / part) at `step`: between measured steps on a line, beyond them as at the nearest."""
        if not self.sizes:
            return self.scale
        known = sorted(self.sizes)
        below = max((k for k in known if k <= step), default=None)
        over = min((k for k in known if k >= step), default=None)
        if below is None or over is None or below == over:
            return self._ratio(next(k for k in (below, over) if k is not None))
        share = (step - below) / (over - below)
        return (1 - share) * self._ratio(below) + share * self._ratio(over)

    def _ratio(self, step: int) -> float:
        return math.log(max(1, self.sizes[step])) - self._part(step)
