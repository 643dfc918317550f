"""Colours for a new scene: boxes in the colour space, split where the error is largest."""

from __future__ import annotations

from . import memory
from .colour import BLUE, GREEN, NOWHERE, RED
from .jit import compiled


@compiled
def variance_cut(base: int, n: int, wanted: int) -> int:
    """Split the box with the largest weighted error along its widest axis at the mean, until there are `wanted`; how many there are."""
    order, starts, ends = memory.order(base), memory.starts(base), memory.ends(base)
    error, mean, palette = memory.errors(base), memory.mean(base), memory.colours(base)
    for i in range(n):
        order[i] = i
    boxes, starts[0], ends[0] = 1, 0, n
    measure(base, 0)
    while boxes < wanted:
        worst = -1
        most = 1e-3
        for q in range(boxes):
            if error[q] > most and ends[q] - starts[q] > 1:
                most, worst = error[q], q
        if worst < 0:
            break
        low = split(base, worst)
        if low == starts[worst] or low == ends[worst]:
            error[worst] = 0.0
            continue
        starts[boxes], ends[boxes], ends[worst] = low, ends[worst], low
        measure(base, worst)
        measure(base, boxes)
        boxes += 1
    palette[:, :] = NOWHERE
    for q in range(boxes):
        for c in range(3):
            palette[c, q] = mean[q, c]
    return boxes


@compiled
def split(base: int, box: int) -> int:
    """Order a box's cells: first those below the mean of its widest axis, then the others, which begin at the number returned."""
    order, spare, colours = memory.order(base), memory.spare(base), memory.cells(base)
    start, end = memory.starts(base)[box], memory.ends(base)[box]
    along = memory.axis(base)[box]
    middle = memory.mean(base)[box, along]
    low, high = start, 0
    for p in range(start, end):
        i = order[p]
        if colours[along, i] <= middle:
            order[low] = i
            low += 1
        else:
            spare[high] = i
            high += 1
    for p in range(high):
        order[low + p] = spare[p]
    return int(low)


@compiled
def measure(base: int, box: int) -> None:
    """Weigh one box: its mean colour, its error, and along which channel it is widest."""
    order, colours, weights, mean = memory.order(base), memory.cells(base), memory.weights(base), memory.mean(base)
    total, squares = 1e-9, (0.0, 0.0, 0.0)
    r, g, b = 0.0, 0.0, 0.0
    rr, gg, bb = squares
    for p in range(memory.starts(base)[box], memory.ends(base)[box]):
        i = order[p]
        w = weights[i]
        total += w
        r += w * colours[0, i]
        g += w * colours[1, i]
        b += w * colours[2, i]
        rr += w * colours[0, i] * colours[0, i]
        gg += w * colours[1, i] * colours[1, i]
        bb += w * colours[2, i] * colours[2, i]
    mean[box, 0], mean[box, 1], mean[box, 2] = r / total, g / total, b / total
    red, green, blue = RED * (rr - r * mean[box, 0]), GREEN * (gg - g * mean[box, 1]), BLUE * (bb - b * mean[box, 2])
    memory.errors(base)[box] = red + green + blue
    memory.axis(base)[box] = 1 if green >= red and green >= blue else 0 if red >= blue else 2
