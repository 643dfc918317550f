"""Single pictures of a film: exact to the frame, and the best of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from converter.engine import framing
from converter.engine.errors import MediaError
from converter.engine.media import Media, VideoStream
from converter.engine.operations.base import Command, Input
from converter.engine.ranges import picture_length, seek, seekable
from converter.engine.workbench import Workbench

from .report import describe_pictures, size

CANDIDATES = 16
"""Pictures that are looked at to find a poster, spread over the film."""
DARK, BRIGHT = 30.0, 235.0
"""Mean brightness (0 to 255) beyond which a picture is a fade or a flash, not a poster."""


def encoding(form: str, quality: int) -> tuple[str, ...]:
    """Encoder arguments of a `jpeg`, `png` or `webp` still; `quality` 1 to 100."""
    if form == "png":
        return ("-c:v", "png", "-compression_level", "6")
    if form == "webp":
        return ("-c:v", "libwebp", "-quality", str(quality))
    # mjpeg's quantiser runs from 2 (best) to 31.
    return ("-c:v", "mjpeg", "-q:v", str(max(2, min(31, round(31 - quality * 0.3)))), "-huffman", "optimal")


def pixel_filters(form: str) -> tuple[str, ...]:
    """What a still's encoder wants: full range for JPEG, RGB for PNG."""
    if form == "png":
        return ("format=rgb24",)
    return ("scale=out_color_matrix=bt601:out_range=pc", "format=yuvj420p") if form == "jpeg" else ("format=yuv420p",)


@dataclass(frozen=True, slots=True)
class Still:
    """One picture to draw: its moment (seconds), its size in pixels, its format and quality (1 to 100).

    With `key` the keyframe before the moment stands in, which costs one picture instead of a group of them.
    """

    time: float
    width: int
    height: int
    form: str = "jpeg"
    quality: int = 88
    key: bool = False


def still(media: Media, video: VideoStream, one: Still, output: str, share: float) -> Command:
    """The command that writes what is on the screen at a moment to `output`."""
    form, quality, width, height = one.form, one.quality, one.width, one.height
    chain = (
        *_first(one.key),
        *framing.prepare(video),
        *framing.to_sdr(video),
        f"scale={width}:{height}:flags=lanczos",
        "setsar=1",
        *pixel_filters(form),
    )
    arguments = ("-map", f"0:{video.index}", "-an", "-sn", "-dn", "-vf", ",".join(chain), "-frames:v", "1", *encoding(form, quality), "-update", "1")
    return Command("drawing", (_input(media, video, one.time, one.key),), arguments, output, "image2", 0, share)


def _input(media: Media, video: VideoStream, time: float, key: bool) -> Input:
    end = picture_length(media, video)
    # Sound often outlives the picture: then the last one stays on the screen.
    last = max(0.0, end - 0.5 / max(1.0, video.fps)) if end else time
    return Input(0, options=(*(("-skip_frame", "nokey") if key else ()), *seek(media, min(time, last))))


def _first(key: bool) -> tuple[str, ...]:
    # What is on the screen at the start may have come up long before; of keyframes the first is the one before the start.
    return ("setpts=0",) if key else ("fps=fps=1000:start_time=0", "trim=end_frame=1")


def poster(bench: Workbench, video: VideoStream, share: float) -> tuple[float, bool]:
    """When the best of `CANDIDATES` pictures is shown, and whether its keyframe is meant: the sharpest that is neither dark nor white."""
    media, (width, height) = bench.sources[0].media, size(video)
    duration, key = media.duration or 0.0, media.kind == "video" and seekable(media)
    times = [(number + 0.5) * duration / CANDIDATES for number in range(CANDIDATES)]
    shown: list[float] = []
    with (bench.work / "candidates.grey").open("wb") as file:
        for time in times:
            found = bytearray()
            chain = ",".join((*_first(key), *framing.prepare(video), f"scale={width}:{height}:flags=area:out_range=pc", "format=gray"))
            arguments = ("-map", f"0:{video.index}", "-an", "-sn", "-dn", "-vf", chain, "-frames:v", "1", "-c:v", "rawvideo")
            command = Command("choosing", (_input(media, video, time, key),), arguments, "", "rawvideo", 0, share / len(times))
            bench.ffmpeg(command, on_output=found.extend)
            if len(found) >= width * height:
                file.write(found[: width * height])
                shown.append(time)
    if not shown:
        raise MediaError("corrupt_media", "No picture in the file can be decoded.")
    samples = describe_pictures(bench, "candidates.grey", width, height)
    return shown[best(samples[: len(shown)])], key


def best(samples: Sequence[Mapping[str, Any]]) -> int:
    """Which sample makes the best poster: the sharpest that is neither dark nor white, else the brightest middle."""
    lit = [number for number, sample in enumerate(samples) if DARK <= sample["brightness"] <= BRIGHT]
    if lit:
        return max(lit, key=lambda number: (samples[number]["sharpness"], -number))
    return min(range(len(samples)), key=lambda number: abs(samples[number]["brightness"] - 128))
