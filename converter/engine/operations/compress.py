"""Making a file smaller: never above a size, or to a quality in one pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine import budget, codecs, estimate, framing
from converter.engine.budget import Budget
from converter.engine.errors import MediaError
from converter.engine.limits import megabytes
from converter.engine.media import AudioStream, Media, VideoStream
from converter.engine.params import as_dict, choice, integer, number
from converter.engine.ranges import length

from .base import Command, Expectation, Input, Operation, Plan, Preset

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

_QUALITY = 23
_SOUND, _STATS, _RESULT, _RESULT_SOUND = "sound.m4a", "stats", "result.mp4", "result.m4a"
_BEST_QP = 12
"""Finest quantiser of a wanted size, about CRF 16: finer ones cost bytes that nobody sees."""
_RERUNS = 2


@dataclass(frozen=True, slots=True)
class CompressParams:
    """A size or a quality, and bounds."""

    target_mb: float | None = number(
        None, label="Target size", help="The file will not be larger; 1 MB is 1,000,000 bytes. Empty means by quality.",
        unit="MB", minimum=0.01, maximum=100_000, optional=True, advanced=False,
    )  # fmt: skip
    quality: int | None = integer(
        None, label="Quality", help="H.264's CRF: 18 looks like the source, 23 is usual, 28 is small. Empty means 23, or by target size.",
        minimum=0, maximum=51, optional=True, advanced=False,
    )  # fmt: skip
    max_height: int | None = integer(
        None, label="Largest height", help="Larger pictures are scaled down; upright ones by their width. Empty keeps the size.",
        unit="px", minimum=64, maximum=8192, optional=True,
    )  # fmt: skip
    speed: str = choice("fast", codecs.SPEEDS, label="Speed", help="Slower encoding gives a smaller file, or a better one of the same size.")
    audio_kbps: int = integer(
        128, label="Sound", help="Bit rate of the sound; a small target size lowers it.", unit="kbit/s", minimum=16, maximum=320
    )


class Compress(Operation[CompressParams]):
    """Video, animation or sound to a smaller MP4 or M4A."""

    name = "compress"
    title = "Compress"
    summary = "A smaller file that plays everywhere: under a size that you name, or at a quality."
    params = CompressParams
    accepts = frozenset({"video", "animation", "audio"})
    presets = (
        Preset("discord-10mb", "For Discord", "At most 10 MB.", {"target_mb": 10.0}),
        Preset("email-20mb", "For e-mail", "At most 20 MB.", {"target_mb": 20.0}),
        Preset("whatsapp-16mb", "For WhatsApp", "At most 16 MB and 720p.", {"target_mb": 16.0, "max_height": 720}),
        Preset("small-mp4", "Small MP4", "720p at a good quality, in one pass.", {"quality": 26, "max_height": 720}),
    )

    def plan(self, media: tuple[Media, ...], params: CompressParams) -> Plan:
        """Plan a smaller file. Raises `MediaError`: `target_unreachable` with the size that would work, `bad_parameter`, `no_video`."""
        source = media[0]
        if params.target_mb is not None and params.quality is not None:
            raise MediaError("bad_parameter", "quality: give a target size or a quality, not both.", field="quality")
        if source.kind == "image":
            raise MediaError("no_video", "A still picture can't be compressed here; choose a clip or a recording.")
        seconds = length(source)
        if source.video is None:
            return self._sound(source, seconds, params)
        if params.target_mb is None:
            return self._by_quality(source, source.video, seconds, params)
        return self._by_size(source, source.video, seconds, params, params.target_mb)

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Encode; for a target size, measure and repeat until it fits. Raises `target_unreachable`."""
        shrinking = plan.extra.get("budget")
        if shrinking is None:
            path = super().run(plan, bench)
        elif plan.expects.video:
            path = _two_passes(plan, shrinking, bench)
        else:
            path = _fit_sound(plan, shrinking, bench)
        size, before = path.stat().st_size, bench.sources[0].media.size
        if size > before:
            bench.warn(
                f"The result is larger than the source ({megabytes(size)} instead of {megabytes(before)}): the source is compressed well already."
            )
        return path

    def _by_quality(self, source: Media, video: VideoStream, seconds: float, params: CompressParams) -> Plan:
        crf = _QUALITY if params.quality is None else params.quality
        width, height = budget.bounded(video, params.max_height)
        kbps = _sound_kbps(source.audio, params)
        sound = ("-map", codecs.stream(source.audio), *_stereo(source.audio, kbps)) if source.audio else ()
        arguments = (
            *("-filter_complex", _graph(video, width, height), "-map", "[v]", *sound),
            *(*codecs.h264(params.speed, "-crf", str(crf)), *codecs.KEEP_TIMES, *codecs.BARE, *codecs.MP4.flags),
        )
        frames = seconds * video.fps
        return self._plan(
            params,
            (Command("encoding", (Input(source=0),), arguments, _RESULT, "mp4", seconds),),
            Expectation("video", "mp4", width, height, None, seconds, _tolerance(seconds), audio=source.audio is not None),
            estimate.h264_size(width * height, frames, crf, seconds * kbps * 125),
            estimate.h264_seconds(video.coded_width * video.coded_height, width * height, frames, params.speed),
            framing.remarks(video, framing.Frame(width, height)),
        )

    def _by_size(self, source: Media, video: VideoStream, seconds: float, params: CompressParams, target_mb: float) -> Plan:
        wanted = round(target_mb * 1_000_000)
        share = budget.divide(source, video, seconds, wanted, params.max_height, _sound_kbps(source.audio, params))
        graph, frames, pixels = _graph(video, share.width, share.height), seconds * video.fps, share.width * share.height
        sound = share.audio_kbps if source.audio else 0
        commands: tuple[Command, ...] = ()
        if source.audio:
            arguments = ("-map", codecs.stream(source.audio), *_stereo(source.audio, sound), *codecs.BARE)
            commands = (Command("encoding the sound", (Input(source=0),), arguments, _SOUND, "ipod", seconds, 0.05),)
        picture = ("-filter_complex", graph, "-map", "[v]", *codecs.KEEP_TIMES)
        inputs = (Input(source=0), Input(work_file=_SOUND)) if source.audio else (Input(source=0),)
        kept = ("-map", "1:0", "-c:a", "copy") if source.audio else ()
        commands += (
            Command("first pass", (Input(source=0),), (*picture, *_pass(1, params.speed, share)), "", "null", seconds, 0.35),
            Command(
                "second pass",
                inputs,
                (*picture, *kept, *_pass(2, params.speed, share), *codecs.BARE, *codecs.MP4.flags),
                _RESULT,
                "mp4",
                seconds,
                0.6,
            ),
        )
        return self._plan(
            params,
            commands,
            Expectation("video", "mp4", share.width, share.height, None, seconds, _tolerance(seconds), audio=bool(sound), max_size=share.target),
            (min(int(0.1 * share.target), 2000 + int(30 * seconds)), share.target),
            estimate.h264_seconds(video.coded_width * video.coded_height, pixels, frames, params.speed, passes=1.7),
            share.remarks,
            share,
        )

    def _sound(self, source: Media, seconds: float, params: CompressParams) -> Plan:
        audio = source.audio
        if audio is None:
            raise MediaError("no_audio")
        share = (
            None if params.target_mb is None else budget.sound_only(source, audio, seconds, round(params.target_mb * 1_000_000), params.audio_kbps)
        )
        kbps = _sound_kbps(audio, params) if share is None else share.audio_kbps
        arguments = ("-map", codecs.stream(audio), *_stereo(audio, kbps), *codecs.BARE, *codecs.FASTSTART)
        size = estimate.sound_size(seconds, kbps * 1000)
        return self._plan(
            params,
            (Command("encoding the sound", (Input(source=0),), arguments, _RESULT_SOUND, "ipod", seconds),),
            Expectation(
                "audio", "m4a", duration=seconds, tolerance=_tolerance(seconds), video=False, audio=True, max_size=share.target if share else None
            ),
            (size[0], min(size[1], share.target)) if share else size,
            estimate.sound_seconds(seconds),
            share.remarks if share else (),
            share,
        )

    def _plan(
        self,
        params: CompressParams,
        commands: tuple[Command, ...],
        expects: Expectation,
        size_range: tuple[int, int],
        work_seconds: float,
        warnings: tuple[str, ...],
        share: Budget | None = None,
    ) -> Plan:
        container = codecs.MP4 if expects.video else codecs.M4A
        extra = {"budget": share} if share else {}
        return Plan(self.name, as_dict(params), commands, container.extension, container.mime, expects, size_range, work_seconds, warnings, extra)


