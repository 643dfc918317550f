"""Jobs to learn estimates from: several operations with several settings, on pieces of every clip.

`python -m benchmarks.estimating` does them all and writes what they taught to the engine's priors.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.engine import learning, probe
from converter.engine import run as engine
from converter.engine.errors import MediaError
from converter.engine.learning.book import PRIORS
from converter.engine.media import Media
from converter.engine.operations.base import Plan

from .clips import DEFAULT_FOLDER, ROOT

CONTENTS = ("bunny", "talk", "car", "flower", "greenscreen", "friday")
"""A clip's name begins with what is on it; the same film in another format is no other clip."""
SETTINGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("gif", {"duration": 2, "width": 480, "fps": 12}),
    ("gif", {"duration": 2.5, "width": 320, "fps": 15, "profile": "fast", "fill": "as_is"}),
    ("gif", {"duration": 1.5, "width": 640, "fps": 24, "profile": "best", "colours": 128}),
    ("trim", {"duration": 3}),
    ("trim", {"duration": 2, "mode": "copy"}),
    ("compress", {"crf": 23, "max_height": 360}),
    ("compress", {"crf": 30, "max_height": 540}),
    ("compress", {"target_mb": 0.4, "effort": "veryfast"}),
    ("loop", {"duration": 2, "search": 0.3, "mode": "cut"}),
)
PIECE_SECONDS = 3.0
_WHOLE = frozenset({"compress"})
"""Operations that take all of a clip: they are given a piece."""


@dataclass(frozen=True, slots=True)
class Done:
    """One finished job. `content` is what its clip shows."""

    content: str
    operation: str
    plan: Plan
    media: tuple[Media, ...]
    size: int
    cpu_seconds: float


def contents(folder: Path) -> list[tuple[str, Path]]:
    """Every clip of the folder with what it shows, sorted."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".mp4", ".webm"))
    return [(path.name.split("_")[0], path) for path in paths]


def jobs(folder: Path, work: Path, say: Any) -> Iterator[Done]:
    """Do all settings on every clip; what an operation refuses is left out."""
    for content, path in contents(folder):
        whole = engine.Source(path, probe.inspect(path, path.name))
        length = whole.media.duration or 0.0
        starts = (0.3 * length, 0.62 * length) if length > 3 * PIECE_SECONDS else (0.1 * length,)
        for number, start in enumerate(starts):
            piece = _piece(whole, start, work) if any(name in _WHOLE for name, _ in SETTINGS) else None
            for operation, params in SETTINGS:
                source = piece if operation in _WHOLE else whole
                if source is None:
                    continue
                asked = params if operation in _WHOLE else {**params, "start": round(start, 2)}
                done = _do(content, operation, asked, source, work)
                if done is not None:
                    yield done
            say(f"{path.name}, part {number + 1}: done")


def mixed(done: list[Done]) -> list[Done]:
    """The jobs in an order of chance, always the same: people's jobs don't come sorted by clip."""
    shuffled = list(done)
    random.Random(1).shuffle(shuffled)  # noqa: S311 - guards nothing
    return shuffled


def _piece(whole: engine.Source, start: float, work: Path) -> engine.Source | None:
    """A few seconds from a keyframe on, its packets untouched: a clip as somebody might send it."""
    params = {"start": round(start, 2), "duration": PIECE_SECONDS, "mode": "copy"}
    try:
        made = engine.execute("trim", [whole], params, work=Path(tempfile.mkdtemp(dir=work)))
    except MediaError:
        return None
    return engine.Source(made.path, probe.inspect(made.path, made.path.name))


def _do(content: str, operation: str, params: dict[str, Any], source: engine.Source, work: Path) -> Done | None:
    folder = Path(tempfile.mkdtemp(dir=work))
    try:
        plan = engine.plan(operation, [source.media], params)
        result = engine.execute(operation, [source], params, work=folder)
        result.path.unlink()
    except MediaError:
        return None
    return Done(content, operation, plan, (source.media,), result.size, result.metrics.cpu_seconds)


def main() -> int:
    """Learn from every clip and write the priors."""
    book = learning.Book()
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as work:
        for done in mixed(list(jobs(DEFAULT_FOLDER, Path(work), lambda text: print(text, file=sys.stderr, flush=True)))):
            book.learn(done.plan, done.media, done.size, done.cpu_seconds)
    PRIORS.write_text(json.dumps(book.as_dict(), separators=(",", ":")) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
