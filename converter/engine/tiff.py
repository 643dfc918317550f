"""What a TIFF's numbers are, where they are nothing that can be developed: a sentence instead of a decoder's failure.

Only the first directory is read, a few hundred bytes.
"""

from __future__ import annotations

import struct
from pathlib import Path

from .errors import MediaError

_DETAIL = "The picture is a TIFF with 32-bit, floating-point or LAB values, which can't be read. Save it with 8 or 16 bits in RGB or grey."
_BITS, _PHOTOMETRIC, _FORMAT = 258, 262, 339
_LABS = frozenset({8, 9, 10})
"""CIELAB, ICCLAB and ITULAB (TIFF 6.0 and its technical notes)."""
_UNSIGNED = frozenset({1, 4})
"""Whole numbers, and "undefined", which readers take for them."""
_SHORT, _LONG = 3, 4
_MOST_ENTRIES = 200
_MOST_BITS = 16


def check(path: Path) -> None:
    """Raise `MediaError("unsupported_media")` where its values are of a kind that no reader here takes."""
    with path.open("rb") as file:
        head = file.read(8)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        # BigTIFF (43) has other directories; whatever is unclear is the readers' to judge.
        if order is None or len(head) < 8 or struct.unpack(order + "H", head[2:4])[0] != 42:
            return
        file.seek(struct.unpack(order + "I", head[4:8])[0])
        count = file.read(2)
        entries = file.read(12 * min(_MOST_ENTRIES, struct.unpack(order + "H", count)[0])) if len(count) == 2 else b""
        found = {}
        for at in range(0, len(entries) - 11, 12):
            tag, kind, many, place = struct.unpack(order + "HHII", entries[at : at + 12])
            if tag not in (_BITS, _PHOTOMETRIC, _FORMAT) or kind not in (_SHORT, _LONG) or not many:
                continue
            value = entries[at + 8 : at + 12]
            if many * (2 if kind == _SHORT else 4) > 4:
                file.seek(place)
                value = file.read(4)
            width = 2 if kind == _SHORT else 4
            if len(value) >= width:
                found[tag] = struct.unpack(order + ("H" if kind == _SHORT else "I"), value[:width])[0]
    if found.get(_BITS, 1) > _MOST_BITS or found.get(_FORMAT, 1) not in _UNSIGNED or found.get(_PHOTOMETRIC) in _LABS:
        raise MediaError("unsupported_media", _DETAIL, log=f"TIFF tags {found}")
