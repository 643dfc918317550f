"""Which pictures of a part can be copied, and which must be encoded: arithmetic on decode order and display times.

All times are ticks of the stream's time base; pictures stand in decode order.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

KEY = 1
"""Decoding may begin here when nothing was decoded before."""
CLEAN = 2
"""Decoding may go on here after any other pictures: an IDR, or a keyframe of a codec without reordering."""
HIDDEN = 4
"""Never shown: behind an edit list, or a reference only."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is shown of a part: `times` in display order; the first is moved to `origin` when it came up before it."""

    origin: int
    times: Sequence[int]


@dataclass(frozen=True, slots=True)
class Division:
    """`begin` and `end` are positions in decode order of what is copied (equal when nothing is).

    Pictures shown before `body_first` and after `body_last` are encoded.
    """

    begin: int
    end: int
    body_first: int
    body_last: int

    @property
    def copies(self) -> bool:
        """Whether anything is copied."""
        return self.end > self.begin


def wanted(shown: Sequence[int], start: int, end: int, touch: int, count: int | None) -> Wanted:
    """Pictures of the part from `start` to `end`; `shown` is sorted.

    The first is the one on the screen at `start` (within `touch`), or the first there is. With a `count` (constant
    rate) exactly so many are taken, as far as there are, and time begins with the first; without, those before `end`
    are, and time begins at `start`.
    """
    first = max(0, bisect_right(shown, start + touch) - 1)
    if count is not None:
        times = shown[first : first + count]
        return Wanted(times[0] if times else start, times)
    return Wanted(start, shown[first : max(first + 1, bisect_left(shown, end - touch))])


def divide(pts: Sequence[int], flags: Sequence[int], first: int, last: int) -> Division:
    """Copy from the first clean picture shown at or after `first` to the last point before which everything was shown by `last`.

    There the pictures so far are a beginning of decode order and of display order both, so nothing that is copied needs
    what is not, and nothing that is left out was due earlier.
    """
    begin = next((i for i, flag in enumerate(flags) if flag & CLEAN and not flag & HIDDEN and first <= pts[i] <= last), None)
    if begin is None:
        return Division(0, 0, first, first)
    latest, best, best_last = pts[begin], begin, pts[begin]
    earliest = _earliest_from(pts)
    for i in range(begin, len(pts)):
        # What is shown before the clean picture itself belongs to the group before, and is left out.
        if pts[i] >= pts[begin]:
            latest = max(latest, pts[i])
        if latest > last:
            break
        if i + 1 == len(pts) or earliest[i + 1] > latest:
            best, best_last = i + 1, latest
    return Division(begin, best, pts[begin], best_last) if best > begin else Division(0, 0, first, first)


def keyframe(pts: Sequence[int], flags: Sequence[int], start: int, *, after_others: bool) -> int:
    """Position of the last keyframe at or before `start`, clean if it comes `after_others` and there is one; else the first."""
    for wanted_flag in (CLEAN, KEY) if after_others else (KEY,):
        found = [i for i, flag in enumerate(flags) if flag & wanted_flag and pts[i] <= start]
        if found:
            return found[-1]
    return 0


def covering(pts: Sequence[int], begin: int, last: int) -> int:
    """The first position after `begin` before which everything up to `last` was shown, and nothing later was due earlier."""
    latest, earliest = pts[begin], _earliest_from(pts)
    for i in range(begin, len(pts)):
        latest = max(latest, pts[i])
        if latest >= last and (i + 1 == len(pts) or earliest[i + 1] > latest):
            return i + 1
    return len(pts)


def decode_times(times: Sequence[int], delay: int, step: int) -> list[int]:
    """Decode times for pictures shown at `times` (sorted), when each may come up to `delay` pictures late.

    The k-th picture is decoded when the k−delay-th is shown: strictly rising and never after its own showing, whatever
    the distances are (x264 numbers its own output so).
    """
    return [times[k - delay] if k >= delay else times[0] - (delay - k) * step for k in range(len(times))]


def delay(pts: Sequence[int]) -> int:
    """How many places pictures stand later in decode order than they are shown, at most."""
    shown = sorted(pts)
    return max((place - bisect_left(shown, time) for place, time in enumerate(pts)), default=0)


def _earliest_from(pts: Sequence[int]) -> list[int]:
    earliest = list(pts)
    for i in range(len(earliest) - 2, -1, -1):
        earliest[i] = min(earliest[i], earliest[i + 1])
    return earliest
