"""GIF time: whole hundredths of a second."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

FASTEST = 50
"""Frames per second at a delay of 2 cs; viewers slow anything faster down to 10."""


def delays(frames: int, fps: Fraction | float) -> tuple[int, ...]:
    """The delay of each frame in hundredths of a second, such that no error adds up.

    Frame k begins at floor(100·k/fps): 24 fps gives 4, 4, 4, 4, 4, 5 repeated, and 144 frames
    last exactly 600.
    """
    rate = rational(fps)
    starts = [100 * k * rate.denominator // rate.numerator for k in range(frames + 1)]
    return tuple(after - before for before, after in pairwise(starts))


def rational(fps: Fraction | float) -> Fraction:
    """A frame rate as the exact fraction that was meant: 23.976 is 24000/1001."""
    if isinstance(fps, Fraction):
        return fps
    return next((exact for exact in _NTSC if abs(float(exact) - fps) < 0.002), Fraction(fps).limit_denominator(1001))


_NTSC = tuple(Fraction(rate * 1000, 1001) for rate in (12, 15, 24, 30, 48, 60))
