"""Making a file smaller: never above a size, to a quality or a measured likeness, or by one's own numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine import budget, codecs, estimate, framing
from converter.engine.codecs import MKV, MP4, WEBM
from converter.engine.edits import EditParams
from converter.engine.errors import MediaError
from converter.engine.limits import megabytes
from converter.engine.media import Media, VideoStream
from converter.engine.params import as_dict, choice, integer, number, time
from converter.engine.rates import encoders, keeping, likeness, meeting
from converter.engine.rates.encoders import ENCODERS
from converter.engine.rates.feed import Feed, feed
from converter.engine.rates.job import Job, first_pass, learning_rate, second_pass
from converter.engine.rates.sound import Sound, encoded, own_kbps, sound

from . import wishes
from .base import Command, Expectation, Input, Operation, Plan, Preset

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

_CONTAINERS = {"auto": "What fits the codec", "mp4": "MP4", "webm": "WebM", "mkv": "MKV"}
_BY_NAME = {"mp4": MP4, "webm": WEBM, "mkv": MKV}
_COLOURS = {"sdr": "8 bits; HDR becomes SDR", "keep": "As the source: 10 bits and HDR stay"}


@dataclass(frozen=True, slots=True)
class CompressParams(EditParams):
    """What is wanted (a size, a quality, a likeness or a rate), by which codec, and bounds."""

    target_mb: float | None = number(
        None, label="Target size", help="The file will not be larger; 1 MB is 1,000,000 bytes. Empty means by quality.",
        unit="MB", minimum=0.01, maximum=100_000, optional=True, advanced=False,
    )  # fmt: skip
    quality: str = choice(
        "good", encoders.WORDS, label="Quality", help="How good it looks where no other number is given. Best can hardly be told from the source.",
        advanced=False,
    )  # fmt: skip
    codec: str = choice("h264", {name: one.label for name, one in ENCODERS.items()}, label="Codec", help="How the picture is kept.", advanced=False)
    max_height: int | None = integer(
        None, label="Largest height", help="Larger pictures are scaled down; upright ones by their width. Empty keeps the size.",
        unit="px", minimum=64, maximum=8192, optional=True, advanced=False,
    )  # fmt: skip
    start: float = time(0.0, label="Start", help="Where the part to keep begins.", minimum=0)
    end: float | None = time(None, label="End", help="Where it ends; empty means by duration, or at the end of the clip.", minimum=0, optional=True)
    duration: float | None = time(
        None, label="Duration", help="How long it lasts, instead of an end.", minimum=0, above_minimum=True, below="empty_range", optional=True
    )
    vmaf: float | None = number(
        None, label="Likeness (VMAF)", help="Wanted likeness with the source, measured on samples: 95 can hardly be told from it, 80 is fair.",
        minimum=40, maximum=99, optional=True,
    )  # fmt: skip
    crf: int | None = integer(
        None, label="CRF", help="The codec's own number instead of a word: lower is better. H.264 and H.265 go to 51, AV1 and VP9 to 63.",
        minimum=0, maximum=63, optional=True,
    )  # fmt: skip
    bitrate_kbps: int | None = integer(
        None, label="Bit rate", help="Average rate of the picture, in one pass.", unit="kbit/s", minimum=10, maximum=200_000, optional=True
    )
    effort: str = choice("fast", encoders.EFFORTS, label="Effort", help="Slower encoding gives a smaller file, or a better one of the same size.")
    max_fps: float | None = number(
        None,
        label="Most frames a second",
        help="Faster clips show fewer frames. Empty keeps them all.",
        unit="fps",
        minimum=1,
        maximum=240,
        optional=True,
    )
    container: str = choice("auto", _CONTAINERS, label="File", help="MP4 for H.264 and H.265, WebM for AV1 and VP9, if nothing else is chosen.")
    colours: str = choice("sdr", _COLOURS, label="Colours", help="10 bits need H.265, AV1 or VP9.")
    audio_kbps: int = integer(
        128, label="Sound", help="Bit rate of the sound; a small target size lowers it.", unit="kbit/s", minimum=16, maximum=320
    )


class Compress(Operation[CompressParams]):
    """Video, animation or sound to a smaller file."""

    name = "compress"
    title = "Compress"
    summary = "A smaller file: under a size that you name, at a quality, or as like the source as you want."
    params = CompressParams
    accepts = frozenset({"video", "animation", "audio"})
    wish = "smaller"
    version = 3
    presets = (
        Preset("discord-10mb", "For Discord", "At most 10 MB.", {"target_mb": 10.0}, wish="send", words=("chat", "10 mb"), limit=wishes.DISCORD),
        Preset("email-20mb", "For e-mail", "At most 14.4 MB: mail makes attachments a third larger on their way, and 20 MB is what everybody takes.",
               {"target_mb": 14.4},
               wish="send", words=("mail", "email", "outlook", "icloud"), limit=wishes.MAIL),
        Preset("email-25mb", "For e-mail, 25 MB", "At most 18 MB: mail makes attachments a third larger on their way.", {"target_mb": 18.0},
               wish="send", words=("mail", "email", "gmail"), limit=wishes.GMAIL),
        Preset("whatsapp-16mb", "For WhatsApp", "At most 16 MB and 720p.", {"target_mb": 16.0, "max_height": 720},
               wish="send", words=("chat", "messenger"), limit=wishes.WHATSAPP),
        Preset("small-mp4", "Small MP4", "720p at a good quality, in one pass.", {"crf": 26, "max_height": 720}),
        Preset("tiny-av1", "Tiny AV1", "Very small and still good, for new players.", {"codec": "av1", "effort": "medium", "audio_kbps": 64}),
        Preset(
            "archive-h265", "Archive", "H.265 at its best, with the source's own depth of colour.",
            {"codec": "h265", "quality": "best", "effort": "medium", "colours": "keep", "audio_kbps": 192},
            wish="edit",
        ),
        Preset("web-vp9", "For the web (VP9)", "A WebM for every browser, at most 1080p.", {"codec": "vp9", "max_height": 1080, "audio_kbps": 96},
               wish="web"),
        Preset("visually-lossless", "Visually lossless", "Measured to look like the source (VMAF 95).", {"vmaf": 95.0, "effort": "medium"}),
    )  # fmt: skip

    def plan(self, media: tuple[Media, ...], params: CompressParams) -> Plan:
        """Plan a smaller file.

        Raises `MediaError`: `target_unreachable` with the size that would work, `bad_parameter`, `no_video`, `no_audio`,
        `start_past_end`, `empty_range`.
        """
        source = media[0]
        _one_wish(params)
        fed = feed(source, params, params.start, params.end, params.duration)
        if fed.video is None:
            return self._sound(fed, params)
        job = _job(fed, fed.video, params)
        if params.target_mb is not None:
            return self._by_size(job, fed.video, params, round(params.target_mb * 1_000_000))
        return self._by_rate(job, fed.video, params)

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Encode; for a target size or a likeness, measure. Raises `target_unreachable`."""
        share, wanted, kept = plan.extra.get("budget"), plan.extra.get("wanted"), plan.extra.get("kept")
        if share is not None:
            return meeting.two_passes(plan, share, bench) if plan.expects.video else meeting.fit_sound(plan, share, bench)
        if wanted is not None:
            plan = replace(plan, commands=(likeness.with_factor(plan.commands[0], likeness.find(wanted, bench)),))
        path = super().run(plan, bench)
        size, before = path.stat().st_size, bench.sources[0].media.size
        if size <= before or plan.extra.get("part"):
            return path
        if kept is None:
            bench.warn(
                f"The result is larger than the source ({megabytes(size)} instead of {megabytes(before)}): the source is compressed well already."
            )
            return path
        bench.ffmpeg(kept)
        bench.warn(
            f"A new encoding would be larger ({megabytes(size)}) than the source, so its own picture and sound were kept ({megabytes(before)})."
        )
        return path

    def _by_rate(self, job: Job, video: VideoStream, params: CompressParams) -> Plan:
        fed, encoder = job.feed, job.encoder
        width, height = budget.bounded(video, params.max_height)
        fps = budget.frame_rate(video, params.max_fps)
        heard, frames = sound(fed, job.container, params.audio_kbps), fed.seconds * (float(fps) if fps else video.fps)
        crf = encoder.words[params.quality] if params.crf is None else params.crf
        rate = encoder.constant(crf) if params.bitrate_kbps is None else encoder.rated(params.bitrate_kbps * 1000)
        graph = fed.picture(width, height, rate=fps, ten_bit=job.ten_bit)
        graph = f"{graph};{heard.graph}" if heard.graph else graph
        arguments = (
            *("-filter_complex", graph, "-map", "[v]", *heard.maps, *heard.encoder, *encoder.arguments(job.work(width * height, rate=fps), *rate)),
            *(*encoder.tag(job.container), *codecs.KEEP_TIMES, *fed.limit, *codecs.BARE, *job.container.flags),
        )
        share = 1 - likeness.SHARE if params.vmaf is not None else 1.0
        command = Command("encoding", (job.input,), arguments, job.output, job.container.muxer, fed.seconds, share)
        extra: dict[str, object] = {"part": not fed.whole}
        work_seconds = estimate.picture_seconds(encoder.name, _decoded(video), width * height, frames, params.effort, _density(fed.source, video))
        size = estimate.picture_size(encoder.name, width * height, frames, crf, fed.seconds * heard.kbps * 125)
        if params.vmaf is not None:
            likeness.require()
            extra["wanted"] = likeness.Wanted(params.vmaf, encoder, job.work(width * height), fed, width, height)
            work_seconds += estimate.likeness_seconds(encoder.name, width * height, min(frames, 6 * video.fps), params.effort, 3)
            size = (size[0] // 2, size[1] * 4)
        elif params.bitrate_kbps is not None:
            size = estimate.sound_size(fed.seconds, (params.bitrate_kbps + heard.kbps) * 1000)
        elif keeping.keepable(fed, encoder.name, job.container, params.max_height, params.max_fps, ten_bit=job.ten_bit):
            extra["kept"] = keeping.remux(fed, encoder.name, job.container, job.output)
        said = framing.remarks(video, framing.Frame(width, height))
        return self._plan(job, params, (command,), (width, height), heard, size, work_seconds, (*job.said, *said), extra)

    def _by_size(self, job: Job, video: VideoStream, params: CompressParams, target: int) -> Plan:
        fed, encoder = job.feed, job.encoder
        if fed.source.size <= target and keeping.keepable(fed, encoder.name, job.container, params.max_height, params.max_fps, ten_bit=job.ten_bit):
            return self._unneeded(job, video, params, target)
        wish = budget.Wish(target, params.max_height, params.audio_kbps, params.max_fps, encoder.name, encoder.aim, job.index)
        share = budget.divide(fed.source, video, fed.seconds, wish, whole=fed.whole)
        heard = sound(fed, job.container, share.audio_kbps)
        commands: tuple[Command, ...] = ()
        if heard.kbps:
            arguments = (*heard.arguments, *fed.limit, *codecs.BARE)
            name, muxer = ("sound.m4a", "ipod") if job.container is MP4 else ("sound.mka", "matroska")
            commands = (Command("encoding the sound", (fed.input,), arguments, name, muxer, fed.seconds, 0.05),)
        inputs = (job.input, Input(work_file=commands[0].output)) if commands else (job.input,)
        kept = ("-map", "1:0", "-c:a", "copy") if commands else ()
        commands += (first_pass(job, share), second_pass(job, share, inputs, kept))
        frames, size = share.frames, (share.width, share.height)
        density = share.video_bps * fed.seconds / (size[0] * size[1] * frames)
        work_seconds = estimate.sized_seconds(encoder.name, _decoded(video), size[0] * size[1], frames, params.effort, density)
        low = min(int(0.1 * share.target), 2000 + int(30 * fed.seconds))
        return self._plan(
            job,
            params,
            commands,
            size,
            heard,
            (low, share.target),
            work_seconds,
            (*job.said, *share.remarks),
            {"budget": share, "met": encoder.met, "learning": learning_rate(job, share)},
            share.target,
        )

    def _unneeded(self, job: Job, video: VideoStream, params: CompressParams, target: int) -> Plan:
        source = job.feed.source
        command = keeping.remux(job.feed, job.encoder.name, job.container, job.output)
        said = (f"The source has only {megabytes(source.size)}, so its own picture and sound are kept as they are.",)
        sizes = (min(int(0.9 * source.size), target), target)
        planned = self._plan(job, params, (command,), (video.width, video.height), Sound(1 if source.audio else 0), sizes, 0.1, said, {}, target)
        return replace(planned, expects=replace(planned.expects, copied=True))

    def _sound(self, fed: Feed, params: CompressParams) -> Plan:
        audio, seconds = fed.audio, fed.seconds
        if audio is None:
            raise MediaError("no_audio")
        wanted = None if params.target_mb is None else round(params.target_mb * 1_000_000)
        share = None if wanted is None else budget.sound_only(fed.source, audio, seconds, wanted, params.audio_kbps)
        kbps = share.audio_kbps if share else min(params.audio_kbps, max(16, own_kbps(audio) or params.audio_kbps))
        graph, maps = fed.sound()
        heard = Sound(kbps, graph, maps, encoded(audio, codecs.M4A, kbps))
        arguments = (*heard.arguments, *fed.limit, *codecs.BARE, *codecs.FASTSTART)
        size = estimate.sound_size(seconds, kbps * 1000)
        most = share.target if share else None
        return Plan(
            self.name,
            as_dict(params),
            (Command("encoding the sound", (fed.input,), arguments, "result.m4a", "ipod", seconds),),
            *(codecs.M4A.extension, codecs.M4A.mime),
            Expectation("audio", "m4a", duration=seconds, tolerance=_tolerance(seconds), video=False, audio=True, max_size=most),
            (size[0], min(size[1], most)) if most else size,
            estimate.sound_seconds(seconds),
            (*fed.remarks, *(share.remarks if share else ())),
            {"budget": share} if share else {"part": not fed.whole},
        )

    def _plan(
        self,
        job: Job,
        params: CompressParams,
        commands: tuple[Command, ...],
        size: tuple[int, int],
        heard: Sound,
        size_range: tuple[int, int],
        work_seconds: float,
        said: tuple[str, ...],
        extra: dict[str, object],
        most: int | None = None,
    ) -> Plan:
        seconds, container = job.feed.seconds, job.container
        if min(size) < job.encoder.least:
            text = f"codec: {params.codec} can't hold a picture of {size[0]}×{size[1]}; h264 would work."
            raise MediaError("bad_parameter", text, field="codec")
        expects = Expectation("video", container.name, *size, None, seconds, _tolerance(seconds), audio=bool(heard.kbps), max_size=most)
        warnings = (*job.feed.remarks, *said)
        return Plan(self.name, as_dict(params), commands, container.extension, container.mime, expects, size_range, work_seconds, warnings, extra)


def _one_wish(params: CompressParams) -> None:
    given = [name for name in ("target_mb", "vmaf", "crf", "bitrate_kbps") if getattr(params, name) is not None]
    if len(given) > 1:
        raise MediaError("bad_parameter", f"{given[1]}: give only one of {' and '.join(given)}.", field=given[1])


def _job(fed: Feed, video: VideoStream, params: CompressParams) -> Job:
    encoder = encoders.encoder(params.codec)
    container = encoder.containers[0] if params.container == "auto" else _BY_NAME[params.container]
    if container not in encoder.containers:
        raise MediaError("bad_parameter", f"container: {params.codec} doesn't go into {params.container}; mp4 or mkv would work.", field="container")
    if params.crf is not None and params.crf > encoder.most:
        raise MediaError("bad_parameter", f"crf: {params.crf} is out of range; {params.codec} goes from 0 to {encoder.most}.", field="crf")
    deep = params.colours == "keep" and video.bit_depth > 8
    said = (
        ("H.264 with 10 bits plays almost nowhere, so the picture gets 8; H.265, AV1 and VP9 keep them.",) if deep and encoder.name == "h264" else ()
    )
    return Job(fed, encoder, container, params.effort, deep and encoder.name != "h264", said)


def _density(source: Media, video: VideoStream) -> float:
    """Bits for each pixel that the source itself spends: how much happens in it."""
    own = video.bit_rate or source.size * 8 / (source.duration or 1.0)
    return own / max(1.0, video.width * video.height * max(1.0, video.fps))


def _decoded(video: VideoStream) -> int:
    return video.coded_width * video.coded_height


def _tolerance(seconds: float) -> float:
    # A container's length is that of its longest stream, and what is written ends with a whole frame of each.
    return 0.5 + 0.005 * seconds
