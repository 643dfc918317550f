"""What every looping picture has in common, whatever its format: which frames, how large, in which order.

`arrange` turns a source and parameters into a `Round`: one round of the loop, exact to the frame. A `Round` makes the
filter graph that draws it. Where frames must be shown in another order than they come (backwards, there and back,
again to fill the length), they are drawn into a file first and read in any order from there (`replay.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from . import captions, edits, framing, gif, replay
from .captions import Caption
from .edits import EditParams
from .errors import MediaError
from .framing import Frame
from .media import Media, VideoStream
from .operations.base import Command, Input
from .params import choice, flag, integer, number, text, time
from .ranges import Cut, cut, picture_length, seek

if TYPE_CHECKING:
    from .workbench import Workbench

NO_PICTURE_THERE = gif.NO_PICTURE_THERE
_USUAL_WIDTH = 640
_SEE_THROUGH = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Decoders that know transparency, which ffmpeg's own for these codecs don't."""


@dataclass(frozen=True, slots=True)
class LoopParams(EditParams):
    """What any looping picture can be asked for."""

    start: float = time(0.0, label="Start", help="Where it begins in the clip.", minimum=0, advanced=False)
    duration: float | None = time(
        6.0, label="Duration", help="How long one round of the result lasts; empty means to the clip's end.",
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
        "loop", {"loop": "Play it again", "pingpong": "Play it backwards and forwards", "as_is": "Make a shorter one"},
        label="If the clip is too short", help="What happens when the clip ends before the duration is full.",
    )  # fmt: skip
    pingpong: bool = flag(False, label="There and back", help="One round goes forwards and then backwards, so that no seam shows.")
    loops: int = integer(0, label="Plays", help="How often it plays; 0 means for ever.", minimum=0, maximum=65535)
    caption: str = text("", label="Caption", help="Words drawn into the picture; long ones are broken into lines.", maximum=captions.LONGEST)
    caption_place: str = choice("bottom", captions.PLACES, label="Caption's place", help="Where the words stand.")
    caption_size: float = number(
        10.0,
        label="Caption's size",
        help="Height of the letters; smaller where the words would not fit.",
        unit="% of the height",
        minimum=3,
        maximum=40,
    )


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a loop.

    `drawn` frames are taken from the source; `frames` is how many the round has. `exact` says that `drawn` is kept
    even where the source ends a little earlier. `turns` says that they go there and back.
    """

    source: Media
    video: VideoStream
    params: LoopParams
    start: float
    taken: float
    """Seconds of the source that are read."""
    rate: Fraction
    frame: Frame
    drawn: int
    frames: int
    turns: bool
    exact: bool
    caption: Caption | None
    warnings: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Length of the round."""
        return self.frames / float(self.rate)

    @property
    def cycle(self) -> int:
        """How many frames there are before they begin to repeat."""
        return min(self.frames, replay.cycle(self.drawn, pingpong=self.turns))

    @property
    def reordered(self) -> bool:
        """Whether frames come in another order than they are drawn."""
        return self.turns or self.params.reverse

    @property
    def input(self) -> Input:
        """The source, read so that the start is at time zero."""
        decoder = _SEE_THROUGH.get(self.video.codec) if self.video.has_alpha else None
        return Input(source=0, options=(*seek(self.source, self.start), *(("-c:v", decoder) if decoder else ())))

    def graph(self, pixel_format: str, *, bars: bool = True, transparent: bool = False) -> str:
        """The filters from the source to `[out]`: the drawn frames in their order, upright, of the frame's size.

        `bars` off leaves a contained picture without them; `transparent` keeps its transparency.
        """
        whole = ("bwdif=mode=send_frame:deint=interlaced",) if self.video.interlaced else ()
        hold = ("tpad=stop_mode=clone:stop=-1",) if self.exact else ()
        pick = (*edits.pace_filters(self.params), f"fps={self.rate}:start_time=0", *hold, f"trim=end_frame={self.drawn}")
        video = replace(self.video, interlaced=False)
        before, seen = (*whole, *pick, *edits.shape_filters(video, self.params)), edits.edited(video, self.params)
        frame = replace(self.frame, pixel_format=pixel_format, hd=True)
        source, after = f"0:{self.video.index}", (self.caption.filter(),) if self.caption else ()
        if transparent:
            # Colours count by how much is seen of them, or those of hidden pixels would bleed into the edges.
            before, after = (*before, "format=gbrap", "premultiply=inplace=1"), ("unpremultiply=inplace=1", f"format={pixel_format}", *after)
            seen, frame = replace(seen, has_alpha=False), replace(frame, pixel_format="gbrap")
        if frame.fit == "contain" and not bars:
            return f"[{source}]{','.join((*before, *framing.fitted(seen, frame), *after))}[out]"
        graph = framing.graph(seen, frame, source, "framed" if after else "out", before=before)
        return f"{graph};[framed]{','.join(after)}[out]" if after else graph

    def store(self, pixel_format: str, share: float, *, bars: bool = True, transparent: bool = False) -> Command:
        """The command that draws the frames into a file, to be shown in any order."""
        graph = self.graph(pixel_format, bars=bars, transparent=transparent)
        return replay.store((self.input,), graph, pixel_format, self.drawn / float(self.rate), share)

    def prepare(self, bench: Workbench) -> None:
        """Put what the graph names into the work directory; before any command."""
        if self.caption:
            self.caption.write(bench.work)

    def keep(self, command: Command, bench: Workbench, frames: int) -> None:
        """Run `store`'s command, then say in which order its frames make `frames` of them. Raises `start_past_end`."""
        drawn = bench.ffmpeg(command).last.frames
        if not drawn:
            raise MediaError("start_past_end", NO_PICTURE_THERE, field="start")
        shown = (replay.position(k, drawn, pingpong=self.turns, reverse=self.params.reverse) for k in range(frames))
        replay.write_order(bench.work, self.rate, shown)

    def tidy(self, bench: Workbench) -> None:
        """Give back the room of the drawn frames, when nothing reads them any more, and of their list."""
        for name in (replay.STORE, replay.ORDER):
            (bench.work / name).unlink(missing_ok=True)

    def work(self) -> tuple[int, int, int, float]:
        """For estimates: pixels of a source picture, pixels of a frame, frames, source pictures decoded."""
        return self.video.coded_width * self.video.coded_height, self.frame.pixels, self.frames, self.taken * max(self.video.fps, 1.0)

    def store_seconds(self) -> float:
        """CPU seconds of drawing into a file first."""
        return replay.START_SECONDS + 1e-9 * replay.STORE_NANOSECONDS * self.frame.pixels * (self.drawn + self.frames)


