"""Loudness as people hear it (ITU-R BS.1770, EBU R128) and true peaks: measured, changed, measured again.

The change is one gain for the whole sound, so that its dynamics stay. Where the peaks leave no room
for it, a limiter that sees between the samples (at four times the rate) takes them down; ffmpeg's
own `loudnorm` would quietly become a compressor there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

SILENCE = -70.0
"""LUFS: the absolute gate of BS.1770; nothing below it counts as sound."""
SHORTEST = 0.4
"""Seconds of one gating block: less has no loudness."""
CLOSE = 0.3
"""LU within which a trial is good enough; what is promised is `PROMISED`."""
PROMISED = 0.5
"""LU: how far a result may be from the wanted loudness (EBU R128: ±0.5 LU, ±1 for live)."""
_OVERSAMPLING = 4
"""BS.1770-4, annex 2: true peaks are found at four times the rate."""
_MOST_RATE = 192_000
_METER = "ebur128=metadata=1:peak=true:framelog=quiet"
_PRINTED = ("I", "true_peak")
_LINE = re.compile(rb"lavfi\.r128\.(I|true_peak)=(-?[0-9.]+|-?inf|nan)\s*")
_ROUNDING = 0.0005
"""The meter prints peaks with three decimals of full scale."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """`integrated` in LUFS, `peak` in dBTP; both -inf for silence."""

    integrated: float
    peak: float

    @property
    def silent(self) -> bool:
        """Whether nothing can be heard."""
        return self.integrated <= SILENCE


@dataclass(frozen=True, slots=True)
class Gain:
    """A constant gain in dB, and the ceiling in dBTP of the limiter behind it, if there is one."""

    gain: float = 0.0
    ceiling: float | None = None

    def filters(self, rate: int) -> tuple[str, ...]:
        """The chain that makes it, for samples at `rate` Hz."""
        loud = (f"volume={self.gain:.3f}dB:precision=double",) if self.gain else ()
        if self.ceiling is None:
            return loud
        fine = min(_MOST_RATE, rate * _OVERSAMPLING) if rate < _MOST_RATE else rate
        limit = 10 ** (self.ceiling / 20)
        limiter = f"alimiter=limit={limit:.6f}:attack=5:release=80:level=0:latency=1"
        return (*loud, f"aresample={fine}:osf=dblp", limiter, f"aresample={rate}:osf=fltp")


class Meter:
    """Takes what the metering filters print, in pieces of any size; `loudness` is what they said last.

    `filters` stand at the end of a chain that goes nowhere.
    """

    # A tenth of a second of silence lets the last block and its peaks be counted. The printers write line by line (`direct`):
    # each has a buffer of its own otherwise, and an hour of lines is cut where one of them is full.
    filters = ("apad=pad_dur=0.1", _METER, *(f"ametadata=mode=print:key=lavfi.r128.{name}:file=-:direct=1" for name in _PRINTED))

    def __init__(self) -> None:
        self._rest = b""
        self._said = {"I": SILENCE, "true_peak": 0.0}

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-200:]
        for line in lines:
            if match := _LINE.fullmatch(line):
                self._said[match[1].decode()] = float(match[2])

    @property
    def loudness(self) -> Loudness:
        """The loudness of everything so far, and its greatest true peak (rounded up)."""
        peak = self._said["true_peak"]
        quiet = not math.isfinite(self._said["I"]) or self._said["I"] <= SILENCE
        return Loudness(-math.inf if quiet else self._said["I"], decibels(peak + _ROUNDING) if peak > 0 else -math.inf)


Trial = Callable[[Gain], Loudness]
"""Measures what a gain would make of the sound."""


def to_loudness(found: Loudness, target: float, ceiling: float, trial: Trial, *, trials: int = 3) -> Gain:
    """The gain that brings `found` to `target` LUFS with no peak above `ceiling` dBTP.

    A limiter takes some loudness away, so its gain is found by a few trials. What is silent gets none.
    """
    if found.silent:
        return Gain()
    gain = Gain(target - found.integrated)
    if found.peak + gain.gain <= ceiling:
        return gain
    best, miss = Gain(gain.gain, ceiling), math.inf
    step = best
    for _ in range(trials):
        now = trial(step)
        off = target - now.integrated
        if abs(off) < abs(miss):
            best, miss = step, off
        if abs(off) <= CLOSE:
            break
        # A gain of more than 12 dB above what was measured only squashes.
        step = Gain(min(step.gain + off, gain.gain + 12), ceiling)
    return best


def to_peak(found: Loudness, ceiling: float) -> Gain:
    """The gain that brings the greatest true peak to `ceiling` dBTP; none for silence."""
    return Gain() if not math.isfinite(found.peak) else Gain(ceiling - found.peak)


def corrected(gain: Gain, result: Loudness, target: float | None, ceiling: float) -> Gain | None:
    """A better gain when the encoded `result` misses the target loudness or passes the ceiling; None when it is right.

    Lossy codecs move peaks by some tenths of a decibel, so their limiter aims lower the second time.
    """
    over = result.peak - ceiling
    off = 0.0 if target is None else target - result.integrated
    if over <= 0.05 and abs(off) <= PROMISED:
        return None
    if target is None:
        return Gain(gain.gain - max(0.0, over))
    lower = (gain.ceiling if gain.ceiling is not None else ceiling) - max(0.0, over) - (0.1 if over > 0.05 else 0.0)
    return Gain(gain.gain + (off if abs(off) > CLOSE else 0.0), lower if over > 0.05 or gain.ceiling is not None else None)


def decibels(amplitude: float) -> float:
    """dB of a part of full scale."""
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf
