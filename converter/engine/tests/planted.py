"""Clips of 32×32 with a loop hidden in them, made from a seed: what the seam search is judged on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.engine.seams.matching import SIDE, Part, Wish

RATE = 30


@dataclass(frozen=True, slots=True)
class Case:
    """The whole clip, the wish that is a little wrong, and what is right.

    Any start from `starts[0]` to `starts[1]` is right when the end follows `period` later.
    """

    name: str
    clip: Part
    wish: Wish
    period: int
    starts: tuple[int, int]


def planted(seed: int) -> Case:
    """One of: things that go round and round, or a wandering scene that meets itself once. Both with a filmer's accidents."""
    random = np.random.default_rng(seed)
    round_and_round = bool(random.random() < 0.5)
    period, count, begin = int(random.integers(30, 150)), 420, int(random.integers(40, 120))
    # A scene that meets itself once stays the same for a moment: a third to two thirds of a second.
    same = int(random.integers(10, 20))
    # The first turns once, so that no part of the period is a period too.
    turns = [1, *random.integers(1, 3, int(random.integers(1, 4)))]
    paths = [_circle(random, count, period, int(turn)) if round_and_round else _walk(random, count, period, begin, same) for turn in turns]
    frames = _draw(random, paths, count)
    accidents = _accidents(random, frames, begin, period)
    search = 30
    wrong = random.integers(-20, 21, 2)
    middle = begin + same // 2
    wish = Wish(int(middle + wrong[0]), int(middle + period + wrong[1]), search, 15, 5, opens=True, closes=True)
    starts = (0, count) if round_and_round else (begin - 4, begin + same + 4)
    kind = "round and round" if round_and_round else "meets once"
    return Case(f"{kind}, {', '.join(accidents) or 'clean'}", Part(0, frames), wish, period, starts)


def found(case: Case, start: int, end: int) -> bool:
    """Whether that is the planted loop, to a frame; things that go round may go round twice."""
    length = end - start
    turns = max(1, round(length / case.period)) if case.starts[0] == 0 else 1
    return abs(length - turns * case.period) <= 1 and case.starts[0] <= start <= case.starts[1]


def _circle(random: np.random.Generator, count: int, period: int, turns: int) -> NDArray[np.float64]:
    """Where a thing that goes round is (x, y in pixels) in each frame."""
    phase, reach = random.random(2) * 6.28, random.uniform(4, 11, 2)
    angle = 2 * np.pi * turns * np.arange(count)[:, None] / period
    path: NDArray[np.float64] = SIDE / 2 + random.uniform(-5, 5, 2) + reach * np.sin(angle + phase)
    return path


def _walk(random: np.random.Generator, count: int, period: int, begin: int, same: int) -> NDArray[np.float64]:
    """Where a wandering thing is in each frame; once it repeats what it did."""
    time = np.arange(count)
    steps = np.cumsum(random.normal(0, 1, (count, 2)), axis=0)
    kernel = np.hanning(15) / np.hanning(15).sum()
    walk = np.stack([np.convolve(steps[:, axis], kernel, "same") for axis in range(2)], axis=1)
    # What follows the planted end is what followed the start, and the walk goes on from there.
    length = same + 1
    first, again = slice(begin, begin + length), slice(begin + period, begin + period + length)
    shift = walk[begin] - walk[begin + period]
    # Come to the meeting place gradually, as a real scene would.
    lead = np.clip((time - (begin + period - 25)) / 25, 0, 1)[:, None]
    walk = walk + shift * lead
    behind = walk[begin + period + length - 1].copy()
    walk[again] = walk[first]
    walk[again.stop :] += walk[again.stop - 1] - behind
    low, high = walk.min(0), walk.max(0)
    placed: np.ndarray[tuple[Any, ...], np.dtype[np.float64]] = 4 + (walk - low) / np.maximum(high - low, 1) * (SIDE - 8)
    return placed


def _draw(random: np.random.Generator, paths: list[NDArray[np.float64]], count: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    ground = np.full((SIDE, SIDE), 110.0)
    for _ in range(6):
        centre, width = random.uniform(0, SIDE, 2), random.uniform(2, 8)
        ground += random.uniform(-40, 40) * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * width**2))
    luma = np.repeat(ground[None], count, axis=0)
    chroma = np.full((count, 2, SIDE // 2, SIDE // 2), 128.0)
    for path in paths:
        width, tone, tint = random.uniform(1.5, 4), random.choice([-1, 1]) * random.uniform(40, 90), random.uniform(-30, 30, 2)
        blob = np.exp(-((x[None] - path[:, 0, None, None]) ** 2 + (y[None] - path[:, 1, None, None]) ** 2) / (2 * width**2))
        luma += tone * blob
        chroma += tint[None, :, None, None] * blob.reshape(count, SIDE // 2, 2, SIDE // 2, 2).mean((2, 4))[:, None]
    return _pack(luma, chroma)


def _pack(luma: NDArray[np.float64], chroma: NDArray[np.float64]) -> NDArray[np.uint8]:
    flat = np.concatenate([luma.reshape(len(luma), -1), chroma.reshape(len(luma), -1)], axis=1)
    return np.clip(np.round(flat), 0, 255).astype(np.uint8)


def _accidents(random: np.random.Generator, frames: NDArray[np.uint8], begin: int, period: int) -> list[str]:
    """Noise, flicker, a shaking camera, and somebody who walks through the picture at one end. Changes `frames`."""
    count, said = len(frames), []
    luma = frames[:, : SIDE * SIDE].reshape(count, SIDE, SIDE).astype(np.float64)
    if random.random() < 0.5:
        said.append("shake")
        for k, (dx, dy) in enumerate(random.normal(0, 0.35, (count, 2))):
            luma[k] = _shifted(luma[k], dx, dy)
    if random.random() < 0.4:
        said.append("passer-by")
        size, at, row = int(random.integers(6, 11)), begin + period + int(random.integers(-12, 12)), int(random.integers(0, SIDE - 11))
        for k in range(max(0, at - 10), min(count, at + 10)):
            left = int((k - at + 10) / 20 * (SIDE + size)) - size
            luma[k, row : row + size + 4, max(0, left) : max(0, left + size)] = 20
    if random.random() < 0.5:
        said.append("flicker")
        luma += random.normal(0, 2, count)[:, None, None]
    noise = random.uniform(0, 6)
    said.append(f"noise {noise:.1f}")
    luma += random.normal(0, noise, luma.shape)
    frames[:, : SIDE * SIDE] = np.clip(np.round(luma), 0, 255).astype(np.uint8).reshape(count, -1)
    return said


def _shifted(picture: NDArray[np.float64], dx: float, dy: float) -> NDArray[np.float64]:
    """Moved by a part of a pixel, linearly."""
    for axis, by in ((1, dx), (0, dy)):
        step = int(np.sign(by)) or 1
        picture = (1 - abs(by)) * picture + abs(by) * np.roll(picture, step, axis)
    return picture
