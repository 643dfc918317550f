"""One GIF on one core and on two: the same command, held to one processor and to two."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.clips import Clip
from benchmarks.measure import Contender
from benchmarks.table import Table

TITLE = "GIF on two cores"
CLIPS = ("bunny", "car", "flower")
COLUMNS = {
    "clip": ("clip", ""),
    "one": ("wall s, one core", ".2f"),
    "two": ("wall s, two", ".2f"),
    "ratio": ("ratio", ".2f"),
    "cpu": ("CPU ratio", ".2f"),
    "same": ("bytes", ""),
}
_HELD = "import os, sys; os.sched_setaffinity(0, {int(n) for n in sys.argv[1].split(',')}); os.execv(sys.argv[2], sys.argv[2:])"


def run(bench: Bench) -> list[Table]:
    """One line a clip; wall times, so that other work on the machine shows."""
    table = Table(f"GIF on two cores, {bench.seconds:g} s → 1280×720 at 24 fps", COLUMNS)
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        bench.say("SKIPPED: there are no two cores")
        return [table]
    for key in CLIPS:
        found = bench.clips.get(key)
        if found is None:
            bench.say(f"SKIPPED clip {key}: {bench.clips.folder} does not have it")
            continue
        _clip(bench, *found, cores[:2], table)
    ratios = [ratio for row in table.rows if isinstance(ratio := row.get("ratio"), float)]
    table.target("wall ≤ 0.6 × one core, worst clip", max(ratios, default=None), 0.6, form=".2f", unit=" ×")
    table.target("the same bytes", float(all(row["same"] == "the same" for row in table.rows)) if table.rows else None, 1, at_least=True)
    table.notes.append("On one core ffmpeg's decoding takes turns with the encoder; the start of Python, the probe and the check are in both.")
    return [table]


def _clip(bench: Bench, clip: Clip, source: Path, cores: list[int], table: Table) -> None:
    bench.say(f" {clip.key}")
    seconds = min(bench.seconds, clip.seconds)
    options = ["--operation", "gif", "--preset", "chrome-background", "--start", f"{clip.start:g}", "--duration", f"{seconds:g}", "--json"]
    contenders = []
    for number in (1, 2):
        target = bench.work / f"cores-{number}.gif"
        held = [sys.executable, "-c", _HELD, ",".join(map(str, cores[:number])), *bench.convert(source, target, *options)]
        contenders.append(Contender(str(number), (held,), target, {"GIF_CORES": "2"}))
    used = bench.race(contenders)
    if len(used) < 2:
        return
    one, two = used["1"], used["2"]
    outputs = [contender.output.read_bytes() for contender in contenders if contender.output is not None]
    same = "the same" if outputs[0] == outputs[1] else "others"
    table.add(clip=clip.key, one=one.wall, two=two.wall, ratio=two.wall / one.wall, cpu=two.cpu / one.cpu, same=same)
