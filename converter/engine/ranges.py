"""Which part of a source is meant."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import MediaError
from .media import Media, VideoStream
from .timecode import format_time

_TOUCH = 0.001
"""Ranges that pass the end by less than this, in seconds, are rounding, not a wish."""

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
    starts = [video.start, *(other.start for other in media.videos if not other.attached_picture), *(sound.start for sound in media.audios)]
    return max(0.0, video.start - min(starts)) + video.duration


def length(media: Media) -> float:
    """The length of a source in seconds. Raises `MediaError("unsupported_media")` when it is unknown."""
    if not media.duration:
        raise MediaError("unsupported_media", "The length of this file is unknown; save it again as MP4 or MKV and send that.")
    return media.duration
