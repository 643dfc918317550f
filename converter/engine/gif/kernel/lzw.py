"""LZW as GIF wants it, and lossy where a neighbour in colour continues a string that is already known.

One function, because its state (the dictionary, the bit buffer, the sub-block) lives in registers:
it is called once for a frame and takes 15 to 35 ns a pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .colour import Bytes, Scalar, Words, between
from .jit import compiled, inlined

DICTIONARY = 4096
"""Codes that twelve bits can name."""
SLOTS_BITS = 14
HASH_SLOTS = 1 << SLOTS_BITS
"""Four places for each code: the chains stay short. 64 KB, which a core's cache holds."""
CHECK = 256
"""Codes between two looks at how well a full dictionary still does."""
WORN = 0.97
"""A full dictionary is forgotten when it codes this much worse than at its best. The prototype's number; not varied."""


def room(pixels: int) -> int:
    """Bytes that a picture of `pixels` can take at most, with its sub-blocks' lengths and codes to clear."""
    return pixels * 2 + 1024


@inlined
def slot(key: Any) -> Any:
    """Where in the hash a string (prefix code and next index) begins to be looked for."""
    return ((key * 40503) >> 4) & (HASH_SLOTS - 1)


@compiled
def find(table: Words, key: Scalar) -> Scalar:
    """The code of a known string, or -1 - the free slot where it would go."""
    at = slot(key)
    while True:
        entry = np.int64(table[at])
        if entry == 0:
            return -1 - at
        if (entry >> 12) == key:
            return entry & 4095
        at = (at + 1) & (HASH_SLOTS - 1)


@compiled
def encode(
    indices: Bytes, src: Words, ref: Words, scr: Words, tol: Bytes, width: int, x0: int, y0: int, x1: int, y1: int,
    palette: Words, neighbours: Bytes, candidates: int, loss: float, over: bool, depth: int, clear_through: int, table: Words, out: Bytes,
) -> int:  # fmt: skip
    """Write one picture's image data (minimum code size, sub-blocks, terminator) into `out`; returns its length.

    `depth` is the minimum code size (2 to 8), `clear_through` the transparent index, `loss` scales each
    pixel's tolerance: 0 is lossless; `over` says that there is a picture underneath, which may be left
    to show through. What is drawn is noted in `scr`, and its source in `ref`.
    """
    clear, end = 1 << depth, (1 << depth) + 1
    following, bits = end + 1, depth + 1
    table[:] = 0
    out[0] = np.uint8(depth)
    block, pos, filled = 1, 2, 0
    acc, held = np.uint64(clear), bits
    node: Scalar = -1
    codes, pixels, best = 0, 0, 0.0
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            i = y * width + x
            s: Scalar = np.int64(indices[i])
            if node < 0:
                node = s
            else:
                known = find(table, ((node << 8) | s) + 1)
                free = -1 - known
                if known < 0 and loss > 0.0:
                    v = np.int64(src[i])
                    reach = np.float64(tol[i]) * 0.25 * loss
                    limit = reach * reach * 3
                    if s != clear_through:
                        limit += np.float64(between(v, np.int64(palette[s]))) * 0.5
                        if over and between(v, np.int64(scr[i])) <= limit:
                            known = find(table, ((node << 8) | clear_through) + 1)
                            if known >= 0:
                                s = np.int64(clear_through)
                        wanted = s
                        q = 0
                        while known < 0 and q < candidates:
                            other = np.int64(neighbours[wanted, q])
                            if between(v, np.int64(palette[other])) <= limit:
                                known = find(table, ((node << 8) | other) + 1)
                                if known >= 0:
                                    s = other
                            q += 1
                if known >= 0:
                    node = known
                else:
                    acc |= np.uint64(node) << np.uint64(held)
                    held += bits
                    if following < DICTIONARY:
                        table[free] = np.uint32(((((node << 8) | s) + 1) << 12) | following)
                        following += 1
                        if following > (1 << bits) and bits < 12:
                            bits += 1
                    else:
                        codes += 1
                        if codes >= CHECK:
                            rate = pixels / codes
                            if best == 0.0 or rate >= best * WORN:
                                best = max(best, rate)
                            else:
                                acc |= np.uint64(clear) << np.uint64(held)
                                held += 12
                                table[:] = 0
                                following, bits, best = end + 1, depth + 1, 0.0
                            codes, pixels = 0, 0
                    while held >= 8:
                        out[pos] = np.uint8(acc & np.uint64(255))
                        acc >>= np.uint64(8)
                        held -= 8
                        pos += 1
                        filled += 1
                        if filled == 255:
                            out[block] = 255
                            block, pos, filled = pos, pos + 1, 0
                    node = s
            pixels += 1
            if s != clear_through:
                scr[i] = palette[s]
                ref[i] = src[i]
    acc |= np.uint64(node) << np.uint64(held)
    held += bits
    if following < DICTIONARY:
        # The decoder adds a string here too, and may widen its codes by it.
        following += 1
        if following > (1 << bits) and bits < 12:
            bits += 1
    acc |= np.uint64(end) << np.uint64(held)
    held += bits
    while held > 0:
        out[pos] = np.uint8(acc & np.uint64(255))
        acc >>= np.uint64(8)
        held -= 8
        pos += 1
        filled += 1
        if filled == 255:
            out[block] = 255
            block, pos, filled = pos, pos + 1, 0
    if filled == 0:
        out[block] = 0
        return pos
    out[block] = np.uint8(filled)
    out[pos] = 0
    return pos + 1
