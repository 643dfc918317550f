"""A part of a clip that goes round without a jump: the best seam near a range, cut, cross-faded, or played there and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine import codecs, estimate, framing, seams
from converter.engine.errors import MediaError
from converter.engine.media import Media, VideoStream, exact_rate
from converter.engine.params import as_dict, choice, flag, number, time
from converter.engine.ranges import Cut, cut, picture_length
from converter.engine.seams import Ask, Seam
from converter.engine.seams.drawing import Drawing, shifted
from converter.engine.timecode import format_time
from converter.engine.wrapping import write_data

from .base import Expectation, Operation, Plan, Preset

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

_CRF, _SPEED = 18, "veryfast"
_FASTEST = Fraction(60)
"""Frames per second; faster clips are thinned out to this."""
_LONGEST = 600.0
_LONGEST_BACK = 60.0
"""Seconds of a loop that goes there and back: its sound is turned round in memory."""
_LOOK = {"auto": 6, "cut": 10, "crossfade": 6, "pingpong": 10}
"""Large pictures that x264 may look ahead; a cross-fade also decodes what it lays over (254 MB at 1080p)."""
_REPORT = "result.json"
_LOOKING = 0.3
"""Part of the work that is the search."""
MODES = {
    "auto": "Choose by the seam",
    "cut": "Cut: the end jumps to the start",
    "crossfade": "Cross-fade: the end melts into the start",
    "pingpong": "There and back",
}


@dataclass(frozen=True, slots=True)
class LoopParams:
    """Where to look, and how the ends are joined."""

    start: float = time(0.0, label="Start", help="About where the loop begins.", minimum=0, advanced=False)
    end: float | None = time(
        None, label="End", help="About where it ends; empty means by duration, or at the clip's end.", minimum=0, optional=True, advanced=False
    )
    duration: float | None = time(
        None, label="Duration", help="About how long one round lasts, instead of an end.",
        minimum=0, above_minimum=True, below="empty_range", optional=True, advanced=False,
    )  # fmt: skip
    search: float = number(
        1.0, label="Search", help="How far start and end may move to find a better seam; 0 keeps them as they are.",
        unit="s", minimum=0, maximum=15, step=0.1, advanced=False,
    )  # fmt: skip
    mode: str = choice("auto", MODES, label="Seam", help="How the end is joined to the start.", advanced=False)
    fade: float = number(0.5, label="Cross-fade", help="How long the end melts into the start.", unit="s", minimum=0.05, maximum=5, step=0.05)
    shortest: float = number(0.5, label="Shortest", help="No loop is shorter than this.", unit="s", minimum=0.1, maximum=60, step=0.1)
    sound: bool = flag(True, label="Keep the sound", help="The sound must fit at the seam, too, and is cross-faded there.")
    report: bool = flag(False, label="Only report", help="Lists the best seams with their scores as JSON; no loop is made.")


class Loop(Operation[LoopParams]):
    """Video or animation to an MP4 that goes round."""

    name = "loop"
    title = "Loop"
    summary = "Finds where the clip can go round without a jump, and makes a loop of it."
    params = LoopParams
    accepts = frozenset({"video", "animation"})
    wish = "round"
    presets = (
        Preset("seamless", "Seamless loop", "The best seam within a second of the range, joined as it needs.", {"search": 1.0, "mode": "auto"}),
        Preset("soft", "Soft loop", "A second of cross-fade: for water, clouds, crowds.", {"search": 2.0, "mode": "crossfade", "fade": 1.0}),
        Preset(
            "boomerang",
            "Boomerang",
            "There and back, without sound.",
            {"mode": "pingpong", "sound": False},
            words=("pingpong", "there and back", "reverse"),
        ),
        Preset("doctor", "Loop doctor", "Only lists the best seams with their scores.", {"search": 2.0, "report": True}, words=("seam",)),
    )

    def plan(self, media: tuple[Media, ...], params: LoopParams) -> Plan:
        """Plan a loop. The seam is found when it runs: length and size are those of the range as asked, give or take the search.

        Raises `MediaError`: `no_video`, `start_past_end`, `empty_range`, `bad_parameter`.
        """
        source, video = media[0], _picture(media[0])
        part = cut(picture_length(source, video), start=params.start, end=params.end, duration=params.duration)
        ask = _ask(source, video, part, params)
        _check_length(ask, params)
        sound = source.audio if params.sound else None
        looking = estimate.decode_seconds(video.coded_width * video.coded_height * seams.seconds(ask) * video.fps) + 0.6
        if params.report:
            expects = Expectation("data", "json", video=False)
            extra = {"ask": ask}
            return Plan(self.name, as_dict(params), (), "json", "application/json", expects, (100, 4000), looking, (), extra)
        width, height = framing.frame_size(video, None, None, even=True)
        encode = _encoder(width * height, params.mode, ask.rate)
        drawing = Drawing(source, video, sound, ask.rate, ask.start, ask.end, max(2, round(params.fade * ask.rate)), width, height, encode)
        frames, rate = ask.end - ask.start, float(ask.rate)
        loosest = 2 * ask.search if params.mode in ("auto", "pingpong") or ask.search else 0
        fewest, most = max(1, frames - 2 * ask.search), frames + 2 * ask.search
        turns = {"auto": (1, 2), "pingpong": (2, 2)}.get(params.mode, (1, 1))
        kbps = codecs.ample_kbps(sound) if sound else 0
        low = estimate.h264_size(width * height, turns[0] * fewest, _CRF, turns[0] * fewest / rate * kbps * 125)[0]
        high = estimate.h264_size(width * height, turns[1] * most, _CRF, turns[1] * most / rate * kbps * 125)[1]
        pixels = video.coded_width * video.coded_height
        expected = turns[0] * frames
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=(),
            extension="mp4",
            mime="video/mp4",
            expects=Expectation("video", "mp4", width, height, None, expected / rate, (loosest * turns[1] + 3) / rate, audio=sound is not None),
            size_range=(low, high),
            work_seconds=looking + estimate.h264_seconds(pixels, width * height, expected, _SPEED) * (1.6 if params.mode == "pingpong" else 1),
            warnings=_said(part, params),
            extra={"ask": ask, "drawing": drawing},
        )

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Look for the seam, say where it is, and draw the loop. Raises `empty_range` where no two frames are far enough apart."""
        ask: Ask = plan.extra["ask"]
        report = "drawing" not in plan.extra
        found = seams.search(bench, ask, share=1.0 if report else _LOOKING)
        if not found:
            shortest = format_time(float(ask.shortest / ask.rate))
            raise MediaError("empty_range", f"duration: there are not enough pictures for a loop of at least {shortest}.", field="duration")
        if report:
            return _report(bench, ask, found)
        best, mode = found[0], _mode(str(plan.params["mode"]), found[0], plan)
        drawing: Drawing = replace(plan.extra["drawing"], start=best.start, end=best.end)
        drawing = shifted(drawing, ask.length) if mode == "crossfade" else replace(drawing, fade=0)
        frames = drawing.frames + (max(0, drawing.frames - 2) if mode == "pingpong" else 0)
        bench.warn(_announced(best, drawing, mode))
        settled = replace(plan.expects, frames=frames, duration=frames / float(ask.rate), tolerance=0.05 + 1.5 / float(ask.rate))
        bench.settled = replace(plan, expects=settled)
        if mode == "pingpong":
            return drawing.there_and_back(bench, 1 - _LOOKING)
        return drawing.once(bench, 1 - _LOOKING)


