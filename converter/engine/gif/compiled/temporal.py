"""Which pixels may stay as they are on the screen, and what colours the others have.

Noise of the camera changes every pixel in every frame; drawing all of them again is what makes GIFs
large. A pixel is kept while what is *on the screen* stays within a tolerance of the source, and the
tolerance grows with local contrast, because the eye forgives little on a plain wall and much in grass.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import memory
from .colour import Bytes, Ints, Longs, Scalar, Words, cell_of, distance
from .jit import compiled, inlined

LEVEL = 4
"""Tolerances are in quarters of a level: 4 allows E ≤ 3, one step of red."""
PATIENCE = 4
"""Where the source itself stood still, the screen may be this many times further off (in E): what was good enough stays so."""
_FULL = 600_000
"""A cell takes no more counts than this, so that its three sums of 21 bits can't overflow."""


@inlined
def verdict(pixel: Any, left: Any, up: Any, drawn_from: Any, shown: Any, base: Any, slope: Any, cap: Any) -> Any:
    """Whether one pixel may stay, and its tolerance: without branches and in 32 bits, so that a loop of it is vectorised.

    The tolerance is `base + slope · contrast`; `contrast` (at most `cap`) is half the sum of the steps to the
    left and upper neighbours, in levels. `drawn_from` is the source as it was when the pixel was last drawn.
    """
    v = np.int32(pixel)
    r = np.int32((v >> 16) & 255)
    g = np.int32((v >> 8) & 255)
    b = np.int32(v & 255)
    w = np.int32(left)
    luma = np.int32(r + 2 * g + b)
    across = abs(np.int32(luma - ((w >> 16) & 255) - 2 * ((w >> 8) & 255) - (w & 255)))
    w = np.int32(up)
    down = abs(np.int32(luma - ((w >> 16) & 255) - 2 * ((w >> 8) & 255) - (w & 255)))
    contrast = np.int32(min(np.int32(np.int32(across + down) >> 3), np.int32(cap)))
    t = np.int32(base + slope * contrast)
    limit = np.int32(t * t * 3)
    w = np.int32(drawn_from)
    moved = np.int32(16 * distance(np.int32(r - ((w >> 16) & 255)), np.int32(g - ((w >> 8) & 255)), np.int32(b - (w & 255))))
    w = np.int32(shown)
    wrong = np.int32(16 * distance(np.int32(r - ((w >> 16) & 255)), np.int32(g - ((w >> 8) & 255)), np.int32(b - (w & 255))))
    kept = (wrong <= limit) | ((moved <= limit) & (wrong <= np.int32(limit * PATIENCE)))
    return np.uint8(kept), np.uint8(min(t, np.int32(255)))


@compiled
def judge_row(src: Words, ref: Words, scr: Words, row: int, above: int, width: int, base: int, slope: int, cap: int, keep: Bytes, tol: Bytes) -> None:
    """Fill `keep` and `tol` of one row."""
    keep[row], tol[row] = verdict(src[row], src[row], src[above], ref[row], scr[row], base, slope, cap)
    # Slices counted from zero: an index that could be negative would cost a test, and keep the loop from being vectorised.
    here, left, up = src[row + 1 : row + width], src[row : row + width - 1], src[above + 1 : above + width]
    drawn, shown = ref[row + 1 : row + width], scr[row + 1 : row + width]
    kept, tolerance = keep[row + 1 : row + width], tol[row + 1 : row + width]
    for x in range(width - 1):
        kept[x], tolerance[x] = verdict(here[x], left[x], up[x], drawn[x], shown[x], base, slope, cap)


@compiled
def count(
    sources: Words, keep: Bytes, tol: Bytes, phase: int, first: int, last: int, stride: int, smooth: int, plain: int, counts: Ints, sums: Longs
) -> None:
    """Add every `stride`-th pixel of one row, between `first` and `last` and from `phase`, to its cell, if it is not kept."""
    x = first + (phase - first) % stride
    # A range with a step that isn't known would have to raise an error where that is 0.
    while x <= last:
        if keep[x] == 0:
            v = np.int64(sources[x])
            k = cell_of(v)
            if counts[k] < _FULL:
                n = smooth if tol[x] < plain else 1
                counts[k] += n
                sums[k] += n * (((v >> 16) & 3) << 42 | ((v >> 8) & 3) << 21 | (v & 3))
        x += stride


@compiled
def judge(
    base: int, src: Words, ref: Words, scr: Words, keep: Bytes, tol: Bytes, width: int, top: int, end: int, band: int,
    tolerance: int, slope: int, cap: int, fresh: bool, stride: int, smooth: int,
) -> int:  # fmt: skip
    """Decide every pixel of a band's rows, `top` to before `end`, and count the colours of those that change.

    Every `stride`-th pixel of a row is counted, shifted from row to row; plain areas, where bands would
    show, count `smooth` times. `fresh` draws everything. Returns how many pixels change and leaves the
    rectangle around them in `box`: left, top, right, bottom, inclusive.
    """
    x0, x1, y0, y1, changed = width, -1, end, -1, 0
    counts, sums, box = memory.counts(base)[band], memory.sums(base)[band], memory.box(base)[band]
    plain = tolerance + slope
    for y in range(top, end):
        row = y * width
        judge_row(src, ref, scr, row, row - width if y > 0 else row, width, tolerance, slope, cap, keep, tol)
        if fresh:
            keep[row : row + width] = 0
        kept: Scalar = np.int32(0)
        for value in keep[row : row + width]:
            kept += np.int32(value)
        if kept == width:
            continue
        changed += width - kept
        first, last = 0, width - 1
        while keep[row + first]:
            first += 1
        while keep[row + last]:
            last -= 1
        x0, x1, y0, y1 = min(x0, first), max(x1, last), min(y0, y), y
        stop = row + width
        count(src[row:stop], keep[row:stop], tol[row:stop], (y * 3) % stride, first, last, stride, smooth, plain, counts, sums)
    box[0], box[1], box[2], box[3] = x0, y0, x1, y1
    return changed
