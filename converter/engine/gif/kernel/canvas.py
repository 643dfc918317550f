"""One GIF being drawn: what is on the screen, the colours in force, and the bytes of each frame."""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .layout import BANDS, TABLES, TABLES_BYTES, room, size
from .library import Library
from .profiles import Profile

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

FEWEST = 3
_SIMPLE = 2.0
"""A picture counts as described while its palette's error is at most this many times the wanted one."""
_RESTLESS, _CALM = 0.06, 0.03
"""Shares of a frame drawn again, above and below which the tolerance moves."""

LOOSEST = 30.0
"""How much more a picture may be forgiven: base, a step of 2.5 levels, becomes 50 (`_HIGHEST`), and 255 colours become 20."""
_HIGHEST, _NEVER, _FEWER = 200, 1700, 0.4
"""Bounds that keep tolerances in a byte and products of errors in 31 bits, and how fast colours become fewer."""
_SAMPLE, _SOME, _MOST = 1000, 0.3, 0.7
"""Pixels that are looked at for how much of a picture is plain, and between which parts that matters more and more."""
_SETTLED, _RESTIVE, _CUT = 0.4, 0.7, 0.97
"""Shares of the pixels that change: up to which and from which a picture rests and never rests, and what a new scene changes at once."""
_STRIPES = 6
"""Parts in which rows go from one thread, which chooses their colours, to the other, which writes them."""
_PAGE = 4096


class Rules(NamedTuple):
    """What one frame is judged by, as `Profile` names it; `better` and `eager` in 1/256."""

    variance: float
    loss: float
    plain_loss: float
    better: int
    eager: int


