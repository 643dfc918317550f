"""The loudness outline of a sound, for drawing: constant memory, however long it is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import guards
from .errors import MediaError
from .media import AudioStream
from .operations.base import Command, Input
from .workbench import Source, Workbench

_CHILD = Path(__file__).resolve().parent / "peaks_child.py"
RATE = 8000
"""Samples per second that are looked at: an outline needs no more."""
FULL_SCALE = 32768
QUIETEST = FULL_SCALE // 100
"""Sound below this peak (-40 dB) is drawn as quiet as it is, not blown up to full height."""


def peaks(source: Source, *, buckets: int = 800) -> list[float]:
    """The greatest sample of each of `buckets` equal parts of the duration, 0 to 1, the loudest being 1.

    Of several channels the loudest counts. Raises `MediaError("no_audio")` where there is no sound, and what
    `Workbench.ffmpeg` raises.
    """
    audio, duration = source.media.audio, source.media.duration
    if audio is None or not duration:
        raise MediaError("no_audio")
    with tempfile.TemporaryDirectory() as work:
        bench = Workbench(Path(work), (source,))
        try:
            return scaled(_looked_at(bench, audio, duration, buckets))
        except MediaError as error:
            if error.code.name in ("cancelled", "gone"):
                raise
        # Whatever the quick way can't read, ffmpeg may.
        return _drawn(bench, audio, duration, buckets)


def _looked_at(bench: Workbench, audio: AudioStream, duration: float, buckets: int) -> list[float]:
    """Peaks of what the decoder gives, by a child that never copies a sample elsewhere."""
    media = bench.sources[0].media
    request = {**guards.reader(media, bench.limits), "stream": audio.index, "buckets": buckets, "duration": duration}
    answer = bytearray()
    with bench.opened(0) as descriptor:
        bench.python(_CHILD, (str(descriptor), json.dumps(request)), keep=(descriptor,), on_output=answer.extend)
    try:
        values = [float(value) for value in json.loads(answer)]
    except (ValueError, TypeError) as error:
        raise MediaError("tool_failed", log=f"peaks: {error}") from error
    if len(values) != buckets:
        raise MediaError("tool_failed", log=f"{len(values)} peaks instead of {buckets}")
    return values


def _drawn(bench: Workbench, audio: AudioStream, duration: float, buckets: int) -> list[float]:
    outline = Outline(buckets, round(duration * RATE))
    # Sound that starts late is preceded by silence, so that the outline lies under the pictures it belongs to.
    filters = f"aresample={RATE}:async=1:first_pts=0"
    arguments = ("-map", f"0:{audio.index}", "-vn", "-sn", "-dn", "-af", filters, "-ac", "1", "-c:a", "pcm_s16le")
    bench.decode(Command("waveform", (Input(0),), arguments, "", "s16le", duration), on_output=outline.feed)
    return outline.heights()


def scaled(values: Sequence[float]) -> list[float]:
    """Heights to draw: 0 to 1, the loudest being 1 unless all is too quiet to be shown so."""
    loudest = max((*values, QUIETEST / FULL_SCALE))
    return [round(min(1.0, value / loudest), 4) for value in values]


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
        return scaled([peak / FULL_SCALE for peak in self._peaks])
