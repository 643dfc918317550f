"""The loudness outline of a sound, for drawing: constant memory, however long it is."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .errors import MediaError
from .operations.base import Command, Input
from .workbench import Source, Workbench

RATE = 8000
"""Samples per second that are looked at: an outline needs no more."""
FULL_SCALE = 32768
QUIETEST = FULL_SCALE // 100
"""Sound below this peak (-40 dB) is drawn as quiet as it is, not blown up to full height."""


def peaks(source: Source, *, buckets: int = 800) -> list[float]:
    """The greatest sample of each of `buckets` equal parts of the duration, 0 to 1, the loudest being 1.

    Raises `MediaError("no_audio")` where there is no sound, and what `Workbench.ffmpeg` raises.
    """
    audio, duration = source.media.audio, source.media.duration
    if audio is None or not duration:
        raise MediaError("no_audio")
    outline = Outline(buckets, round(duration * RATE))
    # Sound that starts late is preceded by silence, so that the outline lies under the pictures it belongs to.
    filters = f"aresample={RATE}:async=1:first_pts=0"
    arguments = ("-map", f"0:{audio.index}", "-vn", "-sn", "-dn", "-af", filters, "-ac", "1", "-c:a", "pcm_s16le")
    with tempfile.TemporaryDirectory() as work:
        bench = Workbench(Path(work), (source,))
        bench.decode(Command("waveform", (Input(0),), arguments, "", "s16le", duration), on_output=outline.feed)
    return outline.heights()


class Outline:
    """Takes 16-bit mono samples in pieces of any size and keeps the peak of each bucket."""

    def __init__(self, buckets: int, samples: int) -> None:
        self._peaks = [0] * buckets
        self._samples = max(1, samples)
        self._at = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes (little endian, as ffmpeg writes them)."""
        data = self._rest + data
        even = len(data) & ~1
        self._rest = data[even:]
        # The cast is in the machine's byte order, which is little endian wherever ffmpeg wheels exist.
        view = memoryview(data)[:even].cast("h")
        start, count = 0, len(self._peaks)
        while start < len(view):
            bucket = min(count - 1, self._at * count // self._samples)
            # Samples up to the next bucket's first; whatever comes after the expected end belongs to the last one.
            wanted = len(view) if bucket == count - 1 else -(-(bucket + 1) * self._samples // count) - self._at
            piece = view[start : start + wanted]
            self._peaks[bucket] = max(self._peaks[bucket], max(piece), -min(piece))
            start, self._at = start + len(piece), self._at + len(piece)

    def heights(self) -> list[float]:
        """The peaks, 0 to 1."""
        loudest = max(*self._peaks, QUIETEST)
        return [round(min(1.0, peak / loudest), 4) for peak in self._peaks]
