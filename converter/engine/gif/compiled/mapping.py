"""From source pixels to palette indices: the nearest colour, and a still pattern of two where a gradient is smooth."""

from __future__ import annotations

from typing import Any

import numpy as np

from converter.engine.gif.kernel.layout import NEAR

from . import memory
from .colour import Bytes, Floats, Scalar, Words, apart32, brightness, cell_of, distance_float
from .jit import compiled, inlined
from .means import nearest, smallest
from .palette import UNKNOWN, UNSET

BYTE = np.uint64(255)
_NONE = np.float32(3e7)
"""Further apart than any two colours, and nearer than `NOWHERE`."""
_SEGMENT = 8
"""Pixels of a row whose brightness is compared as a whole."""
_OFFSET = 1 << 10
"""What makes a difference of brightness positive, so that the sums of a segment's two fit into one word."""


@inlined
def threshold(x: Any, y: Any) -> Any:
    """Bayer's 8×8 thresholds, 0 to 63: neighbours differ as much as they can, and the pattern stands still in time."""
    q = x ^ y
    return (q & 1) << 5 | (y & 1) << 4 | (q & 2) << 2 | (y & 2) << 1 | (q & 4) >> 1 | (y & 4) >> 2


@compiled
def partner(r: Scalar, g: Scalar, b: Scalar, a: Scalar, palette: Floats, around: Floats, apart: Floats, variance: float, found: Floats) -> Scalar:
    """Which neighbour of `a`, mixed with it, comes nearest to a pixel, where a far one is charged `variance` of the mixture's unrest.

    Returns its place among the neighbours, or `NEAR`, which is `a` itself, where `a` alone is nearest.
    """
    own = distance_float(r - palette[0, a], g - palette[1, a], b - palette[2, a])
    unrest, order = np.float32(variance), found.view(np.int32)
    for k in range(NEAR):
        span = apart[a, k] + np.float32(1e-3)
        other = distance_float(r - around[a, 0, k], g - around[a, 1, k], b - around[a, 2, k])
        t = min(max((own + span - other) / (span + span), np.float32(0)), np.float32(1))
        rest = own - t * (own + span - other) + t * t * span
        mixture = max(rest + unrest * t * (np.float32(1) - t) * span, np.float32(0))
        # Where there are fewer colours than places, the rest is no neighbour at all.
        found[k] = own if span > _NONE else mixture
    best = smallest(order, NEAR)
    return best if found[best] < own else NEAR


@compiled
def assign(
    base: int, src: Words, scr: Words, keep: Bytes, tol: Bytes, indices: Bytes, width: int, x0: int, x1: int, top: int, end: int,
    m: int, better: int, eager: int, bias: int, fresh: bool, plain: int, gain: float, variance: float, clear_through: int,
) -> int:  # fmt: skip
    """Fill `indices` of the rows `top` to before `end`, between the columns `x0` and `x1`; how many pixels are drawn.

    A pixel is drawn only where that makes its error `better`/256 times smaller than what is on the screen.
    Pixels whose tolerance is at most `plain` are dithered with `gain` (0 is not at all).
    """
    chosen, turned = memory.chosen(base), memory.turned(base)
    drawn = 0
    for y in range(top, end):
        first, last = y * width + x0, y * width + x1 + 1
        for x in range(8):
            turned[x] = threshold(x + x0, y)
        sources, kept, into = src[first:last], keep[first:last], indices[first:last]
        pick(base, sources, kept, tol[first:last], m, plain, gain, variance, turned, into, chosen)
        drawn += settle(base, sources, scr[first:last], chosen, kept, tol[first:last], plain, better, eager, bias, fresh, clear_through, into)
    return drawn


