"""An animated GIF, exact to the frame and to the hundredth of a second."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine import estimate, framing, gif, looping, replay
from converter.engine.errors import MediaError
from converter.engine.looping import LoopParams, Round
from converter.engine.media import Media
from converter.engine.params import as_dict, choice, integer, number

from .base import Command, Expectation, Input, Operation, Plan, Preset

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

_LOG = logging.getLogger(__name__)
MAX_PIXELS = 8_847_360
"""Largest picture (4096×2160): the encoder keeps some twenty of them at once."""
MAX_TOTAL_PIXELS = 1 << 31
"""Most pixels of all frames together: beyond, the GIF would be larger than browsers can hold."""
_SAMPLE_FPS, _SAMPLE_WIDTH = 4, 320
_LEAST_BYTES, _FRAME_BYTES = 1500, 32
"""What the smallest GIF takes, and each of its frames although nothing moves."""
_SPARSE = 0.012
"""Bytes for each pixel of each frame, below which a largest size costs what anybody sees: film takes 0.24 unasked, traffic 0.06."""
_SURVEYED = 1.35
"""The work of a GIF whose size is limited: its pictures are drawn twice, the first time small."""
_PALETTE, _RESULT = "palette.png", "result.gif"
# Six bits per channel: the filters below remember every distinct colour, so fewer of them is 2.5 times faster.
_SIX_BITS = "lutrgb=r='bitand(val,252)+2':g='bitand(val,252)+2':b='bitand(val,252)+2'"
_DITHER = {"none": "none", "fine": "bayer:bayer_scale=4", "normal": "bayer:bayer_scale=3", "coarse": "bayer:bayer_scale=2"}


@dataclass(frozen=True, slots=True)
class GifParams(LoopParams):
    """What a GIF can be asked for beside what any loop can."""

    colours: int = integer(256, label="Colours", help="Fewer colours make a smaller file.", minimum=4, maximum=256)
    profile: str = choice("balanced", gif.PROFILES, label="Profile", help="How size, looks and time are weighed against each other.")
    dither: str = choice(
        "normal", {"none": "None", "fine": "Fine", "normal": "Normal", "coarse": "Coarse"},
        label="Dithering", help="A pattern that hides steps between colours; none makes the smallest file.",
    )  # fmt: skip
    max_mb: float | None = number(
        None, label="Largest size", help="The file is never larger than this; fewer details and colours where it must be. Empty is any size.",
        unit="MB", minimum=0.01, maximum=2000, optional=True,
    )  # fmt: skip


class Gif(Operation[GifParams]):
    """Video or animation to GIF89a."""

    name = "gif"
    title = "Animated GIF"
    summary = "A looping GIF with exactly the frames, the length and the size that you ask for."
    params = GifParams
    accepts = frozenset({"video", "animation"})
    wish = "gif"
    version = 3
    presets = (
        Preset(
            "chrome-background", "Chrome background", "6 seconds at 1280×720 and 24 frames per second, looping for ever.",
            {"start": 0.0, "duration": 6.0, "width": 1280, "height": 720, "fps": 24.0, "fit": "cover", "fill": "loop", "loops": 0},
            words=("wallpaper", "new tab", "browser", "theme"), shown_in="newtab",
        ),
        Preset(
            "chat", "Chat GIF", "At most 6 seconds, 480 pixels wide: small enough to send.",
            {"duration": 6.0, "width": 480, "height": None, "fps": 12.0, "fill": "as_is", "loops": 0, "colours": 128},
            words=("gif for chat", "slack", "teams", "reaction"),
        ),
        Preset(
            "whole-clip", "The whole clip", "From start to end in its own proportions, at most 640 pixels wide.",
            {"duration": None, "width": None, "height": None, "fps": 15.0, "fill": "as_is", "loops": 0},
        ),
    )  # fmt: skip

    def plan(self, media: tuple[Media, ...], params: GifParams) -> Plan:
        """Plan a GIF. Raises `MediaError`: `no_video`, `start_past_end`, `empty_range`, `bad_parameter`, `too_many_pixels`."""
        planned = looping.arrange(media[0], params)
        frame = planned.frame
        _check_size(planned)
        delays = gif.delays(planned.frames, planned.rate)
        ours, seconds = gif.ready(), sum(delays) / 100
        commands = _pictures(planned) if ours else _two_steps(planned, params)
        drawing = estimate.gif_kernel_seconds(*planned.work(), params.profile) if ours else estimate.gif_seconds(*planned.work())
        most, lasting = _most(params, planned), seconds if planned.frames > 1 else None
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=commands,
            extension="gif",
            mime="image/gif",
            # A single picture has no duration to be read back.
            expects=Expectation("animation", "gif", frame.width, frame.height, planned.frames, lasting, tolerance=0.005, max_size=most or None),
            size_range=_bounded(estimate.gif_size(frame.pixels, planned.frames), most),
            work_seconds=drawing * (_SURVEYED if most and ours else 1) + (planned.store_seconds() if planned.reordered or not ours else 0),
            warnings=(*planned.warnings, *_sparse(most, planned)),
            extra={
                "delays": delays,
                "repeats": _repeats(params.loops),
                "round": planned,
                "encoder": _request(planned, params, delays) if ours else None,
                "fallback": _two_steps(planned, params) if ours else (),
            },
        )

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Draw and write it. Raises `start_past_end` when the picture ends before the range begins."""
        request, planned = plan.extra["encoder"], plan.extra["round"]
        planned.prepare(bench)
        if request is not None:
            try:
                for command in plan.commands[:-1]:
                    planned.keep(command, bench, planned.cycle)
                result = gif.write(request, plan.commands[-1], bench)
                planned.tidy(bench)
                return result
            except gif.NotCompiled as problem:
                _LOG.warning("the GIF encoder can't be used, ffmpeg stands in: %s", problem)
        bench.tools["encoder"] = "ffmpeg"
        bench.warn("Cutroom's own GIF encoder is not installed here, so this GIF is larger than it could be.")
        keep, palette, draw = plan.extra["fallback"] or plan.commands
        planned.keep(keep, bench, planned.frames)
        bench.ffmpeg(palette)
        bench.ffmpeg(draw)
        planned.tidy(bench)
        result = bench.work / _RESULT
        gif.retime(result, plan.extra["delays"])
        return result

    def check(self, plan: Plan, path: Path, media: Media) -> None:
        """Read the file's own blocks against the plan. Raises `MediaError("tool_failed")`."""
        try:
            info = gif.inspect_gif(path)
        except MediaError as error:
            raise MediaError("tool_failed", "The GIF did not come out whole.", log=str(error)) from error
        expects = plan.expects
        found = (info.version, info.width, info.height, info.frames, info.loop)
        wanted = ("89a", expects.width, expects.height, expects.frames, plan.extra["repeats"])
        if found != wanted or info.delays_cs != tuple(plan.extra["delays"]):
            raise MediaError("tool_failed", "The GIF did not come out as planned.", log=f"found {found}, {info.duration_cs} cs; planned {wanted}")


