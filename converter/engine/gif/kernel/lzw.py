"""LZW as GIF wants it, and lossy where a neighbour in colour continues a string that is already known.

One function, because its state (the dictionary, the bit buffer, the sub-block) lives in registers:
it is called once for a frame and takes 5 to 12 ns a pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .colour import Bytes, Scalar, Words, apart32
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
def place(table: Any, key: Any) -> Any:
    """Where a string (prefix code and next index, plus one) stands in the hash, or the free place where it would go."""
    at = np.uint64(((key * np.uint64(0x9E3779B1)) & np.uint64(0xFFFFFFFF)) >> np.uint64(32 - SLOTS_BITS))
    entry = np.uint64(table[at])
    while entry != np.uint64(0) and (entry >> np.uint64(12)) != key:
        at = (at + np.uint64(1)) & np.uint64(HASH_SLOTS - 1)
        entry = np.uint64(table[at])
    return at


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
    following, bits = np.uint64(end + 1), np.uint64(depth + 1)
    byte, eight, one, through, last = np.uint64(255), np.uint64(8), np.uint64(1), np.uint64(clear_through), np.uint64(DICTIONARY)
    mask, zero, lossy = np.uint64(DICTIONARY - 1), np.uint64(0), loss > 0.0
    onward = np.zeros(DICTIONARY, np.uint16)
    limits = np.empty(256, np.int32)
    for t in range(256):
        limits[t] = np.int32(t * t * loss * loss * (3 / 16))
    table[:] = 0
    out[0] = np.uint8(depth)
    block: Scalar = 1
    pos: Scalar = np.uint64(2)
    acc, held = np.uint64(clear), bits
    node = np.uint64(0)
    codes, pixels, best = 0, 0, 0.0
    begun = False
    for y in range(y0, y1 + 1):
        row, row_end = y * width + x0, y * width + x1 + 1
        places, sources, screen, tolerances = indices[row:row_end], src[row:row_end], scr[row:row_end], tol[row:row_end]
        for x in range(x1 + 1 - x0):
            s = np.uint64(places[x])
            if not begun:
                node, begun = s, True
                continue
            pixels += 1
            if s == through:
                # Most pixels are: a string's continuation by them is looked up without hashing.
                known = np.uint64(onward[node])
                free = node
            else:
                free = place(table, ((node << eight) | s) + one)
                known = np.uint64(table[free]) & mask
                if known == zero and lossy:
                    v = np.int32(sources[x])
                    limit = limits[tolerances[x]] + (apart32(v, np.int32(palette[s])) >> 1)
                    if over and onward[node] != 0 and apart32(v, np.int32(screen[x])) <= limit:
                        known = np.uint64(onward[node])
                        places[x] = through
                    q = 0
                    while known == zero and q < candidates:
                        other = np.uint64(neighbours[s, np.uint64(q)])
                        if apart32(v, np.int32(palette[other])) <= limit:
                            known = np.uint64(table[place(table, ((node << eight) | other) + one)]) & mask
                            if known != zero:
                                places[x] = other
                        q += 1
            if known != zero:
                node = known
                continue
            acc |= node << held
            held += bits
            if following < last:
                if s == through:
                    onward[node] = np.uint16(following)
                else:
                    table[free] = np.uint32((((node << eight) | s) + one) << np.uint64(12) | following)
                following += one
                if following > (one << bits) and bits < np.uint64(12):
                    bits += one
            else:
                codes += 1
                if codes >= CHECK:
                    rate = pixels / codes
                    if best == 0.0 or rate >= best * WORN:
                        best = max(best, rate)
                    else:
                        acc |= np.uint64(clear) << held
                        held += np.uint64(12)
                        table[:] = 0
                        onward[:] = 0
                        following, bits, best = np.uint64(end + 1), np.uint64(depth + 1), 0.0
                    codes, pixels = 0, 0
            node = s
            while held >= eight:
                out[pos] = np.uint8(acc & byte)
                acc >>= eight
                held -= eight
                pos += one
                if pos - np.uint64(block) == np.uint64(256):
                    out[block] = 255
                    block, pos = np.int64(pos), pos + one
        note(places, sources, palette, clear_through, ref[row:row_end], screen)
    acc |= node << held
    held += bits
    if following < last:
        # The decoder adds a string here too, and may widen its codes by it.
        following += one
        if following > (one << bits) and bits < np.uint64(12):
            bits += one
    acc |= np.uint64(end) << held
    held += bits
    while held > np.uint64(0):
        out[pos] = np.uint8(acc & byte)
        acc >>= eight
        held = held - eight if held > eight else np.uint64(0)
        pos += one
        if pos - np.uint64(block) == np.uint64(256):
            out[block] = 255
            block, pos = np.int64(pos), pos + one
    filled = np.int64(pos) - block - 1
    out[block] = np.uint8(filled)
    if filled == 0:
        return int(np.int64(pos))
    out[pos] = 0
    return int(np.int64(pos)) + 1


@compiled
def note(places: Bytes, sources: Words, palette: Words, clear_through: int, drawn: Words, screen: Words) -> None:
    """Remember what one row shows now, and of which pixels it was drawn."""
    for x in range(len(places)):
        s = places[x]
        if s != clear_through:
            screen[x] = palette[s]
            drawn[x] = sources[x]
