"""From source pixels to palette indices: the nearest colour, and a still pattern of two where a gradient is smooth."""

from __future__ import annotations

import numpy as np

from .colour import NEAR, SLOTS, Bytes, Floats, Ints, Scalar, Words, apart32, cell_of, distance_float
from .jit import compiled
from .palette import nearest, smallest

UNSET = 255
"""A cell whose colour is not known yet: no colour has this number, because one index is left for transparency."""
UNKNOWN = 254
"""A cell for whose mixture nobody has looked yet."""
BYTE = np.uint64(255)
_MIXED = 64
"""Steps of the ordered pattern, 8×8."""


def bayer() -> Bytes:
    """Bayer's 8×8 threshold matrix, 0 to 63: neighbours differ as much as they can, and it stands still in time."""
    matrix = np.zeros((1, 1), np.uint8)
    for _ in range(3):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]]).astype(np.uint8)
    return matrix


@compiled
def mixtures(palette: Floats, m: int, near: Bytes, around: Floats, slopes: Floats) -> None:
    """For each colour and each of its neighbours, how the neighbour's share in a mixture follows from a pixel.

    The share that brings the mean nearest to a pixel is linear in the pixel: three slopes and a constant, in `slopes`.
    """
    for a in range(m):
        r, g, b = palette[0, a], palette[1, a], palette[2, a]
        slopes[a, NEAR] = 0
        for k in range(NEAR):
            dr, dg, db = around[a, 0, k] - r, around[a, 1, k] - g, around[a, 2, k] - b
            luma = np.float32(9 / 16) * (dr + np.float32(2) * dg + db)
            fr = np.float32(3) * dr + luma
            fg = np.float32(4) * dg + np.float32(2) * luma
            fb = np.float32(2) * db + luma
            span = fr * dr + fg * dg + fb * db
            part = np.float32(_MIXED) / span if span > 0 else np.float32(0)
            slopes[a, k, 0], slopes[a, k, 1], slopes[a, k, 2] = fr * part, fg * part, fb * part
            slopes[a, k, 3] = -(fr * r + fg * g + fb * b) * part


@compiled
def partner(
    r: Scalar, g: Scalar, b: Scalar, a: Scalar, palette: Floats, around: Floats, apart: Floats, variance: float, found: Floats, order: Ints
) -> Scalar:
    """Which neighbour of `a`, mixed with it, comes nearest to a pixel, where a far one is charged `variance` of the mixture's unrest.

    Returns its place among the neighbours, or `NEAR`, which is `a` itself, where `a` alone is nearest.
    """
    own = distance_float(r - palette[0, a], g - palette[1, a], b - palette[2, a])
    unrest = np.float32(variance)
    for k in range(NEAR):
        span = apart[a, k] + np.float32(1e-3)
        other = distance_float(r - around[a, 0, k], g - around[a, 1, k], b - around[a, 2, k])
        t = min(max((own + span - other) / (span + span), np.float32(0)), np.float32(1))
        rest = own - t * (own + span - other) + t * t * span
        found[k] = max(rest + unrest * t * (np.float32(1) - t) * span, np.float32(0))
    best = smallest(order, NEAR)
    return best if found[best] < own else NEAR


@compiled
def assign(
    src: Words, scr: Words, keep: Bytes, tol: Bytes, width: int, x0: int, y0: int, x1: int, y1: int, colours: Floats, palette: Words,
    m: int, near: Bytes, around: Floats, apart: Floats, slopes: Floats, better: int, fresh: bool, plain: int, gain: float, variance: float,
    matrix: Bytes, lut: Bytes, pairs: Bytes, clear_through: int, indices: Bytes,
) -> int:  # fmt: skip
    """Fill `indices` inside the rectangle; returns how many pixels are drawn.

    A pixel is drawn only where that makes its error `better`/256 times smaller than what is on the screen.
    Pixels whose tolerance is at most `plain` are dithered with `gain` (0 is not at all).
    """
    lights = np.empty(SLOTS, np.float32)
    for j in range(m):
        lights[j] = colours[0, j] + np.float32(2) * colours[1, j] + colours[2, j]
    drawn = 0
    turned = np.empty(8, np.uint8)
    chosen = np.zeros(x1 + 1 - x0, np.uint32)
    for y in range(y0, y1 + 1):
        first, last = y * width + x0, y * width + x1 + 1
        for x in range(8):
            turned[x] = matrix[y & 7, (x + x0) & 7]
        sources, kept, into = src[first:last], keep[first:last], indices[first:last]
        choose(
            sources, kept, tol[first:last], colours, palette, m, near, around, apart, slopes, plain, gain, variance, turned, lights, lut, pairs,
            into, chosen,
        )  # fmt: skip
        drawn += settle(sources, scr[first:last], chosen, kept, better, fresh, clear_through, into)
    return drawn


@compiled
def choose(
    sources: Words, kept: Bytes, tolerances: Bytes, colours: Floats, palette: Words, m: int, near: Bytes, around: Floats, apart: Floats,
    slopes: Floats, plain: int, gain: float, variance: float, thresholds: Bytes, lights: Floats, lut: Bytes, pairs: Bytes,
    into: Bytes, chosen: Words,
) -> None:  # fmt: skip
    """Indices and colours of one row's pixels that are not kept. `thresholds` is the pattern's row, `lights` each colour's brightness."""
    found = np.empty(SLOTS, np.float32)
    bits = found.view(np.int32)
    used = (m + 15) & ~15
    strength, dithering = np.float32(gain), gain > 0.0
    for x in range(len(sources)):
        if kept[x]:
            continue
        v = np.uint64(sources[x])
        k = np.uint64(cell_of(v))
        r, g, b = np.float32((v >> np.uint64(16)) & BYTE), np.float32((v >> np.uint64(8)) & BYTE), np.float32(v & BYTE)
        s = np.uint64(lut[k])
        if s == UNSET:
            s = np.uint64(nearest(r, g, b, colours, used, found, bits))
            lut[k] = s
        if dithering and tolerances[x] <= plain:
            # A cell is four levels wide: what is darker than its colour wants another partner than what is lighter.
            side = k + k + np.uint64(r + g + g + b > lights[s])
            other = np.uint64(pairs[side])
            if other == UNKNOWN:
                other = np.uint64(partner(r, g, b, np.int64(s), colours, around, apart, variance, found, bits))
                pairs[side] = other
            share = slopes[s, other, np.uint64(0)] * r + slopes[s, other, np.uint64(1)] * g + slopes[s, other, np.uint64(2)] * b
            share += slopes[s, other, np.uint64(3)]
            mixed = strength * share > np.float32(thresholds[x & 7]) + np.float32(1)
            # The pattern decides like dice: a processor that guesses would guess wrong, so there is nothing to guess.
            s = np.uint64(near[s, other if mixed else np.uint64(NEAR)])
        into[x] = s
        chosen[x] = palette[s]


@compiled
def settle(sources: Words, shown: Words, chosen: Words, kept: Bytes, better: int, fresh: bool, clear_through: int, into: Bytes) -> int:
    """Leave alone what stays, and what would hardly get better, in one row; returns how many pixels are drawn."""
    drawn: Scalar = np.int32(0)
    factor = np.int32(0 if fresh else better)
    clear = np.uint8(clear_through)
    for x in range(len(sources)):
        v, w, u = np.int32(sources[x]), np.int32(shown[x]), np.int32(chosen[x])
        worse = apart32(v, w) * np.int32(256) > apart32(v, u) * factor
        draw = (kept[x] == 0) & (worse | fresh)
        into[x] = into[x] if draw else clear
        drawn += np.int32(draw)
    return int(drawn)
