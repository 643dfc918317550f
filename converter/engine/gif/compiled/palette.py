"""Few colours for many: variance cut where a scene begins, k-means from the last frame's colours after that."""

from __future__ import annotations

import numpy as np

from converter.engine.gif.kernel.layout import BANDS, CELLS, NEAR

from . import memory
from .colour import BLUE, GREEN, LUMA, NOWHERE, RED
from .cut import variance_cut
from .jit import compiled
from .means import gather, improve, neighbourhood, rank

FEWEST = 3
CUT_SIZES = (16, 24, 32, 48, 64, 96, 128, 192, 255)
"""Sizes of a palette that are tried where a scene begins, smallest first."""
_SHRINK, _GROW, _SLACK, _STRAIN = 0.95, 1.1, 0.85, 1.1
"""From frame to frame a palette loses a twentieth or gains a tenth, where its error is far enough below or above the wanted one."""
_CUT_FACTOR, _CUT_OFFSET = 3.0, 20.0
"""An error this many times (and this much) above the last frame's means that a new scene began."""
MIXED = 64
"""Steps of the ordered pattern, 8×8."""
UNSET = 255
"""A cell whose colour is not known yet: no colour has this number, because one index is left for transparency."""
UNKNOWN = 254
"""A cell for whose mixture nobody has looked yet."""
_ENDLESS = 1e30


@compiled
def choose(base: int, before: int, most: int, wanted: float, rounds: int, moves: int) -> int:
    """Colours for the pixels that were counted: as few as keep to the error `wanted`, at most `most`; how many.

    `before` is the number of colours in force, 0 at the beginning. The error is left in the table of that name.
    """
    n = collect(base)
    error = memory.error(base)
    m = before
    if n > 0:
        most = min(most, n)
        found = _ENDLESS
        if before > 0:
            m = resized(base, n, before, min(max(followed(before, error[0], wanted), FEWEST), most))
            found = improve(base, n, m, rounds, moves)
        if found > _CUT_FACTOR * error[0] + _CUT_OFFSET:
            for size in CUT_SIZES:
                m = variance_cut(base, n, min(size, most))
                found = improve(base, n, m, rounds + 2, moves)
                if found <= wanted or size >= most:
                    break
        error[0] = found
    # So few pixels that the sample missed them all: the colours in force must do.
    settle(base, m)
    lut, keys, hints = memory.lut(base), memory.keys(base), memory.hints(base)
    lut[:] = UNSET
    memory.pairs(base)[:] = UNKNOWN
    for i in range(n):
        lut[keys[i]] = hints[keys[i]]
    return m


@compiled
def followed(before: int, error: float, wanted: float) -> int:
    """How many colours a frame should have, by the last one's number and error."""
    if error < _SLACK * wanted:
        return min(before - 1, int(before * _SHRINK))
    return int(before * _GROW) + 2 if error > _STRAIN * wanted else before


@compiled
def collect(base: int) -> int:
    """The cells that hold something, as mean colours (centres would cost 20 dB on static clips) and weights; how many.

    What was counted is cleared for the next frame.
    """
    counts, sums, colours, weights, keys = memory.counts(base), memory.sums(base), memory.cells(base), memory.weights(base), memory.keys(base)
    n = 0
    for k in range(CELLS):
        if counts[0, k] | counts[1, k]:
            count, r, g, b = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
            for band in range(BANDS):
                total = sums[band, k]
                count += counts[band, k]
                r += total >> 42
                g += (total >> 21) & 0x1FFFFF
                b += total & 0x1FFFFF
                counts[band, k] = 0
                sums[band, k] = 0
            share = np.float32(1) / np.float32(count)
            colours[0, n] = ((k >> 12) & 63) * 4 + np.float32(r) * share
            colours[1, n] = ((k >> 6) & 63) * 4 + np.float32(g) * share
            colours[2, n] = (k & 63) * 4 + np.float32(b) * share
            weights[n] = np.float32(count)
            keys[n] = k
            n += 1
    return n


@compiled
def resized(base: int, n: int, before: int, m: int) -> int:
    """Make room in the palette, or leave out what is used least; the number of colours, which may stay below `m`."""
    colours, use = memory.colours(base), memory.use(base)
    if m < before:
        into = 0
        for j in range(before):
            more = 0
            for other in range(before):
                more += (use[other] > use[j]) | ((use[other] == use[j]) & (other < j))
            if more < m:
                for c in range(3):
                    colours[c, into] = colours[c, j]
                into += 1
    elif m > before:
        m = grown(base, n, before, m)
    colours[:, m:] = NOWHERE
    return m


@compiled
def grown(base: int, n: int, before: int, m: int) -> int:
    """Add colours where the old ones do worst: at the furthest cell of each of those with the largest error."""
    colours, cells, errors, worst, at, ranks = (
        memory.colours(base), memory.cells(base), memory.errors(base), memory.worst(base), memory.at(base), memory.ranks(base)
    )  # fmt: skip
    neighbourhood(base, before)
    gather(base, n, before)
    added = min(m - before, before)
    rank(errors, before, added, -1.0, ranks[0])
    into = before
    for p in range(added):
        k = ranks[0, p]
        if worst[k] > 0:
            for c in range(3):
                colours[c, into] = cells[c, at[k]]
            into += 1
    return into


@compiled
def settle(base: int, m: int) -> None:
    """Whole numbers, as the file has them, and what is near what."""
    colours, packed, rgb, lights = memory.colours(base), memory.packed(base), memory.rgb(base), memory.lights(base)
    rgb[:] = 0
    for j in range(m):
        word = np.uint32(0)
        for c in range(3):
            value = min(max(np.rint(colours[c, j]), np.float32(0)), np.float32(255))
            colours[c, j] = value
            rgb[j, c] = np.uint8(value)
            word = np.uint32(word << 8 | np.uint32(value))
        packed[j] = word
        lights[j] = colours[0, j] + np.float32(2) * colours[1, j] + colours[2, j]
    neighbourhood(base, m)
    mixtures(base, m)


@compiled
def mixtures(base: int, m: int) -> None:
    """For each colour and each of its neighbours, how the neighbour's share in a mixture follows from a pixel.

    The share that brings the mean nearest to a pixel is linear in the pixel: three slopes and a constant, in `slopes`.
    """
    palette, around, slopes = memory.colours(base), memory.around(base), memory.slopes(base)
    for a in range(m):
        r, g, b = palette[0, a], palette[1, a], palette[2, a]
        slopes[a, NEAR] = 0
        for k in range(NEAR):
            dr, dg, db = around[a, 0, k] - r, around[a, 1, k] - g, around[a, 2, k] - b
            luma = np.float32(LUMA / 16) * (dr + np.float32(2) * dg + db)
            fr = np.float32(RED) * dr + luma
            fg = np.float32(GREEN) * dg + np.float32(2) * luma
            fb = np.float32(BLUE) * db + luma
            span = fr * dr + fg * dg + fb * db
            part = np.float32(MIXED) / span if span > 0 else np.float32(0)
            slopes[a, k, 0], slopes[a, k, 1], slopes[a, k, 2] = fr * part, fg * part, fb * part
            slopes[a, k, 3] = -(fr * r + fg * g + fb * b) * part
