"""k-means over the cells, and what is near what: a cell mostly stays with its colour, or goes to a neighbour of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from converter.engine.gif.kernel.layout import NEAR

from . import memory
from .colour import NOWHERE, Doubles, Floats, Longs, Scalar, distance_float
from .jit import compiled, inlined

WORST_FACTOR = 2.0
"""A useless colour moves to where it helps only if that colour's error is this many times larger."""
FAR = np.float32(1e8)
"""Further than any colour is from `NOWHERE`, or from another."""


@compiled
def improve(base: int, n: int, m: int, rounds: int, moves: int) -> float:
    """Lloyd's rounds over the cells; each but the last moves up to `moves` useless colours to the worst cells.

    `use` receives how much each colour is used. Returns the weighted mean error.
    """
    palette, totals, use = memory.colours(base), memory.totals(base), memory.use(base)
    error = 0.0
    for turn in range(rounds):
        neighbourhood(base, m)
        error = gather(base, n, m)
        for j in range(m):
            if totals[j, 3] > 0:
                for c in range(3):
                    palette[c, j] = totals[j, c] / totals[j, 3]
        if turn < rounds - 1:
            relocate(base, m, min(moves, m // 2), error)
    for j in range(m):
        use[j] = totals[j, 3]
    return error


@compiled
def gather(base: int, n: int, m: int) -> float:
    """Give every cell to its nearest colour, noted in `hints`, and add up what each has; returns the weighted mean error."""
    colours, weights, keys, palette, hints = memory.cells(base), memory.weights(base), memory.keys(base), memory.colours(base), memory.hints(base)
    near, around, reach = memory.near(base), memory.around(base), memory.reach(base)
    sums, errors, worst, at = memory.totals(base), memory.errors(base), memory.worst(base), memory.at(base)
    found, used = memory.found(base), (m + 15) & ~15
    bits = found.view(np.int32)
    clear(base)
    error, total = 0.0, 1e-9
    for i in range(n):
        r, g, b = colours[0, i], colours[1, i], colours[2, i]
        # Where it belonged before, it mostly still does, or to a neighbour. E is the square of a metric: what is within
        # half of `reach` of a colour (a quarter, squared) has nothing nearer than that colour's neighbours.
        j: Scalar = min(np.int64(hints[keys[i]]), m - 1)
        e = distance_float(r - palette[0, j], g - palette[1, j], b - palette[2, j])
        if np.float32(4) * e > reach[j]:
            j = nearest(r, g, b, palette, used, found)
            e = found[j]
        else:
            # Written out: called or inlined by Numba it takes three times as long.
            for k in range(NEAR):
                found[k] = distance_float(r - around[j, 0, k], g - around[j, 1, k], b - around[j, 2, k])
            best = np.int32(0x7FFFFFFF)
            for k in range(NEAR):
                best = min(best, np.int32((bits[k] & np.int32(-256)) | np.int32(k)))
            best &= 255
            if found[best] < e:
                e, j = found[best], np.int64(near[j, best])
        hints[keys[i]] = j
        w = np.float64(weights[i])
        e = w * e
        for c in range(3):
            sums[j, c] += w * colours[c, i]
        sums[j, 3] += w
        errors[j] += e
        error += e
        total += w
        if e > worst[j]:
            worst[j], at[j] = e, i
    return error / total


@compiled
def clear(base: int) -> None:
    """Forget what the colours had."""
    memory.totals(base)[:] = 0
    memory.errors(base)[:] = 0
    memory.worst(base)[:] = -1.0


@compiled
def relocate(base: int, m: int, moves: int, error: float) -> None:
    """Move the least used colours to the worst cell of the colours with the largest error."""
    colours, palette, totals = memory.cells(base), memory.colours(base), memory.totals(base)
    errors, worst, at, ranks = memory.errors(base), memory.worst(base), memory.at(base), memory.ranks(base)
    # What each would cost: `worst` serves as the place to rank by use, its own content is no longer needed.
    for j in range(m):
        worst[j] = totals[j, 3]
    rank(worst, m, moves, 1.0, ranks[0])
    rank(errors, m, moves, -1.0, ranks[1])
    for p in range(moves):
        j, k = ranks[0, p], ranks[1, p]
        if errors[k] <= WORST_FACTOR * (errors[j] + 1e-9 + totals[j, 3] * error):
            return
        if k != j:
            for c in range(3):
                palette[c, j] = colours[c, at[k]]


@compiled
def rank(values: Doubles, m: int, wanted: int, sign: float, into: Longs) -> None:
    """The places of the `wanted` smallest of `m` values, smallest first; largest with a `sign` of -1."""
    for j in range(m):
        less = 0
        for other in range(m):
            less += (sign * values[other] < sign * values[j]) | ((values[other] == values[j]) & (other < j))
        if less < wanted:
            into[less] = j


@compiled
def nearest(r: Scalar, g: Scalar, b: Scalar, palette: Floats, used: int, found: Floats) -> Scalar:
    """The nearest colour's number. `found` receives the distances; `used` is a multiple of 16."""
    order = found.view(np.int32)
    for j in range(used):
        found[j] = distance_float(r - palette[0, j], g - palette[1, j], b - palette[2, j])
    return smallest(order, used)


@inlined
def smallest(order: Any, used: Any) -> Any:
    """Where the smallest of `used` positive floats stands, given their bits.

    Such bits sort as whole numbers do, so the place rides in the lowest byte and one minimum finds both, eight at a time.
    """
    best = np.int32(0x7FFFFFFF)
    for j in range(used):
        best = min(best, np.int32((order[j] & np.int32(-256)) | np.int32(j)))
    return best & 255


@compiled
def neighbourhood(base: int, m: int) -> None:
    """The `NEAR` nearest colours of each colour, nearest first: their numbers (and after them its own), channels and distances.

    `reach` is the distance within which all are known. Where there are fewer colours than places, the rest stands `NOWHERE`.
    """
    palette, near, around, apart, reach = memory.colours(base), memory.near(base), memory.around(base), memory.apart(base), memory.reach(base)
    found = memory.found(base)
    order = found.view(np.int32)
    used = (m + 15) & ~15
    for a in range(m):
        for j in range(used):
            found[j] = distance_float(palette[0, a] - palette[0, j], palette[1, a] - palette[1, j], palette[2, a] - palette[2, j])
        found[a] = FAR
        for k in range(NEAR):
            j = smallest(order, used)
            apart[a, k] = found[j]
            near[a, k] = j if found[j] < FAR else a
            for c in range(3):
                around[a, c, k] = palette[c, j] if found[j] < FAR else NOWHERE
            found[j] = FAR
        near[a, NEAR] = a
        reach[a] = apart[a, NEAR - 1]