def _graph(video: VideoStream, width: int, height: int) -> str:
    frame = framing.Frame(width, height, "stretch", flags="bicubic", pixel_format="yuv420p")
    return framing.graph(video, frame, codecs.stream(video), "v")


def _pass(number_of: int, speed: str, share: Budget) -> tuple[str, ...]:
    steer = ("-b:v", str(share.video_bps), "-pass", str(number_of), "-passlogfile", _STATS, "-qmin", str(_BEST_QP))
    return codecs.h264(speed, *steer)


def _stereo(audio: AudioStream, kbps: int) -> tuple[str, ...]:
    # Below this two channels sound worse than one.
    channels = 1 if kbps < 40 else min(2, audio.channels)
    rate = ("-ar", "24000") if kbps < 24 else ()
    return (*codecs.aac(kbps), "-ac", str(channels), *rate)


def _sound_kbps(audio: AudioStream | None, params: CompressParams) -> int:
    """The wanted rate, but no more than the source has."""
    if audio is None:
        return 0
    return min(params.audio_kbps, max(16, round(audio.bit_rate / 1000))) if audio.bit_rate else params.audio_kbps


def _tolerance(seconds: float) -> float:
    # A container's length is that of its longest stream, and what is written ends with a whole frame of each.
    return 0.5 + 0.005 * seconds


