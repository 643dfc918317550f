"""How much memory each operation takes: on two hours, where only the length is large, and on a film, where the picture is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.clips import repeated
from benchmarks.measure import Contender, Usage
from benchmarks.table import Table
from converter.engine import probe
from converter.engine.errors import MediaError
from converter.engine.operations import all_operations
from converter.engine.run import plan

TITLE = "Memory of every operation"
LIMIT_MB = 300
LONG_SECONDS = 7200
FILM_SECONDS = 5
COLUMNS = {
    "operation": ("operation", ""),
    "long": ("2 hours, peak MB", ".0f"),
    "long_cpu": ("CPU s", ".0f"),
    "film": (f"1080p, {FILM_SECONDS} s, peak MB", ".0f"),
    "film_cpu": ("CPU s", ".1f"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to do. `long` says whether it is also done to two hours: encoders whose pictures alone decide are not."""

    label: str
    operation: str
    params: Mapping[str, Any] = field(default_factory=dict)
    long: bool = True
    sources: int = 1


_STEPS = [{"operation": "trim", "params": {"start": 1, "duration": 3}}, {"operation": "gif", "params": {"width": 640}}]
CASES = (
    Case("trim, copy", "trim", {"mode": "copy", "start": 1}),
    Case("trim, smart", "trim", {"mode": "smart", "start": 1.3}),
    Case("trim, exact", "trim", {"mode": "exact", "start": 1.3}),
    Case("join of two", "join", sources=2, long=False),
    Case("convert to MKV", "convert", {"format": "mkv"}),
    Case("convert to MKV, H.265", "convert", {"format": "mkv", "video_codec": "hevc"}, long=False),
    Case("audio, MP3 at a loudness", "audio", {"format": "mp3", "level": "loudness"}),
    Case("analyse", "analyse"),
    Case("frames, poster", "frames"),
    Case("frames, sheet", "frames", {"what": "sheet"}),
    Case("proxy", "proxy"),
    Case("proxy, HLS", "proxy", {"package": "hls"}, long=False),
    Case("compress, H.264", "compress"),
    Case("compress, H.264 to 1 MB", "compress", {"target_mb": 1}, long=False),
    Case("compress, H.265", "compress", {"codec": "h265"}, long=False),
    Case("compress, AV1", "compress", {"codec": "av1"}, long=False),
    Case("compress, VP9", "compress", {"codec": "vp9"}, long=False),
    Case("loop, cut", "loop", {"mode": "cut", "start": 1, "duration": 3}),
    Case("loop, cross-fade", "loop", {"mode": "crossfade", "start": 1, "duration": 3}, long=False),
    Case("loop, there and back", "loop", {"mode": "pingpong", "start": 1, "duration": 3}, long=False),
    Case("animation, MP4", "animation", {"format": "mp4", "start": 1, "duration": 3, "width": 640}),
    Case("animation, WebP", "animation", {"format": "webp", "start": 1, "duration": 3, "width": 640}, long=False),
    Case("gif", "gif", {"start": 1, "duration": 3, "width": 640}),
    Case("pipeline", "pipeline", {"steps": json.dumps(_STEPS)}),
)
"""What makes a short thing out of a long one gets a short thing to make; the others run over everything."""


def run(bench: Bench) -> list[Table]:
    """One table: the peaks of the tools; the process that starts them is not counted, it is a worker's own."""
    long, film = _long(bench), _film(bench)
    table = Table(f"{TITLE}: peak of all processes that one piece of work starts, verification included", COLUMNS)
    worst_long: float | None = None
    worst_film: float | None = None
    for case in CASES:
        hours, picture = _one(bench, case, long) if case.long else None, _one(bench, case, film)
        table.add(operation=case.label, **_cells("long", hours), **_cells("film", picture))
        worst_long = _greater(worst_long, hours)
        worst_film = _greater(worst_film, picture)
    table.target(f"two hours: every operation ≤ {LIMIT_MB} MB", worst_long, LIMIT_MB, unit=" MB", form=".0f")
    table.target(f"1080p: every operation ≤ {LIMIT_MB} MB", worst_film, LIMIT_MB, unit=" MB", form=".0f")
    table.notes.append("The two hours are one minute of a clip at 160×90 and 10 frames a second, played again and again, so that the row ends soon.")
    left = set(all_operations()) - {case.operation for case in CASES}
    table.notes.append(f"Not measured here: {', '.join(sorted(left)) or 'nothing'} (pictures have a row of their own).")
    return [table]


def _cells(prefix: str, usage: Usage | None) -> dict[str, float | None]:
    return {prefix: usage.tools / 1e6 if usage else None, f"{prefix}_cpu": usage.cpu if usage else None}


def _greater(worst: float | None, usage: Usage | None) -> float | None:
    return worst if usage is None else max(worst or 0.0, usage.tools / 1e6)


def _one(bench: Bench, case: Case, source: Path) -> Usage | None:
    name = f"{case.label}, {source.stem}"
    try:
        planned = plan(case.operation, [probe.inspect(source, source.name)] * case.sources, _typed(case.params))
    except MediaError as error:
        bench.say(f"  {name}: {error.detail}")
        return None
    target = bench.work / f"{case.operation}-{source.stem}.{planned.extension}"
    options = [word for key, value in case.params.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    *command, target_word = bench.convert(source, target)
    argv = [*command, *[str(source)] * (case.sources - 1), target_word, "--operation", case.operation, *options]
    # What was analysed once is known again by its content: nothing of an earlier run may be.
    fresh = {"VAR_DIR": str(bench.work / "var")}
    usages = bench.race([Contender(name, (argv,), target, environment=fresh)])
    target.unlink(missing_ok=True)
    return usages.get(name)


def _typed(params: Mapping[str, Any]) -> dict[str, Any]:
    return {key: json.loads(value) if key == "steps" else value for key, value in params.items()}


def _long(bench: Bench) -> Path:
    """Two hours at 160×90 and 10 frames a second; AAC of two hours in stereo alone would take a minute each time."""
    _, source = bench.clips.require("talk")
    minute, target = bench.work / "minute.mp4", bench.work / "hours.mp4"
    looped = ("-stream_loop", "-1", "-i", str(source), "-t", "60")
    bench.call(bench.ffmpeg_argv(*looped, "-vf", "scale=160:90,fps=10", *_encode("28"), "-ac", "1", "-ar", "16000", str(minute)))
    size = minute.stat().st_size * (LONG_SECONDS // 60) - minute.stat().st_size // 2
    return repeated(bench.ffmpeg, minute, target, size)


def _film(bench: Bench) -> Path:
    _, source = bench.clips.require("bunny")
    target = bench.work / "film.mp4"
    bench.call(bench.ffmpeg_argv("-ss", "12", "-t", str(FILM_SECONDS), "-i", str(source), *_encode("18"), str(target)))
    return target


def _encode(crf: str) -> tuple[str, ...]:
    return ("-c:v", "libx264", "-preset", "veryfast", "-crf", crf, "-pix_fmt", "yuv420p", "-g", "120", "-c:a", "aac", "-ac", "2")
