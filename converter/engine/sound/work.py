"""The work on one sound: a graph of filters from the source's parts to the format, and the passes it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from converter.engine import codecs, estimate, tags
from converter.engine.errors import MediaError
from converter.engine.media import AudioStream, Media
from converter.engine.operations.base import Command, Expectation, Input, Plan
from converter.engine.ranges import Cut, seek
from converter.engine.timecode import format_time

from . import pauses
from .formats import whole
from .levels import Gain
from .pauses import Keep
from .wish import Choice, Wish, choose

CHAPTERS = "chapters.ffmeta"
_CHAPTERED = frozenset({"mp3", "m4a", "aiff", "matroska"})
"""Containers whose chapters come back as they were written; Ogg and FLAC have only a habit of comments, which few read."""
_JOINT = 0.004
"""Seconds of the fades where two parts meet, so that nothing clicks."""


@dataclass(frozen=True, slots=True)
class Work:
    """One sound, the wish, the chosen format, and what is known so far. `seconds` is the length of the result."""

    source: Media
    audio: AudioStream
    wish: Wish
    choice: Choice
    seconds: float
    keeps: tuple[Keep, ...] = ()

    @property
    def output(self) -> str:
        """The result's file name."""
        return f"result.{self.choice.container.extension}"

    @property
    def rate(self) -> int:
        """Samples per second of the result."""
        return self.choice.encoding.sample_rate if self.choice.encoding else self.audio.sample_rate

    @property
    def chaptered(self) -> bool:
        """Whether chapters are written: they mean nothing where moments move, and not every format has them."""
        return bool(self.source.chapters) and self.wish.chapters and not self.wish.timed and self.choice.container.name in _CHAPTERED

    def inputs(self) -> tuple[Input, ...]:
        """One input for each part of the source: so parts may be in any order, and memory stays constant."""
        return tuple(Input(source=0, options=seek(self.source, part.start)) for part in self.wish.ranges) or (Input(source=0),)

    def listened(self, after: Sequence[str], stage: str, share: float, gain: Gain | None = None) -> Command:
        """A command that only listens: with the `gain`, or before anything but the choice of parts was done."""
        graph = self.graph(after) if gain is None else self.graph((*self.changes(), *gain.filters(self.rate), *after))
        return Command(stage, self.inputs(), ("-filter_complex", graph, "-map", "[a]"), "", "null", self.seconds, share)

    def encoded(self, gain: Gain, stage: str, share: float) -> Command:
        """The command that makes the result."""
        way = self.choice.encoding
        assert way is not None  # noqa: S101 (tells the type checker)
        graph = self.graph((*self.changes(), *gain.filters(self.rate), *whole(self.seconds), *way.last))
        inputs = self.inputs()
        more, labels = self._labels(len(inputs))
        arguments = ("-filter_complex", graph, "-map", "[a]", *labels, *way.arguments, *self.choice.container.flags)
        return Command(stage, (*inputs, *more), arguments, self.output, self.choice.container.muxer, self.seconds, share)

    def copied(self) -> Command:
        """The command that copies the sound's packets."""
        more, labels = self._labels(1)
        arguments = ("-map", codecs.stream(self.audio), *labels, "-c:a", "copy", *self.choice.container.flags)
        return Command("copying", (Input(source=0), *more), arguments, self.output, self.choice.container.muxer, self.seconds)

    def graph(self, after: Sequence[str]) -> str:
        """From the source to `[a]`: the parts one after another, without the pauses, then `after`."""
        parts = self.wish.ranges
        # Sound that starts late is preceded by silence, so that moments are those that a player shows.
        tidy = "atrim=start=0,aresample=async=1:first_pts=0"
        if not parts:
            begin = f"[{codecs.stream(self.audio)}]{tidy}"
        elif len(parts) == 1:
            begin = f"[0:{self.audio.index}]{tidy},atrim=end_sample={self._samples(parts[0])},asetpts=N/SR/TB"
        else:
            chains = [f"[{n}:{self.audio.index}]{tidy},{self._part(part, n, len(parts))}[p{n}]" for n, part in enumerate(parts)]
            begin = ";".join(chains) + ";" + "".join(f"[p{n}]" for n in range(len(parts))) + f"concat=n={len(parts)}:v=0:a=1"
        cutting = self._without_pauses() if self.keeps else ()
        return ",".join((begin, *cutting, *after)) + "[a]"

    def changes(self) -> tuple[str, ...]:
        """Everything that is done to the sound but its gain."""
        way = self.choice.encoding
        fades: tuple[str, ...] = ()
        if self.wish.fade_in:
            fades += (f"afade=t=in:d={min(self.wish.fade_in, self.seconds):.6f}",)
        if self.wish.fade_out:
            length = min(self.wish.fade_out, self.seconds)
            fades += (f"afade=t=out:st={self.seconds - length:.6f}:d={length:.6f}",)
        return (*self.wish.tempo(), *(way.filters if way else ()), *fades)

    def _samples(self, part: Cut) -> int:
        return max(1, round(part.seconds * self.audio.sample_rate))

    def _part(self, part: Cut, number: int, count: int) -> str:
        samples, joint = self._samples(part), round(_JOINT * self.audio.sample_rate)
        chain = f"atrim=end_sample={samples},asetpts=N/SR/TB"
        if samples > 4 * joint:
            chain += f",afade=t=in:ns={joint}" if number else ""
            chain += f",afade=t=out:ss={samples - joint}:ns={joint}" if number < count - 1 else ""
        return chain

    def _without_pauses(self) -> tuple[str, ...]:
        return (pauses.windowing(self.audio.sample_rate), f"aselect='{pauses.expression(self.keeps)}'", "asetpts=N/SR/TB")

    def _labels(self, number: int) -> tuple[tuple[Input, ...], tuple[str, ...]]:
        """Further inputs after `number` others, and the options for cover, chapters and names."""
        inputs: list[Input] = []
        maps: list[str] = []
        cover = self.source.cover if self.wish.cover and self.choice.cover and self.wish.target is None else None
        if cover is not None:
            # From an input of its own, because the others may be sought in.
            maps += ["-map", f"{number}:{cover.index}", "-c:v", "copy" if cover.codec in ("mjpeg", "png") else "mjpeg"]
            maps += ["-disposition:v:0", "attached_pic", "-metadata:s:v:0", "comment=Cover (front)"]
            inputs.append(Input(source=0))
        chapters = None
        if self.chaptered:
            chapters = number + len(inputs)
            inputs.append(Input(work_file=CHAPTERS, options=("-f", "ffmetadata")))
        return tuple(inputs), (*maps, *tags.arguments(self.source.tags if self.wish.names else (), chapters))


