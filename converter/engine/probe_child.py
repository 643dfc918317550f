"""The part of the probe that touches hostile bytes: runs alone in the sandbox, prints one JSON object.

Started as a script with the descriptor of the file, its demuxer and options; it knows nothing of
the project, so that the sandbox has to let it read nothing of it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

SAMPLE = 2000
"""Packet times kept per stream to judge how steady it is."""
PARTS = 32
"""Equal parts of the clip whose bytes are told apart."""
WEIGHED = 1500
FIRST_FRAME_PACKETS = 300
ATTACHED_PICTURE = 1 << 10
HEAD_PACKETS = 32
"""Packets of each stream that are read where an index tells of the others: more than any codec reorders."""
_EDGE = {"video": 2000, "audio": 50}
"""Entries looked at from each end of a long index: edit lists hide frames there."""
_FEW = 200
"""Of a longer index not every entry is looked at to learn where the data ends."""
_FRAGMENTS = frozenset({b"moof", b"sidx", b"styp", b"mfra"})
_QUICK = {"threads": "1", "skip_frame": "all"}
_QUICK_DEMUXERS = frozenset({"mov", "matroska"})
"""Those that know their streams from the header."""
MOST_CHAPTERS = 1000
LONGEST_TEXT = 1000
NAMES = ("title", "artist", "album", "album_artist", "composer", "genre", "track", "disc", "date", "copyright")
"""Tags that are read. All others (places, devices, serial numbers, notes) are never looked at."""


def probe(file: Any, demuxer: str, options: dict[str, str], max_packets: int, max_bytes: int, max_pixels: int) -> dict[str, Any]:
    """Everything that the container says, what only its packets tell, and what the first frames show."""
    import av

    av.logging.set_level(None)
    # The library would decode pictures only to know their format; the one that `_Walk` decodes tells as much.
    quick: Any = [_QUICK] * 64 if demuxer in _QUICK_DEMUXERS else []
    with av.open(file, format=demuxer, options=options, stream_options=quick, metadata_errors="replace") as container:
        known = container.duration is not None
        frames: dict[int, dict[str, Any]] = {}
        listed = _listed(container) if demuxer == "mov" and known and _is_whole(file) else {}
        packets = _Walk(container, frames, max_packets, max_bytes, max_pixels, known=known, listed=listed).run(av)
        return {
            "duration": _seconds(container.duration, Fraction(1, av.time_base)),
            "start": _seconds(container.start_time, Fraction(1, av.time_base)),
            # After the walk, because decoders know more than headers do.
            "streams": [_stream(stream, options["codec_whitelist"].split(",")) for stream in container.streams],
            "index_end": max((_index_end(stream) for stream in container.streams), default=0),
            "packets": packets,
            "first_frames": frames,
            "chapters": [_chapter(chapter) for chapter in container.chapters()[:MOST_CHAPTERS]],
            "tags": _tags(container, demuxer),
        }


def _stream(stream: Any, allowed: list[str]) -> dict[str, Any]:
    context = stream.codec_context
    data: dict[str, Any] = {
        "index": stream.index,
        "type": stream.type,
        "codec": context.codec.canonical_name if context is not None else "",
        "duration": _seconds(stream.duration, stream.time_base),
        "start": _seconds(stream.start_time, stream.time_base),
        "frames": stream.frames or None,
        # The list only stops decoders from being opened; what is never decoded would pass unseen.
        "supported": context is not None and (context.codec.name in allowed or context.codec.canonical_name in allowed),
    }
    data |= {"language": _text(stream.metadata, "language"), "title": _text(stream.metadata, "title") or _text(stream.metadata, "name")}
    if context is None:
        return data
    data["bit_rate"] = context.bit_rate or None
    if stream.type == "video":
        data |= _video(stream, context)
    elif stream.type == "audio":
        data |= {"channels": context.channels, "layout": context.layout.name if context.layout else "", "sample_rate": context.sample_rate}
        data["sample_format"] = context.format.name if context.format else ""
    return data


def _text(metadata: Any, name: str) -> str:
    return str(next((value for key, value in metadata.items() if key.lower() == name), ""))[:LONGEST_TEXT]


def _chapter(chapter: Any) -> dict[str, Any]:
    base = Fraction(chapter["time_base"])
    return {"start": float(chapter["start"] * base), "end": float(chapter["end"] * base), "title": _text(chapter["metadata"], "title")}


def _tags(container: Any, demuxer: str) -> dict[str, str]:
    """What the media is called. Ogg keeps it with the stream."""
    places = [container.metadata, *(stream.metadata for stream in container.streams if demuxer == "ogg")]
    found = {name: next(filter(None, (_text(place, name) for place in places)), "") for name in NAMES}
    return {name: value for name, value in found.items() if value}


def _video(stream: Any, context: Any) -> dict[str, Any]:
    return {
        "width": context.width,
        "height": context.height,
        "average_rate": _fraction(stream.average_rate),
        "base_rate": _fraction(stream.base_rate),
        "sample_aspect": _fraction(stream.sample_aspect_ratio or context.sample_aspect_ratio),
        "attached": bool(int(stream.disposition) & ATTACHED_PICTURE),
        "color": [int(context.color_trc or 0), int(context.color_primaries or 0), int(context.colorspace or 0)],
        "field_order": str(getattr(context, "field_order", "") or ""),
        "alpha_mode": stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE", "")),
        **_pixels(context.format),
    }


def _pixels(form: Any) -> dict[str, Any]:
    if form is None:
        return {"pixel_format": "", "bit_depth": 8, "alpha": False}
    components = form.components
    return {
        "pixel_format": form.name,
        "bit_depth": max((component.bits for component in components), default=8),
        "alpha": any(component.is_alpha for component in components) or form.name == "pal8",
    }


def _is_whole(file: Any) -> bool:
    """Whether an MP4's one index covers all of it: no fragments follow."""
    place, at = file.tell(), 0
    try:
        for _ in range(64):
            file.seek(at)
            head = file.read(16)
            if len(head) < 8:
                return True
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            size = int.from_bytes(head[8:16], "big") if size == 1 else size
            if kind in _FRAGMENTS or (0 < size < 8):
                return False
            if size == 0:
                return True
            at += size
        return False
    finally:
        file.seek(place)


