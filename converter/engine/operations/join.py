"""Clips one after another in one file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine import codecs, estimate, framing
from converter.engine.errors import MediaError
from converter.engine.framing import Frame
from converter.engine.gif import rational
from converter.engine.media import Media, VideoStream
from converter.engine.params import as_dict, choice, integer, listing, number
from converter.engine.ranges import Cut, Range, cut, length, read_range, seek
from converter.engine.timecode import format_time

from .base import Command, Expectation, Input, Operation, Plan

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

MOST = 100
_RATE = 48_000
_KBPS = 192
_CRF, _SPEED = 20, "veryfast"
_MAX_PIXELS = 8192 * 4320
_MAX_SECONDS = 4 * 3600
_GRAPH_CLIPS, _GRAPH_PIXELS = 12, 128_000_000
"""Most clips, and most pixels of their pictures together, in one graph: all of its inputs are decoded at once."""
_LIST, _RESULT = "parts.txt", "result.mp4"


@dataclass(frozen=True, slots=True)
class JoinParams:
    """The clips' parts and the picture they share."""

    ranges: tuple[Range, ...] = listing(
        label="Parts", help="Which part of each clip is used, in order; empty means all of each.", read=read_range, maximum=MOST, advanced=False
    )
    width: int | None = integer(None, label="Width", help="Empty means the first clip's.", unit="px", minimum=16, maximum=8192, optional=True)
    height: int | None = integer(None, label="Height", help="Empty means the first clip's.", unit="px", minimum=16, maximum=8192, optional=True)
    fps: float | None = number(
        None,
        label="Frame rate",
        help="Frames per second; empty means the first clip's, at most 60.",
        unit="fps",
        minimum=1,
        maximum=120,
        optional=True,
    )
    fit: str = choice("contain", framing.FITS, label="Fit", help="What happens to clips of other proportions.")


class Join(Operation[JoinParams]):
    """Several clips to one MP4."""

    name = "join"
    title = "Join"
    summary = "Several clips, or parts of them, one after another in one MP4."
    params = JoinParams
    accepts = frozenset({"video", "animation"})
    inputs = (1, MOST)
    alone = False

    def plan(self, media: tuple[Media, ...], params: JoinParams) -> Plan:
        """Plan the whole. Raises `MediaError`: `no_video`, `bad_parameter`, `start_past_end`, `empty_range`, `too_long`, `too_many_pixels`."""
        pictures = tuple(_picture(item) for item in media)
        rate = _rate(pictures[0], params.fps)
        clips = tuple(_clips(media, pictures, params.ranges, rate))
        frame = _frame(pictures[0], params)
        frames = sum(clip.frames for clip in clips)
        seconds = float(frames / rate)
        if seconds > _MAX_SECONDS:
            raise MediaError("too_long", f"The clips are {format_time(seconds)} long together; at most {format_time(_MAX_SECONDS)} can be joined.")
        sound = any(item.audio for item in media)
        decoded = sum(clip.video.coded_width * clip.video.coded_height * clip.cut.seconds * clip.video.fps for clip in clips)
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=_commands(clips, rate, frame, sound),
            extension="mp4",
            mime="video/mp4",
            expects=Expectation("video", "mp4", frame.width, frame.height, frames, seconds, tolerance=0.1, audio=sound),
            size_range=estimate.h264_size(frame.pixels, frames, _CRF, sound * seconds * _KBPS * 125),
            work_seconds=estimate.h264_seconds(0, frame.pixels, frames, _SPEED) + estimate.decode_seconds(decoded),
            warnings=tuple(_remarks(clips, frame)),
        )

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Join in one graph, or in several whose parts are put together without encoding again."""
        *parts, last = plan.commands
        for command in parts:
            bench.ffmpeg(command)
        if parts:
            (bench.work / _LIST).write_text("".join(f"file {command.output}\n" for command in parts), "ascii")
        bench.ffmpeg(last)
        return bench.work / last.output


@dataclass(frozen=True, slots=True)
class _Clip:
    """One clip on the timeline: `frames` and `samples` are what it takes there."""

    number: int
    media: Media
    video: VideoStream
    cut: Cut
    frames: int
    samples: int


def _picture(media: Media) -> VideoStream:
    if media.video is None or not media.moving:
        raise MediaError("no_video", "Only clips with a moving picture can be joined.")
    return media.video


def _rate(first: VideoStream, fps: float | None) -> Fraction:
    if fps is not None:
        return rational(fps)
    if first.variable_rate or not first.fps:
        return Fraction(30)
    return max(Fraction(1), min(Fraction(60), rational(first.fps)))


def _frame(first: VideoStream, params: JoinParams) -> Frame:
    width, height = framing.frame_size(first, params.width, params.height, even=True)
    if width * height > _MAX_PIXELS or max(width, height) > 8192:
        raise MediaError("too_many_pixels", f"width: a picture of {width}×{height} is too large; 3840×2160 works.", field="width")
    return Frame(width, height, params.fit, flags="bicubic", pixel_format="yuv420p", hd=True)


def _clips(media: tuple[Media, ...], pictures: tuple[VideoStream, ...], ranges: tuple[Range, ...], rate: Fraction) -> Iterator[_Clip]:
    if ranges and len(ranges) != len(media):
        raise MediaError("bad_parameter", f"ranges: there are {len(ranges)} for {len(media)} clips; give one for each, or none.", field="ranges")
    played = 0
    for index, (item, video) in enumerate(zip(media, pictures, strict=True)):
        wanted = ranges[index] if ranges else Range()
        part = cut(length(item), start=wanted.start, end=wanted.end, field=f"ranges[{index}].")
        frames = max(1, round(part.seconds * rate))
        # Sound is counted from the beginning of the whole, so that no rounding adds up.
        samples = round((played + frames) / rate * _RATE) - round(played / rate * _RATE)
        played += frames
        yield _Clip(index, item, video, part, frames, samples)


def _remarks(clips: tuple[_Clip, ...], frame: Frame) -> Iterator[str]:
    for clip in clips:
        if clip.cut.short:
            yield f"Clip {clip.number + 1} ends before its range does, so {format_time(clip.cut.seconds)} of it are used."
        for said in framing.remarks(clip.video, frame):
            yield f"Clip {clip.number + 1}: {said[0].lower()}{said[1:]}"


def _commands(clips: tuple[_Clip, ...], rate: Fraction, frame: Frame, sound: bool) -> tuple[Command, ...]:
    groups = tuple(_groups(clips))
    picture = codecs.h264(_SPEED, "-crf", str(_CRF), pixels=frame.pixels, look=10)
    if len(groups) == 1:
        encode = (*picture, *(codecs.aac(_KBPS) if sound else ()), *codecs.BARE, *codecs.MP4.flags)
        return (_graph(clips, rate, frame, sound, encode, _RESULT, "mp4", 1.0),)
    total = sum(clip.frames for clip in clips)
    plain = (*picture, *(("-c:a", "pcm_s16le") if sound else ()), *codecs.BARE)
    parts = [
        _graph(group, rate, frame, sound, plain, f"part{number}.mov", "mov", 0.97 * sum(clip.frames for clip in group) / total)
        for number, group in enumerate(groups)
    ]
    maps = ("-map", "0:v:0", "-c:v", "copy", *(("-map", "0:a:0", *codecs.aac(_KBPS)) if sound else ()))
    joined = Input(work_file=_LIST, options=("-f", "concat"))
    return (*parts, Command("joining", (joined,), (*maps, *codecs.BARE, *codecs.MP4.flags), _RESULT, "mp4", float(total / rate), 0.03))


def _groups(clips: tuple[_Clip, ...]) -> Iterator[tuple[_Clip, ...]]:
    group: list[_Clip] = []
    pixels = 0
    for clip in clips:
        own = clip.video.coded_width * clip.video.coded_height
        if group and (len(group) == _GRAPH_CLIPS or pixels + own > _GRAPH_PIXELS):
            yield tuple(group)
            group, pixels = [], 0
        group.append(clip)
        pixels += own
    yield tuple(group)


def _graph(
    clips: tuple[_Clip, ...], rate: Fraction, frame: Frame, sound: bool, encode: tuple[str, ...], output: str, muxer: str, share: float
) -> Command:
    # One thread for each decoder: all are open at once, and each thread keeps pictures of its own.
    few = ("-threads", "1") if len(clips) > 1 else ()
    inputs = tuple(Input(source=clip.number, options=(*few, *seek(clip.media, clip.cut.start))) for clip in clips)
    chains = [chain for place, clip in enumerate(clips) for chain in _chains(place, clip, rate, frame, sound)]
    pairs = "".join(f"[v{place}]" + f"[a{place}]" * sound for place in range(len(clips)))
    graph = ";".join((*chains, f"{pairs}concat=n={len(clips)}:v=1:a={int(sound)}[v]" + "[a]" * sound))
    maps = ("-map", "[v]", *(("-map", "[a]") if sound else ()))
    # The frames are on the rate's own grid already: nothing is dropped or doubled on the way out.
    arguments = ("-filter_complex", graph, *maps, "-fps_mode", "cfr", "-r", str(rate), *encode)
    seconds = float(sum(clip.frames for clip in clips) / rate)
    return Command("joining", inputs, arguments, output, muxer, seconds, share)


def _chains(place: int, clip: _Clip, rate: Fraction, frame: Frame, sound: bool) -> Iterator[str]:
    before = (f"fps={rate}:start_time=0", "tpad=stop_mode=clone:stop=-1", f"trim=end_frame={clip.frames}")
    yield framing.graph(clip.video, frame, f"{place}:{clip.video.index}", f"v{place}", before=before)
    if not sound:
        return
    end = f"atrim=end_sample={clip.samples}[a{place}]"
    if clip.media.audio is None:
        yield f"anullsrc=r={_RATE}:cl=stereo,{end}"
    else:
        same = f"aresample={_RATE}:async=1:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=stereo"
        yield f"[{place}:{clip.media.audio.index}]atrim=start=0,{same},apad,{end}"
