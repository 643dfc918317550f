"""Jobs to learn estimates from: several operations with several settings, on pieces of every clip.

`python -m benchmarks.estimating` does them all and writes what they taught to the engine's priors.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from converter.engine import learning, probe
from converter.engine import run as engine
from converter.engine.errors import MediaError
from converter.engine.learning.book import PRIORS
from converter.engine.look import look
from converter.engine.media import Media
from converter.engine.operations.base import Plan

from .clips import DEFAULT_FOLDER, ROOT

CONTENTS = ("bunny", "talk", "car", "flower", "greenscreen", "friday")
"""A clip's name begins with what is on it; the same film in another format is no other clip."""
PARTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("gif", {"duration": 2, "width": 480, "fps": 12}),
    ("gif", {"duration": 2.5, "width": 320, "fps": 15, "profile": "fast", "fill": "as_is"}),
    ("gif", {"duration": 1.5, "width": 640, "fps": 24, "profile": "best", "colours": 128}),
    ("gif", {"duration": 4, "width": 1280, "fps": 24}),
    ("trim", {"duration": 3}),
    ("trim", {"duration": 2, "mode": "copy"}),
    ("trim", {"duration": 3, "mode": "smart"}),
    ("loop", {"duration": 2, "search": 0.3, "mode": "cut"}),
    ("animation", {"duration": 2, "width": 320, "format": "webp"}),
    ("animation", {"duration": 3, "width": 480, "format": "mp4"}),
    ("animation", {"duration": 2, "width": 320, "format": "avif"}),
)
"""What takes a part of a whole clip."""
PIECES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("compress", {"crf": 23, "max_height": 360}),
    ("compress", {"crf": 30, "max_height": 540}),
    ("compress", {"target_mb": 0.4, "effort": "veryfast"}),
    ("compress", {"codec": "h265", "max_height": 360}),
    ("compress", {"codec": "av1", "max_height": 360}),
    ("proxy", {}),
    ("convert", {"format": "webm", "max_height": 360}),
    ("convert", {"format": "mkv"}),
    ("convert", {"format": "mp4", "video_codec": "h264", "max_height": 480}),
    ("audio", {"format": "mp3"}),
    ("audio", {"format": "opus"}),
    ("audio", {"format": "flac"}),
    ("frames", {}),
    ("frames", {"what": "sheet"}),
    ("analyse", {}),
    ("join", {"height": 360}),
)
"""What takes all of a clip: it is given a few seconds, and `join` those seconds twice."""
PICTURES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("image", {"format": "webp"}),
    ("image", {"format": "avif", "longest": 640}),
    ("image", {"format": "jpeg", "quality": 80, "longest": 960}),
    ("image", {"format": "png", "longest": 480}),
)
"""What takes a still picture: one of those seconds."""
PIECE_SECONDS = 3.0
PLACES = (0.3, 0.62)
"""Where pieces begin, as parts of the clip. Of a content with two files each gives the first only."""


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
    clips = contents(folder)
    files = Counter(content for content, _ in clips)
    for content, path in clips:
        whole = _source(path, work)
        length = whole.media.duration or 0.0
        places = PLACES if length > 3 * PIECE_SECONDS and files[content] == 1 else PLACES[:1]
        for number, place in enumerate(places):
            yield from _part(content, whole, place * length if length > 3 * PIECE_SECONDS else 0.1 * length, work)
            say(f"{path.name}, part {number + 1}: done")


def _part(content: str, whole: engine.Source, start: float, work: Path) -> Iterator[Done]:
    wanted = [(operation, {**params, "start": round(start, 2)}, [whole]) for operation, params in PARTS]
    if (piece := _made("trim", whole, {"start": round(start, 2), "duration": PIECE_SECONDS, "mode": "copy"}, work)) is not None:
        wanted += [(operation, params, [piece] * (2 if operation == "join" else 1)) for operation, params in PIECES]
        if (picture := _made("frames", piece, {"format": "png"}, work)) is not None:
            wanted += [(operation, params, [picture]) for operation, params in PICTURES]
    for operation, params, sources in wanted:
        done = _do(content, operation, params, sources, work)
        if done is not None:
            yield done


def mixed(done: list[Done]) -> list[Done]:
    """The jobs in an order of chance, always the same: people's jobs don't come sorted by clip."""
    shuffled = list(done)
    random.Random(1).shuffle(shuffled)  # noqa: S311 - guards nothing
    return shuffled


def _source(path: Path, work: Path) -> engine.Source:
    """A clip as an upload is: probed, and looked at."""
    source = engine.Source(path, probe.inspect(path, path.name))
    return engine.Source(path, replace(source.media, look=look(source, work)))


def _made(operation: str, source: engine.Source, params: dict[str, Any], work: Path) -> engine.Source | None:
    """What one operation makes, as a source of another: a few seconds with their packets untouched, or one picture."""
    try:
        made = engine.execute(operation, [source], params, work=Path(tempfile.mkdtemp(dir=work)))
    except MediaError:
        return None
    return _source(made.path, work)


def _do(content: str, operation: str, params: dict[str, Any], sources: list[engine.Source], work: Path) -> Done | None:
    folder = Path(tempfile.mkdtemp(dir=work))
    media = tuple(source.media for source in sources)
    try:
        plan = engine.plan(operation, media, params)
        result = engine.execute(operation, sources, params, work=folder)
        result.path.unlink()
    except MediaError:
        return None
    return Done(content, operation, plan, media, result.size, result.metrics.cpu_seconds)


def main() -> int:
    """Learn from every clip and write the priors."""
    about = "Learn from every clip, for half an hour, and write the priors."
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimating", description=about)
    parser.parse_args()
    book = learning.Book()
    with tempfile.TemporaryDirectory(dir=ROOT / "var") as work:
        for done in mixed(list(jobs(DEFAULT_FOLDER, Path(work), lambda text: print(text, file=sys.stderr, flush=True)))):
            book.learn(done.plan, done.media, done.size, done.cpu_seconds)
    PRIORS.write_text(json.dumps(book.as_dict(), separators=(",", ":")) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
