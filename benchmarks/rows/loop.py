"""The seam search: how many hidden loops it finds, and how fast it is beside the clip's own time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.table import Table

TITLE = "Loop search"
FASTER, FOUND = 200, 95
CASES, FIRST = 100, 5000
"""Seeds that no constant was chosen on."""
STRETCHES = ((2, 30), (5, 30), (15, 30), (30, 30), (20, 60))
"""Seconds around each end, and frames per second."""
_SCRIPT = Path(__file__).resolve().parent.parent / "looping.py"


def run(bench: Bench) -> list[Table]:
    """Two tables: hidden loops, and speed. Both are measured in a process of their own, with one thread."""
    command = [sys.executable, "-m", "benchmarks.looping"]
    answer = json.loads(bench.call([*command, json.dumps({"cases": CASES, "first": FIRST, "stretches": STRETCHES})]))
    return [_found(answer["found"]), _speed(answer["speed"])]


def _found(kinds: dict[str, list[int]]) -> Table:
    columns = {"kind": ("generated clip", ""), "cases": ("cases", "d"), "right": ("found within a frame", "d"), "share": ("%", ".0f")}
    table = Table(f"{TITLE}: loops hidden in {CASES} generated clips", columns)
    for kind, (cases, right) in sorted(kinds.items()):
        table.add(kind=kind, cases=cases, right=right, share=100 * right / cases)
    total, right = (sum(pair[i] for pair in kinds.values()) for i in range(2))
    table.target(f"found within 1 frame in ≥ {FOUND} %", 100 * right / total, FOUND, unit=" %", at_least=True)
    table.notes.append(
        "Several moving things of different periods, or a scene that wanders and meets itself once for a third of a second; with noise up to "
        "6 levels, and by chance a shaking camera, flicker, and somebody who walks through the picture at one end. The wish is up to 20 frames off."
    )
    return table


def _speed(rows: list[dict[str, float]]) -> Table:
    columns = {
        "seconds": ("seconds at each end", "d"),
        "fps": ("fps", "d"),
        "cpu": ("CPU s", ".3f"),
        "times": ("× real time", ".0f"),
    }
    table = Table(f"{TITLE}: speed at 32×32, decoding not counted", columns)
    for row in rows:
        table.add(seconds=int(row["seconds"]), fps=int(row["fps"]), cpu=row["cpu"], times=row["times"])
    table.target(f"search ≥ {FASTER} × real time", min(row["times"] for row in rows), FASTER, unit=" ×", at_least=True, form=".0f")
    table.notes.append(
        "Seconds of both stretches by the CPU seconds of comparing every pair of their frames and choosing five seams; medians of five. "
        "Not counted: ffmpeg's decoding and scaling, and the start of the child with numpy, about 0.2 s."
    )
    return table
