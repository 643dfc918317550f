"""Crops and turns after one another are one crop and one turn: the symmetries of a rectangle.

A turn is a rotation clockwise by quarter turns and then a flip. There are eight different ones (the
dihedral group of order 8), so any two in a row are one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from converter.engine.edits import Crop

Matrix = tuple[int, int, int, int]
"""Row by row; x grows to the right and y downwards."""
_QUARTER: Matrix = (0, -1, 1, 0)
_FLIPS: dict[str, Matrix] = {"none": (1, 0, 0, 1), "horizontal": (-1, 0, 0, 1), "vertical": (1, 0, 0, -1), "both": (-1, 0, 0, -1)}


def within(inner: Crop, outer: Crop) -> Crop:
    """`inner`, which was counted from the corner of `outer`, on the picture that `outer` lies on."""
    return replace(inner, x=inner.x + outer.x, y=inner.y + outer.y)


@dataclass(frozen=True, slots=True)
class Turn:
    """A rotation by `rotate` degrees clockwise (0, 90, 180, 270), then a flip (`none`, `horizontal`, `vertical`, `both`)."""

    rotate: int = 0
    flip: str = "none"

    @property
    def matrix(self) -> Matrix:
        """What it does to directions."""
        matrix = _FLIPS["none"]
        for _ in range(self.rotate % 360 // 90):
            matrix = _times(_QUARTER, matrix)
        return _times(_FLIPS[self.flip], matrix)

    def then(self, other: Turn) -> Turn:
        """The one turn that does this and then `other`."""
        wanted = _times(other.matrix, self.matrix)
        return next(turn for turn in _all_turns() if turn.matrix == wanted)

    def before(self, part: Crop, width: int, height: int) -> Crop:
        """Where `part` of the turned picture lies on the picture of `width`×`height` before the turn."""
        a, b, c, d = self.matrix
        # The inverse of a turn is its transpose. Corners are counted from the centre, doubled to stay whole.
        out_width, out_height = (height, width) if a == 0 else (width, height)
        left, top = 2 * part.x - out_width, 2 * part.y - out_height
        corners = [(left + 2 * dx, top + 2 * dy) for dx, dy in product((0, part.width), (0, part.height))]
        xs = [(a * x + c * y + width) // 2 for x, y in corners]
        ys = [(b * x + d * y + height) // 2 for x, y in corners]
        return Crop(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def _times(one: Matrix, other: Matrix) -> Matrix:
    a, b, c, d = one
    e, f, g, h = other
    return a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h


def _all_turns() -> Iterator[Turn]:
    return (Turn(rotate, flip) for flip in ("none", "horizontal") for rotate in (0, 90, 180, 270))
