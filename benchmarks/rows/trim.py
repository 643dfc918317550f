"""Cutting 15 s out of a film with long GOPs: exactly, encoding only the cut groups, and without encoding."""

from __future__ import annotations

from pathlib import Path

import av

from benchmarks.bench import Bench
from benchmarks.measure import Contender
from benchmarks.table import Table

TITLE = "Trim"
START, SECONDS, FPS = 7.3, 15.0, 24
EXACT, SMART, COPY = "cutroom, exact", "cutroom, smart", "cutroom, copy"
COLUMNS = {
    "way": ("way", ""),
    "cpu": ("CPU s", ".2f"),
    "size": ("MB", ".2f"),
    "seconds": ("seconds", ".3f"),
    "frames": ("frames", ".0f"),
    "careless": ("frames, edit lists ignored", ".0f"),
    "memory": ("peak MB", ".0f"),
}


def run(bench: Bench) -> list[Table]:
    """One table: ours, plain ffmpeg and MoviePy."""
    clip, source = bench.clips.require("bunny")
    wanted = round(SECONDS * FPS)
    table = Table(f"{TITLE} of {clip.key} ({clip.what}): {SECONDS:g} s from {START:g} s, {wanted} frames", COLUMNS)
    contenders = _contenders(bench, source)
    usages = bench.race(contenders)
    frames: dict[str, int] = {}
    for contender in contenders:
        if contender.name not in usages or contender.output is None:
            continue
        usage, found = usages[contender.name], bench.streams(contender.output)
        frames[contender.name] = found["frames"]
        table.add(
            way=contender.name,
            cpu=usage.cpu,
            size=contender.output.stat().st_size / 1e6,
            seconds=found["duration"],
            frames=found["frames"],
            careless=found["careless"],
            memory=usage.memory / 1e6,
        )
    off = abs(frames[EXACT] - wanted) if EXACT in frames else None
    table.target("exact: within a frame of what was asked", off, 1, unit=" frames off")
    off = abs(frames[SMART] - wanted) if SMART in frames else None
    table.target("smart: exactly the frames that were asked for", off, 0, unit=" frames off")
    head = _head(source) / wanted
    if EXACT in usages and SMART in usages:
        share = usages[SMART].cpu / usages[EXACT].cpu
        table.target(f"smart: ≤ {head:.0%} (the head's part) + 10 % of the CPU of exact", share, head + 0.10, unit=" ×", form=".2f")
    both = EXACT in usages and COPY in usages
    table.target("copy: ≤ ¼ of the CPU of exact", usages[COPY].cpu / usages[EXACT].cpu if both else None, 0.25, unit=" ×", form=".2f")
    table.notes.append(
        "A copy can only begin at a keyframe, here up to ten seconds before the start. ffmpeg's hides the lead behind an edit list, which "
        "players may ignore; ours shows it everywhere, and says so in its plan. "
        "Ours includes the start of Python, the probe and the verification of the result."
    )
    return [table]


def _head(source: Path) -> int:
    """Frames from the start of the cut to the next keyframe."""
    with av.open(str(source)) as container:
        times = [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.is_keyframe and packet.pts is not None]
    return round((min(time for time in times if time >= START) - START) * FPS)


def _contenders(bench: Bench, source: Path) -> list[Contender]:
    cut = ["-ss", f"{START:g}", "-t", f"{SECONDS:g}", "-i", str(source), "-map", "0:v:0", "-map", "0:a:0"]
    script = str(Path(__file__).resolve().parent.parent / "peers" / "moviepy_trim.py")
    options = ["--operation", "trim", "--start", f"{START:g}", "--duration", f"{SECONDS:g}", "--json", "--mode"]
    exact, smart, copy, encoded, copied, moviepy = (bench.work / f"{name}.mp4" for name in ("exact", "smart", "copy", "encoded", "copied", "moviepy"))
    contenders = [
        Contender(EXACT, (bench.convert(source, exact, *options, "exact"),), exact),
        Contender(SMART, (bench.convert(source, smart, *options, "smart"),), smart),
        Contender(COPY, (bench.convert(source, copy, *options, "copy"),), copy),
        Contender(
            "ffmpeg, x264 veryfast crf 18",
            (bench.ffmpeg_argv(*cut, "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-c:a", "aac", str(encoded)),),
            encoded,
        ),
        Contender("ffmpeg, stream copy", (bench.ffmpeg_argv(*cut, "-c", "copy", str(copied)),), copied),
    ]
    if bench.peers.moviepy2 is not None:
        argv = [str(bench.peers.moviepy2), script, str(source), str(moviepy), f"{START:g}", f"{SECONDS:g}"]
        contenders.append(Contender("moviepy 2.2.1, defaults", (argv,), moviepy, {"IMAGEIO_FFMPEG_EXE": bench.ffmpeg}))
    return contenders