def planned(operation: str, params: dict[str, Any], source: Media, audio: AudioStream, wish: Wish) -> Plan:
    """The plan for one sound. Raises `MediaError`: `bad_parameter`, `target_unreachable`."""
    length = sum(part.seconds for part in wish.ranges) if wish.ranges else source.duration or audio.duration or 0.0
    seconds = length / wish.speed
    choice = choose(source, audio, wish, seconds)
    work = Work(source, audio, wish, choice, seconds)
    command = work.copied() if choice.encoding is None else work.encoded(Gain(), "encoding the sound", 1.0)
    passes = 1 + (wish.level != "keep") * 2 + (wish.pauses != "keep")
    return Plan(
        operation=operation,
        params=params,
        commands=(command,),
        extension=choice.container.extension,
        mime=choice.container.mime,
        expects=expectation(work),
        size_range=_size(work),
        work_seconds=0.1 if choice.encoding is None else estimate.sound_seconds(length * passes),
        warnings=(*choice.remarks, *_warnings(source, wish, work)),
        extra={"work": work},
    )


def expectation(work: Work) -> Expectation:
    """What the result must turn out to be; how long is unknown while the pauses are."""
    unknown = work.wish.pauses != "keep" and not work.keeps
    copied = work.choice.encoding is None
    seconds = max(work.seconds, 0.0)
    # Three frames of MP3: what its encoder puts before and after.
    tolerance = 0.15 + 3456 / max(8000, work.rate) + seconds * (0.005 if copied or work.wish.speed != 1 else 0.002) + (0.35 if copied else 0.0)
    return Expectation(
        "audio",
        work.choice.container.name,
        duration=None if unknown else seconds,
        tolerance=tolerance,
        video=False,
        audio=True,
        max_size=work.wish.target,
        copied=copied,
    )


def _size(work: Work) -> tuple[int, int]:
    way, source = work.choice.encoding, work.source
    if way is None:
        known = work.audio.bit_rate * work.seconds / 8 if work.audio.bit_rate else None
        if known is None:
            return (min(1000, source.size), source.size + 50_000)
        return int(0.5 * known), min(int(1.6 * known), source.size) + 50_000
    low, high = estimate.sound_size(work.seconds, way.bps)
    # Encoders with a variable rate write next to nothing for silence, and MP3's constant rate is what it says.
    low = int(0.25 * low) if "-b:a" not in way.arguments or way.codec != "mp3" else int(0.95 * low / 0.15)
    low = 0 if work.wish.pauses != "keep" else low
    if way.lossless and way.codec.startswith("pcm"):
        low = int(work.seconds * way.bps / 8 * (0.1 if work.wish.pauses != "keep" else 0.9))
    high += source.size if source.cover is not None and source.kind == "audio" else 0
    return (min(low, work.wish.target), work.wish.target) if work.wish.target else (low, high)


def _warnings(source: Media, wish: Wish, work: Work) -> tuple[str, ...]:
    said: list[str] = []
    said += [
        f"The sound ends before that, so the part from {format_time(part.start)} is {format_time(part.seconds)} long."
        for part in wish.ranges
        if part.short
    ]
    if source.cover is not None and wish.cover and not (work.choice.cover and wish.target is None):
        said.append("The cover picture is left out: " + ("it would take the bytes of the sound." if wish.target else "this format can't hold it."))
    if source.chapters and wish.chapters and not work.chaptered:
        said.append("Chapters are left out, " + ("because moments move." if wish.timed else "because this format has none."))
    if wish.pauses != "keep":
        said.append("How long the result is shows only when the pauses have been found.")
    return tuple(said)


def check(plan: Plan, media: Media) -> None:
    """The finished file holds what the plan says: the source's own sound, or what the encoder was asked for.

    Raises `MediaError("tool_failed")`.
    """
    work: Work = plan.extra["work"]
    found, way = media.audio, work.choice.encoding
    if found is None:
        raise MediaError("tool_failed", "The result has no sound.")
    wanted = (work.choice.codec, way.channels if way else work.audio.channels, way.sample_rate if way else work.audio.sample_rate)
    # Opus knows only its own 48,000 Hz, whatever rate went in.
    rate = wanted[2] if found.codec == "opus" else found.sample_rate
    if (found.codec, found.channels, rate) != wanted:
        text = f"The result is not what was planned: {found.codec}, {found.channels} channels, {found.sample_rate} Hz instead of {wanted}."
        raise MediaError("tool_failed", text)
