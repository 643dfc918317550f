"""Run the child that cuts, and put the sound beside its pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.engine import codecs, guards
from converter.engine.codecs import Container
from converter.engine.media import Media, VideoStream
from converter.engine.operations.base import Command, Expectation, Input
from converter.engine.ranges import Cut, seek, seekable, shot
from converter.engine.timecode import format_time

from .pieces import Piece, listed, raw_sound, sound_graph

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

HERE = Path(__file__).resolve().parent
MAX_ANSWER = 1 << 20
SEAM_SECONDS = 0.5
"""How much is decoded of what begins afresh: an encoded part, and the copy after its seam. Every packet is checked besides."""
_OPUS = ("-c:a", "libopus", "-b:a")
_FAMILIES = frozenset({"h264", "hevc", "vp8", "vp9", "av1"})
_ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp8": "libvpx", "vp9": "libvpx-vp9", "av1": "libsvtav1"}


class Unfit(Exception):
    """The source can't be cut this way; the message says why. Nothing was made that matters."""


@dataclass(frozen=True, slots=True)
class Made:
    """A finished file, what it must turn out to be, and how many pictures were encoded of how many; `told` when it said where it begins."""

    path: Path
    expects: Expectation
    encoded: int = 0
    frames: int = 0
    told: bool = False


def refused(source: Media) -> str:
    """Why the source can't be cut without encoding all of it, as far as the probe shows; else empty."""
    video = source.video
    if video is None:
        return "there is no picture to copy"
    if video.codec not in _FAMILIES:
        return f"pictures in {video.codec} can't be joined to new ones"
    if video.interlaced:
        return "its pictures are interlaced"
    if video.has_alpha:
        return "its pictures are transparent"
    return ""


def container_for(source: Media, bench: Workbench | None, mode: str) -> Container:
    """The file format of the result."""
    video = source.video
    if mode == "copy" or video is None:
        return codecs.copied(source)
    if video.codec in ("vp8", "vp9"):
        return codecs.WEBM if bench is None or bench.tool.has("encoders", "libopus") else codecs.MKV
    return codecs.MP4


def make(bench: Workbench, piece: Piece, mode: str, share: float) -> Made:
    """Make one file of copied and, in mode `smart`, newly encoded pictures. Raises `Unfit`, and `MediaError` as tools do."""
    source = bench.sources[0].media
    video = source.video
    assert video is not None  # noqa: S101 (tells the type checker)
    if why := refused(source) if mode == "smart" else "":
        raise Unfit(why)
    container = container_for(source, bench, mode)
    answer = _ask(bench, source, video, piece, mode, container, share)
    if "unfit" in answer:
        raise Unfit(str(answer["unfit"]))
    ranges = answer["ranges"]
    path = _with_sound(bench, source, piece, ranges, mode, container, share)
    if mode == "copy":
        _say_leads(bench, piece.parts, ranges)
    (bench.work / _pictures(piece, container)).unlink(missing_ok=True)
    frames, seconds = sum(one["frames"] for one in ranges), sum(one["seconds"] for one in ranges)
    turned = video.codec == "vp8"
    expects = Expectation(
        "video",
        container.name,
        video.width,
        video.height,
        None if turned else frames,
        seconds,
        max(0.15, 1.5 / max(1.0, video.fps)) if mode == "smart" else 1.0,
        audio=source.audio is not None,
        copied=True,
        samples=() if mode == "copy" else _windows(answer["spans"], seconds),
    )
    return Made(path, expects, sum(one["encoded"] for one in ranges), frames, told=True)


def _windows(spans: Sequence[Sequence[float]], seconds: float) -> tuple[tuple[float, float], ...]:
    """What to decode of the result, as (start, length): the beginning of what was encoded, and of the copy that follows."""
    found = []
    for begin, end in spans:
        # A hair late, so that seeking finds the keyframe itself; what is before it need not be decoded.
        if end - begin <= 2 * SEAM_SECONDS:
            found.append((begin + 0.001, min(seconds, end + SEAM_SECONDS) - begin))
            continue
        found.append((begin + 0.001, SEAM_SECONDS))
        if end < seconds - 0.01:
            found.append((end + 0.001, min(SEAM_SECONDS, seconds - end)))
    return tuple(found) or ((0.0, min(seconds, SEAM_SECONDS)),)


def _pictures(piece: Piece, container: Container) -> str:
    return f"{piece.stem}-pictures.{container.extension}"


def _ask(bench: Workbench, source: Media, video: VideoStream, piece: Piece, mode: str, container: Container, share: float) -> dict[str, Any]:
    taken = [shot(source, video, part) for part in piece.parts]
    request = {
        "demuxer": source.demuxer,
        "options": {"codec_whitelist": guards.DECODERS, "max_streams": str(bench.limits.max_streams or 1000), "protocol_whitelist": "fd"},
        "stream": video.index,
        "codec": video.codec,
        "rate": video.frame_rate if video.fps else "0",
        "ranges": [[repr(part.start), repr(part.seconds), one.frames] for part, one in zip(piece.parts, taken, strict=True)],
        "mode": mode,
        "threads": codecs.x264_threads(video.coded_width * video.coded_height),
        "output": _pictures(piece, container),
        "muxer": container.muxer,
        "muxer_options": {},
    }
    heard = _Heard(bench, bench.fraction, 0.9 * share)
    with bench.opened(0) as descriptor:
        bench.python(HERE / "child.py", [str(descriptor), json.dumps(request)], keep=(descriptor,), readable=(HERE,), on_output=heard.hear)
    return heard.answer()


