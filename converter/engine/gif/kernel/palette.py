"""Few colours for many: variance cut where a scene begins, k-means from the last frame's colours after that."""

from __future__ import annotations

from typing import Any

import numpy as np

from .colour import CELLS, NEAR, NOWHERE, SLOTS, Bytes, Doubles, Floats, Ints, Longs, Scalar, distance_float
from .jit import compiled, inlined

WORST_FACTOR = 2.0
"""A useless colour moves to where it helps only if that colour's error is this many times larger."""

FAR = np.float32(1e8)
"""Further than any colour is from `NOWHERE`, or from another."""


@compiled
def collect(counts: Ints, sums: Longs, colours: Floats, weights: Floats, keys: Ints) -> int:
    """The cells that hold something, as mean colours (centres would cost 20 dB on static clips) and weights; how many."""
    n = 0
    for k in range(CELLS):
        count = counts[k]
        if count:
            total, share = sums[k], np.float32(1) / np.float32(count)
            colours[0, n] = ((k >> 12) & 63) * 4 + np.float32(total >> 42) * share
            colours[1, n] = ((k >> 6) & 63) * 4 + np.float32((total >> 21) & 0x1FFFFF) * share
            colours[2, n] = (k & 63) * 4 + np.float32(total & 0x1FFFFF) * share
            weights[n] = np.float32(count)
            keys[n] = k
            n += 1
    return n


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
def nearest(r: Scalar, g: Scalar, b: Scalar, palette: Floats, used: int, found: Floats, order: Ints) -> Scalar:
    """The nearest colour's number. `found` receives the distances, `order` is the same memory as whole numbers.

    `used` is a multiple of 16.
    """
    for j in range(used):
        found[j] = distance_float(r - palette[0, j], g - palette[1, j], b - palette[2, j])
    return smallest(order, used)


@compiled
def neighbourhood(palette: Floats, m: int, near: Bytes, around: Floats, apart: Floats, reach: Floats) -> None:
    """The `NEAR` nearest colours of each colour, nearest first: their numbers (and after them its own), channels and distances.

    `reach` is the distance within which all are known. Where there are fewer colours than places, the rest stands `NOWHERE`.
    """
    found = np.empty(SLOTS, np.float32)
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


@compiled
def variance_cut(colours: Floats, weights: Floats, n: int, wanted: int, palette: Floats) -> int:
    """Split the box with the largest weighted error along its widest axis at the mean, until there are `wanted`."""
    order, spare = np.arange(n), np.zeros(n, np.int64)
    starts, ends = np.zeros(wanted + 1, np.int64), np.zeros(wanted + 1, np.int64)
    error, axis, mean = np.zeros(wanted + 1), np.zeros(wanted + 1, np.int64), np.zeros((wanted + 1, 3))
    boxes, ends[0] = 1, n
    measure(order, colours, weights, 0, starts, ends, error, axis, mean)
    while boxes < wanted:
        worst = -1
        most = 1e-3
        for q in range(boxes):
            if error[q] > most and ends[q] - starts[q] > 1:
                most, worst = error[q], q
        if worst < 0:
            break
        low, high = starts[worst], 0
        along, middle = axis[worst], mean[worst, axis[worst]]
        for p in range(starts[worst], ends[worst]):
            i = order[p]
            if colours[along, i] <= middle:
                order[low] = i
                low += 1
            else:
                spare[high] = i
                high += 1
        order[low : low + high] = spare[:high]
        if low == starts[worst] or high == 0:
            error[worst] = 0.0
            continue
        starts[boxes], ends[boxes], ends[worst] = low, ends[worst], low
        measure(order, colours, weights, worst, starts, ends, error, axis, mean)
        measure(order, colours, weights, boxes, starts, ends, error, axis, mean)
        boxes += 1
    palette[:, :] = NOWHERE
    for q in range(boxes):
        for c in range(3):
            palette[c, q] = mean[q, c]
    return boxes