def arrange(source: Media, params: LoopParams, *, even: bool = False) -> Round:
    """Plan a round. `even` rounds its size to what 4:2:0 video needs.

    Raises `MediaError`: `no_video`, `start_past_end`, `empty_range`, `bad_parameter`.
    """
    video = _picture(source)
    rate, speed = gif.rational(params.fps), edits.pace(params)
    total = None if params.duration is None else max(1, round(params.duration * rate))
    # There and back shows all but the two ends twice.
    asked = params.duration if total is None or not params.pingpong or params.duration is None else float((total // 2 + 1) / rate)
    part = cut(picture_length(source, video), start=params.start, duration=None if asked is None else asked * float(speed))
    wanted, had = (max(1, round(seconds / float(speed) * rate)) for seconds in (part.wanted, part.seconds))
    filling = params.fill != "as_is" and part.short and wanted - had > 1
    drawn = wanted if not part.short or wanted - had == 1 else had
    turns = params.pingpong or (filling and params.fill == "pingpong")
    if total is None or (drawn < wanted and not filling):
        longest = replay.cycle(drawn, pingpong=params.pingpong)
        total = longest if total is None else min(total, longest)
    seen = edits.edited(video, params)
    frame = _frame(seen, params, even)
    words = captions.caption(params.caption, params.caption_place, params.caption_size, frame.width, frame.height)
    said = (*framing.remarks(seen, frame), *_short(part, params, float(speed), filling=filling, shorter=drawn < wanted and not filling))
    # A plain repeat takes the frames there are; anything else holds the last one where the source is a little shorter.
    return Round(source, video, params, part.start, part.seconds, rate, frame, drawn, total, turns, turns or not filling, words, said)


def _picture(media: Media) -> VideoStream:
    if media.video is None or not media.moving:
        why = "A still picture has no motion to make a loop of." if media.kind == "image" else "There is no moving picture in this file."
        raise MediaError("no_video", why)
    return media.video


def _frame(video: VideoStream, params: LoopParams, even: bool) -> Frame:
    neither = params.width is None and params.height is None
    width, height = framing.frame_size(video, min(_USUAL_WIDTH, video.width) if neither else params.width, params.height, even=even)
    return Frame(width, height, params.fit, framing.colour(params.bar_colour, field="bar_colour"))


def _short(part: Cut, params: LoopParams, speed: float, *, filling: bool, shorter: bool) -> tuple[str, ...]:
    if not (shorter or filling):
        return ()
    have, want = part.seconds / speed, part.wanted / speed
    if params.pingpong:
        have, want = 2 * have, params.duration or 2 * want
    has, wanted = f"{round(have, 2):g}", f"{round(want, 2):g}"
    if params.fill == "loop":
        return (f"The clip has only {has} s from there, so it plays again from its start to fill {wanted} s.",)
    if params.fill == "pingpong":
        return (f"The clip has only {has} s from there, so it plays backwards and forwards to fill {wanted} s.",)
    return (f"The clip has only {has} s from there, so the result is {has} s long instead of {wanted} s.",)
