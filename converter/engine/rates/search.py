"""Finding the coarsest constant rate factor that is still good enough, in few probes. Arithmetic only."""

from __future__ import annotations

from collections.abc import Mapping

MOST_PROBES = 4
CLOSE = 0.6
"""A score this little above the wanted one is as good as it needs to be; one step of CRF is about one point."""
_SLOPE = -1.0
"""Points of VMAF for one step of CRF, where nothing is known yet."""


def next_probe(tried: Mapping[int, float], wanted: float, low: int, high: int, start: int) -> int | None:
    """Which factor to try next, from `low` to `high`, or None when the answer is good enough or `MOST_PROBES` are spent.

    `tried` holds the score of each factor tried, which falls as the factor grows. The first is `start`; then the secant
    through the two nearest points, kept strictly between the coarsest good and the finest bad one (regula falsi).
    """
    if not tried:
        return min(max(start, low), high)
    if len(tried) >= MOST_PROBES or any(0 <= score - wanted <= CLOSE for score in tried.values()):
        return None
    good, bad = _bracket(tried, wanted)
    floor, ceiling = low if good is None else good + 1, high if bad is None else bad - 1
    if floor > ceiling:
        return None
    return min(max(_secant(tried, wanted), floor), ceiling)


def choose(tried: Mapping[int, float], wanted: float, low: int, high: int) -> int:
    """The factor to use: the coarsest that reached `wanted`, or one guessed from the others where none did."""
    good, bad = _bracket(tried, wanted)
    if good is not None:
        return good
    # Rounded towards quality, one step further than the line says.
    return min(max(low, min(_secant(tried, wanted) - 1, high if bad is None else bad - 1)), high)


def expected(tried: Mapping[int, float], factor: int) -> float:
    """The score at `factor`: measured, or on the line through the nearest two."""
    if factor in tried:
        return tried[factor]
    nearest = min(tried, key=lambda key: abs(key - factor))
    return min(100.0, max(0.0, tried[nearest] + _slope(tried, factor) * (factor - nearest)))


def _bracket(tried: Mapping[int, float], wanted: float) -> tuple[int | None, int | None]:
    # Scores may stumble by noise; the coarsest good one below the finest bad one counts.
    bad = min((factor for factor, score in tried.items() if score < wanted), default=None)
    good = max((factor for factor, score in tried.items() if score >= wanted and (bad is None or factor < bad)), default=None)
    return good, bad


def _secant(tried: Mapping[int, float], wanted: float) -> int:
    nearest = min(tried, key=lambda factor: abs(tried[factor] - wanted))
    # Down to the next whole factor: a little too good rather than too bad.
    return int((nearest + (wanted - tried[nearest]) / _slope(tried, nearest)) // 1)


def _slope(tried: Mapping[int, float], near: int) -> float:
    one, *others = sorted(tried, key=lambda factor: abs(factor - near))
    if not others:
        return _SLOPE
    slope = (tried[others[0]] - tried[one]) / (others[0] - one)
    # Near 100 the curve is flat and says nothing about how it goes on.
    return min(-0.2, slope)
