"""LZW as GIF wants it, and lossy where a neighbour in colour continues a string that is already known.

One function, because its state (the dictionary, the bit buffer, the sub-block) lives in registers:
it is called once for a frame and takes 5 to 11 ns a pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from converter.engine.gif.kernel.layout import DICTIONARY, HASH_SLOTS, NEAR

from . import memory
from .colour import BLUE, GREEN, LUMA, RED, Bytes, Floats, Ints, Scalar, Words, apart32
from .jit import compiled, inlined

_SLOTS_BITS = HASH_SLOTS.bit_length() - 1
CHECK = 256
"""Codes between two looks at how well a full dictionary still does."""
_FOLLOWING, _BITS, _BLOCK, _POS, _ACC, _HELD, _NODE, _BEGUN, _CODES, _PIXELS, _BEST = range(11)
"""Where `encode` leaves its state, in the table `lzw`."""
NEARBY = 8
"""Pixels after which a wrong brightness is no longer made up for."""
OWED, KEPT = 9, 6
"""How dear it is not to make up for it, in sixteenths of E, and how much of it is carried on, in eighths.

Compared with none at all: up to 2 % fewer bytes at the same SSIM. 27 gave .0002 to .0005 more SSIM for as many more bytes.
"""
_TOO_DEAR = np.int32(0x7FFFFFFF)
WORN = 0.97
"""A full dictionary is forgotten when it codes this much worse than at its best. The prototype's number; not varied."""


@inlined
def place(table: Any, key: Any) -> Any:
    """Where a string (prefix code and next index, plus one) stands in the hash, or the free place where it would go."""
    at = np.uint64(((key * np.uint64(0x9E3779B1)) & np.uint64(0xFFFFFFFF)) >> np.uint64(32 - _SLOTS_BITS))
    entry = np.uint64(table[at])
    while entry != np.uint64(0) and (entry >> np.uint64(12)) != key:
        at = (at + np.uint64(1)) & np.uint64(HASH_SLOTS - 1)
        entry = np.uint64(table[at])
    return at


@compiled
def weigh(pixel: Scalar, owed: Scalar, limit: Scalar, around: Floats, s: Scalar, costs: Ints, wrong: Ints) -> None:
    """What each neighbour of the colour `s` would cost in the place of `pixel`, and what brightness it would leave owed.

    All at once, because one after the other takes three times as long. Dearer than anything is what differs by more than `limit`.
    """
    r, g, b = np.int32((pixel >> 16) & 255), np.int32((pixel >> 8) & 255), np.int32(pixel & 255)
    for q in range(NEAR):
        dr, dg, db = np.int32(r - np.int32(around[s, 0, q])), np.int32(g - np.int32(around[s, 1, q])), np.int32(b - np.int32(around[s, 2, q]))
        y = np.int32(dr + 2 * dg + db)
        e = np.int32(np.int32(RED * dr * dr + GREEN * dg * dg) + np.int32(BLUE * db * db) + (np.int32(y * y * LUMA) >> 4))
        left = np.int32(y + owed)
        wrong[q] = left
        costs[q] = np.int32(e + (np.int32(OWED * left * left) >> 4)) if e <= limit else _TOO_DEAR


@compiled
def begin(base: int, out: Bytes, loss: float, plain: int, calm_loss: float, depth: int) -> None:
    """Start a picture's image data: an empty dictionary, and a first code that says so."""
    known, onward, limits, state = memory.known(base), memory.onward(base), memory.limits(base), memory.lzw(base)
    for t in range(256):
        part = calm_loss if t <= plain else loss
        limits[t] = np.int32(t * t * part * part * (3 / 16)) if part > 0.0 else np.int32(-0x10000000)
    known[:] = 0
    onward[:] = 0
    out[0] = np.uint8(depth)
    state[:] = 0
    state[_FOLLOWING], state[_BITS] = (1 << depth) + 2, depth + 1
    state[_BLOCK], state[_POS], state[_ACC], state[_HELD] = 1, 2, 1 << depth, depth + 1


