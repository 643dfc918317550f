"""Where a clip can go round: frame pairs compared over short windows. Runs in a child; imports numpy.

A loop plays frames `start` to `end - 1` and then `start` again. Nobody sees the seam when what would have
followed the end is what follows the start, and what preceded the start is what precedes the end:
frames `end + k` and `start + k` alike for all small k, before and after. One pair alone would take a pendulum
on its way back for one on its way out, so the distances are averaged along the diagonals of the distance
matrix (the idea of Schödl et al., "Video Textures", SIGGRAPH 2000, section 3.1: dynamics preserved by
a diagonal filter). Distances of blocks are bounded before they are added (a robust error in the sense of
Geman and McClure), so that somebody who walks through one of the two ends does not hide a good seam.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIDE = 32
"""Pictures are 32×32, planar 4:2:0."""
FRAME_BYTES = SIDE * SIDE * 3 // 2
BLOCK = 8
"""Blocks of 8×8 of luma, with the 4×4 of each chroma plane that lie under them."""
CHROMA = 0.7
"""Weight of a chroma difference; there are few of them, and the eye forgives them more."""
BOUND = 0.25
"""Where a block's distance is bounded to a half, in parts of its typical one. Of 200 generated cases 8 are missed at 1, 3 at 0.25 and 0.1."""
SEEN = 1.0
"""Grey levels (root of the mean square) that nobody notices from one frame to the next."""
NEAR = 0.1
"""How much worse a seam may be (of a typical distance) for lying at the wish rather than at the far end of the search."""
POOR, PULL = 40.0, 1.0
"""Below this score no seam is good, and lying far from the wish costs this much instead: half a second that jumps is worse than two that jump."""
MOST_PAIRS = 700_000
"""Pairs of frames that are all compared; beyond, every second frame is tried first."""
POOL = 40
"""Best places of the matrix whose scores are worked out."""
UNSEEN, JUMP, ALIKE = 80.0, 30.0, 1.0
"""Above the first a seam can't be seen, and so much of a difference not at all; below the second no seam fits, whichever is taken."""
SOUND = 0.15
"""Part of the score that is the sound's, which is cross-faded at the seam in any case."""
SEEN_DB = 3.0
"""Decibels of difference in a band that nobody notices under a short cross-fade."""
BANDS = 8
RATE = 8000
"""Samples per second of the sound that is compared."""


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive frames around one end. `first` is the number of the first of them on the clip's grid.

    `sound` holds one row of band levels in decibels for each frame, or is None.
    """

    first: int
    frames: NDArray[np.uint8]
    sound: Floats | None = None

    @property
    def last(self) -> int:
        """The number after the last frame."""
        return self.first + len(self.frames)


@dataclass(frozen=True, slots=True)
class Wish:
    """Frame numbers: where start and end are wanted, how far from there they may lie, and how long the loop must be at least.

    `window` frames on either side of the seam are compared. `earliest` is the first start that is allowed.
    `opens` and `closes` say that the parts begin and end with the clip itself.
    """

    start: int
    end: int
    search: int
    shortest: int
    window: int
    earliest: int = 0
    opens: bool = False
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Seam:
    """A place to go round: frames `start` to `end - 1` are played. Scores are 0 to 100."""

    start: int
    end: int
    score: float
    picture: float
    sound: float | None


def read_frames(data: bytes) -> NDArray[np.uint8]:
    """Raw 4:2:0 pictures of `SIDE`; what is left of a broken last one is dropped."""
    count = len(data) // FRAME_BYTES
    return np.frombuffer(data, np.uint8, count * FRAME_BYTES).reshape(count, FRAME_BYTES)


def read_sound(data: bytes, count: int, rate: float) -> Floats:
    """Levels in decibels of `BANDS` bands at each of `count` frames, from 16-bit mono at `RATE`.

    Each frame hears the 64 ms around its middle; silence has a floor, so that no level is infinite.
    """
    samples = np.frombuffer(data, "<i2", len(data) // 2).astype(np.float32)
    size = 512
    samples = np.concatenate([np.zeros(size, np.float32), samples, np.zeros(size + int(RATE * (count + 1) / rate), np.float32)])
    begins = size // 2 + np.round((np.arange(count) + 0.5) * RATE / rate).astype(np.int64)
    edges = np.unique(np.round(np.geomspace(4, size // 2, BANDS + 1)).astype(np.int64))
    levels = np.empty((count, BANDS), np.float32)
    shape = np.hanning(size).astype(np.float32)
    for at in range(0, count, 256):
        pieces = samples[begins[at : at + 256, None] + np.arange(size)] * shape
        power = np.abs(np.fft.rfft(pieces, axis=1)) ** 2
        levels[at : at + 256] = 10 * np.log10(np.add.reduceat(power, edges[:-1], axis=1)[:, :BANDS] / size + 1e3)
    return levels


def find(start: Part, end: Part, wish: Wish, best: int = 5) -> list[Seam]:
    """The best seams, best first, no two of them neighbours; an empty list when no pair of frames is allowed.

    `start` and `end` must hold the frames around either wish with `window` more on each side, as far as
    the clip has them. Both may be the same part.
    """
    if min(len(start.frames), 2 * wish.search + 1) * min(len(end.frames), 2 * wish.search + 1) > MOST_PAIRS:
        return _coarsely(start, end, wish, best)
    start, end = _extended(start, wish), _extended(end, wish)
    starts, ends = _candidates(wish.start, start, wish), _candidates(wish.end, end, wish, closing=True)
    starts = starts[starts >= wish.earliest]
    if not len(starts) or not len(ends):
        return []
    cost = _distances(start, end, starts, ends, wish.window)
    allowed = (ends[None, :] - starts[:, None]) >= max(2, wish.shortest)
    cost[~allowed] = np.inf
    if not np.isfinite(cost).any():
        return []
    typical = float(np.median(cost[np.isfinite(cost)]))
    away = (np.abs(starts - wish.start)[:, None] + np.abs(ends - wish.end)[None, :]) / max(1, 2 * wish.search)

    def pool(pull: float) -> list[tuple[Seam, float]]:
        ranked = cost + pull * typical * away.astype(np.float32)
        return [(_seam(start, end, int(starts[i]), int(ends[j]), wish), float(away[i, j])) for i, j in _best(ranked, POOL, wish.window)]

    usual = pool(NEAR)
    return _preferred(usual if max(seam.score for seam, _ in usual) >= POOR else pool(PULL))[:best]


def _coarsely(start: Part, end: Part, wish: Wish, best: int) -> list[Seam]:
    """With every second frame first, then frame by frame around what that found: a quarter of the pairs."""
    half = Wish(
        wish.start // 2, wish.end // 2, wish.search // 2, -(-wish.shortest // 2), max(2, wish.window // 2), -(-wish.earliest // 2),
        wish.opens, wish.closes,
    )  # fmt: skip
    found: list[Seam] = []
    for rough in find(_halved(start), _halved(end), half, best):
        # Not beyond what was asked for, however the halving rounded.
        near = [s for s in find(start, end, replace(wish, start=2 * rough.start, end=2 * rough.end, search=3), 1) if s not in found]
        found += [s for s in near if abs(s.start - wish.start) <= wish.search and abs(s.end - wish.end) <= wish.search]
    return found


def _halved(part: Part) -> Part:
    odd = part.first % 2
    return Part((part.first + odd) // 2, part.frames[odd::2], None if part.sound is None else part.sound[odd::2])


def _preferred(pool: list[tuple[Seam, float]]) -> list[Seam]:
    """The pool in its order, but first the one nearest to the wish of those that look alike: all unseen, or all a jump."""
    leader = pool[0][0].score
    if leader >= UNSEEN:
        equal = [one for one in pool if one[0].score >= leader - ALIKE]
    elif leader < JUMP:
        equal = [one for one in pool if one[0].score >= leader / 2]
    else:
        equal = pool[:1]
    first = min(equal, key=lambda one: one[1])[0]
    return [first, *(seam for seam, _ in pool if seam is not first)]


def _extended(part: Part, wish: Wish) -> Part:
    """With one more frame beyond the clip's own ends, by carrying the motion on: so a clip that is a loop already is seen to be one."""
    frames, first, sound = part.frames, part.first, part.sound
    if len(frames) < 2:
        return part

    def onward(near: NDArray[np.uint8], far: NDArray[np.uint8]) -> NDArray[np.uint8]:
        beyond: NDArray[np.uint8] = np.clip(2 * near.astype(np.int16) - far, 0, 255).astype(np.uint8)
        return beyond[None]

    if wish.opens and first == 0:
        frames, first = np.concatenate([onward(frames[0], frames[1]), frames]), -1
        sound = None if sound is None else np.concatenate([sound[:1], sound])
    if wish.closes:
        frames = np.concatenate([frames, onward(frames[-1], frames[-2])])
        sound = None if sound is None else np.concatenate([sound, sound[-1:]])
    return Part(first, frames, sound)