def _listed(container: Any) -> dict[int, dict[str, Any]]:
    """What the index says of each stream, or nothing where a stream has none: its packets have to be read."""
    found: dict[int, dict[str, Any]] = {}
    for stream in container.streams:
        if stream.type not in ("video", "audio"):
            continue
        entries = stream.index_entries
        count, edge = len(entries), _EDGE[stream.type]
        if count == 0:
            return {}
        numbers = range(count) if count <= 2 * edge else [*range(edge), *range(count - edge, count)]
        seen = [entries[i] for i in numbers]
        hidden = sum(1 for entry in seen if entry.is_discard)
        if hidden and len(seen) < count and stream.type == "video":
            hidden = sum(1 for i in range(count) if entries[i].is_discard)
        times = [entry.timestamp for entry in seen if not entry.is_discard]
        if not times:
            return {}
        last = times[-1] - times[-2] if len(times) > 1 else 0
        kept = times[: min(SAMPLE, edge)] if stream.type == "video" else []
        found[stream.index] = {"count": count, "shown": count - hidden, "to": times[-1] + last, "times": kept}
        if stream.type == "video":
            found[stream.index] |= _weighed(entries, count)
    return found


def _weighed(entries: Any, count: int) -> dict[str, Any]:
    """Bytes of pictures and keyframes from the index; of long clips from some `WEIGHED` entries that stand for all."""
    step = max(1, count // WEIGHED)
    parts = [0] * min(PARTS, count)
    total = {"bytes": 0, "keys": 0, "key_bytes": 0}
    for place in range(0, count, step):
        # Not every nth: keyframes may come just as regularly.
        entry = entries[min(count - 1, place + place * 7 // step % step)]
        size = entry.size * min(step, count - place)
        parts[place * len(parts) // count] += size
        total["bytes"] += size
        if entry.is_keyframe:
            total["keys"] += step
            total["key_bytes"] += size
    return {**total, "parts": parts}


def _index_end(stream: Any) -> int:
    entries = stream.index_entries
    count = len(entries)
    # The furthest byte is not always the last entry's: tracks may be written one after another.
    numbers = range(count) if count <= _FEW else (*range(0, count, 16), *range(count - _FEW, count))
    return max((entries[i].pos + entries[i].size for i in numbers), default=0)


class _Walk:
    """One pass over the packets, up to a bound, which also decodes the first frame of each picture stream."""

    def __init__(
        self,
        container: Any,
        frames: dict[int, dict[str, Any]],
        max_packets: int,
        max_bytes: int,
        max_pixels: int,
        *,
        known: bool,
        listed: dict[int, dict[str, Any]],
    ) -> None:
        self.container, self.frames = container, frames
        self.max_packets, self.max_bytes = max_packets, max_bytes
        # Without a duration in the header only the last packet tells where the media ends.
        self.unbounded = not known
        self.seen: dict[int, dict[str, Any]] = {}
        pictures = [s for s in container.streams if s.type == "video" and s.codec_context is not None]
        # What is too large anyway is not worth its memory.
        sizes = {s.index: s.codec_context.width * s.codec_context.height for s in pictures}
        self.listed = listed
        self.heads = dict.fromkeys(listed, HEAD_PACKETS)
        self.pending = {index: FIRST_FRAME_PACKETS for index, pixels in sizes.items() if not max_pixels or pixels <= max_pixels}

    def run(self, av: Any) -> dict[str, Any]:
        count = size = 0
        try:
            for packet in self.container.demux():
                if packet.size == 0:
                    continue
                self._note(packet)
                if packet.stream.index in self.pending:
                    self._decode(packet, av)
                count, size = count + 1, size + packet.size
                if self.listed and self._enough(packet):
                    return self._answer(complete=True)
                if not self.unbounded and (count >= self.max_packets or size >= self.max_bytes):
                    return self._answer(complete=False)
        except av.FFmpegError as error:
            return self._answer(complete=False, error=str(error)[:200])
        for stream in self.container.streams:
            if stream.index in self.pending:
                self._decode(None, av, stream)
        return self._answer(complete=True)

    def _enough(self, packet: Any) -> bool:
        """Whether the index can tell the rest: the first packets of each stream and the first pictures were seen."""
        index = packet.stream.index
        left = self.heads.get(index, 0) - 1
        if left > 0:
            self.heads[index] = left
        else:
            self.heads.pop(index, None)
        return not self.heads and not self.pending

    def _note(self, packet: Any) -> None:
        time = packet.pts if packet.pts is not None else packet.dts
        if time is None:
            return
        entry = self.seen.get(packet.stream.index)
        if entry is None:
            base = packet.time_base
            entry = {"first": time, "end": time, "count": 0, "shown": 0, "base": [base.numerator, base.denominator], "times": []}
            entry |= {"decoded_from": None, "decoded_to": None, "keys": 0, "key_bytes": 0, "bytes": 0, "seconds": {}}
            self.seen[packet.stream.index] = entry
        entry["count"] += 1
        _weigh(entry, packet, time)
        if packet.is_discard:
            return
        if entry["shown"] == 0:
            entry |= {"first": time, "decoded_from": packet.dts, "decoded_to": packet.dts}
        entry["shown"] += 1
        entry["first"] = min(entry["first"], time)
        entry["end"] = max(entry["end"], time + _lasting(packet))
        if packet.dts is None:
            entry["decoded_from"] = None
        elif entry["decoded_from"] is not None:
            entry["decoded_to"] = max(entry["decoded_to"], packet.dts + _lasting(packet))
        if len(entry["times"]) < SAMPLE:
            entry["times"].append(time)

    def _decode(self, packet: Any, av: Any, stream: Any = None) -> None:
        stream = stream or packet.stream
        index, context = stream.index, stream.codec_context
        try:
            if not context.is_open:
                context.thread_count = 1
            frames = context.decode(packet)
            if not frames and packet is not None and packet.is_keyframe:
                # A decoder holds pictures back to put them in order; told that this is the end, it hands over what it has.
                frames = context.decode(None)
                context.flush_buffers()
        except av.FFmpegError as error:
            frames = []
            self.frames.setdefault(index, {})["error"] = str(error)[:200]
        self.pending[index] -= 1
        if frames:
            frame = frames[0]
            self.frames[index] = {
                "width": frame.width,
                "height": frame.height,
                "rotation": frame.rotation,
                "interlaced": bool(frame.interlaced_frame),
                **_pixels(frame.format),
            }
        if frames or self.pending[index] <= 0 or packet is None:
            del self.pending[index]

    def _answer(self, *, complete: bool, error: str = "") -> dict[str, Any]:
        for index, entry in self.seen.items():
            if complete and index in self.listed:
                rest = self.listed[index]
                entry |= {name: value for name, value in rest.items() if name != "to"}
                if entry["decoded_from"] is not None:
                    entry["decoded_to"] = max(entry["decoded_to"], rest["to"])
                    entry["end"] = max(entry["end"], entry["first"] + entry["decoded_to"] - entry["decoded_from"])
            times = sorted(entry.pop("times"))
            deltas = sorted(b - a for a, b in pairwise(times))
            entry["variable"] = _varies(deltas)
            entry.setdefault("parts", _parts(entry["seconds"]))
            del entry["seconds"]
        return {"streams": self.seen, "complete": complete, "error": error}


def _weigh(entry: dict[str, Any], packet: Any, time: int) -> None:
    entry["bytes"] += packet.size
    if packet.is_keyframe:
        entry["keys"] += 1
        entry["key_bytes"] += packet.size
    second = time * entry["base"][0] // entry["base"][1]
    entry["seconds"][second] = entry["seconds"].get(second, 0) + packet.size


def _parts(seconds: dict[int, int]) -> list[int]:
    """Bytes of each of up to `PARTS` equal parts, each of whole seconds."""
    if not seconds:
        return []
    first, count = min(seconds), max(seconds) - min(seconds) + 1
    parts = [0] * min(PARTS, count)
    for second, size in seconds.items():
        parts[(second - first) * len(parts) // count] += size
    return parts


def _lasting(packet: Any) -> int:
    """How long a packet lasts; the last one of a short Ogg is cut to less than nothing, which its reader takes for ages."""
    duration = packet.duration or 0
    return duration if 0 < duration < 1 << 31 else 0


def _varies(deltas: list[int]) -> bool:
    """Whether distances between pictures differ by more than the rounding of their clock."""
    if len(deltas) < 2:
        return False
    middle = deltas[len(deltas) // 2]
    odd = sum(1 for delta in deltas if abs(delta - middle) > max(1, middle * 0.1))
    # The last packet, or one dropped frame in a long clip, does not make a clip variable.
    return odd > max(1, len(deltas) // 50)


def still(file: Any) -> dict[str, Any]:
    """A picture that ffmpeg can't put together (HEIC is stored in tiles): its size by Pillow, without decoding it."""
    from PIL import Image
    from pillow_heif import register_heif_opener

    register_heif_opener()
    Image.MAX_IMAGE_PIXELS = 1 << 30
    with Image.open(file, formats=("HEIF",)) as image:
        return {"picture": {"width": image.width, "height": image.height, "alpha": "A" in image.getbands()}}


def _seconds(value: int | None, base: Fraction | None) -> float | None:
    return None if value is None or base is None else float(value * base)


def _fraction(value: Fraction | None) -> list[int] | None:
    return [value.numerator, value.denominator] if value else None


def main(descriptor: int, request: dict[str, Any]) -> dict[str, Any]:
    """Answer one request, or `{"error": kind, "message": text}`."""
    reader: Callable[[Any], dict[str, Any]] = still
    if request["demuxer"] != "still":
        reader = lambda file: probe(file, request["demuxer"], request["options"], request["max_packets"], request["max_bytes"], request["max_pixels"])  # noqa: E731
    with os.fdopen(descriptor, "rb") as file:
        try:
            return reader(file)
        except MemoryError:
            return {"error": "MemoryError", "message": "memory ran out"}
        except (OSError, ValueError, SyntaxError) as problem:
            # PyAV's errors are OSErrors or ValueErrors, Pillow's any of the three.
            return {"error": type(problem).__name__, "message": str(problem)[:300]}


if __name__ == "__main__":
    json.dump(main(int(sys.argv[1]), json.loads(sys.argv[2])), sys.stdout)
