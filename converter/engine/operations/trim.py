"""Cutting parts out of a clip: exact to the frame, at once without touching a pixel, or both at the same time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine import codecs, estimate, framing, wrapping
from converter.engine.edits import EditParams, check, edited
from converter.engine.errors import MediaError
from converter.engine.media import Media, VideoStream
from converter.engine.params import as_dict, choice, flag, listing, parse, time
from converter.engine.ranges import Cut, Range, cut, cuts, length, read_range
from converter.engine.smartcut import cutting, making, pieces
from converter.engine.smartcut.pieces import Piece
from converter.engine.timecode import format_time
from converter.engine.verify import verify

from .base import Command, Expectation, Operation, Plan, Preset

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

MOST = 100
_MODES = {
    "exact": "Exact to the frame",
    "smart": "Exact, encoding only at the cuts",
    "copy": "Instant, from the keyframe before the start",
}
_PLAIN = EditParams()
_EDITS = tuple(as_dict(_PLAIN))
_EARLIER = "Each part begins at the last keyframe at or before its start, so it can be some seconds longer."
_SHAPES = frozenset({"crop", "rotate", "flip"})


@dataclass(frozen=True, slots=True)
class TrimParams(EditParams):
    """Which parts, and how."""

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
        "exact", _MODES, label="Way", advanced=False,
        help="Exact encodes again; instant keeps every byte but begins at a keyframe; the one between is exact and encodes only what is cut.",
    )  # fmt: skip
    ranges: tuple[Range, ...] = listing(
        label="Parts", help="Several parts instead of one, in the order given; they may overlap.", read=read_range, maximum=MOST
    )
    separate: bool = flag(False, label="Separate files", help="Each part in a file of its own, all in one ZIP.")


class Trim(Operation[TrimParams]):
    """Parts of a clip or a recording."""

    name = "trim"
    title = "Trim"
    summary = "Keep the parts that you choose, with their sound."
    params = TrimParams
    accepts = frozenset({"video", "animation", "audio"})
    wish = "part"
    version = 2
    presets = (
        Preset("exact", "Exact cut", "Begins and ends exactly where you say.", {"mode": "exact"}),
        Preset("smart", "Smart cut", "Exact too, and keeps what lies between the cuts as it is.", {"mode": "smart"}, words=("lossless",)),
        Preset(
            "instant",
            "Instant cut",
            "Nothing is encoded again; begins at the keyframe before the start.",
            {"mode": "copy"},
            words=("lossless", "fast"),
        ),
    )

    def plan(self, media: tuple[Media, ...], params: TrimParams) -> Plan:
        """Plan the cuts. Raises `MediaError`: `no_video`, `start_past_end`, `empty_range`, `bad_parameter`."""
        source = media[0]
        if source.kind == "image":
            raise MediaError("no_video", "A still picture has nothing to cut out.")
        parts = _parts(source, params)
        _check_edits(source, parts, params)
        files = _files(parts, params)
        if params.mode == "copy":
            planned = self._copy(source, files, params)
        elif source.video is None:
            planned = self._sound(source, files, params)
        else:
            planned = self._picture(source, source.video, files, params)
        if not params.separate:
            return planned
        names = tuple(f"{piece.stem}.{planned.extension}" for piece in files)
        return replace(planned, extension="zip", mime=wrapping.MIMES["zip"], expects=Expectation("archive", "zip", members=names))

    def chooses(self, params: TrimParams) -> frozenset[str]:
        """An exact cut of one part, as far as it is only that."""
        if params.mode != "exact" or params.ranges or params.separate or params.speed != 1 or params.reverse:
            return frozenset()
        shaped = any(getattr(params, name) != getattr(_PLAIN, name) for name in _SHAPES)
        return frozenset({"start", "end", "duration"}) | (_SHAPES if shaped else frozenset())

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Make every file; several are verified one by one and packed."""
        params, source = parse(TrimParams, plan.params), bench.sources[0].media
        files = _files(_parts(source, params), params)
        made = [making.make(bench, source, piece, params.mode, params, 1 / len(files)) for piece in files]
        making.report(bench, made, params.mode)
        said = tuple(sentence for sentence in plan.warnings if sentence != _EARLIER or not all(one.told for one in made))
        if not params.separate:
            path = made[0].path
            # Where a smart cut was not possible, what was made is an MP4, whatever the source.
            mime = codecs.MP4.mime if path.suffix == ".mp4" else plan.mime
            bench.settled = replace(plan, expects=made[0].expects, extension=path.suffix[1:], mime=mime, warnings=said)
            return path
        for one in made:
            verify(one.path, one.expects, bench)
        target, names = bench.work / "result.zip", tuple(one.path.name for one in made)
        wrapping.pack([(one.path.name, one.path) for one in made], target)
        bench.settled = replace(plan, expects=Expectation("archive", "zip", members=names), warnings=said)
        return target

    def _picture(self, source: Media, video: VideoStream, files: tuple[Piece, ...], params: TrimParams) -> Plan:
        parts = [part for piece in files for part in piece.parts]
        after = edited(video, params)
        width, height = framing.frame_size(after, None, None, even=True)
        seconds = sum(part.seconds for part in parts) / params.speed
        frames, pixels = seconds * after.fps, width * height
        sound_bytes = seconds * codecs.ample_kbps(source.audio) * 125 if source.audio else 0
        said = _shortened(parts)
        smart = params.mode == "smart"
        if smart and (why := cutting.refused(source)):
            said, smart = (*said, f"All of it will be encoded: {why}."), False
        low, high = estimate.h264_size(pixels, frames, pieces.CRF, sound_bytes)
        container = cutting.container_for(source, None, "smart") if smart else codecs.MP4
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=_exact(source, files, params),
            extension=container.extension,
            mime=container.mime,
            expects=making.exact_expects(source, video, files, params) if not smart else making.smart_expects(source, video, files, container),
            size_range=(low, max(high, estimate.copy_size(source.size, seconds, source.duration)[1]) if smart else high),
            work_seconds=estimate.h264_seconds(video.coded_width * video.coded_height, pixels, frames, pieces.SPEED) * (0.5 if smart else 1),
            warnings=said,
        )

    def _sound(self, source: Media, files: tuple[Piece, ...], params: TrimParams) -> Plan:
        audio = making.sound_of(source)
        container, encoder = codecs.sound_like(audio)
        parts = [part for piece in files for part in piece.parts]
        seconds = sum(part.seconds for part in parts)
        rate = audio.sample_rate * audio.channels * 24 if "-b:a" not in encoder else codecs.ample_kbps(audio) * 1000
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=_exact(source, files, params),
            extension=container.extension,
            mime=container.mime,
            expects=Expectation("audio", container.name, duration=seconds, tolerance=0.1, video=False, audio=True),
            size_range=estimate.sound_size(seconds, rate),
            work_seconds=estimate.sound_seconds(seconds),
            warnings=_shortened(parts),
        )

    def _copy(self, source: Media, files: tuple[Piece, ...], params: TrimParams) -> Plan:
        video, container = source.video, codecs.copied(source)
        parts = [part for piece in files for part in piece.parts]
        said, seconds = _shortened(parts), sum(part.seconds for part in parts)
        if video is not None and any(part.start > 0 for part in parts):
            said += (_EARLIER,)
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=tuple(making.copy_command(source, piece.parts[0], piece.stem, container, 1 / len(files)) for piece in files),
            extension=container.extension,
            mime=container.mime,
            expects=making.copied(source, container, seconds),
            size_range=estimate.copy_size(source.size, seconds, source.duration),
            work_seconds=0.3 if video is not None else 0.1,
            warnings=said,
        )


