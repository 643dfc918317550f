"""The encoder's knobs, as three named profiles. Where each number comes from stands in docs/engine.md."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Profile:
    """How one GIF is made. Tolerances are in quarters of a grey level (`temporal.LEVEL`)."""

    base: int
    """Tolerance where the picture is plain."""
    most: int
    """Tolerance up to which `base` rises while noise would draw much of a picture again that few colours describe."""
    slope: int
    """What each level of local contrast adds to it."""
    cap: int
    """Contrast above which it grows no more, in levels."""
    better: float
    """A pixel is drawn only when its squared error becomes this many times smaller."""
    loss: float
    """How much of the tolerance LZW may use to continue a known string; 0 is lossless."""
    error: float
    """Mean squared error (E) that a palette has to meet; it grows until it does."""
    rounds: int
    """k-means rounds a frame."""
    stride: int
    """Every how manieth pixel is counted for the palette."""
    smooth: int = 3
    """How many times plain areas count: bands show there and nowhere else."""
    candidates: int = 4
    """Neighbouring colours that lossy LZW may try."""
    moves: int = 16
    """Useless colours moved in one round."""
    gain: float = 1.0
    """Strength of the dithering; 0 is none."""
    dithered: int = 1
    """Contrast, in levels, up to which a pixel is dithered."""
    variance: float = 0.25
    """How dear the unrest of a dithered mixture is, 0 to 1."""
    eager: float = 0.8
    """What `better` is where a plain place's mean brightness is wrong."""
    bias: int = 4
    """By how many quarter levels it has to be."""
    plain_loss: float = 3.8
    """What `loss` is in plain places of a picture that is mostly plain and never rests."""
    calm_loss: float = 2.15
    """What `loss` is in the other places of such a picture."""
    simple_loss: float = 1.5
    """What `loss` is where few colours describe the picture: what texture there is, is worth its bytes."""
    calm_better: float = 1.2
    """What `better` is there, and where most of the picture is plain."""
    calm_variance: float = 0.25
    """What `variance` is in the same places: steps between colours would show."""
    colours: int = 255
    """Most colours of a frame; the 256th index is transparency."""


PROFILES = {
    "fast": Profile(
        base=10,
        most=18,
        slope=3,
        cap=8,
        better=2.5,
        loss=2.5,
        error=40.0,
        rounds=1,
        stride=8,
        candidates=2,
        plain_loss=2.5,
        calm_loss=2.5,
        simple_loss=2.5,
        calm_better=2.5,
        eager=2.5,
    ),
    "balanced": Profile(
        base=16, most=20, slope=1, cap=8, better=1.85, loss=1.8, error=8.0, rounds=4, stride=2, smooth=2, candidates=15, moves=60, variance=0.1
    ),
    "best": Profile(
        base=3,
        most=5,
        slope=1,
        cap=8,
        better=1.05,
        loss=0.2,
        error=2.0,
        rounds=5,
        stride=1,
        smooth=2,
        candidates=15,
        moves=60,
        variance=0.8,
        eager=1.0,
        plain_loss=0.5,
        calm_loss=0.2,
        simple_loss=0.93,
        calm_better=1.02,
        calm_variance=0.1,
    ),
}
DITHERS = {"none": 0.0, "fine": 0.5, "normal": 1.0, "coarse": 1.6}
"""What the operation's `dither` multiplies the gain with."""


def profile(name: str, *, colours: int, dither: str) -> Profile:
    """A profile with a person's colours (4 to 256) and dithering. Raises `KeyError` for unknown names."""
    chosen = PROFILES[name]
    return replace(chosen, colours=min(chosen.colours, colours), gain=chosen.gain * DITHERS[dither])
