"""An animated GIF, exact to the frame and to the hundredth of a second."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine import estimate, framing, gif
from converter.engine.errors import MediaError
from converter.engine.framing import Frame
from converter.engine.media import Media, VideoStream
from converter.engine.params import as_dict, choice, integer, number, text, time
from converter.engine.ranges import Cut, cut, picture_length, seek

from .base import Command, Expectation, Input, Operation, Plan, Preset

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

_LOG = logging.getLogger(__name__)
MAX_PIXELS = 8_847_360
"""Largest picture (4096×2160): the encoder keeps some twenty of them at once."""
MAX_TOTAL_PIXELS = 1 << 31
"""Most pixels of all frames together: beyond, the GIF would be larger than browsers can hold."""
_USUAL_WIDTH = 640
_SAMPLE_FPS, _SAMPLE_WIDTH = 4, 320
_PALETTE, _RAW, _RESULT = "palette.png", "frames.raw", "result.gif"
# Six bits per channel: the filters below remember every distinct colour, so fewer of them is 2.5 times faster.
_SIX_BITS = "lutrgb=r='bitand(val,252)+2':g='bitand(val,252)+2':b='bitand(val,252)+2'"
_DITHER = {"none": "none", "fine": "bayer:bayer_scale=4", "normal": "bayer:bayer_scale=3", "coarse": "bayer:bayer_scale=2"}
_FILLED = {
    "loop": "The clip has only {have} s from there, so it plays again from its start to fill {want} s.",
    "pingpong": "The clip has only {have} s from there, so it plays backwards and forwards to fill {want} s.",
    "as_is": "The clip has only {have} s from there, so the GIF is {have} s long instead of {want} s.",
}


@dataclass(frozen=True, slots=True)
class GifParams:
    """What a GIF can be asked for."""

    start: float = time(0.0, label="Start", help="Where the GIF begins in the clip.", minimum=0, advanced=False)
    duration: float | None = time(
        6.0, label="Duration", help="How long one round lasts; empty means to the clip's end.",
        minimum=0, above_minimum=True, maximum=600, below="empty_range", optional=True, advanced=False,
    )  # fmt: skip
    width: int | None = integer(
        None, label="Width", help="Empty follows from the height; with both empty it is the clip's own, at most 640.",
        unit="px", minimum=16, maximum=4096, optional=True,
    )  # fmt: skip
    height: int | None = integer(
        None, label="Height", help="Empty follows from the width and the clip's proportions.", unit="px", minimum=16, maximum=4096, optional=True
    )
    fps: float = number(
        15.0, label="Frame rate", help="Frames per second; viewers slow down anything above 50.", unit="fps", minimum=1, maximum=gif.FASTEST
    )
    fit: str = choice("cover", framing.FITS, label="Fit", help="What happens when the clip has other proportions.")
    bar_colour: str = text("#000000", label="Bar colour", help="Colour of solid bars, as #rrggbb.", maximum=7)
    fill: str = choice(
        "loop", {"loop": "Play it again", "pingpong": "Play it backwards and forwards", "as_is": "Make a shorter GIF"},
        label="If the clip is too short", help="What happens when the clip ends before the duration is full.",
    )  # fmt: skip
    loops: int = integer(0, label="Plays", help="How often the GIF plays; 0 means for ever.", minimum=0, maximum=65535)
    colours: int = integer(256, label="Colours", help="Fewer colours make a smaller file.", minimum=4, maximum=256)
    profile: str = choice("balanced", gif.PROFILES, label="Profile", help="How size, looks and time are weighed against each other.")
    dither: str = choice(
        "normal", {"none": "None", "fine": "Fine", "normal": "Normal", "coarse": "Coarse"},
        label="Dithering", help="A pattern that hides steps between colours; none makes the smallest file.",
    )  # fmt: skip


class Gif(Operation[GifParams]):
    """Video or animation to GIF89a."""

    name = "gif"
    title = "Animated GIF"
    summary = "A looping GIF with exactly the frames, the length and the size that you ask for."
    params = GifParams
    accepts = frozenset({"video", "animation"})
    version = 2
    presets = (
        Preset(
            "chrome-background", "Chrome background", "6 seconds at 1280×720 and 24 frames per second, looping for ever.",
            {"start": 0.0, "duration": 6.0, "width": 1280, "height": 720, "fps": 24.0, "fit": "cover", "fill": "loop", "loops": 0},
        ),
        Preset(
            "chat", "Chat GIF", "At most 6 seconds, 480 pixels wide: small enough to send.",
            {"duration": 6.0, "width": 480, "height": None, "fps": 12.0, "fill": "as_is", "loops": 0, "colours": 128},
        ),
        Preset(
            "whole-clip", "The whole clip", "From start to end in its own proportions, at most 640 pixels wide.",
            {"duration": None, "width": None, "height": None, "fps": 15.0, "fill": "as_is", "loops": 0},
        ),
    )  # fmt: skip

    def plan(self, media: tuple[Media, ...], params: GifParams) -> Plan:
        """Plan a GIF. Raises `MediaError`: `no_video`, `start_past_end`, `empty_range`, `bad_parameter`, `too_many_pixels`."""
        source, video = media[0], _picture(media[0])
        part = cut(picture_length(source, video), start=params.start, duration=params.duration)
        rate = gif.rational(params.fps)
        wanted, had = max(1, round(part.wanted * rate)), max(1, round(part.seconds * rate))
        filling = params.fill != "as_is" and part.short and wanted - had > 1
        frames = wanted if filling or not part.short or wanted - had == 1 else had
        frame = _frame(video, params)
        _check_size(frame, frames, float(rate))
        delays = gif.delays(frames, rate)
        seconds = sum(delays) / 100
        drawing = _Drawing(video, Input(source=0, options=seek(source, part.start)), rate, frame, had if filling else frames, params, filled=filling)
        ours = _can_draw(params, filling)
        work = (video.coded_width * video.coded_height, frame.pixels, frames, min(part.seconds, seconds) * video.fps)
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=(drawing.pictures(seconds),) if ours else drawing.commands(seconds),
            extension="gif",
            mime="image/gif",
            # A single picture has no duration to be read back.
            expects=Expectation("animation", "gif", frame.width, frame.height, frames, seconds if frames > 1 else None, tolerance=0.005),
            size_range=estimate.gif_size(frame.pixels, frames),
            work_seconds=estimate.gif_kernel_seconds(*work, params.profile) if ours else estimate.gif_seconds(*work),
            warnings=(*framing.remarks(video, frame), *_short(part, seconds, params, frames < wanted, filling)),
            extra={
                "delays": delays,
                "repeats": _repeats(params.loops),
                "fill": params.fill if filling else "",
                "encoder": drawing.request(delays) if ours else None,
                "fallback": drawing.commands(seconds) if ours else (),
            },
        )

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Draw and write it. Raises `start_past_end` when the picture ends before the range begins."""
        request = plan.extra["encoder"]
        if request is not None:
            try:
                return gif.write(request, plan.commands[0], bench)
            except gif.NotCompiled as problem:
                _LOG.warning("the GIF encoder can't be used, ffmpeg stands in: %s", problem)
        bench.tools["encoder"] = "ffmpeg"
        if plan.extra["fill"] != "pingpong":
            bench.warn("Cutroom's own GIF encoder is not installed here, so this GIF is larger than it could be.")
        return self._run_two_step(plan, plan.extra["fallback"] or plan.commands, bench)

    def _run_two_step(self, plan: Plan, commands: tuple[Command, ...], bench: Workbench) -> Path:
        """ffmpeg's own palette, then its frames, then exact times."""
        palette, draw, *encode = commands
        bench.ffmpeg(palette)
        if not (bench.work / _PALETTE).is_file():
            raise MediaError("start_past_end", gif.NO_PICTURE_THERE, field="start")
        bench.ffmpeg(draw)
        width, height, frames = plan.expects.width or 0, plan.expects.height or 0, plan.expects.frames or 0
        if encode:
            pingpong = plan.extra["fill"] == "pingpong"
            gif.extend(bench.work / _RAW, gif.raw_bytes(width, height), frames, pingpong=pingpong, check=bench.check_stop)
            bench.ffmpeg(encode[0])
            (bench.work / _RAW).unlink()
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


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The commands of one GIF. `frames` are those drawn from the source, before any filling."""

    video: VideoStream
    source: Input
    rate: Fraction
    frame: Frame
    frames: int
    params: GifParams
    filled: bool

    def request(self, delays: tuple[int, ...]) -> gif.Request:
        """What our own encoder is asked for."""
        p = self.params
        size = self.frame.width, self.frame.height
        return gif.Request(*size, delays, _repeats(p.loops), p.profile, p.colours, p.dither, repeat=self.filled, output=_RESULT)

    def pictures(self, seconds: float) -> Command:
        """The raw pictures that our own encoder reads."""
        source = f"0:{self.video.index}"
        graph = framing.graph(self.video, self.frame, source, "out", before=self._pick(str(self.rate), self.frames))
        arguments = ("-filter_complex", graph, "-map", "[out]", "-fps_mode", "passthrough", "-c:v", "rawvideo", "-pix_fmt", "bgr0")
        # Raw pictures are large: by itself ffmpeg lets eight of them wait for the pipe.
        return Command("drawing frames", (self.source,), (*arguments, "-thread_queue_size", "1"), "", "rawvideo", seconds)

    def commands(self, seconds: float) -> tuple[Command, ...]:
        drawn = self.frames / float(self.rate)
        palette = Command("choosing colours", (self.source,), self._palette(drawn), _PALETTE, "image2", drawn, 0.22)
        inputs = (self.source, Input(work_file=_PALETTE))
        loop = ("-loop", str(-1 if (repeats := _repeats(self.params.loops)) is None else repeats))
        if not self.filled:
            return (palette, Command("drawing frames", inputs, (*self._draw(), "-c:v", "gif", *loop), _RESULT, "gif", seconds, 0.78))
        size = f"{self.frame.width}x{self.frame.height}"
        raw = ("-f", "rawvideo", "-pixel_format", "pal8", "-video_size", size, "-framerate", str(self.rate))
        return (
            palette,
            Command("drawing frames", inputs, (*self._draw(), "-c:v", "rawvideo", "-pix_fmt", "pal8"), _RAW, "rawvideo", drawn, 0.5),
            Command("writing the GIF", (Input(work_file=_RAW, options=raw),), ("-map", "0:0", "-c:v", "gif", *loop), _RESULT, "gif", seconds, 0.23),
        )

    def _pick(self, rate: str, frames: int) -> tuple[str, ...]:
        # A filled GIF takes the frames there are; any other holds the last one where the source is a little shorter.
        hold = () if self.filled else ("tpad=stop_mode=clone:stop=-1",)
        return (f"fps={rate}:start_time=0", *hold, f"trim=end_frame={frames}")

    def _palette(self, drawn: float) -> tuple[str, ...]:
        small = min(1.0, _SAMPLE_WIDTH / max(self.frame.width, self.frame.height))
        size = max(2, round(self.frame.width * small)), max(2, round(self.frame.height * small))
        sample = Frame(*size, self.params.fit, self.frame.colour, "area", "rgb24")
        pick = self._pick(str(_SAMPLE_FPS), max(1, round(drawn * _SAMPLE_FPS)))
        graph = framing.graph(self.video, sample, f"0:{self.video.index}", "sampled", before=pick)
        colours = f"palettegen=stats_mode=full:max_colors={self.params.colours}"
        # The palette comes out only at the very end; the second output, which goes nowhere, is what progress is read from.
        graph += f";[sampled]split[counted][seen];[seen]{colours}[palette]"
        return ("-filter_complex", graph, "-map", "[counted]", "-f", "null", "-", "-map", "[palette]", "-frames:v", "1", "-update", "1")

    def _draw(self) -> tuple[str, ...]:
        source, pick = f"0:{self.video.index}", self._pick(str(self.rate), self.frames)
        use = f"paletteuse=dither={_DITHER[self.params.dither]}"
        if self.params.fit == "contain":
            # Bars come after the dithering, which would put a pattern on them; the second mapping only finds exact colours.
            chain = ",".join((*pick, *framing.fitted(self.video, self.frame), _SIX_BITS))
            bars = f"format=bgr0,{framing.bars(self.frame)}"
            graph = f"[{source}]{chain}[picture];[1:0]split[p][q];[picture][p]{use},{bars}[barred];[barred][q]paletteuse=dither=none[out]"
        else:
            graph = framing.graph(self.video, self.frame, source, "picture", before=pick)
            graph += f";[picture]{_SIX_BITS}[reduced];[reduced][1:0]{use}[out]"
        return ("-filter_complex", graph, "-map", "[out]", "-fps_mode", "passthrough")


def _can_draw(params: GifParams, filling: bool) -> bool:
    """Whether our own encoder does it: played backwards, its frames of many palettes would not be the same pictures again."""
    return gif.ready() and not (filling and params.fill == "pingpong")


def _picture(media: Media) -> VideoStream:
    if media.video is None or not media.moving:
        why = "A still picture has no motion to make a GIF of." if media.kind == "image" else "There is no moving picture in this file."
        raise MediaError("no_video", why)
    return media.video


def _frame(video: VideoStream, params: GifParams) -> Frame:
    neither = params.width is None and params.height is None
    width, height = framing.frame_size(video, min(_USUAL_WIDTH, video.width) if neither else params.width, params.height)
    return Frame(width, height, params.fit, framing.colour(params.bar_colour, field="bar_colour"))


def _check_size(frame: Frame, frames: int, fps: float) -> None:
    if frame.pixels > MAX_PIXELS or max(frame.width, frame.height) > 16384:
        text = f"width: a GIF of {frame.width}×{frame.height} is too large; at most {MAX_PIXELS / 1e6:.1f} megapixels work, such as 3840×2160."
        raise MediaError("too_many_pixels", text, field="width")
    if frame.pixels * frames > MAX_TOTAL_PIXELS:
        longest = MAX_TOTAL_PIXELS / frame.pixels / fps
        text = f"duration: {frames} frames of {frame.width}×{frame.height} are too much for one GIF; at this size it may last {longest:.1f} s."
        raise MediaError("too_many_pixels", text, field="duration")


def _short(part: Cut, seconds: float, params: GifParams, shorter: bool, filling: bool) -> tuple[str, ...]:
    if not (shorter or filling):
        return ()
    have = seconds if shorter else part.seconds
    return (_FILLED[params.fill].format(have=format(round(have, 2), "g"), want=format(round(part.wanted, 2), "g")),)


def _repeats(loops: int) -> int | None:
    """The loop extension's number: it counts repetitions, people count plays; None means no extension."""
    return None if loops == 1 else max(0, loops - 1)
