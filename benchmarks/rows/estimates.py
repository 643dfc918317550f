"""How well sizes and times are foretold for clips that were never seen."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable

from benchmarks.bench import Bench
from benchmarks.estimating import Done, jobs, mixed
from benchmarks.table import Table
from converter.engine import learning

TITLE = "Estimates on clips that were not seen"
SIZE_LIMIT, TIME_LIMIT = 15.0, 25.0
COLUMNS = {
    "operation": ("operation", ""),
    "jobs": ("jobs", "d"),
    "size": ("size, learned %", ".1f"),
    "plain": ("size, formula %", ".1f"),
    "inside": ("in the range %", ".0f"),
    "width": ("range, times", ".1f"),
    "seconds": ("time, learned %", ".1f"),
    "plain_seconds": ("time, formula %", ".1f"),
}


def run(bench: Bench) -> list[Table]:
    """Leave out one content at a time: learn from all others, foretell its jobs."""
    done = list(jobs(bench.clips.folder, bench.work, bench.say))
    table = Table(TITLE, COLUMNS)
    results = foretold(done)
    by_operation: dict[str, list[dict[str, float]]] = defaultdict(list)
    for job, result in results:
        by_operation[job.operation].append(result)
    everything = [result for _, result in results]
    for operation, rows in [*sorted(by_operation.items()), ("all", everything)]:
        table.add(operation=operation, jobs=len(rows), **summary(rows))
    total = summary(everything)
    table.target(f"size: median absolute error ≤ {SIZE_LIMIT:g} %", total["size"], SIZE_LIMIT, unit=" %", form=".1f")
    table.target(f"time: median absolute error ≤ {TIME_LIMIT:g} %", total["seconds"], TIME_LIMIT, unit=" %", form=".1f")
    table.notes.append(
        "Median absolute errors. Each content (all clips and formats of one film) is foretold by what all the others taught; "
        "pieces of each clip, CPU seconds; every clip was looked at before, as an upload is. "
        "What a range of sizes promises is 95 %. The priors that are shipped are not used."
    )
    return [table]


def foretold(done: list[Done]) -> list[tuple[Done, dict[str, float]]]:
    """Every job with its errors in per cent, by models that never saw its content."""
    results = []
    for content in sorted({job.content for job in done}):
        book = learning.Book()
        for job in mixed(done):
            if job.content != content:
                book.learn(job.plan, job.media, job.size, job.cpu_seconds)
        for job in done:
            if job.content == content:
                results.append((job, _errors(job, book)))
    return results


def summary(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    """Medians, and the share of sizes that lie in their range."""
    listed = list(rows)
    names = ("size", "plain", "width", "seconds", "plain_seconds")
    return {**{name: statistics.median(row[name] for row in listed) for name in names}, "inside": 100 * statistics.mean(r["inside"] for r in listed)}


def _errors(job: Done, book: learning.Book) -> dict[str, float]:
    learned = book.refine(job.plan, job.media)
    low, high = learned.size_range
    return {
        "size": _off(learning.likely(learned), job.size),
        "plain": _off(learning.likely(job.plan), job.size),
        "inside": float(low <= job.size <= high),
        "width": math.sqrt(max(1, high) / max(1, low)),
        "seconds": _off(learned.work_seconds, job.cpu_seconds),
        "plain_seconds": _off(job.plan.work_seconds, job.cpu_seconds),
    }


def _off(said: float, found: float) -> float:
    return 100 * abs(said - found) / max(found, 1e-9)
