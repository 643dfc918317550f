"""What the packets and the index of a file say of its pictures and sounds: the part of `probe_child` that counts.

Knows nothing of the project either, and runs where the child runs.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

SAMPLE = 2000
"""Packet times kept per stream to judge how steady it is."""
PARTS = 32
"""Equal parts of the clip whose bytes are told apart."""
WEIGHED = 1500
FIRST_FRAME_PACKETS = 300
FIRST_SOUND_PACKETS = 8
HEAD_PACKETS = 32
"""Packets of each stream that are read where an index tells of the others: more than any codec reorders."""
_EDGE = {"video": 2000, "audio": 50}
"""Entries looked at from each end of a long index: edit lists hide frames there."""
_FEW = 200
"""Of a longer index not every entry is looked at to learn where the data ends."""
_FRAGMENTS = frozenset({b"moof", b"sidx", b"styp", b"mfra"})


_HELD: list[Any] = []


def held(thing: Any) -> Any:
    """`thing`, which is never given back to memory.

    PyAV (18.1) copies a channel layout without what it points to, and each copy frees that: a file whose channels lie in an order of
    their own (7.1 in AIFF) brings the reader down. It reads one file and ends, so it can keep them.
    """
    _HELD.append(thing)
    return thing


def pixels(form: Any) -> dict[str, Any]:
    """A pixel format's name, bits and transparency."""
    if form is None:
        return {"pixel_format": "", "bit_depth": 8, "alpha": False}
    components = form.components
    return {
        "pixel_format": form.name,
        "bit_depth": max((component.bits for component in components), default=8),
        "alpha": any(component.is_alpha for component in components) or form.name == "pal8",
    }


def is_whole(file: Any) -> bool:
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


def listed(container: Any) -> dict[int, dict[str, Any]]:
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


def index_end(stream: Any) -> int:
    """The byte where the data of a stream ends, as its index says; 0 without one."""
    entries = stream.index_entries
    count = len(entries)
    # The furthest byte is not always the last entry's: tracks may be written one after another.
    numbers = range(count) if count <= _FEW else (*range(0, count, 16), *range(count - _FEW, count))
    return max((entries[i].pos + entries[i].size for i in numbers), default=0)


class Walk:
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
        brief: bool = False,
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
        if brief:
            # What a sound really has (twice the rate, other channels) some decoders learn from the first packet only.
            sounds = (s.index for s in container.streams if s.type == "audio" and s.codec_context is not None)
            self.pending |= dict.fromkeys(sounds, FIRST_SOUND_PACKETS)

    def run(self, av: Any) -> dict[str, Any]:
        """What was seen, by stream; `complete` when that is all of it."""
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
            if stream.type == "audio":
                held(frames)
            if not frames and packet is not None and packet.is_keyframe and stream.type == "video":
                # A decoder holds pictures back to put them in order; told that this is the end, it hands over what it has.
                frames = context.decode(None)
                context.flush_buffers()
        except av.FFmpegError as error:
            frames = []
            if stream.type == "video":
                self.frames.setdefault(index, {})["error"] = str(error)[:200]
        self.pending[index] -= 1
        if frames and stream.type == "video":
            frame = frames[0]
            self.frames[index] = {
                "width": frame.width,
                "height": frame.height,
                "rotation": frame.rotation,
                "interlaced": bool(frame.interlaced_frame),
                **pixels(frame.format),
            }
        if frames or self.pending[index] <= 0 or packet is None:
            del self.pending[index]

    def _answer(self, *, complete: bool, error: str = "") -> dict[str, Any]:
        for index, entry in self.seen.items():
            if complete and index in self.listed:
                rest = self.listed[index]
                unread = entry["count"] < rest["count"]
                entry |= {name: value for name, value in rest.items() if name != "to"}
                if unread and entry["decoded_from"] is not None and rest["to"] > entry["decoded_to"]:
                    # The index has no times of showing. After the first packets those keep their distance to the times of decoding,
                    # which before them may hold a gap that no picture fills.
                    entry["end"] += rest["to"] - entry["decoded_to"]
                    entry["decoded_to"] = rest["to"]
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
