"""Reads the structure of GIF, PNG/APNG, WebP and JPEG XL: size, frames, times, loop; decodes nothing.

The containers of animations say little in one place: what a person sees must be added up over
all frames, which ffmpeg's own demuxers don't do. Started as a script in the sandbox, like
`probe_child`, with a descriptor and the container's name; prints one JSON object.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
from collections.abc import Iterator
from typing import Any, Literal

MAX_FRAMES = 5_000_000
SLOWEST_UNSEEN = 2
"""Delays below this many centiseconds are played as `DEFAULT_DELAY`, by browsers and by ffmpeg."""
DEFAULT_DELAY = 10
MAX_EXIF = 1 << 16
_ORIENTATION = 0x0112


class Damaged(Exception):
    """The structure ends or breaks before anything useful was found."""


def gif(data: mmap.mmap) -> dict[str, Any]:
    """A GIF's logical screen, frames and delays."""
    if len(data) < 13:
        raise Damaged("no logical screen")
    width, height = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    at = 13 + _table(data[10])
    delays: list[int] = []
    loop, delay, alpha, whole, cut = 1, 0, False, False, False
    while at < len(data) and len(delays) < MAX_FRAMES:
        kind = data[at]
        if kind == 0x3B:
            whole = True
            break
        if kind == 0x21 and at + 3 <= len(data):
            label, body = data[at + 1], data[at + 2 : at + 22]
            if label == 0xF9 and len(body) >= 5:
                # Later pictures use the transparent colour to keep what is on the screen.
                delay, alpha = int.from_bytes(body[2:4], "little"), alpha or bool(body[1] & 1 and not delays)
            elif label == 0xFF and body[1:12] in (b"NETSCAPE2.0", b"ANIMEXTS1.0") and body[13:14] == b"\x01":
                loop = int.from_bytes(body[14:16], "little")
                # The file counts repetitions after the first showing; 0 means for ever.
                loop = loop + 1 if loop else 0
            at = _sub_blocks(data, at + 2)
            cut = at > len(data)
        elif kind == 0x2C and at + 10 <= len(data):
            width = max(width, _u16(data, at + 1) + _u16(data, at + 5)) if not delays else width
            height = max(height, _u16(data, at + 3) + _u16(data, at + 7)) if not delays else height
            after = _sub_blocks(data, at + 11 + _table(data[at + 9]))
            if after > len(data):
                cut = True
                break
            delays.append(delay if delay >= SLOWEST_UNSEEN else DEFAULT_DELAY)
            delay, at = 0, after
        else:
            break
    if not delays:
        raise Damaged("no complete picture")
    return _answer("gif", width, height, delays, 100, loop, alpha, whole, cut=cut, pixel_format="bgra")


def _u16(data: mmap.mmap, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _table(flags: int) -> int:
    return 3 << (1 + (flags & 7)) if flags & 0x80 else 0


def _sub_blocks(data: mmap.mmap, at: int) -> int:
    """The place after a chain of sub-blocks; beyond the end of the file where it is cut off."""
    size = len(data)
    while at < size:
        length = data[at]
        at += length + 1
        if length == 0:
            return at
    return size + 1


def png(data: mmap.mmap) -> dict[str, Any]:
    """A PNG's header, or an APNG's frames and delays."""
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise Damaged("no header")
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    depth, colour = data[24], data[25]
    delays: list[int] = []
    declared, loop, alpha, pixels, whole, end, turn = 0, 0, colour in (4, 6), False, False, 8, 1
    for kind, start, length in _png_chunks(data):
        if kind == b"acTL" and length >= 8:
            declared, loop = int.from_bytes(data[start : start + 4], "big"), int.from_bytes(data[start + 4 : start + 8], "big")
        elif kind == b"eXIf":
            turn = _orientation(data[start : start + min(length, MAX_EXIF)])
        elif kind == b"fcTL" and length >= 26:
            top, bottom = int.from_bytes(data[start + 20 : start + 22], "big"), int.from_bytes(data[start + 22 : start + 24], "big")
            delays.append(round(top * 100_000 / (bottom or 100)))
        end = start + length + 4
        alpha, pixels, whole = alpha or kind == b"tRNS", pixels or kind == b"IDAT", kind == b"IEND"
        if len(delays) > MAX_FRAMES:
            break
    if not pixels or not width or not height:
        raise Damaged("no picture data")
    animated = declared > 0 and len(delays) > 1
    name = f"rgb{'a' if alpha else '24'}" if colour in (2, 6) else "pal8" if colour == 3 else "ya8" if alpha else "gray"
    answer = _answer(
        "apng" if animated else "png",
        width,
        height,
        delays if animated else [0],
        100_000,
        loop,
        alpha,
        whole,
        cut=end != len(data) and not whole,
        pixel_format=name,
    )
    return answer | {"bit_depth": 8 if depth < 8 else depth, "orientation": turn}


def _png_chunks(data: mmap.mmap) -> Iterator[tuple[bytes, int, int]]:
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + length > len(data):
            return
        yield data[at + 4 : at + 8], at + 8, length
        at += 12 + length


def webp(data: mmap.mmap) -> dict[str, Any]:
    """A WebP's canvas, and an animated one's frames and delays."""
    size = min(len(data), int.from_bytes(data[4:8], "little") + 8)
    whole = len(data) >= int.from_bytes(data[4:8], "little") + 8
    delays: list[int] = []
    at, width, height, alpha, loop, still, turn = 12, 0, 0, False, 1, False, 1
    while at + 8 <= size and len(delays) < MAX_FRAMES:
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + min(length, 32)]
        if kind == b"VP8X" and len(body) >= 10:
            alpha, width, height = bool(body[0] & 0x10), 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
        elif kind == b"EXIF":
            turn = _orientation(data[at + 8 : at + 8 + min(length, MAX_EXIF)])
        elif kind == b"ANIM" and len(body) >= 6:
            loop = int.from_bytes(body[4:6], "little")
        elif kind == b"ANMF" and len(body) >= 16 and at + 8 + length <= size:
            delays.append(int.from_bytes(body[12:15], "little"))
        elif kind == b"VP8 " and len(body) >= 10:
            still = True
            width, height = width or int.from_bytes(body[6:8], "little") & 0x3FFF, height or int.from_bytes(body[8:10], "little") & 0x3FFF
        elif kind == b"VP8L" and len(body) >= 5:
            still = True
            bits = int.from_bytes(body[1:5], "little")
            width, height, alpha = width or 1 + (bits & 0x3FFF), height or 1 + (bits >> 14 & 0x3FFF), alpha or bool(bits >> 28 & 1)
        at += 8 + length + (length & 1)
    if not width or not height or not (still or delays):
        raise Damaged("no picture")
    name = "yuva420p" if alpha else "yuv420p"
    return _answer("webp", width, height, delays or [0], 1000, loop, alpha, whole, pixel_format=name) | {"orientation": turn}