def _request(planned: Round, params: GifParams, delays: tuple[int, ...]) -> gif.Request:
    """What our own encoder is asked for: it draws one cycle and copies the rest."""
    size, repeats, most = (planned.frame.width, planned.frame.height), _repeats(params.loops), _most(params, planned)
    repeat = planned.cycle < planned.frames
    return gif.Request(*size, delays, repeats, params.profile, params.colours, params.dither, repeat=repeat, output=_RESULT, most=most)


def _most(params: GifParams, planned: Round) -> int:
    """The bytes it may have, 0 for any number. Raises `target_unreachable` where not even still frames would fit."""
    most = 0 if params.max_mb is None else int(params.max_mb * 1_000_000)
    least = _LEAST_BYTES + _FRAME_BYTES * planned.frames
    if most and most < least:
        near = math.ceil(least / 10_000) / 100
        text = f"max_mb: {planned.frames} frames can't be made in {most} bytes; at least {near:g} MB is needed, or fewer frames."
        raise MediaError("target_unreachable", text, field="max_mb")
    return most


def _sparse(most: int, planned: Round) -> tuple[str, ...]:
    """What a largest size means for the picture, where it is so small that only a scene that hardly moves would not show it."""
    if not most or most > _SPARSE * planned.frame.pixels * planned.frames:
        return ()
    each = f"{most / planned.frames / 1000:.2g} KB"
    return (
        f"The largest size leaves {each} for each frame: where much moves, details and colours are given up, and some frames stand still. "
        "A smaller width or fewer frames per second would look better.",
    )