@compiled
def encode(
    base: int, indices: Bytes, src: Words, ref: Words, scr: Words, tol: Bytes, out: Bytes, width: int, x0: int, x1: int, top: int, end: int,
    candidates: int, loss: float, over: bool, depth: int, clear_through: int,
) -> None:  # fmt: skip
    """Write the image data of the rows `top` to before `end` into `out`, after `begin`, and before the next rows or `finish`.

    `depth` is the minimum code size (2 to 8), `clear_through` the transparent index, `loss` scales each
    pixel's tolerance: 0 is lossless; `over` says that there is a picture underneath, which may be left
    to show through. What is drawn is noted in `scr`, and its source in `ref`.
    """
    table, onward, limits, state = memory.known(base), memory.onward(base), memory.limits(base), memory.lzw(base)
    palette, neighbours, around = memory.packed(base), memory.near(base), memory.around(base)
    costs, wrong = memory.costs(base), memory.wrong(base)
    clear, after = 1 << depth, np.uint64((1 << depth) + 2)
    byte, eight, one, through, last = np.uint64(255), np.uint64(8), np.uint64(1), np.uint64(clear_through), np.uint64(DICTIONARY)
    mask, zero, lossy = np.uint64(DICTIONARY - 1), np.uint64(0), loss > 0.0
    following, bits, block, pos = state[_FOLLOWING], state[_BITS], np.int64(state[_BLOCK]), state[_POS]
    acc, held, node, begun = state[_ACC], state[_HELD], state[_NODE], state[_BEGUN] != zero
    codes: Scalar = np.int64(state[_CODES])
    pixels: Scalar = np.int64(state[_PIXELS])
    best: Scalar = np.int64(state[_BEST])
    for y in range(top, end):
        owed, at = np.int32(0), -1
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
                    if known == zero:
                        # The one among those within the limit that makes up for the brightness that the last ones took or gave.
                        least = _TOO_DEAR
                        owed = np.int32(owed if x - at <= NEARBY else 0)
                        weigh(v, owed, limit, around, np.int64(s), costs, wrong)
                        taken = np.int32(0)
                        for q in range(candidates):
                            if costs[q] < least:
                                other = np.uint64(neighbours[s, np.uint64(q)])
                                found = np.uint64(table[place(table, ((node << eight) | other) + one)]) & mask
                                if found != zero:
                                    places[x], known, least, taken = other, found, costs[q], wrong[q]
                        if known != zero:
                            owed, at = np.int32((taken * KEPT) >> 3), x
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
                    rate = pixels * 1024 // codes
                    if best == 0 or rate >= best * WORN:
                        best = max(best, rate)
                    else:
                        acc |= np.uint64(clear) << held
                        held += np.uint64(12)
                        table[:] = 0
                        onward[:] = 0
                        following, bits, best = after, np.uint64(depth + 1), 0
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
    state[_FOLLOWING], state[_BITS], state[_BLOCK], state[_POS] = following, bits, np.uint64(block), pos
    state[_ACC], state[_HELD], state[_NODE], state[_BEGUN] = acc, held, node, np.uint64(begun)
    state[_CODES], state[_PIXELS], state[_BEST] = np.uint64(codes), np.uint64(pixels), np.uint64(best)


@compiled
def finish(base: int, out: Bytes, depth: int) -> int:
    """End the image data with its last codes and the terminator; returns its length."""
    state = memory.lzw(base)
    following, block = np.int64(state[_FOLLOWING]), np.int64(state[_BLOCK])
    bits: Scalar = np.int64(state[_BITS])
    pos: Scalar = np.int64(state[_POS])
    held: Scalar = np.int64(state[_HELD]) + bits
    acc = state[_ACC] | state[_NODE] << state[_HELD]
    # The decoder adds a string here too, and may widen its codes by it.
    if following < DICTIONARY and following + 1 > (1 << bits) and bits < 12:
        bits += 1
    acc |= np.uint64((1 << depth) + 1) << np.uint64(held)
    held += bits
    while held > 0:
        out[pos] = np.uint8(acc & np.uint64(255))
        acc >>= np.uint64(8)
        held -= 8
        pos += 1
        if pos - block == 256:
            out[block] = 255
            block, pos = pos, pos + 1
    filled = pos - block - 1
    out[block] = np.uint8(filled)
    if filled == 0:
        return int(pos)
    out[pos] = 0
    return int(pos) + 1


@compiled
def note(places: Bytes, sources: Words, palette: Words, clear_through: int, drawn: Words, screen: Words) -> None:
    """Remember what one row shows now, and of which pixels it was drawn."""
    for x in range(len(places)):
        s = places[x]
        if s != clear_through:
            screen[x] = palette[s]
            drawn[x] = sources[x]
