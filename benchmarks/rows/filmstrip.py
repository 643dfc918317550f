"""A filmstrip and an outline of ten minutes of 1080p, both at once, as a page that opens a clip asks for them."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.clips import repeated
from benchmarks.measure import run as measured
from benchmarks.table import Table
from converter.engine import probe
from converter.engine.peaks import peaks
from converter.engine.strip import filmstrip
from converter.engine.workbench import Source

TITLE = "Filmstrip and peaks, ten minutes of 1080p"
TIMES = 20
LIMIT = 3.0
COLUMNS = {"way": ("way", ""), "wall": ("wall s", ".2f"), "cpu": ("CPU s", ".2f")}


def run(bench: Bench) -> list[Table]:
    """One table: ours alone and together, and what plain ffmpeg takes for the same."""
    _, clip = bench.clips.require("bunny")
    film = repeated(bench.ffmpeg, clip, bench.work / "ten.mp4", clip.stat().st_size * TIMES)
    source = Source(film, probe.inspect(film))
    table = Table(f"{TITLE} ({film.stat().st_size / 1e6:.0f} MB, AAC 5.1)", COLUMNS)
    target = bench.work / "strip.jpg"
    ways: dict[str, Callable[[], object]] = {
        "cutroom, strip": lambda: filmstrip(source, target),
        "cutroom, peaks": lambda: peaks(source),
        "cutroom, both at once": lambda: _both(source, target),
    }
    walls: dict[str, float] = {}
    for name, work in ways.items():
        bench.say(f"  {name}")
        walls[name], cpu = min(_timed(work) for _ in range(max(1, bench.repeats)))
        table.add(way=name, wall=walls[name], cpu=cpu)
    for name, words in _plain(film).items():
        bench.say(f"  {name}")
        usage = measured(bench.ffmpeg_argv(*words), log=bench.work / "output.log")
        table.add(way=name, wall=usage.wall, cpu=usage.cpu)
    table.target("both at once: ≤ 3 s on two cores", walls["cutroom, both at once"], LIMIT, unit=" s", form=".2f")
    table.notes.append(
        "A strip of twenty jumps from keyframe to keyframe; peaks are those of every sample, decoded once. Other work on the machine counts."
    )
    return [table]


def _both(source: Source, target: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        jobs: list[Future[object]] = [threads.submit(filmstrip, source, target), threads.submit(peaks, source)]
        for job in jobs:
            job.result()


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begun, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _plain(film: Path) -> dict[str, list[str]]:
    tile = "fps=1/30,scale=-2:72,tile=20x1"
    return {
        "ffmpeg, keyframes only, tile": ["-skip_frame", "nokey", "-i", str(film), "-vf", tile, "-frames:v", "1", "-f", "null", "-"],
        "ffmpeg, 8 kHz samples": ["-i", str(film), "-vn", "-ac", "1", "-ar", "8000", "-f", "null", "-"],
    }