def _bounded(sizes: tuple[int, int], most: int) -> tuple[int, int]:
    return (min(sizes[0], most), min(sizes[1], most)) if most else sizes


def _pictures(planned: Round) -> tuple[Command, ...]:
    """The raw pictures that our own encoder reads, drawn into a file first where their order is another."""
    first = (planned.store("gbrp", 0.2),) if planned.reordered else ()
    source = replay.stored() if planned.reordered else planned.input
    graph = f"[0:v]{replay.renumbered(planned.rate)},format=bgr0[out]" if planned.reordered else planned.graph("bgr0")
    arguments = ("-filter_complex", graph, "-map", "[out]", "-fps_mode", "passthrough", "-c:v", "rawvideo", "-pix_fmt", "bgr0")
    # Raw pictures are large: by itself ffmpeg lets eight of them wait for the pipe.
    calm = ("-thread_queue_size", "1")
    return (*first, Command("drawing frames", (source,), (*arguments, *calm), "", "rawvideo", planned.seconds, 1.0 - 0.2 * len(first)))


def _two_steps(planned: Round, params: GifParams) -> tuple[Command, ...]:
    """ffmpeg's own way: the frames, their palette, and the frames in its colours. Our own reader sets the times."""
    # Bars come after the dithering, which would put a pattern on them; the second mapping only finds exact colours.
    late = planned.frame.fit == "contain"
    step = max(1, round(planned.rate / _SAMPLE_FPS))
    shrink = f"scale=w='min(iw,{_SAMPLE_WIDTH})':h='min(ih,{_SAMPLE_WIDTH})':force_original_aspect_ratio=decrease:flags=area"
    if late:
        # The bars' colour must be one of the palette's.
        shrink += f",pad=iw+8:ih+8:4:4:color=0x{planned.frame.colour}"
    # The palette comes out only at the very end; the second output, which goes nowhere, is what progress is read from.
    sampled = f"[0:v]select='not(mod(n,{step}))',{shrink},split[counted][seen]"
    colours = f"{sampled};[seen]palettegen=stats_mode=full:max_colors={params.colours}[palette]"
    count = ("-filter_complex", colours, "-map", "[counted]", "-f", "null", "-", "-map", "[palette]", "-frames:v", "1", "-update", "1")
    use, read = f"paletteuse=dither={_DITHER[params.dither]}", f"[0:v]{replay.renumbered(planned.rate)},{_SIX_BITS}"
    barred = f"format=bgr0,{framing.bars(planned.frame)}[barred];[barred][q]paletteuse=dither=none[out]"
    graph = f"{read}[picture];[1:0]split[p][q];[picture][p]{use},{barred}" if late else f"{read}[picture];[picture][1:0]{use}[out]"
    repeats = _repeats(params.loops)
    write = ("-filter_complex", graph, "-map", "[out]", "-fps_mode", "passthrough", "-c:v", "gif", "-loop", str(-1 if repeats is None else repeats))
    return (
        planned.store("gbrp", 0.3, bars=not late),
        Command("choosing colours", (Input(work_file=replay.STORE),), count, _PALETTE, "image2", planned.drawn / float(planned.rate), 0.15),
        Command("drawing frames", (replay.stored(), Input(work_file=_PALETTE)), write, _RESULT, "gif", planned.seconds, 0.55),
    )


def _check_size(planned: Round) -> None:
    frame, frames = planned.frame, planned.frames
    if frame.pixels > MAX_PIXELS or max(frame.width, frame.height) > 16384:
        text = f"width: a GIF of {frame.width}×{frame.height} is too large; at most {MAX_PIXELS / 1e6:.1f} megapixels work, such as 3840×2160."
        raise MediaError("too_many_pixels", text, field="width")
    if frame.pixels * frames > MAX_TOTAL_PIXELS:
        longest = MAX_TOTAL_PIXELS / frame.pixels / float(planned.rate)
        text = f"duration: {frames} frames of {frame.width}×{frame.height} are too much for one GIF; at this size it may last {longest:.1f} s."
        raise MediaError("too_many_pixels", text, field="duration")


def _repeats(loops: int) -> int | None:
    """The loop extension's number: it counts repetitions, people count plays; None means no extension."""
    return None if loops == 1 else max(0, loops - 1)
