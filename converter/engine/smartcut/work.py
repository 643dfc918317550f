"""The work of the child: scan each part, divide it, and write one picture stream with exact times."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from . import division
from .division import Division, Wanted
from .families import Family, Unfit
from .source import Packets, Source, step_of

TOUCH_SECONDS = Fraction(1, 2000)
"""A picture that comes up within this after the start counts as being there."""
REPORT_SECONDS = 0.2
NOTHING = "nothing"
"""The reason that no part has a whole group in it."""
_GLOBAL_HEADER = 1 << 22
"""AV_CODEC_FLAG_GLOBAL_HEADER."""


@dataclass(slots=True)
class Part:
    """One range: what is shown, how it is divided, and where it lies in the result (ticks)."""

    packets: Packets
    wanted: Wanted
    division: Division
    place: int = 0
    ticks: int = 0
    encoded: int = 0
    key: int = 0
    times: tuple[int, ...] = ()
    """Display times in the result."""

    def keyframe(self, time: int) -> int:
        """When the keyframe is shown from which on what is shown at `time` can be decoded."""
        place = division.keyframe(self.packets.pts, self.packets.flags, time, after_others=False)
        return self.packets.pts[place]


class Joiner:
    """Writes the parts of one request, one after the other."""

    def __init__(self, av: Any, opened: Callable[[], Any], request: dict[str, Any]) -> None:
        self.av, self.request = av, request
        self.copying = request["mode"] == "copy"
        self.source = Source(opened, request["stream"], request["codec"], request["threads"], copying=self.copying)
        self.family: Family = self.source.family
        self.rate = Fraction(request["rate"])
        self.parts = [self._scan(number, *one) for number, one in enumerate(request["ranges"])]
        self._lay_out()
        reorder = [division.delay(part.packets.pts) for part in self.parts] if self.family.reorders else [0]
        self.reordered = max(reorder)
        # x264's pyramid delays by two; what it writes has to fit into the same numbering.
        self.delay = max(self.reordered, 2) if self.reordered else 0
        self.step = step_of(list(self.parts[0].times), self.source.base, self.rate)
        self.last = 0.0
        self.put = 0
        self.final = self.step
        self.total = sum(len(part.times) for part in self.parts)

    def _scan(self, number: int, start: str, seconds: str, count: int | None) -> Part:
        source = self.source
        begin, length = Fraction(start), Fraction(seconds)
        first, end = source.ticks(begin), source.ticks(begin + length)
        slack = round(2 / self.rate / source.base) if self.rate else 0
        packets = source.packets(first, end + slack)
        shown = packets.shown()
        if not shown:
            raise Unfit("there is no picture in the part")
        touch = int(TOUCH_SECONDS / source.base)
        if self.copying:
            return self._keep(packets, first, end - touch, number)
        wanted = division.wanted(shown, first, end, touch, count)
        if count is not None and wanted.times[-1] - wanted.times[0] > (count - 0.5) / self.rate / source.base:
            # Pictures are missing in between, so they can't be counted.
            count, wanted = None, division.wanted(shown, first, end, touch, None)
        divided = division.divide(packets.pts, packets.flags, wanted.times[0], wanted.times[-1])
        hidden = packets.flags[divided.begin : divided.end]
        if self.family.reorders and any(flag & division.HIDDEN for flag in hidden):
            raise Unfit("an edit list hides pictures within the part")
        outside = sum(1 for shown_at in wanted.times if not (divided.copies and divided.body_first <= shown_at <= divided.body_last))
        ticks = round(len(wanted.times) / self.rate / source.base) if count is not None else end - first
        return Part(packets, wanted, divided, ticks=ticks, encoded=outside, key=divided.body_first)

    def _keep(self, packets: Packets, first: int, last: int, number: int) -> Part:
        begin = division.keyframe(packets.pts, packets.flags, first, after_others=number > 0)
        end = division.covering(packets.pts, begin, last)
        key = packets.pts[begin]
        times = sorted(
            time for time, flag in zip(packets.pts[begin:end], packets.flags[begin:end], strict=True) if time >= key and not flag & division.HIDDEN
        )
        length = times[-1] - key + (round(1 / self.rate / self.source.base) if self.rate else 1)
        return Part(packets, Wanted(key, times), Division(begin, end, key, times[-1]), ticks=length, key=key)

    def _lay_out(self) -> None:
        at = Fraction(0)
        for part in self.parts:
            part.place = round(at)
            at += part.ticks
            part.times = tuple(part.place + max(0, time - part.wanted.origin) for time in part.wanted.times)

    def answer(self) -> dict[str, Any]:
        """What was made, for the report: seconds, counts."""
        return {
            "ranges": [
                {
                    "origin": self.source.seconds(part.wanted.origin),
                    "seconds": float(part.ticks * self.source.base),
                    "frames": len(part.wanted.times),
                    "encoded": part.encoded,
                    "begins": self.source.seconds(part.wanted.times[0]),
                }
                for part in self.parts
            ],
            "spans": [[float(time * self.source.base) for time in span] for span in self._spans()],
        }

    def _spans(self) -> Iterator[tuple[int, int]]:
        """Beginning and end of what is encoded, in the result."""
        for part in self.parts:
            first, last, origin = part.division.body_first, part.division.body_last, part.wanted.origin
            head = [time for time in part.wanted.times if not part.division.copies or time < first]
            tail = [time for time in part.wanted.times if part.division.copies and time > last]
            for times in (head, tail):
                if times:
                    yield part.place + max(0, times[0] - origin), part.place + max(0, times[-1] - origin) + self.step

    def write(self) -> None:
        """Write the result, picture by picture. Raises `Unfit` when nothing can be copied."""
        if not any(part.division.copies for part in self.parts):
            raise Unfit(NOTHING)
        if not self.copying and self.family.encoder:
            self.family.prepare(self._encoder(self.source.stream.codec_context, header=True))
        with self.av.open(self.request["output"], "w", format=self.request["muxer"], container_options=self.request["muxer_options"]) as target:
            stream = target.add_stream_from_template(self.source.stream, opaque=True)
            stream.time_base = self.source.base
            stream.codec_context.extradata = self.family.config()
            numbers = self._decode_times()
            for part in self.parts:
                count = 0
                for data, shown, key in self._packets(part):
                    count += 1
                    self._put(target, stream, data, shown, next(numbers, shown) if self.family.reorders else shown, key)
                if count != len(part.times) and self.family.codec != "vp8":
                    raise Unfit("pictures are missing there")

    def _packets(self, part: Part) -> Iterator[tuple[bytes, int, bool]]:
        times, divided = part.wanted.times, part.division
        head = [time for time in times if time < divided.body_first] if divided.copies else times
        tail = [time for time in times if time > divided.body_last] if divided.copies else []
        if head and not self.copying:
            yield from self._encode(part, head[0], head[-1])
        yield from self._copied(part)
        if tail and not self.copying:
            yield from self._encode(part, tail[0], tail[-1])

    def _decode_times(self) -> Iterator[int]:
        times = [time for part in self.parts for time in part.times]
        # The file lasts from the first decode time to the end of the last: where the rate varies, what is added in front has to be small.
        rest = self.parts[-1].place + self.parts[-1].ticks - times[max(0, len(times) - 1 - self.delay)]
        lead = max(1, min(self.step, rest // (self.delay + 1)))
        self.final = max(1, rest - self.delay * lead) if len(times) > self.delay else self.step
        return iter(division.decode_times(times, self.delay, lead))

    def _put(self, target: Any, stream: Any, data: bytes, shown: int, decoded: int, key: bool) -> None:
        packet = self.av.Packet(data)
        packet.stream = stream
        packet.time_base = self.source.base
        self.put += 1
        packet.pts, packet.dts, packet.duration = shown, decoded, self.step if self.put < self.total else self.final
        packet.is_keyframe = key
        target.mux_one(packet)
        self._report()

    def _report(self) -> None:
        now = time.monotonic()
        if now - self.last > REPORT_SECONDS:
            self.last = now
            os.write(1, f"{min(0.99, self.put / max(1, self.total)):.4f}\n".encode())

    def _copied(self, part: Part) -> Iterator[tuple[bytes, int, bool]]:
        divided = part.division
        if not divided.copies:
            return
        for place, packet in enumerate(self.source.following(part.packets.pts[0])):
            if place >= divided.end:
                return
            if place >= divided.begin and packet.pts >= divided.body_first:
                data = self.family.copied(bytes(packet), first=place == divided.begin)
                yield data, part.place + max(0, packet.pts - part.wanted.origin), packet.is_keyframe

    def _encode(self, part: Part, first: int, last: int) -> Iterator[tuple[bytes, int, bool]]:
        encoder, began = None, True
        for frame in self.source.pictures(first, last, part.keyframe(first)):
            if encoder is None:
                encoder = self._encoder(frame)
            shown = part.place + max(0, frame.pts - part.wanted.origin)
            frame.pts, frame.time_base, frame.pict_type = shown, self.source.base, 0
            for packet in encoder.encode(frame):
                yield self.family.encoded(bytes(packet), first=began), packet.pts, packet.is_keyframe
                began = False
            self._report()
        if encoder is None:
            raise Unfit("its pictures can't be decoded alone")
        for packet in encoder.encode(None):
            yield self.family.encoded(bytes(packet), first=began), packet.pts, packet.is_keyframe
            began = False

    def _encoder(self, like: Any, *, header: bool = False) -> Any:
        """An encoder for pictures like `like`, whose stream can stand beside the source's; with `header` only to ask for its parameters."""
        source = self.source.stream.codec_context
        if (like.width, like.height) != (source.width, source.height) or source.format is None:
            raise Unfit("its pictures change their size")
        encoder = self.av.CodecContext.create(self.family.encoder, "w")
        encoder.width, encoder.height, encoder.pix_fmt = source.width, source.height, like.format.name
        encoder.time_base = self.source.base
        encoder.framerate = self.rate or Fraction(25)
        encoder.sample_aspect_ratio = source.sample_aspect_ratio or Fraction(1)
        for name in ("color_range", "color_primaries", "color_trc", "colorspace"):
            setattr(encoder, name, getattr(source, name))
        encoder.thread_count = self.request["threads"]
        encoder.options = self.family.options(self.reordered)
        if header:
            encoder.flags |= _GLOBAL_HEADER
        encoder.open()
        return encoder
