"""Spending a number of bytes on a GIF while it is drawn: feedback, with a guard that is never passed.

A survey at a quarter of the size says beforehand how the bytes will spread over the frames. Each frame may
take its share of what is left; where frames take more or less, the next ones are forgiven more or less.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

STILL_BYTES = 32
"""What has to be left for each frame to come: one in which nothing changes."""
_POWER = 1.6
"""A frame's bytes fall about as (1 + looser/2) to this power; by trial, with `_GAIN`, on three made scenes and six sizes of each."""
_GAIN = 0.2
"""How much of a miss the next frame makes up by itself; the rest follows, because every share is one of what is left."""
_KEPT = 0.8
"""How much of the frames before counts when taken and meant bytes are compared."""
_SOFT, _LOOSE, _OPENING = 1.5, 0.04, 0.6
"""A frame is drawn again when it takes this many times its share and this part of what is left; the first when it takes this part."""
_EVEN = 0.15
"""The part of the mean weight that each frame has beside its own."""
_STILL = 0.75
"""The part of the frames that may stand still because there are no bytes for them: a lower frame rate, as far as anybody sees."""
_NAMED = 0.5
"""The part of the frames that are drawn at a size that is named where another is refused: fewer would be a slide show."""
_DRAWN = 1.3
"""How much more than the least is named where a size is refused."""
_ENDING, _SPARED = 0.2, 0.5
"""In the last part of the frames, one that takes less than this part of its share is drawn again, better."""
TRIES = 5


class Budget:
    """`most` bytes for frames of which number k is shown `times[k]` times and will take about `weights[k]`."""

    def __init__(self, most: int, times: Sequence[int], weights: Sequence[int], loosest: float) -> None:
        # Noise that the survey's smaller pictures average away costs every frame something.
        even = _EVEN * sum(weights) / len(weights)
        self.left, self.times, self.weights = most, times, [weight + even for weight in weights]
        self.highest = math.log(1 + loosest / 2)
        self.level, self.number, self.forced, self.nearest = 0.0, 0, 0, 0
        self.rest = sum(times)
        self.ahead = float(sum(t * w for t, w in zip(times, self.weights, strict=True)))
        self.total, self.taken, self.meant, self.owed, self.given = most, 0.0, 0.0, 0.0, 0.0

    @property
    def looser(self) -> float:
        """How much the frame to be drawn is forgiven."""
        return 2 * (math.exp(self.level) - 1)

    @property
    def mean(self) -> float:
        """How much was forgiven, on the mean of all frames so far."""
        return self.given / max(1, self.number)

    @property
    def share(self) -> float:
        """Bytes meant for the next frame."""
        return self.left * self.weights[self.number] / self.ahead

    @property
    def exhausted(self) -> bool:
        """Whether another try would be no smaller."""
        return self.level >= self.highest

    @property
    def limit(self) -> float:
        """Bytes that the next frame can take so that all others may still stand still."""
        times = self.times[self.number]
        return (self.left - STILL_BYTES * (self.rest - times)) / times

    def accepts(self, size: int, attempt: int) -> bool:
        """Whether a frame of `size` bytes may stay; otherwise what is forgiven has been raised for another try."""
        if self.number == 0 and attempt == 0:
            # What the survey can't tell is how its bytes compare with these; the first frame, drawn as the profile wants it, does.
            wanted = math.log(max(1e-9, size / self.share)) / _POWER
            if wanted > 0.05:
                self.level = min(self.highest, wanted)
                return False
            return size <= self.limit
        soft = _OPENING * self.left / self.times[0] if self.number == 0 else _SOFT * self.share + _LOOSE * self.left / self.times[self.number]
        if attempt == 0 and self._spares(size):
            self.level = max(0.0, self.level - math.log(self.share / size) / _POWER)
            return False
        if self.number and self.level >= self.highest:
            # No looser than this: where it still takes too much it stands still, and the next frame has both frames' share.
            return size <= min(self.limit, soft + self.owed)
        fits = size <= self.limit and (size <= soft or attempt >= TRIES - 2)
        if not fits:
            self.level = min(self.highest, self.level + max(0.15, math.log(size / max(1.0, min(self.share, self.limit))) / _POWER))
        return fits

    def _spares(self, size: int) -> bool:
        """Whether a frame near the end leaves bytes that it may have, and that nothing after it will need."""
        ending = self.rest <= max(2.0, _ENDING * sum(self.times))
        return bool(self.number and ending and self.level > 0.05 and 2 * STILL_BYTES < size < _SPARED * self.share)

    def spend(self, size: int, *, forced: bool = False) -> None:
        """The next frame takes `size` bytes; `forced` to stand still, because what it would have taken did not fit."""
        times, weight = self.times[self.number], self.weights[self.number]
        if self.number and not forced:
            # Over several frames: where a source has fewer frames than the GIF, every other one stands still.
            self.taken, self.meant = _KEPT * self.taken + size, _KEPT * self.meant + self.share
            miss = math.log(max(self.taken, 1.0) / max(self.meant, 1.0))
            self.level = min(self.highest, max(0.0, self.level + _GAIN * min(1.0, max(-1.0, miss)) / _POWER))
        self.owed = self.owed + self.share if forced else 0.0
        self.forced += forced
        self.left -= times * size
        self.rest -= times
        self.ahead = max(1e-9, self.ahead - times * weight)
        self.given += self.looser
        self.number += 1

    def hopeless(self, size: int) -> bool:
        """Whether too much would stand still if the next frame, of `size` bytes, did too: `nearest` then says what would do."""
        rest = self.rest * (_NAMED * size + 2 * STILL_BYTES)
        needed = 1.5 * size + rest if self.number == 0 else self.total - self.left + _DRAWN * rest
        self.nearest = max(self.nearest, math.ceil(needed))
        return self.number == 0 or self.forced >= max(2, _STILL * len(self.times))
