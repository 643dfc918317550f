"""Everything that small grey pictures tell of a film: runs alone in the sandbox, prints one JSON object.

Reads raw pictures of one size from a descriptor, one after another, and keeps no more than a few of them.
Started as a script with the descriptor and a request in JSON (`width`, `height`, `rate`, `seconds`, …).

Sources: the score of a cut is that of ffmpeg's `scdet` (mean difference, and how much it changed); frozen
pictures are compared with the first of them as in `freezedetect`; sharpness is the variance of the Laplacian
(Pech-Pacheco et al., 2000); dHash is Krawetz's ("Kind of Like That", 2013), pHash Zauner's (2010).
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

HIGH, LOW = 8.0, 5.0
"""Scores (0 to 100) of a cut: certain, and possible where it stands out."""
STANDS_OUT = 5.0
"""How many times the neighbours' mean a possible cut has to be."""
NEIGHBOURS = 8
SHORTEST_SCENE = 0.4
DARK_PIXEL, DARK_PART = 32, 0.98
"""A pixel is black up to this luma (0 to 255), a picture where this part of it is."""
STILL_MEAN, STILL_MOST = 0.1, 10
"""A picture is still the same where it differs by this much on average and nowhere by more (levels of 255)."""
MOST_SAMPLES = 240
MOST_SPANS = 5000
CURVE = 512
"""Most points of the curve of motion; two become one where there would be more."""


class Spans:
    """Stretches of time, at least `shortest` seconds long."""

    def __init__(self, shortest: float) -> None:
        self._shortest, self._from = shortest, -1.0
        self.found: list[list[float]] = []

    def see(self, time: float, holds: bool, since: float | None = None) -> None:
        """Note whether it holds from `time` on."""
        if holds and self._from < 0:
            self._from = time if since is None else since
        elif not holds and self._from >= 0:
            self.end(time)

    def end(self, time: float) -> None:
        """Nothing more comes after `time`."""
        if self._from >= 0 and time - self._from >= self._shortest - 1e-6 and len(self.found) < MOST_SPANS:
            self.found.append([round(self._from, 3), round(time, 3)])
        self._from = -1.0


class Curve:
    """A mean over time in at most `CURVE` equal steps, whatever the length."""

    def __init__(self) -> None:
        self.step, self._sums, self._counts = 0.5, [0.0], [0]
        self.total, self.count, self.most = 0.0, 0, 0.0

    def add(self, time: float, value: float) -> None:
        """Take the value at `time`."""
        place = int(time / self.step)
        while place >= CURVE:
            self._sums = [sum(self._sums[i : i + 2]) for i in range(0, len(self._sums), 2)]
            self._counts = [sum(self._counts[i : i + 2]) for i in range(0, len(self._counts), 2)]
            self.step *= 2
            place = int(time / self.step)
        while len(self._sums) <= place:
            self._sums.append(0.0)
            self._counts.append(0)
        self._sums[place] += value
        self._counts[place] += 1
        self.total, self.count, self.most = self.total + value, self.count + 1, max(self.most, value)

    def answer(self) -> dict[str, Any]:
        """Percent of full scale."""
        curve = [round(total / count, 3) if count else 0.0 for total, count in zip(self._sums, self._counts, strict=True)]
        return {"mean": round(self.total / self.count, 3) if self.count else 0.0, "most": round(self.most, 3), "step": self.step, "curve": curve}


class Cuts:
    """Finds cuts, judging each picture when its neighbours on both sides are known."""

    def __init__(self) -> None:
        self._window: deque[tuple[float, float]] = deque(maxlen=2 * NEIGHBOURS + 1)
        self._before = 0.0
        self.found: list[dict[str, float]] = []

    def add(self, time: float, change: float) -> None:
        """Take the mean difference (0 to 100) of the picture at `time` to the one before."""
        score = min(change, abs(change - self._before))
        self._before = change
        self._window.append((time, score))
        if len(self._window) == self._window.maxlen:
            self._judge(NEIGHBOURS)

    def end(self) -> None:
        """Judge those that have no later neighbours."""
        filled = len(self._window)
        first = NEIGHBOURS + 1 if filled == self._window.maxlen else 0
        for place in range(first, filled):
            self._judge(place)

    def _judge(self, place: int) -> None:
        time, score = self._window[place]
        if score < LOW:
            return
        # What follows a cut is a lower difference by as much, which scores again: only the first counts.
        others = [s for i, (_, s) in enumerate(self._window) if i not in (place, place + 1)]
        usual = sum(others) / len(others) if others else 0.0
        certain = score >= HIGH and score >= 2 * usual
        if not (certain or score >= STANDS_OUT * max(usual, 0.2)):
            return
        if self.found and time - self.found[-1]["time"] < SHORTEST_SCENE:
            if score > self.found[-1]["score"]:
                self.found[-1] = {"time": round(time, 3), "score": round(score, 2)}
        elif len(self.found) < MOST_SPANS and time >= SHORTEST_SCENE / 2:
            self.found.append({"time": round(time, 3), "score": round(score, 2)})


