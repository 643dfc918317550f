"""Loudness and silences in one decode, streamed: nothing is kept but the last numbers and the list of silences.

Loudness is EBU R 128 (ITU-R BS.1770: gated integrated loudness, EBU Tech 3342 range, 4× oversampled true peak)
by ffmpeg's `ebur128`.
"""

from __future__ import annotations

import math

from converter.engine.media import Media
from converter.engine.operations.base import Command, Input

from .lines import Lines, number, printing

MOST = 5000
"""Silences that are listed."""
QUIETEST = -70.0
"""The absolute gate of BS.1770, in LUFS: below it nothing is measured."""
_R128 = ("lavfi.r128.I", "lavfi.r128.LRA", "lavfi.r128.true_peak")
_START, _END = "lavfi.silence_start", "lavfi.silence_end"


class Sound:
    """Collects what the filters print."""

    def __init__(self) -> None:
        self.silences: list[list[float]] = []
        self._open: float | None = None
        self._last: dict[str, float] = {}
        self._until = 0.0

    def reader(self) -> Lines:
        """What takes ffmpeg's output."""
        return Lines(self._see)

    def _see(self, time: float | None, key: str, text: str) -> None:
        value = number(text)
        if value is None:
            return
        self._until = max(self._until, time or 0.0)
        if key == _START:
            self._open = max(0.0, value)
        elif key == _END and self._open is not None:
            self._close(value)
        elif key in _R128:
            self._last[key] = value

    def _close(self, end: float) -> None:
        if self._open is not None and end > self._open and len(self.silences) < MOST:
            self.silences.append([round(self._open, 3), round(end, 3)])
        self._open = None

    def answer(self, duration: float) -> tuple[list[list[float]], dict[str, float | None]]:
        """The silences, and the loudness (LUFS, LU, dBTP); None where nothing loud enough was heard."""
        self._close(max(duration, self._until))
        integrated = self._last.get(_R128[0], -math.inf)
        peak = self._last.get(_R128[2], 0.0)
        heard = integrated > QUIETEST
        return self.silences, {
            "integrated_lufs": round(integrated, 2) if heard else None,
            "range_lu": round(self._last.get(_R128[1], 0.0), 2) if heard else None,
            "true_peak_dbtp": round(20 * math.log10(peak), 2) if peak > 1e-9 else None,
        }


def listening(media: Media, *, level: float, shortest: float, loudness: bool, share: float) -> Command:
    """The command that prints what `Sound` reads. `level` in dB of full scale, `shortest` in seconds."""
    if media.audio is None:
        raise ValueError("there is no sound")
    chain = ["aresample=async=1:first_pts=0"]
    keys = [_START, _END]
    if loudness:
        chain.append("ebur128=metadata=1:peak=true:framelog=quiet")
        keys += _R128
    chain += [f"silencedetect=n={level:g}dB:d={shortest:g}", *printing("ametadata", *keys)]
    arguments = ("-map", f"0:{media.audio.index}", "-vn", "-sn", "-dn", "-af", ",".join(chain))
    return Command("listening", (Input(0),), arguments, "", "null", media.duration or 1.0, share)
