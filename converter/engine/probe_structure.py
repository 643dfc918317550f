"""Whether every packet of a file is whole, without decoding any: runs in a copy of the waiting process, like the probe.

H.264 and H.265 in MP4, MOV or Matroska are units behind their lengths (ISO/IEC 14496-15 §5.3). A packet is whole when the lengths add up to it
exactly, when each unit begins with a header that exists, and when no unit holds three zero bytes in a row, which the
codecs' own byte stuffing forbids (H.264 §7.4.1). A cut or overwritten stretch breaks one of the three.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

_KNOWN = {"h264": frozenset(range(1, 22)), "hevc": frozenset((*range(0, 10), *range(16, 22), *range(32, 41)))}
"""Kinds of units that a file may hold; the rest is reserved or is only sent over networks."""
_STUFFED = 3
MOST_KEYS = 5000


def units(data: bytes, size: int, codec: str) -> bool:
    """Whether a packet is whole: units behind lengths of `size` bytes."""
    at, end = 0, len(data)
    while at < end:
        length = int.from_bytes(data[at : at + size], "big")
        at += size
        if length < 2 or at + length > end or data[at] & 0x80:
            return False
        kind = data[at] & 31 if codec == "h264" else data[at] >> 1 & 63
        # What a unit ends with may be filled up with zeros.
        if kind not in _KNOWN[codec] or data.find(bytes(_STUFFED), at, at + length - _STUFFED) >= 0:
            return False
        at += length
    return end > 0


def length_size(codec: str, extradata: bytes) -> int:
    """Bytes of each unit's length; 0 where units stand behind start codes, or nothing is known."""
    if extradata[:1] != b"\x01":
        return 0
    if codec == "h264" and len(extradata) > 6:
        return (extradata[4] & 3) + 1
    return (extradata[21] & 3) + 1 if codec == "hevc" and len(extradata) > 22 else 0


def structure(file: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Packets of the picture stream, how many are broken, when keyframes are shown; `readable` is False where it can't be told."""
    import av

    av.logging.set_level(None)
    with av.open(file, format=request["demuxer"], options=request["options"], metadata_errors="replace") as container:
        stream = container.streams[request["stream"]]
        context = stream.codec_context
        codec = context.codec.canonical_name if context is not None else ""
        size = length_size(codec, bytes(context.extradata or b"")) if context is not None else 0
        if not size:
            return {"readable": False}
        origin, base = (container.start_time or 0) / 1_000_000, float(stream.time_base)
        packets = broken = 0
        keys: list[float] = []
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            packets += 1
            broken += packet.is_corrupt or not units(bytes(packet), size, codec)
            if packet.is_keyframe and packet.pts is not None and not packet.is_discard and len(keys) < MOST_KEYS:
                keys.append(round(packet.pts * base - origin, 4))
        return {"readable": True, "packets": packets, "broken": broken, "keys": sorted(keys)}


def main(descriptor: int, request: dict[str, Any]) -> dict[str, Any]:
    """Answer one request, or `{"error": kind, "message": text}`."""
    with os.fdopen(descriptor, "rb") as file:
        try:
            return structure(file, request)
        except MemoryError:
            return {"error": "MemoryError", "message": "memory ran out"}
        except (OSError, ValueError, IndexError) as problem:
            return {"error": type(problem).__name__, "message": str(problem)[:300]}


if __name__ == "__main__":
    json.dump(main(int(sys.argv[1]), json.loads(sys.argv[2])), sys.stdout)
