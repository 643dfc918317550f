"""Compression to a target size, beside one blind pass, plain two-pass, and lowering the bitrate until it fits."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import Contender, Usage
from benchmarks.table import Table

TITLE = "Compress to a target size"
OURS, ONCE = "cutroom", "ffmpeg, one blind pass"
COLUMNS = {
    "way": ("way", ""),
    "cpu": ("CPU s", ".1f"),
    "encodes": ("× one pass", ".2f"),
    "size": ("KB", ".0f"),
    "error": ("size error %", "+.1f"),
    "memory": ("peak MB", ".0f"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A clip, its length in seconds, the wanted size in bytes, x264's preset for everybody, and the peers' sound (bit/s)."""

    key: str
    seconds: float
    wanted: int
    preset: str
    sound: int
    ladder: bool
    """Whether the ladder is climbed too: on long clips it takes minutes to say the same again."""


CASES = (
    Case("car", 30.0, 1_000_000, "medium", 0, ladder=True),
    Case("flower", 5.06, 400_000, "medium", 96_000, ladder=True),
    Case("talk", 42.0, 1_000_000, "veryfast", 96_000, ladder=False),
)


def run(bench: Bench) -> list[Table]:
    """One table a clip."""
    return [_case(bench, case) for case in CASES if bench.clips.get(case.key)]


def _case(bench: Bench, case: Case) -> Table:
    clip, source = bench.clips.require(case.key)
    bench.say(f" {clip.key}")
    table = Table(f"Compress {clip.key} ({clip.what}) to {case.wanted / 1000:.0f} KB, x264 {case.preset}", COLUMNS)
    contenders = _contenders(bench, case, source)
    usages = bench.race(contenders)
    errors: dict[str, float] = {}
    for contender in contenders:
        if contender.name in usages and contender.output is not None:
            size = contender.output.stat().st_size
            errors[contender.name] = 100 * (size / case.wanted - 1)
            table.add(**_cells(contender.name, usages[contender.name], usages.get(ONCE)), size=size / 1000, error=errors[contender.name])
    table.target("never over the target", errors.get(OURS), 0, unit=" %", form="+.2f")
    table.target("at most 2 % under", errors.get(OURS), -2, unit=" %", form="+.2f", at_least=True)
    table.notes.append("The peers set 96 kbit/s aside for sound, as one does; quiet sound takes less. Ours encodes the sound first and weighs it.")
    cost = usages[OURS].cpu / usages[ONCE].cpu if OURS in usages and ONCE in usages else None
    table.target("cost ≤ 2.2 plain encodes, all included", cost, 2.2, unit=" ×", form=".2f")
    return table


def _cells(name: str, usage: Usage, once: Usage | None) -> dict[str, str | float | None]:
    return {"way": name, "cpu": usage.cpu, "encodes": usage.cpu / once.cpu if once else None, "memory": usage.memory / 1e6}


def _contenders(bench: Bench, case: Case, source: Path) -> list[Contender]:
    rate = int(case.wanted * 8 / case.seconds) - case.sound
    ours, once, twice, ladder = (bench.work / f"{name}-{case.key}.mp4" for name in ("ours", "once", "twice", "ladder"))
    video = ["-i", str(source), "-map", "0:v:0", "-map", "0:a:0?", "-c:v", "libx264", "-preset", case.preset, "-b:v", str(rate)]
    audio = ["-c:a", "aac", "-b:a", str(case.sound or 96_000)]
    log = ["-passlogfile", str(bench.work / f"pass-{case.key}")]
    script = str(Path(__file__).resolve().parent.parent / "peers" / "ladder.py")
    first = str(int(source.stat().st_size * 8 / case.seconds))  # where a ladder begins: at the source's own rate
    options = ["--operation", "compress", "--target-mb", f"{case.wanted / 1e6:g}", "--effort", case.preset, "--json"]
    contenders = [
        Contender(OURS, (bench.convert(source, ours, *options),), ours),
        Contender(ONCE, (bench.ffmpeg_argv(*video, *audio, str(once)),), once),
        Contender(
            "ffmpeg, two passes",
            (
                bench.ffmpeg_argv(*video, *log, "-pass", "1", "-an", "-f", "null", "-"),
                bench.ffmpeg_argv(*video, *log, "-pass", "2", *audio, str(twice)),
            ),
            twice,
        ),
    ]
    if case.ladder:
        argv = [sys.executable, script, bench.ffmpeg, str(source), str(ladder), str(case.wanted), first, str(case.sound or 96_000), case.preset]
        contenders.append(Contender("bitrate ladder (−10 % until it fits)", (argv,), ladder))
    return contenders