def suggestion(seam: Seam, *, back: bool = True) -> str:
    """How to join a seam of that score: cut what can't be seen, fade what can, go back where nothing fits.

    `back` says whether going back is possible at all: a voice played backwards is no answer.
    """
    if seam.score >= seams.INVISIBLE:
        return "cut"
    return "crossfade" if seam.score >= seams.VISIBLE or not back else "pingpong"


def _mode(asked: str, seam: Seam, plan: Plan) -> str:
    if asked != "auto":
        return asked
    drawing: Drawing = plan.extra["drawing"]
    return suggestion(seam, back=drawing.sound is None and (seam.end - seam.start) / drawing.rate <= _LONGEST_BACK)


def _announced(seam: Seam, drawing: Drawing, mode: str) -> str:
    begin, end = (format_time(round(drawing.seconds(frame), 3)) for frame in (drawing.start, drawing.end))
    how = {"cut": "cut", "crossfade": f"cross-faded for {drawing.seconds(drawing.fade):.2f} s", "pingpong": "played there and back"}[mode]
    return f"The loop goes from {begin} to {end}, {how}. Its seam scores {seam.score:.0f} of 100: {seam.words}."


def _report(bench: Workbench, ask: Ask, found: list[Seam]) -> Path:
    back = not ask.sound
    listed = [{**seam.as_dict(ask.rate), "suggestion": suggestion(seam, back=back)} for seam in found]
    asked = {"start": round(float(ask.start / ask.rate), 6), "end": round(float(ask.end / ask.rate), 6), "search": float(ask.search / ask.rate)}
    write_data({"fps": str(ask.rate), "asked": asked, "seams": listed}, bench.work / _REPORT)
    return bench.work / _REPORT