def _parts(source: Media, params: TrimParams) -> tuple[Cut, ...]:
    if not params.ranges:
        return (cut(length(source), start=params.start, end=params.end, duration=params.duration),)
    if params.start or params.end is not None or params.duration is not None:
        raise MediaError("bad_parameter", "ranges: give parts, or a start and an end, not both.", field="ranges")
    return cuts(length(source), params.ranges)


def _files(parts: tuple[Cut, ...], params: TrimParams) -> tuple[Piece, ...]:
    return tuple(Piece(f"part-{number:02d}", (part,)) for number, part in enumerate(parts, 1)) if params.separate else (Piece("result", parts),)


def _check_edits(source: Media, parts: tuple[Cut, ...], params: TrimParams) -> None:
    changed = next((name for name in _EDITS if getattr(params, name) != getattr(_PLAIN, name)), None)
    if changed is None:
        return
    if params.mode != "exact":
        raise MediaError("bad_parameter", f"{changed}: copied pictures can't be changed; choose the mode exact.", field=changed)
    if source.video is None:
        raise MediaError("bad_parameter", f"{changed}: a recording without a picture is only cut here.", field=changed)
    for part in parts:
        check(source.video, source.audio, params, part.seconds)


def _exact(source: Media, files: tuple[Piece, ...], params: TrimParams) -> tuple[Command, ...]:
    return tuple(command for piece in files for command in pieces.exact(source, piece, params, 1 / len(files)))


def _shortened(parts: list[Cut]) -> tuple[str, ...]:
    said = []
    for number, part in enumerate(parts, 1):
        if part.short:
            which = f"part {number}" if len(parts) > 1 else "the part"
            said.append(f"The clip ends before that, so {which} is {format_time(part.seconds)} long instead of {format_time(part.wanted)}.")
    return tuple(said)
