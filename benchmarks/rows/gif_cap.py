"""A GIF's largest size: how near, never over, in one encode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import CommandError, Contender, Usage
from benchmarks.table import Cell, Table

TITLE = "GIF size cap"
CLIPS = ("bunny", "car", "talk", "flower")
PARTS = (0.9, 0.6, 0.35, 0.2, 0.1)
"""Asked sizes, as parts of what the clip takes without a limit."""
SECONDS = 3.0
COLUMNS = {
    "clip": ("clip", ""),
    "free": ("free KB", ".0f"),
    "part": ("part", ".2f"),
    "wanted": ("asked KB", ".1f"),
    "error": ("error %", "+.2f"),
    "cpu": ("CPU ÷ without a limit", ".2f"),
}


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked of one clip but the size."""

    source: Path
    options: tuple[str, ...]


def run(bench: Bench) -> list[Table]:
    """One table over all clips."""
    seconds = min(SECONDS, bench.seconds)
    table = Table(f"Largest size of a GIF, {seconds:g} s at 640×360 and 24 fps", COLUMNS)
    errors: list[float | None] = []
    for key in CLIPS:
        found = bench.clips.get(key)
        if found is None:
            bench.say(f"SKIPPED clip {key}: {bench.clips.folder} does not have it")
            continue
        clip, source = found
        bench.say(f" {clip.key}")
        picture = ("--width", "640", "--height", "360", "--fps", "24", "--fit", "cover", "--start", f"{clip.start:g}", "--duration", f"{seconds:g}")
        job = Job(source, ("--operation", "gif", *picture, "--json"))
        free, plain = _made(bench, job, None)
        for part in PARTS:
            wanted = max(1000, int(free * part / 1000) * 1000)
            cells: dict[str, Cell] = {"clip": clip.key, "free": free / 1000, "part": part, "wanted": wanted / 1000}
            try:
                size, usage = _made(bench, job, wanted)
                errors.append(100 * (size / wanted - 1))
                table.add(**cells, error=errors[-1], cpu=usage.cpu / plain.cpu)
            except CommandError as error:
                bench.say(f"  refused: {str(error).splitlines()[-1][:200]}")
                errors.append(None)
                table.add(**cells)
    made = [error for error in errors if error is not None]
    near = 100 * sum(-5 <= error <= 0 for error in made) / len(errors) if errors else None
    table.target("never over", max(made, default=None), 0, unit=" %", form="+.2f")
    table.target("−5..0 % on ≥ 90 %, refusals counted as misses", near, 90, unit=" %", at_least=True, form=".0f")
    table.notes.append(f"{errors.count(None)} of {len(errors)} were refused.")
    return [table]


def _made(bench: Bench, job: Job, wanted: int | None) -> tuple[int, Usage]:
    """Bytes and cost of one GIF. Raises `CommandError` where it is refused."""
    target = bench.work / "capped.gif"
    limit = () if wanted is None else ("--max-mb", f"{wanted / 1e6:g}")
    used = bench.race([Contender("cutroom", (bench.convert(job.source, target, *job.options, *limit),), target)])
    if "cutroom" not in used:
        raise CommandError(f"no GIF of {wanted} bytes")
    return target.stat().st_size, used["cutroom"]
