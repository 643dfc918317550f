"""Where a recording is quiet: from the level of every fiftieth of a second, without listening twice to guess.

Levels are RMS in dBFS over windows of 20 ms (a syllable has several, a click less than two). What
counts as quiet is found from the recording itself: some way up from its noise to its voice, because a
fixed threshold eats words in a quiet recording and cuts nothing in a noisy one.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

WINDOWS = 50
"""For each second."""
_FLOOR, _VOICE = 0.10, 0.95
"""The parts of the windows below which lie the noise and nearly all of the voice."""
_UP, _LEAST_UP, _BELOW_VOICE = 0.3, 6.0, 9.0
_LOWEST, _HIGHEST = -75.0, -30.0
_NOTHING = -90.0
"""dB: a window below is digital silence or its dither, and says nothing of the noise."""
_SOUNDS = 2
"""Windows in a row that make a sound; one alone is a click."""
_LEVEL = re.compile(rb"lavfi\.astats\.Overall\.RMS_level=(-?[0-9.]+|-?inf|nan)")


@dataclass(frozen=True, slots=True)
class Keep:
    """Windows from `first` up to, not including, `end`."""

    first: int
    end: int


class Levels:
    """Takes what the filters print, in pieces of any size; `levels` holds one number for each window."""

    def __init__(self) -> None:
        self.levels = array("f")
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if match := _LEVEL.match(line):
                level = float(match[1])
                self.levels.append(level if math.isfinite(level) else -200.0)


def window(rate: int) -> int:
    """Samples of one window at `rate` Hz."""
    return max(1, rate // WINDOWS)


def windowing(rate: int) -> str:
    """The filter that makes one frame of each window."""
    return f"asetnsamples=n={window(rate)}:p=0"


def listening(rate: int) -> tuple[str, ...]:
    """Filters that print the level of each window, at the end of a chain that goes nowhere."""
    meter = "astats=metadata=1:reset=1:measure_perchannel=none:measure_overall=RMS_level"
    return (windowing(rate), meter, "ametadata=mode=print:key=lavfi.astats.Overall.RMS_level:file=-")


def threshold(levels: Iterable[float]) -> float:
    """The level in dBFS below which it is quiet, from the recording's own noise and voice."""
    heard = sorted(level for level in levels if level > _NOTHING)
    if not heard:
        return _HIGHEST
    floor, voice = heard[int(_FLOOR * (len(heard) - 1))], heard[int(_VOICE * (len(heard) - 1))]
    above = floor + max(_LEAST_UP, _UP * (voice - floor))
    return max(_LOWEST, min(above, voice - _BELOW_VOICE, _HIGHEST))


def kept(levels: Sequence[float], limit: float, *, seconds: float, padding: float, longer: float, inner: bool) -> tuple[Keep, ...]:
    """What stays when quiet is cut: sounds with `padding` seconds before and after each, and pauses up to `longer` seconds.

    `seconds` is the length of one window; with `inner` false only both ends are cut. Empty when nothing is heard.
    """
    pad, most = round(padding / seconds), max(round(longer / seconds), 1)
    runs = _merged(_runs(levels, limit), most if inner else len(levels))
    return tuple(_joined([Keep(max(0, run.first - pad), min(len(levels), run.end + pad)) for run in runs]))


def expression(keeps: Sequence[Keep]) -> str:
    """Whether frame `n` is kept, as an expression of ffmpeg: a search tree, so that thousands of pieces cost little."""
    if len(keeps) == 1:
        return f"between(n,{keeps[0].first},{keeps[0].end - 1})"
    middle = len(keeps) // 2
    return f"if(lt(n,{keeps[middle].first}),{expression(keeps[:middle])},{expression(keeps[middle:])})"


def _runs(levels: Sequence[float], limit: float) -> list[Keep]:
    runs: list[Keep] = []
    first = None
    for place, level in enumerate(levels):
        if level >= limit and first is None:
            first = place
        elif level < limit and first is not None:
            runs += [Keep(first, place)] if place - first >= _SOUNDS else []
            first = None
    if first is not None:
        runs.append(Keep(first, len(levels)))
    return runs


def _merged(runs: Sequence[Keep], gap: int) -> list[Keep]:
    """Runs with pauses up to `gap` windows taken as one."""
    if not runs:
        return []
    firsts = [runs[0].first, *(after.first for before, after in pairwise(runs) if after.first - before.end > gap)]
    ends = [*(before.end for before, after in pairwise(runs) if after.first - before.end > gap), runs[-1].end]
    return [Keep(first, end) for first, end in zip(firsts, ends, strict=True)]


def _joined(keeps: Sequence[Keep]) -> list[Keep]:
    """Pieces that touch or overlap taken as one."""
    found: list[Keep] = []
    for keep in keeps:
        if found and keep.first <= found[-1].end:
            found[-1] = Keep(found[-1].first, max(found[-1].end, keep.end))
        else:
            found.append(keep)
    return found
