"""Cutting a part out of a clip: exact to the frame, or at once without touching a pixel."""

from __future__ import annotations

from dataclasses import dataclass

from converter.engine import codecs, estimate, framing
from converter.engine.codecs import Container
from converter.engine.errors import MediaError
from converter.engine.media import AudioStream, Media, VideoStream
from converter.engine.params import as_dict, choice, time
from converter.engine.ranges import Cut, cut, length, seek, seekable
from converter.engine.timecode import format_time

from .base import Command, Expectation, Input, Operation, Plan, Preset

_CRF = 18
_SPEED = "veryfast"
_ACCURATE = 0.0005
"""Seconds within which a frame counts as being at the start."""


@dataclass(frozen=True, slots=True)
class TrimParams:
    """Which part, and how."""

    start: float = time(0.0, label="Start", help="Where the part begins.", minimum=0, advanced=False)
    end: float | None = time(
        None, label="End", help="Where it ends; empty means by duration, or at the clip's end.", minimum=0, optional=True, advanced=False
    )
    duration: float | None = time(
        None,
        label="Duration",
        help="How long it lasts, instead of an end.",
        minimum=0,
        above_minimum=True,
        below="empty_range",
        optional=True,
        advanced=False,
    )
    mode: str = choice(
        "exact", {"exact": "Exact to the frame", "copy": "Instant, from the keyframe before the start"},
        label="Way", help="Exact encodes again; instant keeps every byte but can only begin at a keyframe.", advanced=False,
    )  # fmt: skip


class Trim(Operation[TrimParams]):
    """A part of a clip or a recording."""

    name = "trim"
    title = "Trim"
    summary = "Keep the part that you choose, with its sound."
    params = TrimParams
    accepts = frozenset({"video", "animation", "audio"})
    presets = (
        Preset("exact", "Exact cut", "Begins and ends exactly where you say.", {"mode": "exact"}),
        Preset("instant", "Instant cut", "Nothing is encoded again; begins at the keyframe before the start.", {"mode": "copy"}),
    )

    def plan(self, media: tuple[Media, ...], params: TrimParams) -> Plan:
        """Plan a cut. Raises `MediaError`: `no_video`, `start_past_end`, `empty_range`, `bad_parameter`."""
        source = media[0]
        if source.kind == "image":
            raise MediaError("no_video", "A still picture has nothing to cut out.")
        part = cut(length(source), start=params.start, end=params.end, duration=params.duration)
        if params.mode == "copy":
            return self._copy(source, part, params)
        return self._sound(source, part, params) if source.video is None else self._picture(source, source.video, part, params)

    def _picture(self, source: Media, video: VideoStream, part: Cut, params: TrimParams) -> Plan:
        width, height = framing.frame_size(video, None, None, even=True)
        graph, sound = exact_graph(video, source.audio, part, width, height), source.audio is not None
        encode = (*codecs.h264(_SPEED, "-crf", str(_CRF)), *codecs.KEEP_TIMES)
        audio = ("-map", "[a]", *codecs.aac(codecs.ample_kbps(source.audio))) if source.audio else ()
        arguments = ("-filter_complex", graph, "-map", "[v]", *audio, *encode, "-t", f"{part.seconds:.6f}", *codecs.BARE, *codecs.MP4.flags)
        frames, pixels = part.seconds * video.fps, width * height
        sound_bytes = part.seconds * codecs.ample_kbps(source.audio) * 125 if source.audio else 0
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=(Command("cutting", (Input(source=0, options=seek(source, part.start)),), arguments, "result.mp4", "mp4", part.seconds),),
            extension="mp4",
            mime="video/mp4",
            expects=Expectation("video", "mp4", width, height, None, part.seconds, max(0.15, 1.5 / max(1.0, video.fps)), audio=sound),
            size_range=estimate.h264_size(pixels, frames, _CRF, sound_bytes),
            work_seconds=estimate.h264_seconds(video.coded_width * video.coded_height, pixels, frames, _SPEED),
            warnings=_shortened(part),
        )

    def _sound(self, source: Media, part: Cut, params: TrimParams) -> Plan:
        audio = _sound_of(source)
        container, encoder = codecs.sound_like(audio)
        samples = round(part.seconds * audio.sample_rate)
        graph = f"[{codecs.stream(audio)}]atrim=start=0,atrim=end_sample={samples}[a]"
        arguments = ("-filter_complex", graph, "-map", "[a]", *encoder, *codecs.BARE, *container.flags)
        rate = audio.sample_rate * audio.channels * 24 if "-b:a" not in encoder else codecs.ample_kbps(audio) * 1000
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=(
                Command(
                    "cutting",
                    (Input(source=0, options=seek(source, part.start)),),
                    arguments,
                    f"result.{container.extension}",
                    container.muxer,
                    part.seconds,
                ),
            ),
            extension=container.extension,
            mime=container.mime,
            expects=Expectation("audio", container.name, duration=part.seconds, tolerance=0.1, video=False, audio=True),
            size_range=estimate.sound_size(part.seconds, rate),
            work_seconds=estimate.sound_seconds(part.seconds),
            warnings=_shortened(part),
        )

    def _copy(self, source: Media, part: Cut, params: TrimParams) -> Plan:
        video, audio, container = source.video, source.audio, codecs.copied(source)
        if video is not None and part.start > 0 and not seekable(source):
            raise MediaError("bad_parameter", "mode: this kind of file can't be cut without encoding; choose exact.", field="mode")
        said = _shortened(part)
        if video is not None and part.start > 0:
            said += ("The part begins at the last keyframe at or before the start, so it can be some seconds longer.",)
        kept = [stream for stream in (video, audio) if stream is not None]
        maps = tuple(word for stream in kept for word in ("-map", codecs.stream(stream)))
        tag = ("-tag:v", "hvc1") if video is not None and video.codec == "hevc" and container is codecs.MP4 else ()
        arguments = (*maps, "-c", "copy", *tag, "-t", f"{part.seconds:.6f}", "-avoid_negative_ts", "make_zero", *codecs.BARE, *container.flags)
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=(
                Command(
                    "cutting",
                    (Input(source=0, options=("-ss", f"{part.start:.6f}") if part.start > 0 else ()),),
                    arguments,
                    f"result.{container.extension}",
                    container.muxer,
                    part.seconds,
                ),
            ),
            extension=container.extension,
            mime=container.mime,
            expects=_copied(source, container, part),
            size_range=estimate.copy_size(source.size, part.seconds, source.duration),
            work_seconds=0.1,
            warnings=said,
        )


