"""Showing pictures in another order than they were drawn: backwards, there and back, again from the start.

ffmpeg's `reverse` and `loop` filters hold every picture. Here they are drawn once, lossless and each for itself, into
a file of the work directory; a list for the concat demuxer then names them in the wanted order, and each is found by a
seek. Memory is that of one picture, whatever the length. Matroska's clock has milliseconds, so rates up to 250 keep
their pictures apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from .operations.base import Command, Input

STORE, ORDER = "drawn.mkv", "order.ffconcat"
STORE_NANOSECONDS = 12
"""CPU time of writing and reading one pixel, measured with Ut Video on 720p."""
START_SECONDS = 0.2
"""CPU time of one more ffmpeg."""
_INTRA = {"gbrp": ("-c:v", "utvideo"), "gbrap": ("-c:v", "utvideo")}
_OTHER = ("-c:v", "ffv1", "-level", "3", "-g", "1", "-slices", "4")
"""FFV1 takes every pixel format and odd size; Ut Video is several times faster where it can."""


def store(inputs: tuple[Input, ...], graph: str, pixel_format: str, seconds: float, share: float) -> Command:
    """The command that draws `[out]` of `graph`, pictures of a constant rate, into `STORE`."""
    intra = (*_INTRA.get(pixel_format, _OTHER), "-pix_fmt", pixel_format)
    arguments = ("-filter_complex", graph, "-map", "[out]", "-fps_mode", "passthrough", *intra)
    return Command("drawing frames", inputs, arguments, STORE, "matroska", seconds, share)


def position(index: int, frames: int, *, pingpong: bool = False, reverse: bool = False) -> int:
    """Which of `frames` pictures is shown as number `index` (from 0).

    Looping starts again from the first; ping-pong turns round without showing either end twice.
    """
    if frames <= 1:
        return 0
    step = index % cycle(frames, pingpong=pingpong)
    shown = step if step < frames else 2 * frames - 2 - step
    return frames - 1 - shown if reverse else shown


def cycle(frames: int, *, pingpong: bool) -> int:
    """After how many pictures the order of `position` begins again."""
    return 2 * frames - 2 if pingpong and frames > 1 else frames


def write_order(work: Path, rate: Fraction, positions: Iterator[int]) -> None:
    """Write the list that `stored` reads: pictures of `STORE`, drawn at `rate`, by their numbers."""
    with (work / ORDER).open("w", encoding="ascii") as file:
        file.write("ffconcat version 1.0\n")
        for first, last in _runs(positions):
            # A quarter after its own time: the seek goes to the picture at or before it.
            begin, end = (float((number + Fraction(part, 4)) / rate) for number, part in ((first, 1), (last, 3)))
            file.write(f"file {STORE}\ninpoint {begin:.6f}\noutpoint {end:.6f}\n")


def stored() -> Input:
    """The pictures in the order that was written, as an input. Their times mean nothing: see `renumbered`."""
    return Input(work_file=ORDER, options=("-f", "concat"))


def renumbered(rate: Fraction) -> str:
    """The filter that gives pictures times at a constant rate, in their order, from zero."""
    return f"settb={rate.denominator}/{rate.numerator},setpts=N"


def _runs(positions: Iterator[int]) -> Iterator[tuple[int, int]]:
    """Stretches of rising numbers, as first and last."""
    first = last = None
    for number in positions:
        if first is None or last is None:
            first = number
        elif number != last + 1:
            yield first, last
            first = number
        last = number
    if first is not None and last is not None:
        yield first, last
