"""Reading a GIF's own blocks, without decoding a pixel.

The file is mapped, so memory stays constant whatever its size. Everything that is not exactly
as the GIF87a/89a grammar says is `MediaError("corrupt_media")`: nothing is guessed.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from converter.engine.errors import MediaError

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOPERS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


@dataclass(frozen=True, slots=True)
class Block:
    """One block: where it starts in the file and how many bytes it takes."""

    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Header(Block):
    """Signature, logical screen and global colour table. `colours` is 0 without a table."""

    version: str
    width: int
    height: int
    colours: int


@dataclass(frozen=True, slots=True)
class Control(Block):
    """What applies to the next image. `delay_cs` is in hundredths of a second."""

    delay_cs: int
    disposal: int
    transparent: int | None

    @property
    def delay_offset(self) -> int:
        """Where the two bytes of the delay stand in the file."""
        return self.offset + 4


@dataclass(frozen=True, slots=True)
class Image(Block):
    """One image, its place on the screen in pixels. `colours` is 0 without a table of its own."""

    left: int
    top: int
    width: int
    height: int
    colours: int


@dataclass(frozen=True, slots=True)
class Loop(Block):
    """How often the file asks to be repeated; 0 means for ever."""

    count: int


@dataclass(frozen=True, slots=True)
class Extension(Block):
    """Any other extension (comment, plain text, unknown application)."""

    label: int


@dataclass(frozen=True, slots=True)
class Trailer(Block):
    """The end of the file."""


def read_blocks(path: Path) -> Iterator[Block]:
    """Every block from the header to the trailer, in order.

    Raises `MediaError("corrupt_media")` at the first byte that is not a GIF's, and when the file
    ends before its trailer. What follows the trailer is ignored, as every decoder does.
    """
    with path.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise _corrupt("it is empty") from None
        with data:
            yield from _walk(data)


def _walk(data: mmap.mmap) -> Iterator[Block]:
    header = _header(data)
    yield header
    position = header.size
    while True:
        block = _block(data, position)
        yield block
        if isinstance(block, Trailer):
            return
        position += block.size


def _header(data: mmap.mmap) -> Header:
    signature = data[:6]
    if signature not in (b"GIF87a", b"GIF89a"):
        raise _corrupt("it does not start as a GIF")
    width, height, packed, _, _ = struct.unpack("<HHBBB", _take(data, 6, 7))
    colours = _table(packed)
    _take(data, 13, 3 * colours)
    return Header(0, 13 + 3 * colours, signature[3:].decode("ascii"), width, height, colours)


def _block(data: mmap.mmap, offset: int) -> Block:
    introducer = _take(data, offset, 1)[0]
    if introducer == _TRAILER:
        return Trailer(offset, 1)
    if introducer == _IMAGE:
        return _image(data, offset)
    if introducer == _EXTENSION:
        return _extension(data, offset)
    raise _corrupt(f"an unknown block begins at byte {offset}")


def _image(data: mmap.mmap, offset: int) -> Image:
    left, top, width, height, packed = struct.unpack("<HHHHB", _take(data, offset + 1, 9))
    colours = _table(packed)
    code_size = _take(data, offset + 10 + 3 * colours, 1)[0]
    if not 1 <= code_size <= 11:
        raise _corrupt(f"the picture at byte {offset} has an impossible code size")
    end = _skip(data, offset + 11 + 3 * colours)
    return Image(offset, end - offset, left, top, width, height, colours)


def _extension(data: mmap.mmap, offset: int) -> Block:
    label = _take(data, offset + 1, 1)[0]
    end = _skip(data, offset + 2)
    size = end - offset
    if label == _CONTROL:
        length, packed, delay, transparent, terminator = struct.unpack("<BBHBB", _take(data, offset + 2, 6))
        if length != 4 or terminator != 0:
            raise _corrupt(f"the frame control at byte {offset} has the wrong length")
        return Control(offset, size, delay, packed >> 2 & 7, transparent if packed & 1 else None)
    # Introducer, label, length 11, the name, then a sub-block of 3: 1 and the count.
    if label == _APPLICATION and size >= 19 and data[offset + 2] == 11 and data[offset + 3 : offset + 14] in _LOOPERS and data[offset + 15] == 1:
        return Loop(offset, size, struct.unpack("<H", data[offset + 16 : offset + 18])[0])
    return Extension(offset, size, label)


def _table(packed: int) -> int:
    return 2 << (packed & 7) if packed & 0x80 else 0


def _skip(data: mmap.mmap, position: int) -> int:
    """The position after the sub-blocks that begin at `position`."""
    try:
        while length := data[position]:
            position += length + 1
    except IndexError:
        raise _corrupt("it ends in the middle of a block") from None
    return position + 1


def _take(data: mmap.mmap, offset: int, length: int) -> bytes:
    part = data[offset : offset + length]
    if len(part) < length:
        raise _corrupt("it ends too early")
    return part


def _corrupt(why: str) -> MediaError:
    return MediaError("corrupt_media", f"The GIF is damaged: {why}.")
