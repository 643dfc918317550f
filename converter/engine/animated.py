"""The clock of animated WebP and PNG files, read from their own chunks; decodes nothing.

WebP: RIFF chunks `ANIM` (times it plays at offset 4) and `ANMF` (milliseconds in 24 bits at offset 12), from the
WebP Container Specification. PNG: `acTL` (frames, plays) and `fcTL` (delay as a fraction at offset 20), PNG 3rd edition.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from .errors import MediaError

_ALPHA = 0x10
"""The bit of VP8X's flags that says that something is transparent."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The delay of each frame in seconds, and how often the file plays (0 = for ever)."""

    delays: tuple[Fraction, ...]
    plays: int

    @property
    def starts(self) -> tuple[Fraction, ...]:
        """When each frame begins, in seconds."""
        at, found = Fraction(0), []
        for delay in self.delays:
            found.append(at)
            at += delay
        return tuple(found)

    @property
    def seconds(self) -> Fraction:
        """Length of one round."""
        return sum(self.delays, Fraction(0))


def webp_clock(path: Path) -> Clock:
    """Read a WebP; a still one has no frames. Raises `MediaError("corrupt_media")`."""
    delays: list[Fraction] = []
    plays = 1
    with _mapped(path) as data:
        for kind, at in _webp(data):
            if kind == b"ANIM":
                (plays,) = struct.unpack_from("<H", data, at + 4)
            elif kind == b"ANMF":
                delays.append(Fraction(int.from_bytes(data[at + 12 : at + 15], "little"), 1000))
    return Clock(tuple(delays), plays)


def close_webp(path: Path, total_ms: int, *, transparent: bool = False) -> int:
    """Make one round last exactly `total_ms` by its last frame, in place; how many frames there are (0: it stands still).

    libwebp learns when frames begin, but not when the last one ends. And it leaves out what is transparent at the
    edges without saying that anything is, so that viewers would show black there: `transparent` says it. Raises `MediaError`: `corrupt_media`,
    `tool_failed` where the frames before it last too long already.
    """
    with _mapped(path, write=True) as data:
        chunks = list(_webp(data))
        places = [at + 12 for kind, at in chunks if kind == b"ANMF"]
        if transparent and chunks and chunks[0][0] == b"VP8X":
            data[chunks[0][1]] |= _ALPHA
        if not places:
            return 0
        last = total_ms - sum(int.from_bytes(data[at : at + 3], "little") for at in places[:-1])
        if not 0 < last < 1 << 24:
            raise MediaError("tool_failed", log=f"the last of {len(places)} frames would last {last} ms")
        data[places[-1] : places[-1] + 3] = last.to_bytes(3, "little")
        return len(places)


def apng_clock(path: Path) -> Clock:
    """Read a PNG; a still one has no frames. Raises `MediaError("corrupt_media")`."""
    delays: list[Fraction] = []
    plays = 0
    with _mapped(path) as data:
        at = 8
        while at + 12 <= len(data):
            (length,) = struct.unpack_from(">I", data, at)
            kind, body = data[at + 4 : at + 8], at + 8
            if body + length + 4 > len(data):
                raise MediaError("corrupt_media", log="a chunk of the PNG is cut off")
            if kind == b"acTL":
                (plays,) = struct.unpack_from(">I", data, body + 4)
            elif kind == b"fcTL":
                top, bottom = struct.unpack_from(">HH", data, body + 20)
                delays.append(Fraction(top, bottom or 100))
            at = body + length + 4
    return Clock(tuple(delays), plays)


def _mapped(path: Path, *, write: bool = False) -> mmap.mmap:
    with path.open("r+b" if write else "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_WRITE if write else mmap.ACCESS_READ)


def _webp(data: mmap.mmap) -> Iterator[tuple[bytes, int]]:
    """Each chunk's name and where its body begins."""
    at = 12
    while at + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        if at + 8 + length > len(data):
            raise MediaError("corrupt_media", log="a chunk of the WebP is cut off")
        yield data[at : at + 4], at + 8
        at += 8 + length + (length & 1)