@compiled
def pick(
    base: int, sources: Words, kept: Bytes, tolerances: Bytes, m: int, plain: int, gain: float, variance: float, thresholds: Bytes,
    into: Bytes, chosen: Words,
) -> None:  # fmt: skip
    """Indices and colours of one row's pixels that are not kept. `thresholds` is the pattern's row."""
    colours, palette, lights, near = memory.colours(base), memory.packed(base), memory.lights(base), memory.near(base)
    around, apart, slopes = memory.around(base), memory.apart(base), memory.slopes(base)
    lut, pairs, found = memory.lut(base), memory.pairs(base), memory.found(base)
    used = (m + 15) & ~15
    strength, dithering = np.float32(gain), gain > 0.0
    for x in range(len(sources)):
        if kept[x]:
            continue
        v = np.uint64(sources[x])
        r, g, b = np.float32((v >> np.uint64(16)) & BYTE), np.float32((v >> np.uint64(8)) & BYTE), np.float32(v & BYTE)
        k = np.uint64(cell_of(v))
        s = np.uint64(lut[k])
        if s == UNSET:
            s = np.uint64(nearest(r, g, b, colours, used, found))
            lut[k] = s
        if dithering and tolerances[x] <= plain:
            # A cell is four levels wide: what is darker than its colour wants another partner than what is lighter.
            side = k + k + np.uint64(r + g + g + b > lights[s])
            other = np.uint64(pairs[side])
            if other == UNKNOWN:
                other = np.uint64(partner(r, g, b, np.int64(s), colours, around, apart, variance, found))
                pairs[side] = other
            share = slopes[s, other, np.uint64(0)] * r + slopes[s, other, np.uint64(1)] * g + slopes[s, other, np.uint64(2)] * b
            share += slopes[s, other, np.uint64(3)]
            mixed = strength * share > np.float32(thresholds[x & 7]) + np.float32(1)
            # The pattern decides like dice: a processor that guesses would guess wrong, so there is nothing to guess.
            s = np.uint64(near[s, other if mixed else np.uint64(NEAR)])
        into[x] = s
        chosen[x] = palette[s]


@compiled
def settle(
    base: int, sources: Words, shown: Words, chosen: Words, kept: Bytes, tolerances: Bytes, plain: int, better: int, eager: int, bias: int,
    fresh: bool, clear_through: int, into: Bytes,
) -> int:  # fmt: skip
    """Leave alone what stays, and what would hardly get better, in one row; returns how many pixels are drawn.

    In plain places a few pixels together decide how eagerly they are drawn: by `eager` where that brings their mean brightness nearer by more
    than `bias` quarter levels, because the eye (and VMAF) sees a mean that is wrong long before it sees a single pixel.
    """
    drawn: Scalar = np.int32(0)
    clear, width, factors = np.uint8(clear_through), len(sources), memory.factors(base)
    factors[:width] = np.int32(0 if fresh else better)
    if not fresh and eager != better:
        hasten(base, sources, shown, chosen, kept, tolerances, plain, np.int32(eager), bias)
    for x in range(width):
        v, w, u = np.int32(sources[x]), np.int32(shown[x]), np.int32(chosen[x])
        worse = apart32(v, w) * np.int32(256) > apart32(v, u) * factors[x]
        draw = (kept[x] == 0) & (worse | fresh)
        into[x] = into[x] if draw else clear
        drawn += np.int32(draw)
    return int(drawn)


@compiled
def hasten(
    base: int, sources: Words, shown: Words, chosen: Words, kept: Bytes, tolerances: Bytes, plain: int, eager: Scalar, bias: int
) -> None:  # fmt: skip
    """Put `eager` into the `factors` of the segments that are mostly plain and whose mean brightness comes nearer by more than `bias`.

    Pixel by pixel first, then segment by segment: loops over short pieces of a row take three times as long.
    """
    factors, leaning, able = memory.factors(base), memory.leaning(base), memory.able(base)
    width = len(sources)
    for x in range(width):
        v, free = np.int32(brightness(np.int32(sources[x]))), np.int32(kept[x] == 0)
        old, new = np.int32(brightness(np.int32(shown[x])) - v) * free, np.int32(brightness(np.int32(chosen[x])) - v) * free
        leaning[x] = np.uint32(old + np.int32(_OFFSET)) | np.uint32(new + np.int32(_OFFSET)) << np.uint32(16)
        able[x] = np.uint32(free) | np.uint32(tolerances[x] <= plain) << np.uint32(16)
    whole = width // _SEGMENT * _SEGMENT
    for start in range(0, whole, _SEGMENT):
        if hurried(leaning, able, start, _SEGMENT, bias):
            factors[start : start + _SEGMENT] = eager
    if whole < width and hurried(leaning, able, whole, width - whole, bias):
        factors[whole:width] = eager


@inlined
def hurried(leaning: Any, able: Any, start: Any, length: Any, bias: Any) -> Any:
    """Whether the `length` pixels from `start` are mostly plain, and drawing those that may change mends their mean brightness."""
    both, free = np.uint32(0), np.uint32(0)
    for x in range(length):
        both += leaning[start + x]
        free += able[start + x]
    old = np.int32(both & np.uint32(0xFFFF)) - np.int32(_OFFSET * length)
    new = np.int32(both >> np.uint32(16)) - np.int32(_OFFSET * length)
    return (2 * np.int32(free >> np.uint32(16)) >= length) & (abs(old) - abs(new) > bias * np.int32(free & np.uint32(0xFFFF)))
