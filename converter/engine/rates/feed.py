"""From a source to what an encoder is fed: the chosen part, edited, at the wanted size and rate, with its sound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from converter.engine import codecs, framing
from converter.engine.edits import EditParams, check, edited, pace, picture_filters, shape_filters, sound_filters
from converter.engine.errors import MediaError
from converter.engine.media import AudioStream, Media, VideoStream
from converter.engine.operations.base import Input
from converter.engine.ranges import Cut, cut, length, seek
from converter.engine.timecode import format_time

_ACCURATE = 0.0005
"""Seconds within which a frame counts as being at the start."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A part of a source as an encoder gets it. `seconds` is its length after the edits, `video` the picture after them."""

    source: Media
    part: Cut
    edits: EditParams
    seconds: float
    video: VideoStream | None
    ranged: bool
    """Whether it is not simply everything."""

    @property
    def audio(self) -> AudioStream | None:
        """The sound that is used."""
        return self.source.audio

    @property
    def whole(self) -> bool:
        """Whether nothing is cut or edited, so that packets may be kept as they are."""
        return not self.ranged and (self.video is None or self.video == self.source.video) and self.seconds == self.part.seconds

    @property
    def input(self) -> Input:
        """The source, from the start of the part."""
        return Input(source=0, options=seek(self.source, self.part.start))

    @property
    def frames(self) -> float:
        """About how many pictures there are."""
        return self.seconds * self.video.fps if self.video else 0.0

    @property
    def untold_rate(self) -> str:
        """The picture's rate as a fraction where frames put together no longer have one; else empty."""
        return self.video.frame_rate if self.video and self.video.fps and self.part.start > 0 and not self.edits.reverse else ""

    @property
    def limit(self) -> tuple[str, ...]:
        """What ends the output where the part ends."""
        return ("-t", f"{self.seconds:.6f}") if self.ranged else ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What people must know about the part."""
        if not self.part.short:
            return ()
        return (f"The clip ends before that, so the part is {format_time(self.part.seconds)} long instead of {format_time(self.part.wanted)}.",)

    def shown(self, *, ten_bit: bool) -> VideoStream:
        """The edited picture; with `ten_bit` its HDR stays what it is. Raises `MediaError("no_video")`."""
        if self.video is None:
            raise MediaError("no_video")
        return replace(self.video, color_transfer="") if ten_bit else self.video

    def picture(
        self, width: int, height: int, *, rate: Fraction | None = None, ten_bit: bool = False, target: str = "v", flags: str = "bicubic"
    ) -> str:
        """The filter graph from the first input to `[target]`, at `width`×`height` pixels (`flags` are the scaler's) and at most `rate` frames
        a second."""
        video = self.source.video
        if video is None:
            raise MediaError("no_video")
        before = picture_filters(video, self.edits)
        before += (f"fps={rate.numerator}/{rate.denominator}",) if rate else ()
        name = codecs.stream(video)
        if self.part.start <= 0:
            return framing.graph(self.shown(ten_bit=ten_bit), _frame(width, height, ten_bit, flags), name, target, before=before)
        # The first picture is the one on the screen at the start, however long before it came up; then all later ones.
        head = f"[{name}]split[head][tail];[head]fps=fps=1000:start_time=0,trim=end_frame=1,settb=AVTB[first]"
        tail = f"[tail]select='gt(t,{_ACCURATE})',settb=AVTB[rest];[first][rest]interleave[part]"
        rest = framing.graph(self.shown(ten_bit=ten_bit), _frame(width, height, ten_bit, flags), "part", target, before=before)
        return f"{head};{tail};{rest}"

    def reshaped(self) -> tuple[str, ...]:
        """The part of the edits that moves pixels, for samples."""
        return shape_filters(self.source.video, self.edits) if self.source.video else ()

    def sound(self) -> tuple[str, tuple[str, ...]]:
        """The filter graph of the sound to `[a]` (empty where nothing is done to it), and the `-map` that takes it."""
        audio = self.audio
        if audio is None:
            return "", ()
        chain = sound_filters(self.edits)
        if self.part.start > 0:
            chain = ("atrim=start=0", "aresample=async=1:first_pts=0", *chain)
        if not chain:
            return "", ("-map", codecs.stream(audio))
        return f"[{codecs.stream(audio)}]{','.join(chain)}[a]", ("-map", "[a]")


def feed(source: Media, edits: EditParams, start: float = 0.0, end: float | None = None, duration: float | None = None) -> Feed:
    """What the range and the edits leave of `source`; times in seconds.

    Raises `MediaError`: `no_video` for a still picture, `start_past_end`, `empty_range`, `bad_parameter`, `unsupported_media`.
    """
    if source.kind == "image":
        raise MediaError("no_video", "A still picture can't be compressed here; choose a clip or a recording.")
    whole = length(source)
    part = cut(whole, start=start, end=end, duration=duration)
    check(source.video, source.audio, edits, part.seconds)
    video = edited(source.video, edits) if source.video else None
    seconds = part.seconds / float(pace(edits))
    edited_sound = bool(sound_filters(edits))
    return Feed(source, part, edits, seconds, video, start > 0 or part.seconds < whole or edited_sound)


def _frame(width: int, height: int, ten_bit: bool, flags: str) -> framing.Frame:
    return framing.Frame(width, height, "stretch", flags=flags, pixel_format="yuv420p10le" if ten_bit else "yuv420p")