class Look:
    """Takes one picture after another."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.rate = request["rate"]
        self.every = max(1, round(self.rate * max(0.5, request["seconds"] / MOST_SAMPLES)))
        self.black, self.frozen = Spans(request["black"]), Spans(request["frozen"])
        self.cuts, self.motion = Cuts(), Curve()
        self.samples: list[dict[str, Any]] = []
        self._last: Any = None
        self._kept: Any = None
        self._kept_at = 0.0
        self.count = 0

    def see(self, picture: Any) -> None:
        """The next picture, as 16-bit numbers."""
        time, number = self.count / self.rate, self.count
        self.count += 1
        self.black.see(time, bool((picture <= DARK_PIXEL).mean() >= DARK_PART))
        if self._last is not None:
            change = float(np.abs(picture - self._last).mean()) * 100 / 255
            self.motion.add(time, change)
            self.cuts.add(time, change)
        self._freeze(picture, time)
        self._last = picture
        if number % self.every == 0 and len(self.samples) < 2 * MOST_SAMPLES:
            self.samples.append({"time": round(time, 3), **describe(picture)})

    def _freeze(self, picture: Any, time: float) -> None:
        if self._kept is not None:
            apart = np.abs(picture - self._kept)
            if apart.mean() <= STILL_MEAN and apart.max() <= STILL_MOST:
                self.frozen.see(time, True, since=self._kept_at)
                return
        self.frozen.see(time, False)
        self._kept, self._kept_at = picture, time

    def answer(self) -> dict[str, Any]:
        """The report."""
        end = self.count / self.rate
        for spans in (self.black, self.frozen):
            spans.end(end)
        self.cuts.end()
        return {
            "pictures": self.count, "seconds": round(end, 3), "cuts": self.cuts.found, "black": self.black.found,
            "frozen": self.frozen.found, "motion": self.motion.answer(), "samples": self.samples,
        }  # fmt: skip


def describe(picture: Any) -> dict[str, Any]:
    """Brightness (0 to 255), sharpness and both hashes of one picture."""
    grey = picture.astype(np.float32)
    centre = grey[1:-1, 1:-1]
    edges = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * centre
    return {
        "brightness": round(float(grey.mean()), 2),
        "sharpness": round(float(edges.var()), 2) if edges.size else 0.0,
        "dhash": dhash(picture),
        "phash": phash(picture),
    }


def _small(picture: Any, width: int, height: int) -> Any:
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX), dtype=np.float32)


def dhash(picture: Any) -> str:
    """64 bits, row by row of 9×8 pixels: is each darker than its right neighbour?"""
    small = _small(picture, 9, 8)
    return _hex(small[:, :-1] < small[:, 1:])


def phash(picture: Any) -> str:
    """64 bits: which of the 8×8 lowest frequencies of 32×32 pixels (without the mean's own) pass their median?"""
    places = np.arange(32)
    waves = np.cos(np.pi * (2 * places[None, :] + 1) * np.arange(8)[:, None] / 64).astype(np.float32)
    low = waves @ _small(picture, 32, 32) @ waves.T
    rest = np.delete(low.ravel(), 0)
    return _hex(low > np.median(rest))


def _hex(bits: Any) -> str:
    return bytes(np.packbits(bits.ravel())).hex()


def pictures(file: BinaryIO, request: dict[str, Any]) -> dict[str, Any]:
    """Look at every picture of `file`."""
    width, height = request["width"], request["height"]
    look, size = Look(request), width * height
    while len(data := file.read(size)) == size:
        look.see(np.frombuffer(data, dtype=np.uint8).reshape(height, width).astype(np.int16))
        if look.count % 500 == 0:
            # Whoever waits hears that it goes on.
            sys.stdout.write(" ")
            sys.stdout.flush()
    return look.answer()


if __name__ == "__main__":
    with os.fdopen(int(sys.argv[1]), "rb", buffering=1 << 20) as source:
        json.dump(pictures(source, json.loads(sys.argv[2])), sys.stdout)
