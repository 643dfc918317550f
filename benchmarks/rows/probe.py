"""Looking at an upload: by a copy of the waiting process, by a process of its own, and by `ffmpeg -i`."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.bench import Bench
from benchmarks.clips import CLIPS
from benchmarks.measure import CommandError
from benchmarks.measure import run as measured
from benchmarks.table import Table
from converter.engine import guards, probe
from converter.engine.limits import Limits
from converter.engine.probe_pool import pool
from converter.engine.sniff import identify

TITLE = "Probe"
TIMES, ALONE = 100, 5
LIMIT = 10.0
COLUMNS = {"clip": ("clip", ""), "warm": ("warm, CPU ms", ".1f"), "wall": ("warm, wall ms", ".1f"),
           "alone": ("own process, CPU ms", ".0f"), "ffmpeg": ("ffmpeg -i, CPU ms", ".0f")}  # fmt: skip


def run(bench: Bench) -> list[Table]:
    """One table: milliseconds for each clip; ours and all its children are counted."""
    table = Table(f"{TITLE}: milliseconds for each file", COLUMNS)
    warm: list[float] = []
    for clip in CLIPS:
        _, path = bench.clips.require(clip.key)
        bench.say(f"  {clip.key}")
        cpu, wall = _warm(path)
        table.add(clip=clip.key, warm=cpu, wall=wall, alone=_alone(bench, path), ffmpeg=_ffmpeg(bench, path))
        warm.append(cpu)
    table.target("warm, median of the clips: ≤ 10 ms of CPU", statistics.median(warm), LIMIT, unit=" ms", form=".1f")
    table.notes.append(
        "Warm counts this process, the waiting one and its copies. A copy is made and sandboxed for every file; "
        "about 2 ms of it are the fork, its limits and its filter, and the pages that it touches cost more in a virtual machine."
    )
    return [table]


def _warm(path: Path) -> tuple[float, float]:
    probe.inspect(path)
    waiting = pool.pid()
    if waiting is None:
        raise CommandError("the warm probe did not start")
    process = psutil.Process(waiting)

    def spent() -> float:
        times = process.cpu_times()
        return time.process_time() + times.user + times.system + times.children_user + times.children_system

    time.sleep(0.1)
    begun, before = time.monotonic(), spent()
    for _ in range(TIMES):
        probe.inspect(path)
    wall = time.monotonic() - begun
    time.sleep(0.1)
    return (spent() - before) / TIMES * 1000, wall / TIMES * 1000


def _alone(bench: Bench, path: Path) -> float:
    limits = Limits()
    request = probe._request(identify(path), limits)
    script = Path(probe.__file__).with_name("probe_child.py")
    start = f"import os, runpy, sys; sys.argv = ['probe', str(os.open({str(path)!r}, 0)), {request!r}]"
    code = f"{start}; runpy.run_path({str(script)!r}, run_name='__main__')"
    return _median(lambda: measured([sys.executable, "-I", "-B", "-c", code], log=bench.work / "output.log").cpu)


def _ffmpeg(bench: Bench, path: Path) -> float:
    words = ["-hide_banner", "-protocol_whitelist", "file", "-codec_whitelist", guards.DECODERS, "-i", str(path), "-t", "0", "-f", "null", os.devnull]
    return _median(lambda: measured([bench.ffmpeg, "-nostdin", "-y", *words], log=bench.work / "output.log").cpu)


def _median(once: Callable[[], float]) -> float:
    return statistics.median(once() for _ in range(ALONE)) * 1000