def _candidates(wanted: int, part: Part, wish: Wish, *, closing: bool = False) -> NDArray[np.int64]:
    """Frame numbers within the search that the part can say something about."""
    lowest = max(wanted - wish.search, part.first, 0)
    highest = min(wanted + wish.search, part.last - 1)
    return np.arange(max(lowest, 1 if closing else 0), highest + 1)


def _distances(start: Part, end: Part, starts: NDArray[np.int64], ends: NDArray[np.int64], window: int) -> Floats:
    """Mean bounded distance over the window, for every pair."""
    low_a, high_a = max(start.first, int(starts[0]) - window), min(start.last, int(starts[-1]) + window + 1)
    low_b, high_b = max(end.first, int(ends[0]) - window), min(end.last, int(ends[-1]) + window + 1)
    plain = _blocks(start.frames[low_a - start.first : high_a - start.first], end.frames[low_b - end.first : high_b - end.first])
    total = np.zeros((len(starts), len(ends)), np.float32)
    count = np.zeros_like(total)
    for k in range(-window, window + 1):
        # Pairs whose frames at this distance from the seam are both there.
        rows, columns = starts + k - low_a, ends + k - low_b
        ok_rows = np.flatnonzero((rows >= 0) & (rows < plain.shape[0]))
        ok_columns = np.flatnonzero((columns >= 0) & (columns < plain.shape[1]))
        if not len(ok_rows) or not len(ok_columns):
            continue
        a, b = slice(ok_rows[0], ok_rows[-1] + 1), slice(ok_columns[0], ok_columns[-1] + 1)
        total[a, b] += plain[rows[a][0] : rows[a][-1] + 1, columns[b][0] : columns[b][-1] + 1]
        count[a, b] += 1
    return np.where(count >= 2, total / np.maximum(count, 1), np.float32(np.inf))


