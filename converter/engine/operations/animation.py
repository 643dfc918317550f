"""The same loop as a GIF's in formats that are smaller or better: WebP, AVIF, APNG, MP4 and WebM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine import animated, codecs, estimate, framing, looping, replay
from converter.engine.errors import MediaError
from converter.engine.ffmpeg import find_ffmpeg
from converter.engine.looping import LoopParams, Round
from converter.engine.media import Kind, Media
from converter.engine.params import as_dict, choice, flag, integer

from .base import Command, Expectation, Operation, Plan, Preset

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

MAX_PIXELS = 8_847_360
MAX_TOTAL_PIXELS = 1 << 33
"""Most pixels of all frames together: ten minutes of 640×360 at 50 frames per second."""
FORMATS = {
    "webp": "WebP: a moving picture, much smaller than GIF",
    "avif": "AVIF: a moving picture, the smallest",
    "apng": "APNG: a moving picture, every pixel kept",
    "mp4": "MP4: a silent video, plays everywhere",
    "webm": "WebM: a silent video, may be transparent",
}


@dataclass(frozen=True, slots=True)
class Format:
    """What a format needs and costs. `bytes_` per pixel (from still to noise) and `nanoseconds` per pixel at quality 75."""

    container: str
    muxer: str
    mime: str
    kind: Kind
    encoders: tuple[str, ...]
    bytes_: tuple[float, float]
    nanoseconds: float
    even: bool = True
    transparent: bool = True


_FORMATS: Mapping[str, Format] = {
    "webp": Format("webp", "webp", "image/webp", "animation", ("libwebp_anim",), (0.0005, 0.6), 190, even=False),
    "avif": Format("avif", "avif", "image/avif", "animation", ("libsvtav1", "libaom-av1"), (0.0002, 0.25), 130),
    "apng": Format("apng", "apng", "image/apng", "animation", ("apng",), (0.003, 4.2), 700, even=False),
    "mp4": Format("mp4", "mp4", "video/mp4", "video", ("libx264",), (0.0003, 0.5), 60, transparent=False),
    "webm": Format("webm", "webm", "video/webm", "video", ("libvpx-vp9",), (0.0002, 0.4), 220),
}


@dataclass(frozen=True, slots=True)
class AnimationParams(LoopParams):
    """What an animation can be asked for beside what any loop can."""

    format: str = choice("webp", FORMATS, label="Format", help="What kind of file it becomes.", advanced=False)
    quality: int = integer(
        75, label="Quality", help="Higher looks better and is larger; 100 is as good as a lossy file gets. APNG keeps every pixel anyway.",
        minimum=1, maximum=100, advanced=False,
    )  # fmt: skip
    lossless: bool = flag(False, label="Lossless", help="Keep every pixel exactly; WebP and APNG only.")
    transparent: bool = flag(True, label="Keep transparency", help="Where the clip has any and the format knows it; else it lies over black.")


class Animation(Operation[AnimationParams]):
    """Video or animation to a looping picture or a silent looping video."""

    name = "animation"
    title = "Animated picture"
    summary = "A loop as WebP, AVIF, APNG, MP4 or WebM: exactly the frames and the length that you ask for."
    params = AnimationParams
    accepts = frozenset({"video", "animation"})
    wish = "gif"
    presets = (
        Preset(
            "webp-sticker", "WebP sticker", "512×512 with transparency around it, 3 seconds: as messengers want stickers.",
            {"format": "webp", "width": 512, "height": 512, "fit": "cover", "duration": 3.0, "fps": 15.0, "fill": "as_is", "quality": 70},
            wish="send", words=("sticker", "telegram", "whatsapp", "signal"),
        ),
        Preset("webp-chat", "WebP for a chat", "6 seconds, 480 pixels wide.",
            {"format": "webp", "width": 480, "fps": 15.0, "fill": "as_is"},
               wish="send", words=("chat",)),
        Preset("avif-small", "Smallest picture", "6 seconds, 480 pixels wide, as AVIF.",
            {"format": "avif", "width": 480, "fps": 15.0, "fill": "as_is"},
               words=("smaller",)),
        Preset(
            "loop-mp4", "Background video", "6 seconds at 1280×720 and 24 frames per second, for <video loop>.",
            {"format": "mp4", "width": 1280, "height": 720, "fps": 24.0, "fill": "loop", "quality": 70},
            wish="web", words=("background", "hero", "mp4"),
        ),
        Preset(
            "loop-webm", "Transparent video loop", "At most 6 seconds, 640 pixels wide, keeps transparency.",
            {"format": "webm", "width": 640, "fps": 25.0, "fill": "as_is"},
            wish="web", words=("transparent", "alpha"),
        ),
        Preset("apng-exact", "Every pixel kept", "3 seconds at 320 pixels as APNG.",
            {"format": "apng", "width": 320, "duration": 3.0, "fill": "as_is"}),
    )  # fmt: skip

    def plan(self, media: tuple[Media, ...], params: AnimationParams) -> Plan:
        """Plan a loop. Raises `MediaError`: `no_video`, `start_past_end`, `empty_range`, `bad_parameter`, `too_many_pixels`."""
        form = _FORMATS[params.format]
        _check_format(params, form)
        planned = looping.arrange(media[0], params, even=form.even)
        _check_size(planned)
        clear = _clear(planned, params, form)
        kept, frame = _kept(planned), planned.frame
        low, high = (size * frame.pixels * planned.frames for size in form.bytes_)
        scale = 1.0 if params.format == "apng" or params.lossless else 2 ** ((params.quality - 75) / 25)
        cost = 1e-9 * form.nanoseconds * frame.pixels * planned.frames * (1.6 if clear else 1)
        # libwebp shows two equal frames as one that lasts longer.
        frames = None if params.format == "webp" and planned.frames > 1 else planned.frames
        still = planned.frames == 1 and form.kind == "animation"
        seconds, container = None if still else planned.seconds, "png" if still and params.format == "apng" else form.container
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=(
                *((planned.store(_stored(params, clear), 0.25, transparent=clear),) if kept else ()),
                _encode(planned, params, form, clear=clear),
            ),
            extension=params.format,
            mime=form.mime,
            expects=Expectation(form.kind, container, frame.width, frame.height, frames, seconds, tolerance=0.002),
            size_range=(int(low * scale) + 200, int((3.2 if params.lossless else 1) * high * scale) + 200 * planned.frames + 4000),
            work_seconds=cost + estimate.decode_seconds(planned.work()[0] * planned.work()[3]) + (planned.store_seconds() if kept else 0.3),
            warnings=(*planned.warnings, *_remarks(planned, params, form, clear=clear)),
            extra={"round": planned, "clear": clear},
        )

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Draw and encode it. Raises `start_past_end` when the picture ends before the range begins."""
        planned: Round = plan.extra["round"]
        planned.prepare(bench)
        for command in plan.commands[:-1]:
            planned.keep(command, bench, planned.frames)
        path = bench.work / plan.commands[-1].output
        if not bench.ffmpeg(plan.commands[-1]).last.frames or not path.is_file():
            raise MediaError("start_past_end", looping.NO_PICTURE_THERE, field="start")
        planned.tidy(bench)
        if plan.extension == "webp":
            shown = animated.close_webp(path, _milliseconds(planned.frames, planned.rate), transparent=plan.extra["clear"])
            if shown < 2 < planned.frames:
                bench.warn("Nothing moves there, so the result is a still picture.")
            # The number is known only now.
            still = shown < 2
            expects = replace(plan.expects, frames=max(1, shown), duration=None if still else plan.expects.duration)
            bench.settled = replace(plan, expects=expects)
        return path

    def check(self, plan: Plan, path: Path, media: Media) -> None:
        """Read the file's own clock against the plan. Raises `MediaError("tool_failed")`."""
        planned: Round = plan.extra["round"]
        frames, rate, plays = planned.frames, planned.rate, plan.params["loops"]
        if plan.extension not in ("webp", "apng") or plan.expects.frames == 1:
            return
        clock = animated.webp_clock(path) if plan.extension == "webp" else animated.apng_clock(path)
        if plan.extension == "webp":
            begin = {Fraction(_milliseconds(k, rate), 1000) for k in range(frames)}
            right = set(clock.starts) <= begin and clock.seconds == Fraction(_milliseconds(frames, rate), 1000)
        else:
            right = clock.delays == (1 / rate,) * frames
        if not right or clock.plays != plays:
            log = f"{len(clock.delays)} frames, {float(clock.seconds)} s, {clock.plays} plays; planned {frames}, {planned.seconds} s, {plays}"
            raise MediaError("tool_failed", "The animation did not come out as planned.", log=log)


