"""One GIF being drawn: what is on the screen, the colours in force, and the bytes of each frame."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from . import lzw, mapping, palette, temporal
from .colour import CELLS, NEAR, NOWHERE, SLOTS, Bytes, Floats, Words
from .profiles import Profile

CUT_SIZES = (16, 24, 32, 48, 64, 96, 128, 192, 255)
"""Sizes of a palette that are tried where a scene begins, smallest first."""
FEWEST = 3
_SHRINK, _GROW, _SLACK, _STRAIN = 0.95, 1.1, 0.85, 1.1
"""From frame to frame a palette loses a twentieth or gains a tenth, where its error is far enough below or above the wanted one."""
_CUT_FACTOR, _CUT_OFFSET = 3.0, 20.0
"""An error this many times (and this much) above the last frame's means that a new scene began."""

_SIMPLE = 2.0
"""A picture counts as described while its palette's error is at most this many times the wanted one."""
_RESTLESS, _CALM = 0.06, 0.03
"""Shares of a frame drawn again, above and below which the tolerance moves."""

LOOSEST = 12.0
"""How much more a picture may be forgiven: base, a step of 2.5 levels, becomes 32."""
_HIGHEST, _NEVER, _FEWER = 200, 1700, 0.4
"""Bounds that keep tolerances in a byte and products of errors in 31 bits, and how fast colours become fewer."""