def _orientation(exif: bytes) -> int:
    """The orientation that EXIF names, 1 to 8 (EXIF 2.32, tag 0x0112 of the first directory); 1 where it makes no sense."""
    body = exif.removeprefix(b"Exif\0\0")
    order: Literal["little", "big"] = "little" if body[:2] == b"II" else "big"
    at = int.from_bytes(body[4:8], order)
    count = int.from_bytes(body[at : at + 2], order)
    for entry in range(at + 2, min(at + 2 + 12 * count, len(body) - 11), 12):
        if int.from_bytes(body[entry : entry + 2], order) == _ORIENTATION:
            value = int.from_bytes(body[entry + 8 : entry + 10], order)
            return value if 1 <= value <= 8 else 1
    return 1


def jxl(data: mmap.mmap) -> dict[str, Any]:
    """A JPEG XL's size; what else it holds would need a decoder."""
    stream = data[:64]
    if data[:4] == b"\0\0\0\x0c":
        stream = _jxl_codestream(data)
    if stream[:2] != b"\xff\x0a":
        raise Damaged("no codestream")
    bits = int.from_bytes(stream[2:34], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    def length(small: int) -> int:
        return 8 * (1 + take(5)) if small else 1 + take((9, 13, 18, 30)[take(2)])

    small = take(1)
    height = length(small)
    ratio = take(3)
    top, bottom = ((0, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio]
    width = height * top // bottom if ratio else length(small)
    return _answer("jpegxl", width, height, [0], 1, 1, False, True)


def _jxl_codestream(data: mmap.mmap) -> bytes:
    at = 0
    while at + 8 <= len(data):
        size, kind, header = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, header = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        if kind == b"jxlc":
            return data[at + header : at + header + 64]
        if kind == b"jxlp":
            return data[at + header + 4 : at + header + 68]
        if size < header:
            break
        at += size
    return b""


def _answer(
    codec: str,
    width: int,
    height: int,
    delays: list[int],
    ticks: int,
    loop: int,
    alpha: bool,
    whole: bool,
    *,
    cut: bool = False,
    pixel_format: str = "",
) -> dict[str, Any]:
    """`delays` in 1/`ticks` seconds; one frame is a still picture."""
    moving = len(delays) > 1
    return {
        "codec": codec,
        "width": width,
        "height": height,
        "frames": len(delays),
        "duration": sum(delays) / ticks if moving else None,
        "ticks": [sum(delays), ticks],
        "variable": moving and max(delays) - min(delays) > max(1, ticks // 100),
        "loop": loop if moving else None,
        "alpha": alpha,
        "whole": whole,
        "cut": cut,
        "pixel_format": pixel_format,
        "bit_depth": 8,
    }


READERS = {"gif": gif, "png": png, "apng": png, "webp": webp, "webp_animated": webp, "jxl": jxl}


def main(descriptor: int, container: str) -> dict[str, Any]:
    """What the file on `descriptor` holds."""
    size = os.fstat(descriptor).st_size
    try:
        with mmap.mmap(descriptor, size, prot=mmap.PROT_READ) as data:
            return READERS[container](data)
    except (Damaged, IndexError) as problem:
        return {"error": "damaged", "message": str(problem)}


if __name__ == "__main__":
    json.dump(main(int(sys.argv[1]), sys.argv[2]), sys.stdout)
