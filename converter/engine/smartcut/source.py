"""Reading the source: what its packets are, and the decoded pictures of a part."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any

from .division import HIDDEN, KEY
from .families import Unfit, family

BACK_SECONDS = (0.5, 5.0, 30.0)
"""How far before a start the search for its keyframe begins, one try after the other, then at the beginning of the file."""
BEYOND = 40
"""Packets read past the end when no decode times say that nothing earlier can follow: more than any codec reorders."""


@dataclass(slots=True)
class Packets:
    """The packets of a part in decode order, from a keyframe at or before it to a little after it."""

    pts: array[int] = field(default_factory=lambda: array("q"))
    flags: bytearray = field(default_factory=bytearray)

    def shown(self) -> list[int]:
        """When pictures are shown, sorted. Raises `Unfit` when two are at once."""
        times = sorted(time for time, flag in zip(self.pts, self.flags, strict=True) if not flag & HIDDEN)
        if any(one == other for one, other in pairwise(times)):
            raise Unfit("several of its pictures have the same time")
        return times


class Source:
    """One picture stream of an open container."""

    def __init__(self, opened: Callable[[], Any], index: int, codec: str, threads: int, *, copying: bool) -> None:
        self._opened, self._index, self._threads = opened, index, threads
        self._begin()
        container = self.container
        self.family = family(codec, self.stream, copying=copying)
        self.base: Fraction = self.stream.time_base
        # Times are counted from the start of the file, as ffmpeg's own seeking does.
        self.zero = Fraction(container.start_time or 0, 1_000_000)

    def _begin(self) -> None:
        self.container = self._opened()
        self.stream = self.container.streams[self._index]
        self.stream.thread_type = "AUTO"
        self.stream.codec_context.thread_count = self._threads

    def ticks(self, seconds: Fraction) -> int:
        """A time of the file in the stream's ticks."""
        return round((seconds + self.zero) / self.base)

    def seconds(self, ticks: int) -> float:
        """The reverse of `ticks`."""
        return float(ticks * self.base - self.zero)

    def packets(self, start: int, end: int) -> Packets:
        """Everything that is needed for what is shown from `start` to `end`, in ticks. Raises `Unfit` without times."""
        for position in self._positions(start):
            self.seek(position)
            found = self._walk(end)
            if found.pts and min(found.pts) <= start:
                break
        self._from_keyframe(found, start)
        return found

    def seek(self, position: int | None) -> None:
        """Go to a keyframe at or before `position`, as well as the container can; None is the beginning."""
        if position is None or self.base * position <= self.zero:
            # Not every demuxer finds its own beginning again (MPEG-TS doesn't).
            self._begin()
        else:
            self.container.seek(position, stream=self.stream, backward=True)

    def _walk(self, end: int) -> Packets:
        found, beyond = Packets(), 0
        for packet in self.container.demux(self.stream):
            if packet.size == 0:
                continue
            if packet.pts is None:
                raise Unfit("its pictures have no times")
            flag = self.family.flags(packet)
            if not found.pts and not flag & KEY:
                continue
            found.pts.append(packet.pts)
            found.flags.append(flag | (HIDDEN if packet.is_discard else 0))
            beyond = beyond + 1 if packet.pts > end else 0
            if (packet.dts is not None and packet.dts > end and beyond) or beyond > BEYOND:
                break
        return found

    def _from_keyframe(self, found: Packets, start: int) -> None:
        keys = [place for place, flag in enumerate(found.flags) if flag & KEY and found.pts[place] <= start]
        if keys:
            del found.pts[: keys[-1]], found.flags[: keys[-1]]

    def following(self, first: int) -> Iterator[Any]:
        """Packets from the keyframe shown at `first` on, in decode order; nothing when there is none."""
        for position in self._positions(first):
            self.seek(position)
            began = False
            for packet in self.container.demux(self.stream):
                if packet.size == 0:
                    continue
                began = began or (packet.pts == first and packet.is_keyframe)
                if began:
                    yield packet
                elif packet.dts is not None and packet.dts > first:
                    break
            if began:
                return

    def pictures(self, first: int, last: int, keyframe: int) -> Iterator[Any]:
        """Decoded pictures shown from `first` to `last` inclusive, in display order; decoding begins with the one at `keyframe`."""
        self.stream.codec_context.flush_buffers()
        for packet in self.following(keyframe):
            context = self.stream.codec_context
            # References only, until the first that is wanted: the rest of a group needs no decoding.
            if self.family.reorders:
                context.skip_frame = "NONREF" if packet.pts < first else "DEFAULT"
            for frame in packet.decode():
                if frame.pts is not None and frame.pts > last:
                    context.flush_buffers()
                    return
                if frame.pts is not None and frame.pts >= first:
                    yield frame
        context = self.stream.codec_context
        # The end of the file: what the decoder still holds.
        for frame in context.decode(None):
            if frame.pts is not None and first <= frame.pts <= last:
                yield frame
        context.flush_buffers()

    def _positions(self, time: int) -> Iterator[int | None]:
        yield from (time - round(Fraction(back) / self.base) for back in BACK_SECONDS)
        yield None


def step_of(times: list[int], base: Fraction, rate: Fraction) -> int:
    """How long a picture lasts, in ticks."""
    return max(1, round(1 / rate / base)) if rate else max(1, times[1] - times[0] if len(times) > 1 else 1)
