"""A picture whose file must not be larger than a number of bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from . import shape
from .fit import BUDGET, Found, search
from .opening import Refused
from .saving import Extras, encoded

DECENT = {"jpeg": 60, "webp": 55, "avif": 45}
"""Once pixels have to go, as many go as let the rest look like this."""
_LOWEST = {"jpeg": 25, "webp": 10, "avif": 15}
"""Below, blocks are all one sees, and fewer pixels look better. Chosen by judgement, like `DECENT`; not tuned."""
_SMALL = 60_000
"""Pixels under which a mosaic would be most of the picture, and encodes cost next to nothing."""
_SMALL_BUDGET = 12.0
_TILE, _FEW_TILE = 64, 32
_FEW = 1_000_000
"""Pixels under which small tiles are taken, so that they come from enough places."""
_BLOCK = 16
_PART = 1 / 16
_DENSER = {"jpeg": 1.45, "webp": 1.25, "avif": 1.05}
"""Size goes with the side length to this power, not 2: small pictures have more detail in each pixel. Medians of seven frames at 0.6 and 0.35."""
_TOO_GOOD = 12
"""Steps above the decent quality from which more pixels would have been the better picture."""
_SMALLEST_SIDE = 16
_TRIES = 6


@dataclass(slots=True)
class Fitted:
    """The bytes, and how they were found. `encodes` counts encodes of the whole picture as it was wanted."""

    data: bytes
    size: tuple[int, int]
    quality: int
    encodes: float
    proven: bool


def ladder(form: str) -> tuple[int, ...]:
    """The qualities of `form` that make a difference, rising."""
    if form != "avif":
        return tuple(range(_LOWEST[form], 101 if form == "webp" else 96))
    # libavif maps 0–100 to 64 quantisers: ((100 − q) · 63 + 50) // 100; of each, the lowest quality that has it.
    return tuple({((100 - quality) * 63 + 50) // 100: quality for quality in range(100, _LOWEST[form] - 1, -1)}.values())[::-1]


def under(image: Image.Image, how: dict[str, Any], extras: Extras) -> Fitted:
    """The highest quality within `how["target"]` bytes; fewer pixels where even the lowest is too large and that is allowed.

    Raises `Refused("target_unreachable")` naming what could be reached.
    """
    now, cost, seen = image, 0.0, list[tuple[float, float]]()
    kept: Fitted | None = None
    for _ in range(_TRIES):
        trial = _Trial(now, how, extras)
        found = trial.run()
        cost += found.encodes * now.width * now.height / (image.width * image.height)
        if found.quality is not None:
            better = Fitted(trial.best, now.size, found.quality, cost, found.proven)
            # Once more where far too many pixels went; the second step knows how this picture shrinks.
            if now is image or kept is not None or found.quality <= DECENT[how["format"]] + _TOO_GOOD:
                return better
            kept = better
        elif kept is not None:
            return replace(kept, encodes=cost)
        elif not how["may_shrink"]:
            raise _unreachable(how["target"], found.size, "at the lowest quality")
        seen.append((now.width / image.width, found.size * trial.decent(found.quality)))
        size = _fewer(image.size, seen, how)
        if max(size) < _SMALLEST_SIDE or size == now.size:
            break
        now = shape.smaller(image, size)
    if kept is not None:
        return replace(kept, encodes=cost)
    raise _unreachable(how["target"], found.size, f"even at {now.width}×{now.height}")


def _unreachable(target: int, size: int, when: str) -> Refused:
    return Refused(
        "target_unreachable", f"target_kb: {target / 1000:g} KB can't be reached; the smallest is {math.ceil(size / 100) / 10:g} KB, {when}."
    )


def _fewer(size: tuple[int, int], seen: list[tuple[float, float]], how: dict[str, Any]) -> tuple[int, int]:
    """The size at which a decent quality should fit, from what that weighed at other scales (scale, bytes)."""
    (scale, weight), power = seen[-1], _DENSER[how["format"]]
    if len(seen) > 1 and seen[-2][0] != scale:
        power = min(2.5, max(0.5, math.log(weight / seen[-2][1]) / math.log(scale / seen[-2][0])))
    factor = min(0.95, scale * max(0.05, 0.97 * math.pow(how["target"] / weight, 1 / power)))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


@dataclass(slots=True)
class _Trial:
    """One search on one picture."""

    image: Image.Image
    how: dict[str, Any]
    extras: Extras
    best: bytes = b""
    tiles: Image.Image | None = None
    cache: dict[int, float] = field(default_factory=dict)

    def run(self) -> Found:
        pixels = self.image.width * self.image.height
        self.tiles = mosaic(self.image) if pixels > _SMALL else None
        curve: Callable[[int], float] = self._usual if self.tiles is None else self._part
        part = self.tiles.width * self.tiles.height if self.tiles else 0
        scale = 1.0 if part else pixels * 0.05
        budget = BUDGET if part else _SMALL_BUDGET
        return search(ladder(self.how["format"]), self.how["target"], self._whole, curve, scale=scale, part_cost=part / pixels, budget=budget)

    def decent(self, quality: int | None) -> float:
        """How many times as large a decent quality is as `quality`, or as the lowest one."""
        form = self.how["format"]
        curve = self._usual if self.tiles is None else self._part
        return curve(DECENT[form]) / curve(quality or ladder(form)[0])

    def _whole(self, quality: int) -> int:
        data = encoded(self.image, self.how, quality, self.extras)
        if len(self.best) < len(data) <= self.how["target"]:
            self.best = data
        return len(data)

    def _part(self, quality: int) -> float:
        assert self.tiles is not None  # noqa: S101 - tells the type checker
        if quality not in self.cache:
            # Headers and tables are written once, however many pixels follow.
            fixed = len(encoded(Image.new(self.tiles.mode, (_BLOCK, _BLOCK)), self.how, quality, Extras()))
            often = self.image.width * self.image.height / (self.tiles.width * self.tiles.height)
            self.cache[quality] = fixed + often * max(1, len(encoded(self.tiles, self.how, quality, Extras())) - fixed)
        return self.cache[quality]

    def _usual(self, quality: int) -> float:
        """The usual shape of the curve, from libjpeg's table scale; whole encodes soon correct it."""
        scale = 5000 / quality if quality < 50 else max(1.0, 200 - 2 * quality)
        return math.pow(scale / 100, -0.65)


def mosaic(image: Image.Image) -> Image.Image:
    """Tiles from all over `image`, a sixteenth of its pixels. They begin at multiples of 16, where JPEG's and WebP's blocks do."""
    tile = _TILE if image.width * image.height > _FEW else _FEW_TILE
    count = max(1.0, image.width * image.height * _PART / tile**2)
    across = max(1, min(image.width // tile, round(math.sqrt(count * image.width / image.height))))
    down = max(1, min(image.height // tile, round(count / across)))
    sheet = Image.new(image.mode, (across * tile, down * tile))
    for row in range(down):
        for column in range(across):
            left, top = _place(column, across, image.width, tile), _place(row, down, image.height, tile)
            sheet.paste(image.crop((left, top, left + tile, top + tile)), (column * tile, row * tile))
    return sheet


def _place(number: int, count: int, length: int, tile: int) -> int:
    middle = (number + 0.5) * length / count - tile / 2
    return max(0, min(length - tile, round(middle / _BLOCK) * _BLOCK))