def _two_passes(plan: Plan, share: Budget, bench: Workbench) -> Path:
    *sounds, first, second = plan.commands
    for command in sounds:
        bench.ffmpeg(command)
        share = share.with_sound((bench.work / command.output).stat().st_size)
    bench.ffmpeg(_rated(first, share))
    result = bench.work / second.output
    for attempt in range(_RERUNS + 1):
        bench.ffmpeg(_rated(second, share) if attempt == 0 else replace(_rated(second, share), stage="second pass, a little smaller", share=0.0))
        size = result.stat().st_size
        if size <= share.target:
            break
        share = share.lowered(size)
    else:
        raise budget.unreachable(size, share.target)
    if size < 0.85 * share.target:
        bench.warn(f"The file is smaller than it might be ({megabytes(size)}): more bytes would not make it look better.")
    return result


def _fit_sound(plan: Plan, share: Budget, bench: Workbench) -> Path:
    command = plan.commands[0]
    result = bench.work / command.output
    for attempt in range(_RERUNS + 1):
        bench.ffmpeg(command if attempt == 0 else replace(command, share=0.0))
        size = result.stat().st_size
        if size <= share.target:
            return result
        rate = int(share.audio_kbps * 0.95 * share.target / size)
        share = replace(share, audio_kbps=rate)
        command = replace(command, arguments=_replaced(command.arguments, "-b:a", f"{rate}k"))
    raise budget.unreachable(size, share.target)


def _rated(command: Command, share: Budget) -> Command:
    return replace(command, arguments=_replaced(command.arguments, "-b:v", str(share.video_bps)))


def _replaced(arguments: tuple[str, ...], option: str, value: str) -> tuple[str, ...]:
    place = arguments.index(option) + 1
    return (*arguments[:place], value, *arguments[place + 1 :])
