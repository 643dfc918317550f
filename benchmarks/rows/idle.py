"""What the whole embedded set costs while nobody uses it."""

from __future__ import annotations

import contextlib
import time

import psutil

from benchmarks.bench import Bench
from benchmarks.measure import Memory, memory
from benchmarks.server import Server, running
from benchmarks.table import Table

TITLE = "Idle: web, worker, scheduler and Redis"
SETTLE_SECONDS = 15.0
SECONDS = 60.0
MB = 1e6


def run(bench: Bench) -> list[Table]:
    """Memory of every process after a minute of nothing, and the CPU of that minute."""
    columns = {"process": ("process", ""), "rss": ("RSS MB", ".1f"), "pss": ("PSS MB", ".1f"), "cpu": ("CPU s in 60 s", ".3f")}
    table = Table(TITLE, columns)
    with running(bench.work / "server") as server:
        time.sleep(SETTLE_SECONDS)
        processes = server.processes()
        before = {process.pid: _cpu(process) for process in processes}
        time.sleep(SECONDS)
        total, spent = Memory(), 0.0
        for process in processes:
            used, cpu = memory([process]), _cpu(process) - before[process.pid]
            table.add(process=_name(process), rss=used.rss / MB, pss=used.pss / MB, cpu=cpu)
            total, spent = total + used, spent + cpu
        table.add(process=f"all {len(processes)}", rss=total.rss / MB, pss=total.pss / MB, cpu=spent)
        _check_same(bench, server, processes)
    table.target("idle set ≤ 400 MB resident, even with shared pages counted for each process", total.rss / MB, 400, unit=" MB", form=".0f")
    table.target("idle set ≤ 2 % of a core", 100 * spent / SECONDS, 2, unit=" %", form=".2f")
    table.notes.append(
        "RSS counts pages that processes share once for each of them; PSS divides them among their users, so its sum is what is in use."
    )
    return [table]


def _cpu(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


def _name(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        line = " ".join(process.cmdline())
        known = {"supervisor": "supervisor", "gunicorn": "web", "--queues control": "control worker", "--queues media": "media worker"}
        role = next((name for part, name in known.items() if part in line), process.name())
        return role
    return "one that has just ended"


def _check_same(bench: Bench, server: Server, processes: list[psutil.Process]) -> None:
    if {p.pid for p in processes} != {p.pid for p in server.processes()}:
        bench.say("  processes came or went while idle: the sums miss them")
