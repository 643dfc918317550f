"""How much memory each operation takes: on two hours, where only the length is large, and on a film, where the picture is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.clips import repeated
from benchmarks.measure import Contender, Usage
from benchmarks.table import Table
from converter.engine import probe
from converter.engine.errors import MediaError
from converter.engine.operations import all_operations
from converter.engine.run import plan

TITLE = "Memory of every operation"
LIMIT_MB = 300
LONG_SECONDS = 7200
FILM_SECONDS = 10
COLUMNS = {
    "operation": ("operation", ""),
    "long": ("2 hours, peak MB", ".0f"),
    "long_cpu": ("CPU s", ".0f"),
    "film": ("1080p, 10 s, peak MB", ".0f"),
    "film_cpu": ("CPU s", ".1f"),
}
PARAMS: Mapping[str, Mapping[str, Any]] = {
    "gif": {"duration": 6, "width": 640},
    "animation": {"duration": 6, "width": 640},
    "pipeline": {"steps": json.dumps([{"operation": "trim", "params": {"start": 1, "duration": 5}}, {"operation": "gif", "params": {"width": 640}}])},
}
"""Operations that make a short thing out of a long one get a short thing to make; the others run over everything."""


def run(bench: Bench) -> list[Table]:
    """One table: the peaks of our whole process tree, Python included."""
    long, film = _long(bench), _film(bench)
    table = Table(f"{TITLE}: peak of the whole process tree, start of Python and verification included", COLUMNS)
    worst_long: float | None = None
    worst_film: float | None = None
    for name in all_operations():
        if all_operations()[name].accepts == {"image"}:
            continue
        hours, picture = _one(bench, name, long), _one(bench, name, film)
        table.add(operation=name, **_cells("long", hours), **_cells("film", picture))
        worst_long = _greater(worst_long, hours)
        worst_film = _greater(worst_film, picture)
    table.target(f"two hours: every operation ≤ {LIMIT_MB} MB", worst_long, LIMIT_MB, unit=" MB", form=".0f")
    table.target(f"1080p: every operation ≤ {LIMIT_MB} MB", worst_film, LIMIT_MB, unit=" MB", form=".0f")
    table.notes.append("The two hours are one minute of a clip at 320×180, played again and again, so that the row ends within the hour.")
    return [table]


def _cells(prefix: str, usage: Usage | None) -> dict[str, float | None]:
    return {prefix: usage.memory / 1e6 if usage else None, f"{prefix}_cpu": usage.cpu if usage else None}


def _greater(worst: float | None, usage: Usage | None) -> float | None:
    return worst if usage is None else max(worst or 0.0, usage.memory / 1e6)


def _one(bench: Bench, name: str, source: Path) -> Usage | None:
    params = dict(PARAMS.get(name, {}))
    try:
        planned = plan(name, [probe.inspect(source, source.name)], _typed(params))
    except MediaError as error:
        bench.say(f"  {name} on {source.name}: {error.detail}")
        return None
    target = bench.work / f"{name}-{source.stem}.{planned.extension}"
    options = [word for key, value in params.items() for word in (f"--{key}", str(value))]
    argv = bench.convert(source, target, "--operation", name, *options)
    usages = bench.race([Contender(f"{name}, {source.name}", (argv,), target)])
    target.unlink(missing_ok=True)
    return usages.get(f"{name}, {source.name}")


def _typed(params: Mapping[str, Any]) -> dict[str, Any]:
    return {key: json.loads(value) if key == "steps" else value for key, value in params.items()}


def _long(bench: Bench) -> Path:
    """Two hours at 320×180."""
    _, source = bench.clips.require("talk")
    minute, target = bench.work / "minute.mp4", bench.work / "hours.mp4"
    bench.call(bench.ffmpeg_argv(*_looped(source, 60), "-vf", "scale=320:180", *_encode("28"), str(minute)))
    size = minute.stat().st_size * (LONG_SECONDS // 60) - minute.stat().st_size // 2
    return repeated(bench.ffmpeg, minute, target, size)


def _film(bench: Bench) -> Path:
    _, source = bench.clips.require("bunny")
    target = bench.work / "film.mp4"
    bench.call(bench.ffmpeg_argv("-ss", "12", "-t", str(FILM_SECONDS), "-i", str(source), *_encode("18"), str(target)))
    return target


def _looped(source: Path, seconds: int) -> Iterator[str]:
    return iter(("-stream_loop", "-1", "-i", str(source), "-t", str(seconds)))


def _encode(crf: str) -> tuple[str, ...]:
    return ("-c:v", "libx264", "-preset", "veryfast", "-crf", crf, "-pix_fmt", "yuv420p", "-g", "120", "-c:a", "aac", "-ac", "2")