class Canvas:
    """Turns pictures of `width`×`height`, put into `picture` as bgr0, into GIF frames, one after the other.

    All memory is one block: about 19 bytes a pixel and 13 MB of tables, however many frames follow. With `threads` of 2
    the work is shared between two cores; the bytes are the same.
    """

    def __init__(self, library: Library, width: int, height: int, profile: Profile, *, threads: int = 1) -> None:
        self.library, self.width, self.height, self.profile = library, width, height, profile
        self.pixels, self.room = width * height, room(width * height)
        sizes = {"src": 4, "scr": 4, "ref": 4, "keep": 1, "tol": 1, "indices": 1}
        places, end = {}, TABLES_BYTES
        for name, length in sizes.items():
            places[name], end = end, end + -(-length * self.pixels // _PAGE) * _PAGE
        self.memory = mmap.mmap(-1, end + self.room)
        self.view = memoryview(self.memory)
        # Held as long as the block itself: its address must not move.
        self.anchor = (ctypes.c_char * len(self.memory)).from_buffer(self.memory)
        self.base = ctypes.addressof(self.anchor)
        self.src, self.scr, self.ref, self.keep, self.tol, self.indices = (self.base + place for place in places.values())
        self.out = self.base + end
        self.written = self.view[end:]
        self.picture = self.view[places["src"] : places["src"] + 4 * self.pixels]
        self.tolerances = self.view[places["tol"] : places["tol"] + self.pixels]
        self.kept = [self.view[places[name] : places[name] + 4 * self.pixels] for name in ("scr", "ref")]
        self.kept += [self._table(name) for name in ("colours", "use", "error")]
        self.rgb, self.box, self.error_at = self._table("rgb"), self._table("box").cast("q"), self._table("error").cast("d")
        self.m, self.fresh, self.base_tolerance, self.looser = 0, True, profile.base, 0.0
        self.usual = self.unrest = 0.0
        self.before: list[bytearray] = []
        self.helper = _helper() if threads > 1 else None

    def draw(self, delay_cs: int, looser: float = 0.0) -> list[bytes | memoryview]:
        """The bytes of the next frame, shown for `delay_cs` hundredths of a second; valid until the next call.

        `looser` forgives more than the profile does, 0 to `LOOSEST`: larger tolerances, fewer colours, fewer bytes.
        """
        p, self.looser = self.profile, looser
        tolerance, slope = min(_HIGHEST, int(self.base_tolerance * (1 + looser))), int(p.slope * (1 + looser / 2))
        changed, box = self._judge(tolerance, slope)
        if changed == 0:
            return still(delay_cs)
        self._follow(changed / self.pixels)
        self._choose()
        factor = (self.base_tolerance / p.base if p.base else 1.0) * (1 + looser / 4)
        depth = max(2, self.m.bit_length())
        through = (1 << depth) - 1
        drawn = self._write(box, depth, through, factor, tolerance + slope * p.dithered)
        length = self.library.finish(self.base, self.out, self.room, depth)
        if drawn == 0:
            return still(delay_cs)
        if not self.fresh:
            self._adapt(drawn / self.pixels)
        self.fresh = False
        x0, y0, x1, y1 = box
        head = frame_head(delay_cs, through, (x0, y0, x1 - x0 + 1, y1 - y0 + 1), depth)
        return [head, self.rgb[: 3 << depth], self.written[:length]]

    def remember(self) -> None:
        """Note everything that the next `draw` depends on, so that it can be done once more."""
        if not self.before:
            self.before = [bytearray(len(part)) for part in self.kept]
        for copy, part in zip(self.before, self.kept, strict=True):
            copy[:] = part
        self.marks = self.m, self.fresh, self.base_tolerance, self.usual, self.unrest

    def undo(self) -> None:
        """Go back to what was last remembered."""
        for copy, part in zip(self.before, self.kept, strict=True):
            part[:] = copy
        self.m, self.fresh, self.base_tolerance, self.usual, self.unrest = self.marks

    def _table(self, name: str) -> memoryview:
        return self.view[TABLES[name].offset : TABLES[name].offset + size(name)]

    def _judge(self, tolerance: int, slope: int) -> tuple[int, tuple[int, int, int, int]]:
        """How many pixels have to change, and the rectangle around them: left, top, right, bottom, inclusive."""
        p, half = self.profile, self.height // 2
        smooth = p.smooth if self._simple() else p.smooth - 1

        def judge(band: int) -> int:
            top, end = (0, half) if band == 0 else (half, self.height)
            return self.library.judge(
                self.base, self.src, self.ref, self.scr, self.keep, self.tol, self.pixels, self.width, top, end, band, tolerance, slope, p.cap,
                self.fresh, p.stride, smooth,
            )  # fmt: skip

        changed = sum(self._both(judge))
        boxes = [tuple(self.box[4 * band : 4 * band + 4]) for band in range(BANDS)]
        return changed, (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))

    def _both(self, work: Callable[[int], int]) -> list[int]:
        """The results for both bands, at the same time where there is a helper."""
        if self.helper is None:
            return [work(band) for band in range(BANDS)]
        other = self.helper.submit(work, 1)
        return [work(0), other.result()]

    def _write(self, box: tuple[int, int, int, int], depth: int, through: int, factor: float, plain: int) -> int:
        """Choose every pixel's colour in the rectangle, and write them as LZW; how many are drawn.

        With a helper the next rows' colours are chosen while the last ones' are written.
        """
        p, (x0, y0, x1, y1) = self.profile, box
        rules = self._rules(factor, plain)
        candidates = min(p.candidates, self.m - 1)
        stripes = _stripes(y0, y1 + 1)

        def assign(stripe: tuple[int, int]) -> int:
            return self.library.assign(
                self.base, self.src, self.scr, self.keep, self.tol, self.indices, self.pixels, self.width, x0, x1, *stripe,
                self.m, rules.better, rules.eager, p.bias, self.fresh, plain, p.gain, rules.variance, through,
            )  # fmt: skip

        self.library.begin(self.base, self.out, self.room, rules.loss, plain, rules.plain_loss, depth)
        ahead: list[Future[int]] = [self.helper.submit(assign, stripe) for stripe in stripes] if self.helper else []
        drawn = 0
        for number, stripe in enumerate(stripes):
            drawn += ahead[number].result() if ahead else assign(stripe)
            self.library.encode(
                self.base, self.indices, self.src, self.ref, self.scr, self.tol, self.out, self.pixels, self.room, self.width, x0, x1, *stripe,
                candidates, rules.loss, not self.fresh, depth, through,
            )  # fmt: skip
        return drawn

    def _rules(self, factor: float, plain: int) -> Rules:
        """What this frame is judged by.

        Where little of the picture is plain they are as everywhere; what few colours describe needs no help against bands but the pattern.
        """
        p, sample = self.profile, self.tolerances[:: max(1, self.pixels // _SAMPLE)]
        share = sum(value <= plain for value in sample) / len(sample)
        calm, simple = _ramp(share, _SOME, _MOST), self._simple()
        easy, calm = (1.0, 0.0) if simple else (calm, calm)
        variance, better = _mixed(p.variance, p.calm_variance, easy), _mixed(p.better, p.calm_better, easy)
        restive = calm * _ramp(self.unrest, _SETTLED, _RESTIVE)
        loss = p.simple_loss if simple else _mixed(p.loss, p.calm_loss, restive)
        plain_loss = _mixed(loss, p.plain_loss, restive)
        ratios = better, _mixed(better, p.eager, calm)
        return Rules(variance, loss * factor, plain_loss * factor, *(min(_NEVER, int(256 * ratio * factor)) for ratio in ratios))

    def _follow(self, changed: float) -> None:
        """Note how much of the picture changes from frame to frame; of a new scene nothing is known yet.

        What is drawn badly while most stands still is seen for long, so it is not the place to save.
        """
        if changed > _CUT and self.usual < _CUT:
            self.usual = self.unrest = 0.0
        else:
            self.usual = (self.usual + changed) / 2
            self.unrest = min(changed, self.usual)

    def _simple(self) -> bool:
        """Whether its colours describe the picture."""
        return self.error_at[0] <= _SIMPLE * self.profile.error

    def _adapt(self, drawn: float) -> None:
        """Forgive more where noise draws much of a simple picture again, and less where little moves.

        A picture that 255 colours hardly describe loses more by tolerance than it gains: it keeps to the least.
        """
        p = self.profile
        if self._simple() and drawn > _RESTLESS:
            self.base_tolerance = min(p.most, self.base_tolerance + 2)
        elif not self._simple() or drawn < _CALM:
            self.base_tolerance = max(p.base, self.base_tolerance - 1)

    def _choose(self) -> None:
        """Colours for the pixels that change: as few as keep to the wanted error."""
        p = self.profile
        most = min(max(FEWEST, int(p.colours / (1 + _FEWER * max(0.0, self.looser - 1)))), p.colours)
        self.m = self.library.choose(self.base, self.m, most, p.error * (1 + self.looser) ** 2, p.rounds, p.moves)


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, and in between a straight line."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _mixed(one: float, other: float, part: float) -> float:
    """`one` where `part` is 0, `other` where it is 1."""
    return one + (other - one) * part


def _helper() -> ThreadPoolExecutor:
    # Costs 5 ms to import, which one thread needs not pay.
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(1)


def _stripes(top: int, end: int) -> Sequence[tuple[int, int]]:
    """Rows in a few parts, each from its first to before its last."""
    step = max(16, -(-(end - top) // _STRIPES))
    return [(row, min(row + step, end)) for row in range(top, end, step)]


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