@compiled
def measure(order: Longs, colours: Floats, weights: Floats, box: int, starts: Longs, ends: Longs, error: Doubles, axis: Longs, mean: Doubles) -> None:
    """Weigh one box: its mean colour, its error, and along which channel it is widest."""
    total = 1e-9
    first, second = np.zeros(3), np.zeros(3)
    for p in range(starts[box], ends[box]):
        i = order[p]
        w = weights[i]
        total += w
        for c in range(3):
            first[c] += w * colours[c, i]
            second[c] += w * colours[c, i] * colours[c, i]
    error[box], widest = 0.0, -1.0
    for c in range(3):
        mean[box, c] = first[c] / total
        variance = (second[c] - first[c] * mean[box, c]) * (3.0, 4.0, 2.0)[c]
        error[box] += variance
        if variance > widest:
            widest, axis[box] = variance, c


@compiled
def improve(
    colours: Floats, weights: Floats, keys: Ints, n: int, palette: Floats, m: int, rounds: int, moves: int, use: Doubles, lut: Bytes,
    hints: Bytes, near: Bytes, around: Floats, apart: Floats, reach: Floats,
) -> float:  # fmt: skip
    """Lloyd's rounds over the cells; each but the last moves up to `moves` useless colours to the worst cells.

    `use` receives how much each colour is used, `lut` the colour of every cell seen (in the last round).
    Returns the weighted mean error.
    """
    sums, errors = np.zeros((SLOTS, 4)), np.zeros(SLOTS)
    worst, at = np.zeros(SLOTS), np.zeros(SLOTS, np.int64)
    error = 0.0
    for turn in range(rounds):
        sums[:] = 0
        errors[:] = 0
        worst[:] = -1.0
        neighbourhood(palette, m, near, around, apart, reach)
        error = gather(colours, weights, keys, n, palette, m, hints, near, around, reach, sums, errors, worst, at)
        for j in range(m):
            if sums[j, 3] > 0:
                for c in range(3):
                    palette[c, j] = sums[j, c] / sums[j, 3]
        if turn < rounds - 1:
            relocate(colours, palette, m, min(moves, m // 2), error, sums, errors, at)
    for i in range(n):
        lut[keys[i]] = hints[keys[i]]
    use[:] = sums[:, 3]
    return error


@compiled
def gather(
    colours: Floats, weights: Floats, keys: Ints, n: int, palette: Floats, m: int, hints: Bytes, near: Bytes, around: Floats, reach: Floats,
    sums: Doubles, errors: Doubles, worst: Doubles, at: Longs,
) -> float:  # fmt: skip
    """Give every cell to its nearest colour, noted in `hints`, and add up what each has; returns the weighted mean error."""
    found = np.empty(SLOTS, np.float32)
    bits = found.view(np.int32)
    used = (m + 15) & ~15
    error, total = 0.0, 1e-9
    for i in range(n):
        r, g, b = colours[0, i], colours[1, i], colours[2, i]
        # Where it belonged before, it mostly still does, or to a neighbour. E is the square of a metric: what is within
        # half of `reach` of a colour (a quarter, squared) has nothing nearer than that colour's neighbours.
        j: Scalar = min(np.int64(hints[keys[i]]), m - 1)
        e = distance_float(r - palette[0, j], g - palette[1, j], b - palette[2, j])
        if np.float32(4) * e > reach[j]:
            j = nearest(r, g, b, palette, used, found, bits)
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


@inlined
def add(colours: Any, i: Any, j: Any, w: Any, e: Any, sums: Any, errors: Any, worst: Any, at: Any) -> Any:
    """Count cell `i` of weight `w` and error `e` for colour `j`; returns its weighted error."""
    e = w * e
    for c in range(3):
        sums[j, c] += w * colours[c, i]
    sums[j, 3] += w
    errors[j] += e
    if e > worst[j]:
        worst[j], at[j] = e, i
    return e


@compiled
def relocate(colours: Floats, palette: Floats, m: int, moves: int, error: float, sums: Doubles, errors: Doubles, at: Longs) -> None:
    """Move the least used colours to the worst cell of the colours with the largest error."""
    idle, poor, q = np.argsort(sums[:m, 3].copy()), np.argsort(errors[:m]), m - 1
    for p in range(moves):
        j, k = idle[p], poor[q]
        if errors[k] <= WORST_FACTOR * (errors[j] + 1e-9 + sums[j, 3] * error):
            return
        q -= 1
        if k != j:
            for c in range(3):
                palette[c, j] = colours[c, at[k]]
