"""How long a quote takes: every operation's plan of a file that was probed before."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.bench import Bench
from benchmarks.clips import CLIPS
from benchmarks.table import Table
from converter.engine import probe
from converter.engine.errors import MediaError
from converter.engine.media import Media
from converter.engine.operations import all_operations
from converter.engine.run import plan

TITLE = "Quotes"
LIMIT_MS = 300
TIMES = 20
COLUMNS = {"operation": ("operation", ""), "first": ("first, ms", ".1f"), "median": ("median, ms", ".2f"), "worst": ("worst, ms", ".2f")}
PARAMS: Mapping[str, Mapping[str, Any]] = {
    "pipeline": {"steps": [{"operation": "trim", "params": {"start": 1, "duration": 3}}, {"operation": "gif", "params": {"duration": 2}}]},
}


def run(bench: Bench) -> list[Table]:
    """One table, in this process, over all the clips that there are."""
    table = Table(f"{TITLE}: CPU time of `plan` for each operation, {TIMES} times on each clip", COLUMNS)
    clips = [probe.inspect(found[1], found[0].file) for found in (bench.clips.get(clip.key) for clip in CLIPS) if found]
    worst = 0.0
    for name in all_operations():
        taken = [_milliseconds(name, media) for media in clips for _ in range(TIMES)]
        known = [value for value in taken if value is not None]
        if not known:
            bench.say(f"  {name} takes none of these clips")
            continue
        worst = max(worst, *known)
        table.add(operation=name, first=known[0], median=median(known), worst=max(known))
    table.target(f"every plan ≤ {LIMIT_MS} ms", worst, LIMIT_MS, unit=" ms", form=".1f")
    return [table]


def _milliseconds(name: str, media: Media) -> float | None:
    began = time.process_time()
    try:
        plan(name, [media], PARAMS.get(name, {}))
    except MediaError:
        return None
    return (time.process_time() - began) * 1000