def _milliseconds(frames: int, rate: Fraction) -> int:
    """When frame number `frames` begins on WebP's clock: like ffmpeg's encoder, never late."""
    return 1000 * frames * rate.denominator // rate.numerator


def _kept(planned: Round) -> bool:
    """Whether frames are drawn into a file first: because of their order, or to be shown again."""
    return planned.reordered or planned.cycle < planned.frames


def _clear(planned: Round, params: AnimationParams, form: Format) -> bool:
    return params.transparent and form.transparent and planned.video.has_alpha and params.fit != "blur"


def _stored(params: AnimationParams, clear: bool) -> str:
    return "gbrap" if clear else "gbrp" if params.format in ("webp", "apng") else "yuv420p"


def _encode(planned: Round, params: AnimationParams, form: Format, *, clear: bool) -> Command:
    kept, pixels = _kept(planned), _stored(params, clear)
    source = replay.stored() if kept else planned.input
    read = f"[0:v]{replay.renumbered(planned.rate)},fps={planned.rate}" if kept else f"{planned.graph(pixels, transparent=clear)};[out]null"
    last, outputs = _last(params, clear)
    arguments = ("-filter_complex", read + last, *outputs, "-fps_mode", "passthrough", *_encoder(planned, params, clear=clear), *codecs.BARE)
    return Command("writing", (source,), arguments, f"result.{params.format}", form.muxer, planned.seconds, 0.75 if kept else 1.0)