class _Heard:
    """The child's lines, in pieces of any size: parts done, and the answer."""

    def __init__(self, bench: Workbench, base: float, share: float) -> None:
        self.bench, self.base, self.share, self.rest, self.last = bench, base, share, b"", b"{}"

    def hear(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data)[-MAX_ANSWER:].split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                self.last = line
            else:
                self.bench.advance(self.base + self.share * float(line), "cutting")

    def answer(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.last)
        return read if read else {"unfit": "nothing was made"}


def _with_sound(bench: Workbench, source: Media, piece: Piece, ranges: Sequence[Any], mode: str, container: Container, share: float) -> Path:
    """The result: copied pictures, and sound that begins where they do."""
    audio, output = source.audio, f"{piece.stem}.{container.extension}"
    pictures = Input(work_file=_pictures(piece, container))
    seconds = sum(one["seconds"] for one in ranges)
    head: tuple[str, ...] = ("-map", "0:v:0", "-c:v", "copy")
    inputs: tuple[Input, ...] = (pictures,)
    if audio is not None:
        parts = [Cut(max(0.0, one["origin"]), one["seconds"], one["seconds"]) for one in ranges]
        more, sound = _copied_sound(bench, source, piece, parts) if mode == "copy" else _new_sound(bench, source, piece, parts, container)
        head, inputs = (*head, *sound), (pictures, more)
    bench.ffmpeg(Command("joining", inputs, (*head, *codecs.BARE, *container.flags), output, container.muxer, seconds, 0.1 * share))
    return bench.work / output


def _new_sound(bench: Workbench, source: Media, piece: Piece, parts: Sequence[Cut], container: Container) -> tuple[Input, tuple[str, ...]]:
    audio = source.audio
    assert audio is not None  # noqa: S101 (tells the type checker)
    kbps = codecs.ample_kbps(audio)
    encoder = (*_OPUS, f"{kbps}k") if container is codecs.WEBM else codecs.aac(kbps)
    if len(parts) == 1:
        graph = sound_graph(source, audio, parts[0].start, parts[0].seconds, stream=f"1:{audio.index}")
        return Input(source=0, options=seek(source, parts[0].start)), ("-filter_complex", graph, "-map", "[a]", *encoder)
    names = [piece.part(number, "wav") for number in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        bench.ffmpeg(raw_sound(source, audio, part, name, 0.0, filled=True))
    (bench.work / piece.listing).write_text(listed(names), "ascii")
    return Input(work_file=piece.listing, options=("-f", "concat")), ("-map", "1:a:0", *encoder)


def _copied_sound(bench: Workbench, source: Media, piece: Piece, parts: Sequence[Cut]) -> tuple[Input, tuple[str, ...]]:
    audio = source.audio
    assert audio is not None  # noqa: S101 (tells the type checker)
    if len(parts) == 1:
        return Input(source=0, options=_window(source, parts[0])), ("-map", f"1:{audio.index}", "-c:a", "copy")
    names = copied_sounds(bench, source, piece, parts)
    (bench.work / piece.listing).write_text(listed(names, [part.seconds for part in parts]), "ascii")
    return Input(work_file=piece.listing, options=("-f", "concat")), ("-map", "1:a:0", "-c:a", "copy")


def copied_sounds(bench: Workbench, source: Media, piece: Piece, parts: Sequence[Cut]) -> list[str]:
    """The parts' sound as it is, each in a file of its own."""
    assert source.audio is not None  # noqa: S101 (tells the type checker)
    names = [piece.part(number, "mka") for number in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        arguments = ("-map", codecs.stream(source.audio), "-c", "copy", "-t", f"{part.seconds:.6f}", *codecs.BARE)
        bench.ffmpeg(Command("cutting", (Input(source=0, options=_window(source, part)),), arguments, name, "matroska", part.seconds, 0.0))
    return names


def _window(source: Media, part: Cut) -> tuple[str, ...]:
    if not seekable(source):
        return (*seek(source, part.start), "-t", f"{part.start + part.seconds:.6f}")
    return ("-ss", f"{part.start:.6f}", "-t", f"{part.seconds:.6f}")


def _say_leads(bench: Workbench, parts: Sequence[Cut], ranges: Sequence[Any]) -> None:
    for number, (part, one) in enumerate(zip(parts, ranges, strict=True), 1):
        lead = part.start - one["origin"]
        if lead > 0.001:
            which = f"Part {number}" if len(parts) > 1 else "The result"
            bench.warn(f"{which} begins {lead:.3f} s earlier, at {format_time(one['origin'])}, because the keyframe stands there.")
