"""The engine's two verbs: `plan` says what would happen, `execute` makes it happen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import probe
from .errors import MediaError
from .ffmpeg import find_ffmpeg
from .files import free_bytes, fsync_file, hash_file
from .limits import Limits, megabytes
from .media import Media
from .metrics import Metrics
from .operations import get
from .operations.base import Expectation, Operation, Plan
from .verify import verify
from .workbench import Progress, Source, Workbench

__all__ = ["Metrics", "Progress", "Result", "Source", "execute", "plan"]

SPARE_BYTES = 64 << 20
"""Room that is left on the disk for everybody else."""
_CROPPING = frozenset({"crop", "cover", "fill"})
LONG_SECONDS = 3.0
"""CPU seconds of work beside which the start of another warm probe is nothing."""
CHECKING = 0.05
"""Part of the progress that is left for the checks of the result."""


@dataclass(frozen=True, slots=True)
class Result:
    """A finished, verified file in the work directory: `size` in bytes, `sha256` as hex.

    `tools` names what made it (`{"ffmpeg": "9.0.2", "operation": "gif 1"}`), for the recipe.
    """

    path: Path
    size: int
    sha256: str
    media: Media
    plan: Plan
    metrics: Metrics
    tools: dict[str, str]
    warnings: tuple[str, ...]


def plan(operation: str, media: Sequence[Media], params: Mapping[str, Any], preset: str | None = None) -> Plan:
    """What `operation` would do, and what is odd about its sources; runs nothing. Raises `MediaError` for all that can be known to be wrong."""
    chosen = get(operation)
    chosen.admit(media)
    planned = chosen.plan(tuple(media), chosen.read(params, preset or None))
    odd = dict.fromkeys(note for one in media for note in one.notes if note not in planned.warnings)
    return replace(planned, warnings=(*planned.warnings, *odd))


def execute(
    operation: str,
    sources: Sequence[Source],
    params: Mapping[str, Any],
    *,
    work: Path,
    preset: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
    limits: Limits | None = None,
) -> Result:
    """Run `operation` in the private directory `work` and return the verified result, which lies there.

    Raises `MediaError`, whose `spent` says what the attempt cost, and leaves whatever there is in `work` to the caller, who removes it.
    `progress` is called from this thread, `stop` is asked at least four times a second.
    """
    started = time.monotonic()
    chosen = get(operation)
    planned = plan(operation, [source.media for source in sources], params, preset)
    bench = Workbench(work, sources, progress=progress, stop=stop, limits=limits, tool=find_ffmpeg(), reserve=CHECKING)
    try:
        return _made(chosen, planned, bench, started)
    except MediaError as error:
        error.spent += replace(bench.metrics, wall_seconds=time.monotonic() - started)
        raise


def _made(chosen: Operation[Any], planned: Plan, bench: Workbench, started: float) -> Result:
    _check_room(planned, bench.work)
    if planned.work_seconds > LONG_SECONDS:
        probe.rest()
    path = chosen.run(planned, bench)
    planned = bench.settled or planned
    bench.advance(1.0, "checking")
    media = verify(path, _seen_whole(planned), bench)
    chosen.check(planned, path, media)
    bench.check_stop()
    fsync_file(path)
    result = Result(
        path,
        path.stat().st_size,
        hash_file(path),
        media,
        planned,
        replace(bench.metrics, wall_seconds=time.monotonic() - started),
        {"ffmpeg": bench.tool.version, "operation": f"{chosen.name} {chosen.version}", **bench.tools},
        (*planned.warnings, *bench.warnings()),
    )
    bench.finish("done")
    return result


def _seen_whole(planned: Plan) -> Expectation:
    """What is expected, and whether whole pictures are: parameters named so take a part of each."""
    expects = planned.expects
    return replace(expects, cropped=True) if planned.params.get("crop") or planned.params.get("fit") in _CROPPING else expects


def _check_room(planned: Plan, work: Path) -> None:
    free, needed = free_bytes(work), planned.size_range[1]
    if free < needed + SPARE_BYTES:
        raise MediaError("disk_full", log=f"{megabytes(free)} free, up to {megabytes(needed)} needed")
