"""Several target sizes on several clips: how near, never over, and what it costs in plain encodes of the same picture."""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import CommandError, Contender
from benchmarks.table import Cell, Table

TITLE = "Video to a target size"
COLUMNS = {
    "clip": ("clip", ""),
    "wanted": ("target KB", ".0f"),
    "error": ("error %", "+.2f"),
    "ceiling": ("ceiling", ""),
    "picture": ("picture", ""),
    "cpu": ("CPU s", ".1f"),
    "encodes": ("encodes", ".2f"),
    "planned": ("CPU s said before", ".1f"),
    "ladder": ("ladder's encodes", ".1f"),
    "ladder_error": ("ladder's error %", "+.1f"),
}
_PRESET = "medium"
_CEILING = ("The file is smaller than it might be", "The source has only")
"""How our warnings begin that say that more bytes would be of no use."""


@dataclass(frozen=True, slots=True)
class Case:
    """A clip, the part of it that is used (seconds; None is all), the wanted sizes in bytes, and whether the ladder is climbed."""

    key: str
    seconds: float | None
    wanted: tuple[int, ...]
    sound: int = 96_000
    ladder: bool = False


CASES = (
    Case("car", None, (500_000, 1_000_000, 2_000_000), 0, ladder=True),
    Case("flower", None, (200_000, 400_000, 700_000), ladder=True),
    Case("talk", None, (500_000, 1_000_000)),
    Case("bunny", 8.0, (600_000, 1_500_000, 3_000_000)),
)


def run(bench: Bench) -> list[Table]:
    """One table over all clips; sizes are exact, so each is made once whatever was asked for."""
    table = Table(f"Target sizes, x264 {_PRESET}: one encode is ffmpeg's single pass at the same rate and picture size", COLUMNS)
    for case in CASES:
        if bench.clips.get(case.key):
            for wanted in case.wanted:
                _case(bench, case, wanted, table)
    errors = [row["error"] for row in table.rows if isinstance(row["error"], float)]
    costs = [row["encodes"] for row in table.rows if isinstance(row["encodes"], float)]
    # What the source has no use for can't be spent; our own warning says so, and whoever reads it knows why.
    spent = [row["error"] for row in table.rows if isinstance(row["error"], float) and not row.get("ceiling")]
    near = 100 * sum(-2 <= error <= 0 for error in spent) / len(spent) if spent else None
    table.target("never over the target", max(errors, default=None), 0, unit=" %", form="+.2f")
    table.target("within −2..0 % on ≥ 90 %", near, 90, unit=" %", at_least=True)
    table.target("median ≤ 1.35 encodes", statistics.median(costs) if costs else None, 1.35, form=".2f")
    table.target("worst ≤ 2.2 encodes", max(costs, default=None), 2.2, form=".2f")
    table.notes.append(f"{len(errors) - len(spent)} of {len(errors)} ended at the quality ceiling, said so, and are not counted as near or far.")
    table.notes.append("Encodes count all CPU of ours: start, sound, both passes, mending, the check by decoding; and the same of a single pass.")
    return [table]


def _case(bench: Bench, case: Case, wanted: int, table: Table) -> None:
    clip, source = bench.clips.require(case.key)
    bench.say(f" {clip.key} to {wanted / 1000:.0f} KB")
    if case.seconds is not None:
        source = _part(bench, source, case.seconds)
    ours = bench.work / f"size-{case.key}-{wanted}.mp4"
    options = ["--operation", "compress", "--target-mb", f"{wanted / 1e6:g}", "--effort", _PRESET, "--json"]
    used = bench.race([Contender("cutroom", (bench.convert(source, ours, *options),), ours)])
    if "cutroom" not in used:
        return
    said = _said(bench)
    usage, seconds = used["cutroom"], bench.streams(ours)["duration"]
    size = _size(bench, ours)
    rate = max(20_000, int(wanted * 8 / seconds) - case.sound)
    once = bench.work / "once.mp4"
    video = ["-i", str(source), "-map", "0:v:0", "-map", "0:a:0?", "-vf", f"scale={size[0]}:{size[1]}", "-c:v", "libx264", "-preset", _PRESET]
    plain = bench.race([Contender("one pass", (bench.ffmpeg_argv(*video, "-b:v", str(rate), "-c:a", "aac", str(once)),), once)])
    cost = usage.cpu / plain["one pass"].cpu if "one pass" in plain else None
    cells: dict[str, Cell] = {"clip": clip.key, "wanted": wanted / 1000, "error": 100 * (ours.stat().st_size / wanted - 1), "cpu": usage.cpu}
    cells |= {
        "picture": f"{size[0]}×{size[1]}",
        "ceiling": "reached" if any(words in sentence for sentence in said for words in _CEILING) else "",
        "encodes": cost,
        "planned": _planned(bench, source, wanted),
    }
    bench.say(f"  {cells['error']:+.2f} %, {cost or 0:.2f} encodes")
    if case.ladder:
        cells |= _ladder(bench, case, source, wanted, seconds)
    table.add(**cells)


def _said(bench: Bench) -> list[str]:
    """The warnings of the conversion that was measured last."""
    lines = [line for line in (bench.work / "output.log").read_text(errors="replace").splitlines() if line.startswith("{")]
    return list(json.loads(lines[-1]).get("warnings", [])) if lines else []


def _part(bench: Bench, source: Path, seconds: float) -> Path:
    part = bench.work / f"part-{source.stem}.mp4"
    if not part.exists():
        bench.call(bench.ffmpeg_argv("-ss", "10", "-i", str(source), "-t", str(seconds), "-c", "copy", str(part)))
    return part


def _size(bench: Bench, path: Path) -> tuple[int, int]:
    from converter.engine.probe import inspect

    video = inspect(path, path.name).video
    if video is None:
        raise CommandError(f"{path} has no picture")
    return video.width, video.height


def _planned(bench: Bench, source: Path, wanted: int) -> float:
    from converter.engine.probe import inspect
    from converter.engine.run import plan

    return plan("compress", [inspect(source, source.name)], {"target_mb": wanted / 1e6, "effort": _PRESET}).work_seconds


def _ladder(bench: Bench, case: Case, source: Path, wanted: int, seconds: float) -> dict[str, Cell]:
    script = str(Path(__file__).resolve().parent.parent / "peers" / "ladder.py")
    target, first = bench.work / "ladder.mp4", str(int(source.stat().st_size * 8 / seconds))
    # Sound is the ladder's own business; where the clip has some, it takes what it is given.
    encodes = bench.call([sys.executable, script, bench.ffmpeg, str(source), str(target), str(wanted), first, str(case.sound or 96_000), "ultrafast"])
    return {"ladder": float(encodes.strip()), "ladder_error": 100 * (target.stat().st_size / wanted - 1)}
