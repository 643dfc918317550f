"""From the first byte of the upload to the finished GIF: how much of the wall time is not ffmpeg."""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.bench import Bench
from benchmarks.server import Client, Server, running
from benchmarks.table import Table

TITLE = "Overhead: upload to finished GIF, less ffmpeg"
SAMPLE_SECONDS = 0.02
RUNS = 3


def run(bench: Bench) -> list[Table]:
    """The whole journey a few times; ffmpeg's part is the time during which an ffmpeg process was alive."""
    _, clip = bench.clips.require("flower")
    columns = {"run": ("run", ""), "wall": ("wall s", ".2f"), "ffmpeg": ("ffmpeg s", ".2f"), "rest": ("everything else s", ".2f")}
    table = Table(TITLE, columns)
    rests = []
    with running(bench.work / "server") as server:
        client = server.guest()
        for number in range(RUNS + 1):
            wall, ffmpeg = _watched(server, lambda: _journey(client, clip, bench.seconds))
            if number:  # the first warms the worker up
                table.add(run=str(number), wall=wall, ffmpeg=ffmpeg, rest=wall - ffmpeg)
                rests.append(wall - ffmpeg)
    table.target("everything that is not ffmpeg ≤ 1 s (median)", statistics.median(rests), 1, unit=" s", form=".2f")
    table.notes.append(f"Processes are looked at every {SAMPLE_SECONDS * 1000:.0f} ms; the upload itself, over loopback, is in it.")
    return [table]


def _journey(client: Client, clip: Path, seconds: float) -> None:
    upload = client.upload(clip)
    body = {"upload": upload["id"], "operation": "gif", "preset": "chrome-background", "params": {"start": 0, "duration": min(seconds, 5)}}
    job = client.wait(client.call("POST", "jobs/", body)["id"])
    if job["status"] != "succeeded":
        raise RuntimeError(f"the job ended as {job['status']}: {job['error']}")


def _watched(server: Server, work: Callable[[], object]) -> tuple[float, float]:
    alive, done = 0.0, threading.Event()

    def watch() -> None:
        nonlocal alive
        last = time.monotonic()
        while not done.wait(SAMPLE_SECONDS):
            now = time.monotonic()
            if any(_is_ffmpeg(process) for process in server.processes()):
                alive += now - last
            last = now

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    begun = time.monotonic()
    try:
        work()
    finally:
        wall = time.monotonic() - begun
        done.set()
        watcher.join()
    return wall, alive


def _is_ffmpeg(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return "ffmpeg" in process.name()
    return False
