"""From source pixels to palette indices: the nearest colour, and a still pattern of two where a gradient is smooth."""

from __future__ import annotations

import numpy as np

from .colour import SLOTS, Bytes, Floats, Ints, Scalar, Words, between, brightness, cell_of, distance_float
from .jit import compiled
from .palette import nearest

UNSET = -1
"""A cell whose colour is not known yet."""
_MIXED = 64
"""Steps of the ordered pattern, 8×8."""


def bayer() -> Bytes:
    """Bayer's 8×8 threshold matrix, 0 to 63: neighbours differ as much as they can, and it stands still in time."""
    matrix = np.zeros((1, 1), np.uint8)
    for _ in range(3):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]]).astype(np.uint8)
    return matrix


@compiled
def neighbourhood(palette: Floats, m: int, candidates: int, neighbours: Bytes, apart: Floats) -> None:
    """The `candidates` nearest colours of each colour, nearest first, and all distances between colours."""
    for a in range(m):
        for b in range(m):
            apart[a, b] = distance_float(palette[0, a] - palette[0, b], palette[1, a] - palette[1, b], palette[2, a] - palette[2, b])
        nearer = np.float32(-1)
        before = -1
        for k in range(candidates):
            best, distance_best = a, np.float32(1e30)
            for b in range(m):
                d = apart[a, b]
                if b != a and (d > nearer or (d == nearer and b > before)) and d < distance_best:
                    best, distance_best = b, d
            neighbours[a, k] = best
            nearer, before = distance_best, best


@compiled
def partner(pixel: Scalar, a: Scalar, palette: Floats, m: int, apart: Floats, variance: float) -> Scalar:
    """The colour that, mixed with `a`, comes nearest to `pixel`, where a far one is charged `variance` of the mixture's unrest."""
    r, g, b = np.float32((pixel >> 16) & 255), np.float32((pixel >> 8) & 255), np.float32(pixel & 255)
    own = distance_float(r - palette[0, a], g - palette[1, a], b - palette[2, a])
    best, cost = a, own
    for j in range(m):
        if j != a:
            span = apart[a, j] + np.float32(1e-3)
            other = distance_float(r - palette[0, j], g - palette[1, j], b - palette[2, j])
            t = min(max((own + span - other) / (span + span), np.float32(0)), np.float32(1))
            rest = own - t * (own + span - other) + t * t * span
            charged = rest + np.float32(variance) * t * (np.float32(1) - t) * span
            if charged < cost:
                best, cost = j, charged
    return best


@compiled
def mixed(pixel: Scalar, a: Scalar, b: Scalar, palette: Words, gain: float) -> int:
    """How many of 64 places `b` takes beside `a` so that their mean comes nearest to `pixel`."""
    one, two = np.int64(palette[a]), np.int64(palette[b])
    own, other, span = between(pixel, one), between(pixel, two), between(one, two)
    if span <= 0:
        return 0
    return int(gain * _MIXED * min(max((own + span - other) / (2.0 * span), 0.0), 1.0))


@compiled
def assign(
    src: Words, scr: Words, keep: Bytes, tol: Bytes, width: int, x0: int, y0: int, x1: int, y1: int, colours: Floats, palette: Words,
    m: int, apart: Floats, better: float, fresh: bool, plain: int, gain: float, variance: float, matrix: Bytes,
    lut: Ints, pairs: Ints, clear_through: int, indices: Bytes,
) -> int:  # fmt: skip
    """Fill `indices` inside the rectangle; returns how many pixels are drawn.

    A pixel is drawn only where that makes its error `better` times smaller than what is on the screen.
    Pixels whose tolerance is at most `plain` are dithered with `gain` (0 is not at all).
    """
    found = np.empty(SLOTS, np.float32)
    bits = found.view(np.int32)
    used = (m + 15) & ~15
    drawn = 0
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            i = y * width + x
            indices[i] = clear_through
            if keep[i]:
                continue
            v = np.int64(src[i])
            k = cell_of(v)
            s: Scalar = np.int64(lut[k])
            if s == UNSET:
                s = nearest(np.float32((v >> 16) & 255), np.float32((v >> 8) & 255), np.float32(v & 255), colours, used, found, bits)
                lut[k] = s
            if gain > 0.0 and tol[i] <= plain:
                # A cell is four levels wide: what is darker than its colour wants another partner than what is lighter.
                side = 2 * k + (brightness(v) > brightness(np.int64(palette[s])))
                other: Scalar = np.int64(pairs[side])
                if other == UNSET:
                    other = partner(v, s, colours, m, apart, variance)
                    pairs[side] = other
                if other != s and mixed(v, s, other, palette, gain) > matrix[y & 7, x & 7]:
                    s = other
            if not fresh and between(v, np.int64(scr[i])) <= between(v, np.int64(palette[s])) * better:
                continue
            indices[i] = s
            drawn += 1
    return drawn
