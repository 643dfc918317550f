"""A picture whose file must not be larger than a number of bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from . import shape
from .fit import BUDGET, Found, search
from .opening import Refused
from .saving import Extras, encoded

DECENT = {"jpeg": 60, "webp": 55, "avif": 45}
"""Once pixels have to go, as many go as let the rest look like this."""
_LOWEST = {"jpeg": 25, "webp": 10, "avif": 15}
"""Below, blocks are all one sees, and fewer pixels look better."""
_SMALL = 400_000
"""Pixels under which a mosaic would be most of the picture, and encodes cost next to nothing."""
_SMALL_BUDGET = 12.0
_TILE, _FEW_TILE = 64, 32
_FEW = 1_000_000
"""Pixels under which small tiles are taken, so that they come from enough places."""
_BLOCK = 16
_PART = 1 / 16
_DENSER = 1.7
"""Size over side length is a power of this rather than 2: a smaller picture has more detail in each pixel. Measured on our clips' frames."""
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
    now, cost, wanted = image, 0.0, image.width * image.height
    for _ in range(_TRIES):
        trial = _Trial(now, how, extras)
        found = trial.run()
        cost += found.encodes * now.width * now.height / wanted
        if found.quality is not None:
            return Fitted(trial.best, now.size, found.quality, cost, found.proven)
        if not how["may_shrink"]:
            raise _unreachable(how["target"], found.size, "at the lowest quality")
        size = _fewer(now.size, how["target"], found.size * trial.decent())
        if max(size) < _SMALLEST_SIDE or size == now.size:
            break
        now = shape.smaller(image, size)
    raise _unreachable(how["target"], found.size, f"even at {now.width}×{now.height}")


def _unreachable(target: int, size: int, when: str) -> Refused:
    return Refused(
        "target_unreachable", f"target_kb: {target / 1000:g} KB can't be reached; the smallest is {math.ceil(size / 100) / 10:g} KB, {when}."
    )


def _fewer(size: tuple[int, int], target: int, bytes_now: float) -> tuple[int, int]:
    factor = min(0.95, max(0.05, 0.97 * (target / bytes_now) ** (1 / _DENSER)))
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

    def decent(self) -> float:
        """How many times as large a decent quality is as the lowest one."""
        form = self.how["format"]
        curve = self._usual if self.tiles is None else self._part
        return curve(DECENT[form]) / curve(ladder(form)[0])

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
