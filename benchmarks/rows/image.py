"""Pictures to a number of kilobytes, beside a binary search over the quality and lowering it by five until it fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean
from time import process_time
from typing import Any

from PIL import Image

from benchmarks.bench import Bench
from benchmarks.table import Table
from converter.engine.pictures.darkroom import saving, target
from converter.engine.pictures.darkroom.opening import Refused

TITLE = "Pictures to a target size"
COLUMNS = {
    "way": ("way", ""),
    "best": ("found the best, %", ".0f"),
    "below": ("steps below the best, mean", ".2f"),
    "encodes": ("encode-equivalents, mean", ".2f"),
    "most": ("most", ".2f"),
    "cpu": ("CPU × one encode", ".2f"),
    "unused": ("unused bytes %", ".1f"),
}
FRAMES = (("bunny", 14.0), ("talk", 5.0), ("flower", 1.0), ("car", 3.04))
BITS = (0.3, 0.6, 1.0, 1.8)
"""Bits a pixel of the targets."""
FORMATS = ("jpeg", "webp", "avif")
HOW: dict[str, Any] = {
    "lossless": False,
    "subsampling": "auto",
    "progressive": True,
    "effort": "fast",
    "may_shrink": False,
    "threads": 1,
    "icon_sizes": [],
}
OURS, BINARY, LADDER = "cutroom (mosaic, then secant)", "binary search", "−5 until it fits"


@dataclass(slots=True)
class Score:
    """Results of one way over all pictures and targets."""

    below: list[int]
    encodes: list[float]
    cpu: list[float]
    unused: list[float]
    best: int = 0


def run(bench: Bench) -> list[Table]:
    """One table a format. What is searched is the encoder itself, so that nothing but the searching differs."""
    pictures = _pictures(bench)
    return [_format(bench, form, pictures) for form in FORMATS]


def _pictures(bench: Bench) -> dict[str, Image.Image]:
    found = {}
    for key, second in FRAMES:
        if clip := bench.clips.get(key):
            path = bench.work / f"frame-{key}.png"
            bench.call(bench.ffmpeg_argv("-ss", str(second), "-i", str(clip[1]), "-frames:v", "1", str(path)))
            found[key] = Image.open(path).convert("RGB")
    small = Image.effect_mandelbrot((1200, 800), (-2.0, -1.2, 0.8, 1.2), 60)
    found["drawing"] = Image.merge("RGB", (small, small.transpose(Image.Transpose.ROTATE_180), small))
    return found


def _format(bench: Bench, form: str, pictures: dict[str, Image.Image]) -> Table:
    bench.say(f" {form}")
    table = Table(f"{form.upper()}: the highest quality within a number of bytes", COLUMNS)
    ladder = target.ladder(form)
    ways = {OURS: _ours, BINARY: _binary, LADDER: _ladder}
    scores = {name: Score([], [], [], []) for name in ways}
    for picture in pictures.values():
        truth = Truth(picture, form)
        for bits in BITS:
            wanted = int(picture.width * picture.height * bits / 8)
            fitting = [quality for quality in ladder if truth.size(quality) <= wanted]
            if not fitting or fitting[-1] == ladder[-1]:
                # Nothing to look for: everything fits, or nothing does.
                continue
            for name, way in ways.items():
                _note(scores[name], way, truth, wanted, fitting, ladder)
    for name, score in scores.items():
        if score.cpu:
            table.add(
                way=name,
                best=100 * score.best / len(score.below),
                below=mean(score.below),
                encodes=mean(score.encodes),
                most=max(score.encodes),
                cpu=mean(score.cpu),
                unused=mean(score.unused),
            )
    ours = scores[OURS]
    table.target("at most 4 encode-equivalents", max(ours.encodes, default=None), 4, form=".2f")
    table.target("the highest quality that fits, on 90 %", 100 * ours.best / len(ours.below) if ours.below else None, 90, unit=" %", at_least=True)
    table.notes.append(f"{len(ours.below)} searches. What is the best is known from trying every quality.")
    return table


class Truth:
    """Every quality of one picture, encoded once."""

    def __init__(self, picture: Image.Image, form: str) -> None:
        self.picture, self.how = picture, {**HOW, "format": form, "target": 0}
        self.sizes: dict[int, int] = {}
        self.seconds: dict[int, float] = {}

    def encode(self, quality: int) -> int:
        """One encode; its size in bytes."""
        return len(saving.encoded(self.picture, self.how, quality, saving.Extras()))

    def size(self, quality: int) -> int:
        """Of a known encode."""
        if quality not in self.sizes:
            begun = process_time()
            self.sizes[quality] = self.encode(quality)
            self.seconds[quality] = process_time() - begun
        return self.sizes[quality]


def _note(
    score: Score, way: Callable[[Truth, int], tuple[int, float, float]], truth: Truth, wanted: int, fitting: list[int], ladder: tuple[int, ...]
) -> None:
    quality, encodes, cpu = way(truth, wanted)
    score.below.append(len(fitting) - 1 - max(i for i, step in enumerate(ladder) if step <= quality))
    score.best += score.below[-1] == 0
    score.encodes.append(encodes)
    score.cpu.append(cpu / truth.seconds[fitting[-1]])
    score.unused.append(100 * (1 - truth.size(quality) / wanted))


def _ours(truth: Truth, wanted: int) -> tuple[int, float, float]:
    begun = process_time()
    try:
        found = target.under(truth.picture, {**truth.how, "target": wanted}, saving.Extras())
    except Refused as refused:
        raise RuntimeError(refused.detail) from refused
    return found.quality, found.encodes, process_time() - begun


def _binary(truth: Truth, wanted: int) -> tuple[int, float, float]:
    """Every quality from the lowest to 95 (WebP and AVIF: 100), halved until one is left."""
    ladder = target.ladder(truth.how["format"])
    low, high, count, cpu = 0, len(ladder), 0, 0.0
    while high - low > 1:
        middle = (low + high) // 2
        size, count, cpu = truth.size(ladder[middle]), count + 1, cpu + truth.seconds[ladder[middle]]
        low, high = (middle, high) if size <= wanted else (low, middle)
    return ladder[low], float(count), cpu


def _ladder(truth: Truth, wanted: int) -> tuple[int, float, float]:
    """As many programs do it: 95, 90, 85, … until the file is small enough."""
    ladder = target.ladder(truth.how["format"])
    count, cpu = 0, 0.0
    for quality in range(95, ladder[0] - 1, -5):
        size, count = truth.size(quality), count + 1
        cpu += truth.seconds[quality]
        if size <= wanted:
            return quality, float(count), cpu
    return ladder[0], float(count), cpu