def _last(params: AnimationParams, clear: bool) -> tuple[str, tuple[str, ...]]:
    """The end of the filters, to what the encoder takes, and the outputs to write."""
    one = ("-map", "[end]")
    match params.format:
        case "webp":
            # libwebp goes to its own kind of YUV by itself; ours would be taken for BT.601.
            return ",format=bgra[end]", one
        case "apng":
            return f",format={'rgba' if clear else 'rgb24'}[end]", one
        case "avif" if clear:
            split = f",split[a][b];[a]{framing.TO_HD},format=yuv420p[end];[b]alphaextract,format=gray,setparams=colorspace=bt709:range=pc[alpha]"
            return split, (*one, "-map", "[alpha]")
        case _:
            return (f",{framing.TO_HD},format=yuva420p[end]" if clear else ",format=yuv420p[end]"), one


def _encoder(planned: Round, params: AnimationParams, *, clear: bool) -> tuple[str, ...]:
    quality, plays, still = params.quality, str(params.loops), planned.frames == 1
    match params.format:
        case "webp":
            how = ("-lossless", "1", "-quality", "75") if params.lossless else ("-quality", str(quality))
            return ("-c:v", "libwebp_anim", *how, "-compression_level", "4", "-loop", plays)
        case "apng":
            return ("-c:v", "apng", "-pred", "mixed", "-plays", plays, "-final_delay", f"{planned.rate.denominator}/{planned.rate.numerator}")
        case "avif":
            crf = str(round(58 - 0.42 * quality))
            colour = ("-c:v:0", "libsvtav1", "-preset:v:0", "7", "-crf:v:0", crf, "-svtav1-params:v:0", "lp=1:lookahead=8")
            alpha = ("-c:v:1", "libaom-av1", "-cpu-used:v:1", "8", "-crf:v:1", crf, "-b:v:1", "0", "-lag-in-frames:v:1", "0") if clear else ()
            return (*colour, *alpha, *(("-still-picture", "1") if still and clear else ()), "-loop", plays)
        case "mp4":
            # Short and small as they are, they may be looked at longer than a film.
            look = max(10, 28_000_000 // planned.frame.pixels)
            return (*codecs.h264("slow", "-crf", f"{36 - 0.2 * quality:g}", pixels=planned.frame.pixels, look=look), *codecs.FASTSTART)
        case _:
            # Alternate reference frames have no place in a stream with transparency.
            see_through = ("-auto-alt-ref", "0") if clear else ()
            return ("-c:v", "libvpx-vp9", "-b:v", "0", "-crf", str(round(58 - 0.36 * quality)), "-deadline", "good", "-cpu-used", "3", *see_through)


def _check_format(params: AnimationParams, form: Format) -> None:
    tool = find_ffmpeg()
    if missing := next((name for name in form.encoders if not tool.has("encoders", name)), None):
        raise MediaError("bad_parameter", f"format: this ffmpeg can't write {params.format} (it lacks the encoder {missing}).", field="format")
    if not tool.has("muxers", form.muxer):
        raise MediaError("bad_parameter", f"format: this ffmpeg can't write {params.format} (it lacks the muxer {form.muxer}).", field="format")
    if params.lossless and params.format not in ("webp", "apng"):
        raise MediaError("bad_parameter", f"lossless: {params.format} can't be; choose webp or apng.", field="lossless")


def _check_size(planned: Round) -> None:
    frame = planned.frame
    if frame.pixels > MAX_PIXELS:
        text = f"width: {frame.width}×{frame.height} is too large; at most {MAX_PIXELS / 1e6:.1f} megapixels work, such as 3840×2160."
        raise MediaError("too_many_pixels", text, field="width")
    if frame.pixels * planned.frames > MAX_TOTAL_PIXELS:
        longest = MAX_TOTAL_PIXELS / frame.pixels / float(planned.rate)
        text = f"duration: {planned.frames} frames of {frame.width}×{frame.height} are too much; at this size it may last {longest:.1f} s."
        raise MediaError("too_many_pixels", text, field="duration")


def _remarks(planned: Round, params: AnimationParams, form: Format, *, clear: bool) -> tuple[str, ...]:
    said = []
    if planned.video.has_alpha and not clear and params.transparent:
        why = "A blurred border can't be transparent" if form.transparent else f"{params.format.upper()} knows no transparency"
        said.append(f"{why}: what is transparent becomes black.")
    if form.kind == "video" and params.loops:
        said.append(f"{params.format.upper()} can't say how often it plays; whoever shows it decides that.")
    return tuple(said)
