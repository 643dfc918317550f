"""Cutting 15 s out of a film with long GOPs: exactly, and without encoding."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import Contender
from benchmarks.table import Table

TITLE = "Trim"
START, SECONDS, FPS = 7.3, 15.0, 24
EXACT, COPY = "cutroom, exact", "cutroom, copy"
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
    both = EXACT in usages and COPY in usages
    table.target("copy: ≤ ¼ of the CPU of exact", usages[COPY].cpu / usages[EXACT].cpu if both else None, 0.25, unit=" ×", form=".2f")
    table.notes.append(
        "A copy can only begin at a keyframe, here up to ten seconds before the start. ffmpeg's hides the lead behind an edit list, which "
        "players may ignore; ours shows it everywhere, and says so in its plan. "
        "Ours includes the start of Python, the probe and the verification of the result."
    )
    return [table]


def _contenders(bench: Bench, source: Path) -> list[Contender]:
    cut = ["-ss", f"{START:g}", "-t", f"{SECONDS:g}", "-i", str(source), "-map", "0:v:0", "-map", "0:a:0"]
    script = str(Path(__file__).resolve().parent.parent / "peers" / "moviepy_trim.py")
    options = ["--operation", "trim", "--start", f"{START:g}", "--duration", f"{SECONDS:g}", "--json", "--mode"]
    exact, copy, encoded, copied, moviepy = (bench.work / f"{name}.mp4" for name in ("exact", "copy", "encoded", "copied", "moviepy"))
    contenders = [
        Contender(EXACT, (bench.convert(source, exact, *options, "exact"),), exact),
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