def _picture(media: Media) -> VideoStream:
    video = media.video
    if video is None or not media.moving:
        raise MediaError("no_video", "A still picture has no motion to go round.")
    if exact_rate(video) <= 0 or video.frames == 1:
        raise MediaError("no_video", "There is only one picture in this file, so there is no motion to go round.")
    return video


def _ask(source: Media, video: VideoStream, part: Cut, params: LoopParams) -> Ask:
    rate = min(exact_rate(video), _FASTEST)
    start, end, search = round(part.start * rate), round((part.start + part.seconds) * rate), round(params.search * rate)
    whole = picture_length(source, video)
    length = round(whole * rate) if whole is not None else end + search + round(rate)
    fade = round(params.fade * rate) if params.mode == "crossfade" else 0
    # A fade needs something before the start, as far as the search may move it there.
    earliest = min(fade, start + search)
    return Ask(
        rate, start, min(end, length), search, max(2, round(params.shortest * rate)), earliest, length, params.sound and source.audio is not None
    )


def _encoder(pixels: int, mode: str, rate: Fraction) -> tuple[str, ...]:
    look = _LOOK[mode]
    return (*codecs.h264(_SPEED, "-crf", str(_CRF), pixels=pixels, look=look), "-video_track_timescale", str(_ticks(rate)))


def _check_length(ask: Ask, params: LoopParams) -> None:
    seconds = float((ask.end - ask.start) / ask.rate)
    longest = _LONGEST_BACK if params.mode == "pingpong" else _LONGEST
    if seconds > longest:
        raise MediaError(
            "bad_parameter", f"duration: {format_time(seconds)} is too long; a loop of this kind lasts at most {longest:g} s.", field="duration"
        )
    most = float((min(ask.length, ask.end + ask.search) - max(0, ask.start - ask.search)) / ask.rate)
    if most < float(ask.shortest / ask.rate):
        text = f"shortest: the range has only {format_time(round(most, 3))}; ask for less than that, or for a longer range."
        raise MediaError("bad_parameter", text, field="shortest")


def _ticks(rate: Fraction) -> int:
    """A time scale in which every frame begins on a whole tick."""
    return rate.numerator * max(1, -(-10_000 // rate.numerator))


def _said(part: Cut, params: LoopParams) -> tuple[str, ...]:
    said = [f"Start and end move by up to {params.search:g} s to where the seam is best."] if params.search else []
    if part.short:
        said.append(f"The clip ends before that, so the loop is about {format_time(part.seconds)} long instead of {format_time(part.wanted)}.")
    return tuple(said)
