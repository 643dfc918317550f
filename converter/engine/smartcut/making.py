"""Make one file of parts, in the way that was asked for or the next best, and say what it must turn out to be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from converter.engine import codecs, framing
from converter.engine.codecs import Container
from converter.engine.edits import EditParams, edited
from converter.engine.errors import MediaError
from converter.engine.media import AudioStream, Media, VideoStream
from converter.engine.operations.base import Command, Expectation, Input
from converter.engine.ranges import Cut, seekable, shot

from . import cutting, pieces
from .cutting import Made
from .pieces import Piece

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench


def make(bench: Workbench, source: Media, piece: Piece, mode: str, params: EditParams, share: float) -> Made:
    """Make one file in mode `exact`, `smart` or `copy`; `share` is its part of the whole work. Raises `MediaError`."""
    if mode == "copy":
        return _make_copy(bench, source, piece, share)
    if mode == "smart" and source.video is not None:
        try:
            made = cutting.make(bench, piece, "smart", share)
        except cutting.Unfit as reason:
            _say_why(bench, source, str(reason))
        else:
            if source.video.codec == "hevc" and made.encoded:
                bench.warn("Apple's players may not show joined H.265; where they matter, choose exact.")
            return made
    commands = pieces.exact(source, piece, params, share)
    if len(piece.parts) > 1:
        names = [command.output for command in commands[:-1]]
        lengths = [command.seconds for command in commands[:-1]] if source.video is not None else ()
        (bench.work / piece.listing).write_text(pieces.listed(names, lengths), "ascii")
    for command in commands:
        bench.ffmpeg(command)
    return Made(bench.work / commands[-1].output, _expects(source, piece, params))


def report(bench: Workbench, made: list[Made], mode: str) -> None:
    """Say how much was encoded, where only a part was."""
    frames, encoded = sum(one.frames for one in made), sum(one.encoded for one in made)
    if frames and mode == "smart":
        bench.warn(f"{encoded} of {frames} frames were encoded, the others are the source's own.")


def _say_why(bench: Workbench, source: Media, reason: str) -> None:
    if reason == "nothing":
        bench.warn("No whole group of pictures lies within the cut, so all of it was encoded.")
    elif reason != cutting.refused(source):
        bench.warn(f"All of it was encoded: {reason}.")


def _make_copy(bench: Workbench, source: Media, piece: Piece, share: float) -> Made:
    container = codecs.copied(source)
    if source.video is not None:
        try:
            return cutting.make(bench, piece, "copy", share)
        except cutting.Unfit as reason:
            if len(piece.parts) > 1 or (piece.parts[0].start > 0 and not seekable(source)):
                text = f"mode: this file can't be cut without encoding ({reason}); choose exact."
                raise MediaError("bad_parameter", text, field="mode") from reason
    elif len(piece.parts) > 1:
        names = cutting.copied_sounds(bench, source, piece, piece.parts)
        (bench.work / piece.listing).write_text(pieces.listed(names, [part.seconds for part in piece.parts]), "ascii")
        bench.ffmpeg(pieces.joining(piece, ("-map", "0:a:0", "-c", "copy"), container, share))
        expects = replace(copied(source, container, piece.seconds), tolerance=0.2 * len(piece.parts))
        return Made(bench.work / f"{piece.stem}.{container.extension}", expects)
    command = copy_command(source, piece.parts[0], piece.stem, container, share)
    bench.ffmpeg(command)
    return Made(bench.work / command.output, copied(source, container, piece.seconds))


def copy_command(source: Media, part: Cut, stem: str, container: Container, share: float) -> Command:
    """ffmpeg's own way of copying a part, for what the child does not take: from the keyframe that seeking finds."""
    kept = [stream for stream in (source.video, source.audio) if stream is not None]
    maps = tuple(word for stream in kept for word in ("-map", codecs.stream(stream)))
    tag = ("-tag:v", "hvc1") if source.video is not None and source.video.codec == "hevc" and container is codecs.MP4 else ()
    arguments = (*maps, "-c", "copy", *tag, "-t", f"{part.seconds:.6f}", "-avoid_negative_ts", "make_zero", *codecs.BARE, *container.flags)
    start = Input(source=0, options=("-ss", f"{part.start:.6f}") if part.start > 0 else ())
    return Command("cutting", (start,), arguments, f"{stem}.{container.extension}", container.muxer, part.seconds, share)


def _expects(source: Media, piece: Piece, params: EditParams) -> Expectation:
    if source.video is not None:
        return exact_expects(source, source.video, (piece,), params)
    container, _ = codecs.sound_like(sound_of(source))
    return Expectation("audio", container.name, duration=piece.seconds, tolerance=0.1, video=False, audio=True)


def exact_expects(source: Media, video: VideoStream, files: tuple[Piece, ...], params: EditParams) -> Expectation:
    """What encoded files are, together; frames are counted where the source certainly has them."""
    width, height = framing.frame_size(edited(video, params), None, None, even=True)
    seconds, frames = _taken(source, video, files)
    counted = frames if params.speed == 1 and not params.reverse else None
    tolerance = max(0.15, 1.5 / max(1.0, video.fps))
    return Expectation("video", "mp4", width, height, counted, seconds / params.speed, tolerance, audio=source.audio is not None)


def smart_expects(source: Media, video: VideoStream, files: tuple[Piece, ...], container: Container) -> Expectation:
    """The same for files that are mostly copied."""
    seconds, frames = _taken(source, video, files)
    tolerance = max(0.15, 1.5 / max(1.0, video.fps))
    return Expectation("video", container.name, video.width, video.height, frames, seconds, tolerance, audio=source.audio is not None)


def _taken(source: Media, video: VideoStream, files: tuple[Piece, ...]) -> tuple[float, int | None]:
    """Seconds, and frames where all are known."""
    shots = [shot(source, video, part) for piece in files for part in piece.parts]
    return sum(one.seconds for one in shots), sum(one.frames or 0 for one in shots) if all(one.sure for one in shots) else None


def copied(source: Media, container: Container, seconds: float) -> Expectation:
    """The same for files that are only copied: they may begin earlier."""
    video = source.video
    if video is None:
        return Expectation("audio", container.name, duration=seconds, tolerance=0.2, video=False, audio=True, copied=True)
    return Expectation("video", container.name, video.width, video.height, audio=source.audio is not None, copied=True)


def sound_of(source: Media) -> AudioStream:
    """The sound to cut. Raises `MediaError("no_audio")`."""
    if source.audio is None:
        raise MediaError("no_audio")
    return source.audio
