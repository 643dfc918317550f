"""What pictures will weigh and cost, from their pixels alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from converter.engine.media import Media

from .geometry import Shape, still
from .kinds import Format

if TYPE_CHECKING:
    from converter.engine.operations.image import ImageParams

_LOSSY = {"jpeg": 1.0, "webp": 0.7, "avif": 0.6, "jxl": 0.8, "pdf": 1.1}
_LOSSLESS = {"png": 11.0, "webp": 7.5, "jxl": 7.0, "tiff": 12.0, "gif": 5.0, "pdf": 11.0}
"""Bits a pixel: lossy ones against JPEG's, lossless ones of a photograph. Frames of our clips, November 2026."""
_SECONDS = {"jpeg": 0.03, "webp": 0.16, "avif": 0.57, "jxl": 0.5, "png": 0.33, "tiff": 0.13, "bmp": 0.01, "gif": 0.36, "ico": 0.05, "pdf": 0.25}
"""CPU seconds a megapixel, at balanced effort: frames of our clips, November 2026."""
_LOSSLESS_WEBP = 4.0
"""Times as long as a lossy one."""
_START = 0.28
"""CPU seconds of the children: one that develops, one that looks, and the checks."""
_DECODING = 0.03
_ENCODES = 3.0
"""Of a search for a target size."""
_SPREAD = 6.0
"""A drawing takes a sixth of a photograph's bytes, foliage six times as many."""
_SCARCE = 1.6


def forecast(media: Sequence[Media], shapes: Sequence[Shape], forms: Sequence[Format], wishes: ImageParams) -> tuple[tuple[int, int], float]:
    """Bytes (95 % range) and CPU seconds of all pictures together."""
    low = high = 0
    seconds = _START
    for item, made, form in zip(media, shapes, forms, strict=True):
        fewest, most = _size(item, made, form, wishes)
        low, high = low + fewest, high + most
        source = still(item)
        seconds += _DECODING * source.coded_width * source.coded_height / 1e6 + _encoding(made, form, wishes)
    return (low, high), seconds


def scarce(size: tuple[int, int], form: Format, target_kb: float) -> bool:
    """Whether a target leaves so few bytes that pixels will probably have to go."""
    return target_kb * 1000 * 8 / (size[0] * size[1]) < usual_bits(form, 30) / _SCARCE


def usual_bits(form: Format, quality: int) -> float:
    """Bits a pixel of an ordinary photograph of one megapixel."""
    scale = 5000 / quality if quality < 50 else max(2.0, 200 - 2 * quality)
    return _LOSSY.get(form.name, 1.0) * math.pow(scale / 40, -0.65)


def _size(item: Media, made: Shape, form: Format, wishes: ImageParams) -> tuple[int, int]:
    pixels = made.result[0] * made.result[1]
    if form.name == "bmp":
        return pixels // 8, 4 * pixels + 2000
    if form.name == "ico":
        return 200, 400_000
    if wishes.lossless or form.quality is None:
        middle = pixels * _LOSSLESS[form.name] / 8
        return 60 + int(middle / 60), int(middle * 2.2) + 4000
    if wishes.target_kb is not None:
        target = int(wishes.target_kb * 1000)
        return min(target, 100 + pixels // 200), target
    middle = pixels / 8 * usual_bits(form, wishes.quality or form.quality)
    untouched = item.size if form.name == "pdf" else 0
    return 100 + int(middle / _SPREAD / 2), int(middle * _SPREAD) + 4000 + untouched


def _encoding(made: Shape, form: Format, wishes: ImageParams) -> float:
    pixels = made.result[0] * made.result[1] / 1e6
    effort = {"fast": 0.5, "balanced": 1.0, "best": 2.5}[wishes.effort] if form.name not in ("jpeg", "bmp", "ico") else 1.0
    slow = _LOSSLESS_WEBP if form.name == "webp" and wishes.lossless else 1.0
    return pixels * _SECONDS[form.name] * effort * slow * (1.0 if wishes.target_kb is None else _ENCODES)
