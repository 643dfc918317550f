"""How long a file says it is: more than it has means that its end is missing.

Only headers are read, a few bytes each; nothing is decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from .errors import MediaError

TOLERATED = 0.02
"""Part that may be missing: the last moment of a recording that was stopped hard."""
_UNKNOWN_32 = 0x7FFF0000
"""Writers that don't know the length yet leave a number near the largest one."""
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_HEAD = 64 * 1024
_MAX_BOXES = 10_000


def check_whole(path: Path, container: str) -> tuple[str, ...]:
    """Notes about a small missing end. Raises `MediaError("corrupt_media")` when much is missing."""
    size = path.stat().st_size
    reader = _READERS.get(container)
    if reader is None:
        return ()
    with path.open("rb") as file:
        promised = reader(file, size)
    if promised is None or promised <= size:
        return ()
    if promised - size > promised * TOLERATED:
        raise cut_off(size / promised)
    return ("The very end of the file is missing.",)


def cut_off(part: float) -> MediaError:
    """The error for a file of which only `part` (0 to 1) is there."""
    shown = "less than 1%" if part < 0.01 else f"{min(part, 0.99):.0%}"
    return MediaError("corrupt_media", f"The file is cut off: only {shown} of it is there. Send the whole file.")


def _boxes(file: BinaryIO, size: int) -> int | None:
    """Where the last top-level box of an MP4 or QuickTime file ends. Raises when the index is not there at all."""
    at, kind, kinds = 0, b"", set()
    for _ in range(_MAX_BOXES):
        file.seek(at)
        header = file.read(16)
        if len(header) < 8:
            break
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1 and len(header) == 16:
            length = int.from_bytes(header[8:16], "big")
        kinds.add(kind)
        if length == 0:
            at = size
        elif length < 8:
            return None
        else:
            at += length
        if at >= size:
            break
    if at > size and kind not in (b"mdat", b"free", b"skip"):
        raise MediaError("corrupt_media", "The file is cut off within its index. Send the whole file.")
    if b"mdat" in kinds and b"moov" not in kinds and at > size:
        raise MediaError(
            "corrupt_media", f"The file is cut off: only {min(size / at, 0.99):.0%} of it is there, and its index is missing. Send the whole file."
        )
    if b"mdat" in kinds and not kinds & {b"moov", b"moof", b"meta"}:
        raise MediaError("corrupt_media", "The file is incomplete: its index is missing, as when a recording was not finished.")
    return at


def _riff(file: BinaryIO, size: int) -> int | None:
    head = file.read(32)
    length = int.from_bytes(head[4:8], "big" if head[:4] == b"RIFX" else "little")
    if head[:4] in (b"RF64", b"BW64"):
        return 8 + int.from_bytes(head[20:28], "little") if head[12:16] == b"ds64" else None
    return 8 + length if 0 < length < _UNKNOWN_32 else None


def _aiff(file: BinaryIO, size: int) -> int | None:
    length = int.from_bytes(file.read(8)[4:8], "big")
    return 8 + length if 0 < length < _UNKNOWN_32 else None


def _caf(file: BinaryIO, size: int) -> int | None:
    at = 8
    for _ in range(100):
        file.seek(at)
        header = file.read(12)
        if len(header) < 12:
            return None
        length = int.from_bytes(header[4:12], "big", signed=True)
        if length < 0:
            return None
        at += 12 + length
        if header[:4] == b"data":
            return at
    return None


def _matroska(file: BinaryIO, size: int) -> int | None:
    head = file.read(4096)
    at = 4
    header_length, used = _vint(head, at)
    at += used + (header_length or 0)
    if head[at : at + 4] != b"\x18\x53\x80\x67":
        return None
    length, used = _vint(head, at + 4)
    return None if length is None else at + 4 + used + length


def _vint(data: bytes, at: int) -> tuple[int | None, int]:
    """A length of EBML and how many bytes it takes; None where it is unknown."""
    if at >= len(data) or data[at] == 0:
        return None, 1
    used = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + used], "big") & ((1 << (7 * used)) - 1)
    return (None if value == (1 << (7 * used)) - 1 else value), used


def _asf(file: BinaryIO, size: int) -> int | None:
    head = file.read(_HEAD)
    at = head.find(_ASF_PROPERTIES)
    # Broadcasts set the lowest flag and leave the size undefined.
    broadcast = at < 0 or len(head) < at + 92 or head[at + 88] & 1
    return None if broadcast else int.from_bytes(head[at + 40 : at + 48], "little")


def _mp3(file: BinaryIO, size: int) -> int | None:
    """From the tag that encoders with a variable rate put into the first frame."""
    head = file.read(_HEAD)
    at = max(head.find(b"Xing", 0, _HEAD - 16), head.find(b"Info", 0, _HEAD - 16))
    if at < 0:
        return None
    flags = int.from_bytes(head[at + 4 : at + 8], "big")
    place = at + 8 + (4 if flags & 1 else 0)
    # The count begins at the frame that holds the tag, 4 to 36 bytes before it: near enough.
    return at - 36 + int.from_bytes(head[place : place + 4], "big") if flags & 2 else None


def _bmp(file: BinaryIO, size: int) -> int | None:
    return int.from_bytes(file.read(6)[2:6], "little") or None


_READERS: dict[str, Callable[[BinaryIO, int], int | None]] = {
    **dict.fromkeys(("mp4", "mov", "m4a", "3gp", "avif", "heic"), _boxes),
    **dict.fromkeys(("avi", "wav", "webp", "webp_animated"), _riff),
    **dict.fromkeys(("webm", "matroska"), _matroska),
    "aiff": _aiff,
    "caf": _caf,
    "asf": _asf,
    "mp3": _mp3,
    "bmp": _bmp,
}
