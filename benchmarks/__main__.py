"""The command: `python -m benchmarks [--only gif,trim] [--json FILE] [--markdown FILE] [--clips DIR]`."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from . import machine, rows
from .bench import Bench
from .clips import DEFAULT_FOLDER, ROOT, Clips
from .peers import install
from .report import Report


def main() -> int:
    """Run the chosen rows and report. Exit status 0 when every row ran, 1 when one broke, 2 for wrong usage."""
    options = _options()
    known = rows.all_rows()
    chosen = options.only.split(",") if options.only else list(known)
    unknown = [name for name in chosen if name not in known]
    if unknown:
        print(f"no row is called {', '.join(unknown)}; known are {', '.join(known)}", file=sys.stderr)
        return 2
    if not options.clips.is_dir():
        print(f"{options.clips} is not a folder; point --clips at the folder that has the clips", file=sys.stderr)
        return 2
    var = ROOT / "var"
    var.mkdir(exist_ok=True)
    peers = install(var, lambda text: print(text, file=sys.stderr, flush=True))
    with tempfile.TemporaryDirectory(prefix="bench-", dir=var) as work:
        bench = Bench(Clips(options.clips), peers, _ffmpeg(), Path(work), options.repeats, options.seconds)
        report = Report({**machine.header(bench.ffmpeg, peers.skipped), "repeats": str(options.repeats)})
        for name in chosen:
            _run(bench, name, known[name], report)
            # After each row, so that a run that is broken off has told what it knew.
            _write(options, report)
    print(report.markdown())
    return 1 if report.broken else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Cutroom beside its peers, on real clips.")
    parser.add_argument("--only", metavar="ROWS", help=f"some rows, with commas between: {', '.join(rows.all_rows())}")
    parser.add_argument("--clips", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help="the folder of the clips")
    parser.add_argument("--repeats", type=int, default=2, help="runs of each contender, interleaved; medians are reported (2)")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of the GIFs; shorter for a trial (6)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the report as Markdown")
    options = parser.parse_args()
    if options.repeats < 1 or not 0 < options.seconds <= 60:
        parser.error("--repeats must be at least 1 and --seconds above 0 and at most 60")
    return options


def _run(bench: Bench, name: str, row: rows.Row, report: Report) -> None:
    bench.say(f"{name}: {row.TITLE}")
    try:
        report.tables += row.run(bench)
    except (OSError, RuntimeError, LookupError, ValueError) as error:
        report.broken[name] = f"{type(error).__name__}: {str(error)[:500]}"
        bench.say(f"BROKEN {name}: {error}")
    for leftover in bench.work.iterdir():
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _write(options: argparse.Namespace, report: Report) -> None:
    if options.markdown:
        options.markdown.write_text(report.markdown())
    if options.json:
        options.json.write_text(json.dumps(report.as_dict(), indent=2, ensure_ascii=False) + "\n")


def _ffmpeg() -> str:
    # Always the wheel's: it is the same for everybody who repeats this, and it can measure VMAF.
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


if __name__ == "__main__":
    sys.exit(main())
