"""What a large upload costs the web processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from benchmarks.bench import Bench
from benchmarks.clips import repeated
from benchmarks.measure import Memory, memory
from benchmarks.server import Server, running
from benchmarks.table import Table

TITLE = "Upload of 1 GB"
SIZE = 1_000_000_000
SAMPLE_SECONDS = 0.1
MB = 1e6


def run(bench: Bench) -> list[Table]:
    """The rise of the web processes' memory while a real film of 1 GB comes in, and the time it takes."""
    _, clip = bench.clips.require("bunny")
    source = repeated(bench.ffmpeg, clip, bench.work / "long.mp4", SIZE)
    columns = {"what": ("what", ""), "before": ("before MB", ".1f"), "peak": ("peak MB", ".1f"), "rise": ("rise MB", ".1f")}
    table = Table(f"{TITLE} ({source.stat().st_size / MB:.0f} MB, MP4)", columns)
    with running(bench.work / "server") as server:
        client = server.guest()
        client.upload(bench.clips.require("flower")[1])  # a first one, so that nothing is measured that loads only once
        before = memory(server.processes("gunicorn"))
        peak, seconds = _during(server, lambda: client.upload(source))
    for what, low, high in (("web, PSS", before.pss, peak.pss), ("web, unshared", before.uss, peak.uss), ("web, RSS", before.rss, peak.rss)):
        table.add(what=what, before=low / MB, peak=high / MB, rise=(high - low) / MB)
    table.target("a 1 GB upload raises the web processes by ≤ 32 MB", (peak.rss - before.rss) / MB, 32, unit=" MB", form=".1f")
    table.notes.append(f"Received, hashed, probed and answered in {seconds:.1f} s of wall time.")
    return [table]


def _during(server: Server, work: Callable[[], object]) -> tuple[Memory, float]:
    peak, done = Memory(), threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(SAMPLE_SECONDS):
            now = memory(server.processes("gunicorn"))
            peak = Memory(max(peak.rss, now.rss), max(peak.pss, now.pss), max(peak.uss, now.uss))

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    begun = time.monotonic()
    try:
        work()
    finally:
        seconds = time.monotonic() - begun
        done.set()
        sampler.join()
    return peak, seconds
