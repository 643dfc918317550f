"""What a row works with: clips, peers, ffmpeg, a scratch folder and a voice."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .clips import ROOT, Clips
from .measure import CommandError, Contender, Usage, race
from .peers import Peers


@dataclass(frozen=True, slots=True)
class Bench:
    """The context of one run. `seconds` shortens the clips of trial runs."""

    clips: Clips
    peers: Peers
    ffmpeg: str
    work: Path
    repeats: int
    seconds: float

    def say(self, text: str) -> None:
        """Progress, for whoever waits."""
        print(text, file=sys.stderr, flush=True)

    def race(self, contenders: list[Contender]) -> dict[str, Usage]:
        """Interleaved runs; medians by name, without those that failed."""
        return race(contenders, self.repeats, log=self.work / "output.log", say=self.say)

    def convert(self, source: Path, target: Path, *options: str) -> list[str]:
        """Our own command line for one conversion."""
        return [sys.executable, str(ROOT / "manage.py"), "convert", str(source), str(target), *options]

    def ffmpeg_argv(self, *arguments: str) -> list[str]:
        """The same ffmpeg that we use ourselves, quiet."""
        return [self.ffmpeg, "-v", "error", "-nostdin", "-y", *arguments]

    def call(self, argv: list[str]) -> str:
        """Run something that is not measured; its output. Raises `CommandError`."""
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CommandError(f"exit {done.returncode}: {' '.join(argv)[:300]}\n{done.stderr[-2000:]}")
        return done.stdout

    def streams(self, path: Path) -> dict[str, Any]:
        """Seconds and frames of the first picture stream, counted by decoding all of it."""
        found: dict[str, Any] = json.loads(self.call([sys.executable, "-m", "benchmarks.count", str(path)]))
        return found