def exact_graph(video: VideoStream, audio: AudioStream | None, part: Cut, width: int, height: int) -> str:
    """The filters from the first input to `[v]` and `[a]`: the part's own frames and samples, from time zero."""
    chain = ",".join((*framing.prepare(video), *_sized(video, width, height), *framing.to_sdr(video), *framing.as_yuv(video)))
    source = codecs.stream(video)
    # The first frame is the one on the screen at the start, however long before it came up; then all later ones.
    first = f"fps=fps=1000:start_time=0,trim=end_frame=1,settb=AVTB,{chain}[first]"
    rest = f"select='gt(t,{_ACCURATE})',settb=AVTB,{chain}[rest]"
    picture = f"[{source}]split[head][tail];[head]{first};[tail]{rest};[first][rest]interleave[v]"
    if audio is None:
        return picture
    return f"{picture};[{codecs.stream(audio)}]atrim=start=0,aresample=async=1:first_pts=0[a]"


def _sized(video: VideoStream, width: int, height: int) -> tuple[str, ...]:
    if video.sample_aspect == "1/1":
        return (f"crop={width}:{height}:0:0:exact=1",) if (width, height) != (video.width, video.height) else ()
    return (f"scale={width}:{height}:flags=lanczos", "setsar=1")


def _copied(source: Media, container: Container, part: Cut) -> Expectation:
    video = source.video
    if video is None:
        return Expectation("audio", container.name, duration=part.seconds, tolerance=0.2, video=False, audio=True, copied=True)
    return Expectation("video", container.name, video.width, video.height, audio=source.audio is not None, copied=True)


def _sound_of(source: Media) -> AudioStream:
    if source.audio is None:
        raise MediaError("no_audio")
    return source.audio


def _shortened(part: Cut) -> tuple[str, ...]:
    if not part.short:
        return ()
    return (f"The clip ends before that, so the part is {format_time(part.seconds)} long instead of {format_time(part.wanted)}.",)
