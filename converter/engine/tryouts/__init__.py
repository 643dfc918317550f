"""Fitting under a size, tried for real: up to three ways to spend the bytes, each with a short sample of the clip itself.

`candidates` only plans. `sample` runs the very operation on a few seconds from the middle of the cut, with its share of
the bytes, in the sandbox; what it weighs tells what the whole will weigh.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.engine import run
from converter.engine.errors import MediaError
from converter.engine.limits import Limits
from converter.engine.media import Media
from converter.engine.operations import get
from converter.engine.operations.base import Plan
from converter.engine.params import specs

SAMPLE_SECONDS = 2.0
"""Long enough to see movement and a cut; about three CPU seconds at 1080p (measured, docs/engine.md)."""
SIZES = ("target_mb", "max_mb")
"""Parameters that say how many megabytes the result may have."""
_ROOM = 6000
"""Bytes beside pictures and sound that a file has however short it is."""
_LEAST = 12.0
"""Frames per second below which movement stutters; no candidate goes below."""
_SMALLER = 2 / 3
_STEPS = 3
"""Times that a candidate is made smaller before it is given up: after three it has a twelfth of its pixels."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to spend the bytes. `name` is full, calm (fewer frames) or small (fewer pixels); `params` are the whole's; sizes in bytes."""

    name: str
    params: Mapping[str, Any]
    width: int
    height: int
    fps: float
    seconds: float
    most: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; `most` is what the whole never weighs more than."""
        facts = {"width": self.width, "height": self.height, "fps": round(self.fps, 2), "duration": round(self.seconds, 3), "most": self.most}
        return {"name": self.name, "params": dict(self.params), **facts}


@dataclass(frozen=True, slots=True)
class Sample:
    """`seconds` of the candidate at `path`, really encoded; `predicted` is what the whole will weigh, in bytes."""

    path: Path
    mime: str
    seconds: float
    size: int
    predicted: int


def size_parameter(operation: str) -> str:
    """The operation's parameter for a size in megabytes. Raises `MediaError("bad_parameter")` where it has none."""
    known = {spec.name for spec in specs(get(operation).params)}
    name = next((name for name in SIZES if name in known), "")
    if not name:
        raise MediaError("bad_parameter", f"operation: {operation} can't be told a size.", field="operation")
    return name


def candidates(operation: str, media: Media, params: Mapping[str, Any], preset: str, megabytes: float) -> list[Candidate]:
    """Up to three ways to fit under `megabytes`; those that come out alike are one.

    Raises `MediaError`: what the operation raises, `target_unreachable` with the nearest size when nothing fits, `no_video`.
    """
    if media.video is None or not media.moving:
        raise MediaError("no_video", "Only moving pictures can be tried in several sizes.", field="upload")
    given = {**params, size_parameter(operation): megabytes}
    chosen = get(operation)
    chosen.admit([media])
    full = run.plan(operation, [media], given, preset)
    first = _candidate("full", given, full, media)
    found = [first]
    for name, change in _changes(operation, first):
        changed = {**given, **change}
        try:
            planned = run.plan(operation, [media], changed, preset)
        except MediaError:
            continue
        one = _candidate(name, changed, planned, media)
        if all((one.width, one.height, round(one.fps, 1)) != (other.width, other.height, round(other.fps, 1)) for other in found):
            found.append(one)
    return found


def sample(
    operation: str,
    source: run.Source,
    candidate: Candidate,
    preset: str,
    *,
    work: Path,
    stop: Callable[[], bool],
    limits: Limits | None = None,
) -> tuple[Candidate, Sample]:
    """Encode a short piece of `candidate` beneath the private directory `work`, verified like any result.

    Where its bytes are too few for its pixels it is tried smaller, at most `_STEPS` times; the candidate that comes back
    is the one that was encoded. `stop` is asked at least four times a second.
    Raises `MediaError`: `cancelled`, `target_unreachable` naming the nearest size, what the operation raises.
    """
    for step in range(_STEPS + 1):
        place = work / f"{candidate.name}{step}"
        place.mkdir(mode=0o700)
        try:
            return candidate, _encode(operation, source, candidate, preset, place, stop, limits)
        except MediaError as error:
            if error.code.name != "target_unreachable":
                raise
        if step < _STEPS:
            candidate = _shrunk(operation, source.media, candidate, preset)
    place = work / f"{candidate.name}-free"
    place.mkdir(mode=0o700)
    free = _encode(operation, source, candidate, preset, place, stop, limits, bound=False)
    near = math.ceil(free.predicted / 100_000) / 10
    detail = f"{candidate.width}×{candidate.height} at {candidate.fps:.3g} frames per second can't be made that small; about {near:g} MB would work."
    raise MediaError("target_unreachable", detail, field=size_parameter(operation))


