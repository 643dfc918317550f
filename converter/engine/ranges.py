"""Which part of a source is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from .errors import MediaError
from .media import Media, VideoStream
from .timecode import format_time, parse_time

_TOUCH = 0.001
"""Ranges that pass the end by less than this, in seconds, are rounding, not a wish."""

_ON_TIME = Fraction(1, 2000)
"""A picture that comes up within this after the start, in seconds, counts as being there."""

_SEEKABLE = frozenset({"mov", "matroska", "avi", "wav", "w64", "flac", "ogg", "aiff", "caf"})
"""Demuxers that find the keyframe at or before a time; the rest (MPEG-TS, WebP, MP3, …) miss it or say wrong times."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a source. Seconds; `seconds` is what can be had, `wanted` what was asked for."""

    start: float
    seconds: float
    wanted: float

    @property
    def short(self) -> bool:
        """Whether the source ends before the wanted range does."""
        return self.seconds < self.wanted - _TOUCH


def cut(length: float | None, *, start: float, end: float | None = None, duration: float | None = None, field: str = "") -> Cut:
    """The part of a source of `length` seconds from `start` to `end`, or `duration` long, or to its end.

    A `length` of None (unknown) is believed to be long enough. Raises `MediaError`:
    `bad_parameter` when both end and duration are given or neither end is known,
    `start_past_end`, `empty_range`. `field` is put before the names of the parameters at fault.
    """
    if end is not None and duration is not None:
        raise MediaError("bad_parameter", f"{field}end: give an end or a duration, not both.", field=f"{field}end")
    if start < 0:
        raise MediaError("bad_parameter", f"{field}start: it can't lie before the beginning.", field=f"{field}start")
    if length is not None and start >= length:
        text = f"{field}start: {format_time(start)} lies at or after the end of the media, which lasts {format_time(length)}."
        raise MediaError("start_past_end", text, field=f"{field}start")
    wanted = _wanted(length, start, end, duration, field)
    return Cut(start, wanted if length is None else min(wanted, length - start), wanted)


@dataclass(frozen=True, slots=True)
class Range:
    """A part as a person names it, in seconds; an `end` of None is the source's end."""

    start: float = 0.0
    end: float | None = None


def read_range(raw: object, field: str) -> Range:
    """A range from `{"start": 1, "end": 3.5}` or `"1-3.5"`. Raises `MediaError("bad_parameter")`."""
    if isinstance(raw, Range):
        return raw
    if isinstance(raw, str):
        first, _, last = raw.partition("-")
        raw = {"start": first or 0, "end": last or None}
    if not isinstance(raw, Mapping) or not set(raw) <= {"start", "end"}:
        raise MediaError("bad_parameter", f'{field}: write a range as {{"start": 1, "end": 3.5}} or as 1-3.5.', field=field)
    start, end = raw.get("start"), raw.get("end")
    return Range(
        0.0 if start in (None, "") else parse_time(start, field=f"{field}.start"),
        None if end in (None, "") else parse_time(end, field=f"{field}.end"),
    )


def cuts(length: float | None, ranges: Sequence[Range]) -> tuple[Cut, ...]:
    """The parts of a source that `ranges` name, in their order; they may overlap and go back. Raises as `cut` does."""
    return tuple(cut(length, start=one.start, end=one.end, field=f"ranges[{number}].") for number, one in enumerate(ranges))


@dataclass(frozen=True, slots=True)
class Shot:
    """The pictures of a part. Seconds.

    At a constant `rate` there are `frames` of them, and the part begins with the one on the screen at its start, so
    that N frames' time gives N frames. Where the rate varies `frames` is None and times stay as they are; the picture on
    the screen at the start is then shown from time zero.
    """

    start: float
    seconds: float
    frames: int | None = None
    rate: Fraction = Fraction(0)
    sure: bool = False
    """Whether the source certainly has these frames."""


def shot(media: Media, video: VideoStream, part: Cut) -> Shot:
    """The pictures of `part`, from what the probe knows."""
    rate = Fraction(video.frame_rate)
    begins = picture_start(media, video)
    if video.variable_rate or media.kind != "video" or not _usual(rate, video.duration or media.duration or 0.0) or part.start < begins - _TOUCH:
        return Shot(part.start, part.seconds)
    number = floor((Fraction(part.start) - Fraction(begins) + _ON_TIME) * rate)
    frames = max(1, round(Fraction(part.seconds) * rate))
    start = max(0.0, begins + float(number / rate))
    known = video.frames is not None and video.duration is not None and abs(video.frames / rate - Fraction(video.duration)) < Fraction(3, 5) / rate
    return Shot(start, float(frames / rate), frames, rate, sure=known and number + frames <= (video.frames or 0))


def _usual(rate: Fraction, seconds: float) -> bool:
    """Whether cameras and films have this rate: whole or half, or a thousandth slower. Others are averages of rates that vary.

    It may be off by what makes a quarter of a frame in `seconds`, as short files round it.
    """
    if rate <= 0:
        return False
    off = min(Fraction(1, 1000), 1 / (4 * rate * Fraction(max(seconds, 1.0))))
    return any(abs(double - round(double)) < off * double and round(double) > 0 for double in (2 * rate, 2 * rate * 1001 / 1000))


def picture_start(media: Media, video: VideoStream) -> float:
    """When the picture begins, in seconds on the clock that starts with the file."""
    starts = [*(other.start for other in media.videos if not other.attached_picture), *(sound.start for sound in media.audios)]
    return max(0.0, video.start - min(starts, default=video.start))


def _wanted(length: float | None, start: float, end: float | None, duration: float | None, field: str) -> float:
    if end is not None:
        if end <= start:
            text = f"{field}end: {format_time(end)} does not lie after the start at {format_time(start)}."
            raise MediaError("empty_range", text, field=f"{field}end")
        return end - start
    if duration is not None:
        if duration <= 0:
            raise MediaError("empty_range", f"{field}duration: it must be above zero.", field=f"{field}duration")
        return duration
    if length is None:
        raise MediaError("bad_parameter", f"{field}duration: the length of this file is unknown; say how long the part is.", field=f"{field}duration")
    return length - start


def seek(media: Media, start: float) -> tuple[str, ...]:
    """Options before `-i` after which the chosen start is at time zero.

    What lies between the keyframe and the start arrives too, with negative times: so the filters
    can know what is on the screen at the start, which is not the first frame after it.
    """
    if start <= 0:
        return ()
    if media.demuxer not in _SEEKABLE:
        return ("-itsoffset", f"{-start:.6f}")
    return ("-noaccurate_seek", "-ss", f"{start:.6f}")


def seekable(media: Media) -> bool:
    """Whether a cut without decoding can find its start."""
    return media.demuxer in _SEEKABLE


def picture_length(media: Media, video: VideoStream) -> float | None:
    """When the picture ends, in seconds on the clock that starts with the file; None when unknown.

    Sound often runs longer than the picture, and either may begin late.
    """
    if video.duration is None:
        return media.duration
    return picture_start(media, video) + video.duration


def length(media: Media) -> float:
    """The length of a source in seconds. Raises `MediaError("unsupported_media")` when it is unknown."""
    if not media.duration:
        raise MediaError("unsupported_media", "The length of this file is unknown; save it again as MP4 or MKV and send that.")
    return media.duration
