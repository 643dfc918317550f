"""What a probe knows about a piece of media: plain, immutable, JSON-able."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from typing import Any, Literal, Self, get_args

from .seen import Look

Kind = Literal["video", "animation", "audio", "image", "document", "archive", "data"]
"""`animation` is a moving GIF, WebP, AVIF or APNG; everything a person would call a video is `video`.

The last three are only ever results: a `document` is a PDF, an `archive` a ZIP of several results, `data` is JSON.
"""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class VideoStream:
    """One picture stream. `width`/`height` are pixels as displayed: rotation and sample aspect applied."""

    index: int
    codec: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    fps: float
    """Average frames per second; 0 for a still picture."""
    frame_rate: str
    """The same as an exact fraction, `24000/1001`."""
    pixel_format: str = ""
    bit_depth: int = 8
    rotation: int = 0
    """Degrees clockwise that a player turns the stored picture: 0, 90, 180 or 270."""
    sample_aspect: str = "1/1"
    duration: float | None = None
    start: float = 0.0
    frames: int | None = None
    """Exact when the container says so, else None."""
    bit_rate: int | None = None
    color_transfer: str = ""
    color_primaries: str = ""
    color_space: str = ""
    has_alpha: bool = False
    interlaced: bool = False
    attached_picture: bool = False
    variable_rate: bool = False
    packets: int | None = None
    """Packets that the probe went over, with their bytes, and how many of them are keyframes: what estimates are made from."""
    packet_bytes: int | None = None
    keyframes: int | None = None
    keyframe_bytes: int | None = None
    profile: tuple[int, ...] = ()
    """Bytes of pictures in each of several equal parts of the clip."""


@dataclass(frozen=True, slots=True)
class AudioStream:
    """One sound stream. `sample_rate` in Hz, `bit_rate` in bits per second."""

    index: int
    codec: str
    channels: int
    channel_layout: str
    sample_rate: int
    duration: float | None = None
    start: float = 0.0
    bit_rate: int | None = None
    language: str = ""
    """ISO 639 code as the container says it (`eng`), or nothing."""
    title: str = ""
    """What the container calls the stream, cleaned."""
    sample_format: str = ""
    """How its decoder delivers samples (`s16`, `s32p`, `fltp`)."""


@dataclass(frozen=True, slots=True)
class SubtitleStream:
    """One stream of subtitles; `text` tells those that are written from those that are pictures."""

    index: int
    codec: str
    text: bool
    language: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """A named part of the media, in seconds. The title is cleaned and may be empty."""

    start: float
    end: float
    title: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """A probed file. Times in seconds, sizes in bytes and pixels.

    `container` is the sniffed type (`mp4`, `mov`, `webm`, `matroska`, `gif`, …), `demuxer` the
    ffmpeg demuxer that must be named when it is read.
    """

    kind: Kind
    container: str
    demuxer: str
    mime: str
    size: int
    duration: float | None
    """None for a still picture."""
    videos: tuple[VideoStream, ...] = ()
    audios: tuple[AudioStream, ...] = ()
    streams: int = 0
    """All streams, also those not listed (subtitles, data)."""
    loop: int | None = None
    """Animations: how often it plays (0 = for ever); None where it does not apply."""
    notes: tuple[str, ...] = field(default=())
    subtitles: tuple[SubtitleStream, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    """What the media is called (`tags.py`: title, artist, album, …), cleaned. A place, a serial number or a device is never read."""
    look: Look | None = None
    """What a look at some moments has shown, where there was one (`look.py`); only estimates use it."""

    @property
    def cover(self) -> VideoStream | None:
        """The picture on the cover of a recording."""
        return next((v for v in self.videos if v.attached_picture), None)

    @property
    def video(self) -> VideoStream | None:
        """The picture stream to work on: the first that is not cover art."""
        return next((v for v in self.videos if not v.attached_picture), None)

    @property
    def audio(self) -> AudioStream | None:
        """The sound stream to work on: the first."""
        return self.audios[0] if self.audios else None

    @property
    def moving(self) -> bool:
        """Whether there is a picture that moves."""
        return self.kind in ("video", "animation")

    def summary(self) -> dict[str, Any]:
        """The flat public shape (DESIGN.md §4: `media` of an upload or export)."""
        video, audio = self.video, self.audio
        return {
            "kind": self.kind,
            "container": self.container,
            "mime": self.mime,
            "duration": self.duration,
            "width": video.width if video else None,
            "height": video.height if video else None,
            "fps": video.fps if video else None,
            "frames": video.frames if video else None,
            "video_codec": video.codec if video else None,
            "rotation": video.rotation if video else None,
            "audio_codec": audio.codec if audio else None,
            "channels": audio.channels if audio else None,
            "sample_rate": audio.sample_rate if audio else None,
            "bit_rate": round(self.size * 8 / self.duration) if self.duration else None,
        }

    def as_dict(self) -> dict[str, Any]:
        """Everything, for storage; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read `as_dict` back; keys of another version are ignored or take their defaults."""
        values = {key: value for key, value in data.items() if key in _names(cls)}
        values["videos"] = tuple(VideoStream(**{**_known(VideoStream, v), "profile": tuple(v.get("profile", ()))}) for v in data.get("videos", ()))
        values["audios"] = tuple(AudioStream(**_known(AudioStream, a)) for a in data.get("audios", ()))
        values["notes"] = tuple(data.get("notes", ()))
        values["subtitles"] = tuple(SubtitleStream(**_known(SubtitleStream, s)) for s in data.get("subtitles", ()))
        values["chapters"] = tuple(Chapter(**_known(Chapter, c)) for c in data.get("chapters", ()))
        values["look"] = Look.from_dict(data["look"]) if data.get("look") else None
        values["tags"] = tuple((str(name), str(value)) for name, value in data.get("tags", ()))
        return cls(**values)


def exact_rate(stream: VideoStream) -> Fraction:
    """The stream's average frame rate as an exact fraction (frames per second)."""
    return Fraction(stream.frame_rate)


def _names(cls: type) -> set[str]:
    return {f.name for f in fields(cls)}


def _known(cls: type, data: dict[str, Any]) -> dict[str, Any]:
    names = _names(cls)
    return {key: value for key, value in data.items() if key in names}