def _encode(
    operation: str,
    source: run.Source,
    candidate: Candidate,
    preset: str,
    work: Path,
    stop: Callable[[], bool],
    limits: Limits | None,
    *,
    bound: bool = True,
) -> Sample:
    chosen = get(operation)
    length = min(SAMPLE_SECONDS, candidate.seconds)
    share = length / candidate.seconds
    start = float(chosen.stored(chosen.read(candidate.params, preset or None)).get("start") or 0.0)
    wanted = {
        **{name: value for name, value in candidate.params.items() if name not in ("end", "ranges")},
        "start": start + _pace(candidate) * (candidate.seconds - length) / 2,
        "duration": length if _length_of_result(operation) else length * _pace(candidate),
        size_parameter(operation): min(candidate.most, candidate.most * share + _ROOM) / 1e6 if bound else None,
    }
    result = run.execute(operation, [source], wanted, preset=preset or None, work=work, stop=stop, limits=limits)
    inside = max(0, result.size - _ROOM) / share + _ROOM if share < 1 else result.size
    return Sample(result.path, result.plan.mime, length, result.size, min(candidate.most, round(inside)) if bound else round(inside))


def _shrunk(operation: str, media: Media, candidate: Candidate, preset: str) -> Candidate:
    params = {**candidate.params, **_smaller(operation, candidate)}
    return _candidate(candidate.name, params, run.plan(operation, [media], params, preset or None), media)


def _smaller(operation: str, candidate: Candidate) -> dict[str, int]:
    """The operation's own parameters for fewer pixels in the same proportions."""
    if "max_height" in {spec.name for spec in specs(get(operation).params)}:
        return {"max_height": max(64, round(min(candidate.width, candidate.height) * _SMALLER))}
    return {"width": max(16, round(candidate.width * _SMALLER)), "height": max(16, round(candidate.height * _SMALLER))}


def _changes(operation: str, full: Candidate) -> list[tuple[str, dict[str, Any]]]:
    """What else the bytes can be spent on: fewer frames, or fewer pixels. As the operation's own parameters."""
    known = {spec.name for spec in specs(get(operation).params)}
    slower = max(_LEAST, full.fps / 2)
    calm = [("calm", {"max_fps" if "max_fps" in known else "fps": round(slower, 3)})] if slower < 0.9 * full.fps else []
    return [*calm, ("small", dict(_smaller(operation, full)))]


def _candidate(name: str, params: Mapping[str, Any], planned: Plan, media: Media) -> Candidate:
    expects, video = planned.expects, media.video
    seconds = expects.duration or media.duration or 0.0
    if video is None or not seconds or expects.width is None or expects.height is None:
        raise MediaError("no_video", "There is no moving picture in that part to be tried.", field="upload")
    bound = planned.params.get("max_fps")
    fps = expects.frames / seconds if expects.frames else min(video.fps, bound) if bound else video.fps
    most = planned.expects.max_size or planned.size_range[1]
    return Candidate(name, {**params}, expects.width, expects.height, fps, seconds, most)


def _pace(candidate: Candidate) -> float:
    """How many seconds of the source one of the result takes."""
    return float(candidate.params.get("speed") or 1.0)


def _length_of_result(operation: str) -> bool:
    """Whether `duration` is the result's (a loop's) or the source's (a part to keep)."""
    return "fill" in {spec.name for spec in specs(get(operation).params)}