def _blocks(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Floats:
    """Distance of every frame of `one` from every frame of `other`: blocks' mean squares, bounded, averaged."""
    first, second = _cells(one), _cells(other)
    total = np.zeros((len(one), len(other)), np.float32)
    for a, b in zip(first, second, strict=True):
        square = np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * (a @ b.T), 0)
        # A passer-by is far beyond it; what is alike but for noise is far below.
        scale = max(BOUND * float(np.median(square[:: max(1, len(one) // 64), :: max(1, len(other) // 64)])), SEEN**2)
        square /= square + scale
        total += square * np.float32(scale**0.5)
    return total / np.float32(len(first))


def _cells(frames: NDArray[np.uint8]) -> list[Floats]:
    """The frames as blocks: a matrix for each place in the picture, scaled so that a row's square is a mean square."""
    count, across, half = len(frames), SIDE // BLOCK, SIDE // 2
    luma = frames[:, : SIDE * SIDE].reshape(count, across, BLOCK, across, BLOCK)
    chroma = frames[:, SIDE * SIDE :].reshape(count, 2, across, half // across, across, half // across)
    cells: list[Floats] = []
    for y in range(across):
        for x in range(across):
            grey = luma[:, y, :, x, :].reshape(count, -1).astype(np.float32)
            colour = chroma[:, :, y, :, x, :].reshape(count, -1).astype(np.float32) * np.float32(CHROMA)
            cells.append((np.concatenate([grey, colour], axis=1) - np.float32(128)) / np.float32(BLOCK))
    return cells


def _best(ranked: Floats, best: int, window: int) -> list[tuple[int, int]]:
    """The lowest places of the matrix, each time forgetting what lies around the last."""
    left = ranked.copy()
    found: list[tuple[int, int]] = []
    apart = max(1, window)
    while len(found) < best:
        i, j = divmod(int(np.argmin(left)), left.shape[1])
        if not np.isfinite(left[i, j]):
            break
        found.append((i, j))
        left[max(0, i - apart) : i + apart + 1, max(0, j - apart) : j + apart + 1] = np.inf
    return found


def _seam(start: Part, end: Part, first: int, last: int, wish: Wish) -> Seam:
    """Scores of one pair: how its differences compare with those that any frame has from the next."""
    ks = [
        k
        for k in range(-wish.window, wish.window + 1)
        if start.first <= first + k < start.last and end.first <= last + k < end.last
    ]  # fmt: skip
    a = start.frames[[first + k - start.first for k in ks]].astype(np.float32)
    b = end.frames[[last + k - end.first for k in ks]].astype(np.float32)
    across = _rms(a - b)
    steps = _rms(np.concatenate([np.diff(a, axis=0), np.diff(b, axis=0)]))
    picture = _score(across / (SEEN + steps))
    sound = None
    if start.sound is not None and end.sound is not None:
        rows = start.sound[[first + k - start.first for k in ks]], end.sound[[last + k - end.first for k in ks]]
        heard = float(np.mean(np.abs(rows[0] - rows[1])))
        own = float(np.mean([np.mean(np.abs(np.diff(row, axis=0))) for row in rows]))
        sound = _score(heard / (SEEN_DB + own))
    score = picture if sound is None else (1 - SOUND) * picture + SOUND * sound
    return Seam(first, last, round(score, 1), round(picture, 1), None if sound is None else round(sound, 1))


def _rms(difference: Floats) -> float:
    return float(np.sqrt(np.mean(difference[:, : SIDE * SIDE] ** 2)))


def _score(ratio: float) -> float:
    """100 for no difference, 80 for the difference of two ordinary neighbours, 50 for twice and 20 for four times that."""
    return 100.0 / (1.0 + (ratio / 2.0) ** 2)
