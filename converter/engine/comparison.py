"""How close a result is to its source: pairs of frames to lay over each other, and their likeness in words.

The likeness is SSIM (Wang, Bovik, Sheikh, Simoncelli: Image Quality Assessment, IEEE Transactions on Image Processing
13(4), 2004) as ffmpeg's filter of the name computes it, at the result's own size. The words for it are ours.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import MediaError
from .files import private_dir
from .limits import Limits
from .media import Media
from .operations import all_operations
from .operations.base import Command, Input
from .params import specs
from .workbench import Source, Workbench

PAIRS = 3
"""Moments that are compared, evenly spread."""
WIDEST = 1280
"""Pixels that one half of a pair is wide at most."""
COMPARABLE = frozenset({"compress", "convert", "proxy", "trim", "gif", "animation", "image"})
_MOVED = ("crop", "rotate", "flip", "reverse", "pingpong", "ranges", "caption", "separate")
"""Parameters after which a picture no longer lies over its source's."""
_SAME_SHAPE = 0.02
"""How much two proportions may differ: sizes are rounded to even pixels."""
_SDR = frozenset({"", "bt709", "smpte170m", "bt470bg", "bt470m", "iec61966-2-1", "gamma22", "gamma28", "unknown", "linear", "reserved"})
_REPORT = re.compile(r"\bAll:([0-9.]+)")
WORDS = ((0.99, "the same to the eye"), (0.97, "very close"), (0.93, "close; a careful eye sees it"), (0.85, "visibly simpler"), (0.0, "rough"))


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where a result lies in its source: from `start` seconds on, `speed` times as fast, for `seconds` of the result."""

    start: float
    speed: float
    seconds: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """`ssim` is 0 to 1, 1 being equal; `moments` are seconds of the result. Each pair is one JPEG: source left, result right."""

    ssim: float
    words: str
    moments: tuple[float, ...]
    pairs: tuple[Path, ...]


def align(source: Media, result: Media, operation: str, params: Mapping[str, Any]) -> Alignment | None:
    """Where the result lies in its source; None where they don't lie over each other, or were copied without loss."""
    before, after = source.video, result.video
    if operation not in COMPARABLE or before is None or after is None or result.kind not in ("video", "animation", "image"):
        return None
    usual = {spec.name: spec.default for spec in specs(all_operations()[operation].params)}
    if any(params.get(name, usual.get(name)) != usual.get(name) for name in _MOVED) or params.get("mode") == "copy":
        return None
    if before.color_transfer not in _SDR or (result.kind == "image") != (source.kind == "image") or (result.kind == "image" and before.rotation):
        return None
    shape = (before.width / before.height) / (after.width / after.height)
    if abs(shape - 1) > _SAME_SHAPE:
        return None
    speed = params.get("speed")
    pace = float(speed) if isinstance(speed, (int, float)) else 1.0
    start = float(params.get("start") or 0.0)
    seconds = min(result.duration or 0.0, ((source.duration or 0.0) - start) / pace)
    width = min(WIDEST, after.width) // 2 * 2
    return Alignment(start, pace, max(0.0, seconds), max(2, width), max(2, round(width * after.height / after.width)))


def compare(source: Source, result: Source, where: Alignment, target: Path, *, limits: Limits | None = None) -> Comparison:
    """Make the pairs as `0.jpg`, `1.jpg`, … in the directory `target`, which must be there, and measure their likeness.

    Raises `MediaError` as `Workbench.ffmpeg` does.
    """
    work = private_dir(target)
    try:
        bench = Workbench(work, (source, result), limits=limits)
        count = PAIRS if where.seconds else 1
        moments = tuple(_on_grid((number + 0.5) * where.seconds / count, result.media) for number in range(count))
        scores = [_pair(bench, where, moment, number) for number, moment in enumerate(moments)]
        pairs = tuple((work / f"{number}.jpg").rename(target / f"{number}.jpg") for number in range(count))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    ssim = sum(scores) / count
    return Comparison(ssim, in_words(ssim), moments, pairs)


def in_words(ssim: float) -> str:
    """What a likeness (0 to 1) means to a person."""
    return next(words for least, words in WORDS if ssim >= least)


def _on_grid(moment: float, media: Media) -> float:
    fps = media.video.fps if media.video else 0.0
    return round(moment * fps) / fps if fps else 0.0


def _pair(bench: Workbench, where: Alignment, moment: float, number: int) -> float:
    inputs = tuple(_seek(bench.sources[side].media, side, at) for side, at in ((0, where.start + where.speed * moment), (1, moment)))
    size = f"scale={where.width}:{where.height}:flags=bicubic:out_color_matrix=bt601:out_range=pc,setsar=1,format=yuvj444p,setpts=0"
    (first, told), (second, told_too) = (_stream(source.media) for source in bench.sources)
    # The filter hands its first input on, so one pass measures the pair and draws it.
    graph = f"[0:{first}]{told}{size}[s];[1:{second}]{told_too}{size},split[r][q];[s][r]ssim=f=ssim.txt[m];[m][q]hstack[v]"
    arguments = ("-filter_complex", graph, "-map", "[v]", "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "3", "-update", "1")
    bench.decode(Command("comparing", inputs, arguments, f"{number}.jpg", "image2", 0.0))
    found = _REPORT.search((bench.work / "ssim.txt").read_text("utf-8"))
    if found is None or not (bench.work / f"{number}.jpg").exists():
        raise MediaError("tool_failed", "The likeness could not be measured.", log=f"no pair at {moment:.3f} s")
    return min(1.0, float(found[1]))


def _stream(media: Media) -> tuple[int, str]:
    """The picture stream's number, and what has to be said of its colours: players take untagged HD for BT.709, a scaler does not."""
    video = media.video
    if video is None:
        raise MediaError("no_video")
    untold = video.color_space in ("", "unknown", "unspecified") and video.pixel_format.startswith("yuv") and video.coded_height >= 720
    return video.index, "setparams=colorspace=bt709," if untold else ""


def _seek(media: Media, side: int, at: float) -> Input:
    # Half a frame early, so that the frame nearest to the moment is the first that comes.
    fps = media.video.fps if media.video else 0.0
    early = max(0.0, at - (0.5 / fps if fps else 0.0))
    return Input(side, options=("-ss", f"{early:.4f}") if media.moving and early else ())