class Canvas:
    """Turns pictures of `width`×`height`, as 0x00RRGGBB words, into GIF frames, one after the other.

    Memory is about 17 bytes a pixel and 6 MB of tables, however many frames follow.
    """

    def __init__(self, width: int, height: int, profile: Profile) -> None:
        self.width, self.height, self.profile = width, height, profile
        pixels = width * height
        self.scr, self.ref = np.zeros(pixels, np.uint32), np.zeros(pixels, np.uint32)
        self.keep, self.tol, self.indices = np.zeros(pixels, np.uint8), np.zeros(pixels, np.uint8), np.zeros(pixels, np.uint8)
        self.out = np.empty(lzw.room(pixels), np.uint8)
        self.table = np.zeros(lzw.HASH_SLOTS, np.uint32)
        self.counts, self.sums = np.zeros(CELLS, np.int32), np.zeros(CELLS, np.int64)
        self.lut, self.hints, self.pairs = np.empty(CELLS, np.uint8), np.zeros(CELLS, np.uint8), np.empty(2 * CELLS, np.uint8)
        self.cells, self.weights, self.keys = np.empty((3, CELLS), np.float32), np.empty(CELLS, np.float32), np.empty(CELLS, np.int32)
        self.colours = np.full((3, SLOTS), NOWHERE, np.float32)
        self.packed, self.use = np.zeros(SLOTS, np.uint32), np.zeros(SLOTS)
        self.near, self.around = np.zeros((SLOTS, NEAR + 1), np.uint8), np.zeros((SLOTS, 3, NEAR), np.float32)
        self.apart, self.reach = np.zeros((SLOTS, NEAR), np.float32), np.zeros(SLOTS, np.float32)
        self.slopes = np.zeros((SLOTS, NEAR + 1, 4), np.float32)
        self.matrix = mapping.bayer()
        self.m, self.error, self.fresh, self.base, self.looser = 0, 0.0, True, profile.base, 0.0
        self.before: tuple[npt.NDArray[Any], ...] | None = None

    def draw(self, picture: Words, delay_cs: int, looser: float = 0.0) -> list[bytes | memoryview]:
        """The bytes of the next frame, shown for `delay_cs` hundredths of a second; valid until the next call.

        `looser` forgives more than the profile does, 0 to `LOOSEST`: larger tolerances, fewer colours, fewer bytes.
        """
        p, self.looser = self.profile, looser
        base, slope = min(_HIGHEST, int(self.base * (1 + looser))), int(p.slope * (1 + looser / 2))
        changed, x0, y0, x1, y1 = temporal.judge(
            picture, self.ref, self.scr, self.width, self.height, base, slope, p.cap, self.fresh,
            p.stride, p.smooth if self._simple() else p.smooth - 1, self.keep, self.tol, self.counts, self.sums,
        )  # fmt: skip
        if changed == 0:
            return still(delay_cs)
        self.lut[:] = mapping.UNSET
        self.pairs[:] = mapping.UNKNOWN
        self._choose()
        factor = (self.base / p.base if p.base else 1.0) * (1 + looser / 4)
        depth = max(2, self.m.bit_length())
        clear_through = (1 << depth) - 1
        drawn = mapping.assign(
            picture, self.scr, self.keep, self.tol, self.width, x0, y0, x1, y1, self.colours, self.packed, self.m,
            self.near, self.around, self.apart, self.slopes, min(_NEVER, int(256 * p.better * factor)), self.fresh,
            base + slope * p.dithered, p.gain, p.variance, self.matrix,
            self.lut, self.pairs, clear_through, self.indices,
        )  # fmt: skip
        if drawn == 0:
            return still(delay_cs)
        size = lzw.encode(
            self.indices, picture, self.ref, self.scr, self.tol, self.width, x0, y0, x1, y1, self.packed, self.near,
            min(p.candidates, self.m - 1), p.loss * factor, not self.fresh, depth, clear_through, self.table, self.out,
        )  # fmt: skip
        if not self.fresh:
            self._adapt(drawn / picture.size)
        self.fresh = False
        head = frame_head(delay_cs, clear_through, (x0, y0, x1 - x0 + 1, y1 - y0 + 1), depth)
        return [head, self._table(1 << depth), self.out[:size].data]

    def remember(self) -> None:
        """Note everything that the next `draw` depends on, so that it can be done once more."""
        if self.before is None:
            self.before = tuple(np.empty_like(array) for array in self._lasting())
        for kept, now in zip(self.before, self._lasting(), strict=True):
            np.copyto(kept, now)
        self.marks = self.m, self.error, self.fresh, self.base

    def undo(self) -> None:
        """Go back to what was last remembered."""
        if self.before is not None:
            for kept, now in zip(self.before, self._lasting(), strict=True):
                np.copyto(now, kept)
            self.m, self.error, self.fresh, self.base = self.marks

    def _lasting(self) -> tuple[npt.NDArray[Any], ...]:
        return self.scr, self.ref, self.colours, self.use

    def _simple(self) -> bool:
        """Whether its colours describe the picture."""
        return self.error <= _SIMPLE * self.profile.error

    def _adapt(self, drawn: float) -> None:
        """Forgive more where noise draws much of a simple picture again, and less where little moves.

        A picture that 255 colours hardly describe loses more by tolerance than it gains: it keeps to the least.
        """
        p = self.profile
        if self._simple() and drawn > _RESTLESS:
            self.base = min(p.most, self.base + 2)
        elif not self._simple() or drawn < _CALM:
            self.base = max(p.base, self.base - 1)

    def _choose(self) -> None:
        """Colours for the pixels that change: as few as keep to the wanted error."""
        p = self.profile
        n = palette.collect(self.counts, self.sums, self.cells, self.weights, self.keys)
        if n == 0:
            # So few pixels that the sample missed them all: the colours in force must do.
            self._settle()
            return
        colours = p.colours / (1 + _FEWER * max(0.0, self.looser - 1))
        most = min(max(FEWEST, int(colours)), p.colours, n)
        error = self._follow(n, most) if self.m else np.inf
        if error > _CUT_FACTOR * self.error + _CUT_OFFSET:
            error = self._begin(n, most)
        self.error = error
        self._settle()

    def _wanted(self) -> float:
        """The error that its palette has to meet."""
        return self.profile.error * (1 + self.looser) ** 2

    def _follow(self, n: int, most: int) -> float:
        """Colours for a frame like the last one, from the last one's."""
        p, before = self.profile, self.m
        m = before
        wanted = self._wanted()
        if self.error < _SLACK * wanted:
            m = min(m - 1, int(m * _SHRINK))
        elif self.error > _STRAIN * wanted:
            m = int(m * _GROW) + 2
        m = min(max(FEWEST, m), most)
        if m < before:
            kept = np.sort(np.argsort(-self.use[:before], kind="stable")[:m])
            self.colours[:, :m] = self.colours[:, kept]
        elif m > before:
            picked = np.argsort(-self.weights[:n], kind="stable")[: 8 * (m - before)]
            picked = picked[:: max(1, len(picked) // (m - before))][: m - before]
            m = before + len(picked)
            self.colours[:, before:m] = self.cells[:, picked]
        self.colours[:, m:] = NOWHERE
        self.m = m
        return self._improve(n, p.rounds)

    def _begin(self, n: int, most: int) -> float:
        """Colours for a new scene: the fewest that meet the wanted error."""
        error = np.inf
        for size in CUT_SIZES:
            self.m = palette.variance_cut(self.cells, self.weights, n, min(size, most), self.colours)
            error = self._improve(n, self.profile.rounds + 2)
            if error <= self._wanted() or size >= most:
                break
        return float(error)

    def _improve(self, n: int, rounds: int) -> float:
        p = self.profile
        return float(
            palette.improve(
                self.cells, self.weights, self.keys, n, self.colours, self.m, rounds, p.moves, self.use, self.lut, self.hints, *self._nearby()
            )
        )

    def _settle(self) -> None:
        """Whole numbers, as the file has them, and what is near what."""
        m = self.m
        whole = np.clip(np.rint(self.colours[:, :m]), 0, 255)
        self.colours[:, :m] = whole
        r, g, b = whole.astype(np.uint32)
        self.packed[:m] = r << 16 | g << 8 | b
        palette.neighbourhood(self.colours, m, *self._nearby())
        mapping.mixtures(self.colours, m, self.near, self.around, self.slopes)

    def _nearby(self) -> tuple[Bytes, Floats, Floats, Floats]:
        return self.near, self.around, self.apart, self.reach

    def _table(self, size: int) -> bytes:
        table: Bytes = np.zeros((size, 3), np.uint8)
        table[: self.m] = self.colours[:, : self.m].T.astype(np.uint8)
        return table.tobytes()


def header(width: int, height: int, loop: int | None) -> bytes:
    """What stands before the first frame. `loop` counts repetitions, 0 for ever; None leaves the extension out."""
    start = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x70, 0, 0)
    return start if loop is None else start + b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", loop, 0)


def frame_head(delay_cs: int, clear_through: int, box: tuple[int, int, int, int], depth: int) -> bytes:
    """Frame control (leave the picture, one index is transparent) and image descriptor with a table of 2^`depth` colours."""
    control = b"\x21\xf9\x04" + struct.pack("<BHBB", 0x05, delay_cs, clear_through, 0)
    return control + b"\x2c" + struct.pack("<HHHHB", *box, 0x80 | (depth - 1))


def still(delay_cs: int) -> list[bytes | memoryview]:
    """A frame in which nothing changes: one transparent pixel."""
    # Minimum code size 2; codes of three bits: clear (4), index 0, end (5).
    return [frame_head(delay_cs, 0, (0, 0, 1, 1), 1), bytes(6), bytes((2, 2, 0b01_000_100, 0b1, 0))]


TRAILER = b";"
