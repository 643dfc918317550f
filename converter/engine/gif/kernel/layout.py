"""Where everything stands in the one block of memory that the child and the shared library both use."""

from __future__ import annotations

from typing import NamedTuple

CELLS = 1 << 18
"""Colours are counted in cells of six bits a channel. Finer ones cost time and change nothing."""
SLOTS = 256
"""Room of a palette."""
NEAR = 16
"""Neighbours that each colour of a palette knows: two of a processor's widest registers, or one."""
BANDS = 2
"""A picture's rows are judged in two bands, by two threads where there are two cores. What comes out is the same."""
DICTIONARY = 4096
"""Codes that twelve bits can name."""
HASH_SLOTS = 1 << 14
"""Four places for each code: the chains stay short. 64 KB, which a core's cache holds."""
WIDEST = 16384
"""Pixels of the longest row."""
LINE = 64
"""Bytes that a processor reads at once: tables begin at one."""
_SIZES = {"u1": 1, "u2": 2, "u4": 4, "i4": 4, "u8": 8, "i8": 8, "f4": 4, "f8": 8}


class Table(NamedTuple):
    """One array: its kind as numpy writes it, its shape, and where it begins."""

    kind: str
    shape: tuple[int, ...]
    offset: int


_TABLES: dict[str, tuple[str, tuple[int, ...]]] = {
    # Numbers that come back beside a function's result.
    "box": ("i8", (BANDS, 4)),
    "error": ("f8", (1,)),
    # The palette, and what a second try at a frame has to find as it was.
    "colours": ("f4", (3, SLOTS)),
    "use": ("f8", (SLOTS,)),
    "packed": ("u4", (SLOTS,)),
    "rgb": ("u1", (SLOTS, 3)),
    "lights": ("f4", (SLOTS,)),
    # What is near what.
    "near": ("u1", (SLOTS, NEAR + 1)),
    "around": ("f4", (SLOTS, 3, NEAR)),
    "apart": ("f4", (SLOTS, NEAR)),
    "reach": ("f4", (SLOTS,)),
    "slopes": ("f4", (SLOTS, NEAR + 1, 4)),
    # The colours of the pixels that change.
    "counts": ("i4", (BANDS, CELLS)),
    "sums": ("i8", (BANDS, CELLS)),
    "cells": ("f4", (3, CELLS)),
    "weights": ("f4", (CELLS,)),
    "keys": ("i4", (CELLS,)),
    "hints": ("u1", (CELLS,)),
    "lut": ("u1", (CELLS,)),
    "pairs": ("u1", (2 * CELLS,)),
    # k-means and the cut.
    "totals": ("f8", (SLOTS, 4)),
    "errors": ("f8", (SLOTS,)),
    "worst": ("f8", (SLOTS,)),
    "at": ("i8", (SLOTS,)),
    "ranks": ("i8", (2, SLOTS)),
    "order": ("i8", (CELLS,)),
    "spare": ("i8", (CELLS,)),
    "starts": ("i8", (SLOTS,)),
    "ends": ("i8", (SLOTS,)),
    "axis": ("i8", (SLOTS,)),
    "mean": ("f8", (SLOTS, 3)),
    # One row at work.
    "found": ("f4", (SLOTS,)),
    "turned": ("u1", (8,)),
    "chosen": ("u4", (WIDEST,)),
    "factors": ("i4", (WIDEST,)),
    "leaning": ("u4", (WIDEST,)),
    "able": ("u4", (WIDEST,)),
    # LZW, which is called band by band.
    "known": ("u4", (HASH_SLOTS,)),
    "onward": ("u2", (DICTIONARY,)),
    "limits": ("i4", (256,)),
    "costs": ("i4", (NEAR,)),
    "wrong": ("i4", (NEAR,)),
    "lzw": ("u8", (12,)),
}


def _placed() -> tuple[dict[str, Table], int]:
    tables, offset = {}, 0
    for name, (kind, shape) in _TABLES.items():
        tables[name] = Table(kind, shape, offset)
        size = _SIZES[kind]
        for length in shape:
            size *= length
        offset += -(-size // LINE) * LINE
    return tables, offset


TABLES, TABLES_BYTES = _placed()


def size(name: str) -> int:
    """Bytes of a table."""
    table = TABLES[name]
    total = _SIZES[table.kind]
    for length in table.shape:
        total *= length
    return total


def room(pixels: int) -> int:
    """Bytes that a picture of `pixels` can take at most as LZW, with its sub-blocks' lengths and codes to clear."""
    return pixels * 2 + 1024
