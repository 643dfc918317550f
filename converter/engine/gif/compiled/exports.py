"""What the shared library offers. Every argument is a whole number (an address, a count) or a float; every result is a whole number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from converter.engine.gif.kernel.library import SIGNATURES

from . import lzw, mapping, palette, temporal
from .jit import view

_bytes, _words = view("u1"), view("u4")


def judge(
    base: int, src: int, ref: int, scr: int, keep: int, tol: int, pixels: int, width: int, top: int, end: int, band: int,
    tolerance: int, slope: int, cap: int, fresh: int, stride: int, smooth: int,
) -> int:  # fmt: skip
    """`temporal.judge`."""
    return temporal.judge(
        base, _words(src, pixels), _words(ref, pixels), _words(scr, pixels), _bytes(keep, pixels), _bytes(tol, pixels), width, top, end, band,
        tolerance, slope, cap, fresh != 0, stride, smooth,
    )  # fmt: skip


def choose(base: int, before: int, most: int, wanted: float, rounds: int, moves: int) -> int:
    """`palette.choose`."""
    return palette.choose(base, before, most, wanted, rounds, moves)


def assign(
    base: int, src: int, scr: int, keep: int, tol: int, indices: int, pixels: int, width: int, x0: int, x1: int, top: int, end: int,
    m: int, better: int, eager: int, bias: int, fresh: int, plain: int, gain: float, variance: float, clear_through: int,
) -> int:  # fmt: skip
    """`mapping.assign`."""
    return mapping.assign(
        base, _words(src, pixels), _words(scr, pixels), _bytes(keep, pixels), _bytes(tol, pixels), _bytes(indices, pixels), width, x0, x1, top, end,
        m, better, eager, bias, fresh != 0, plain, gain, variance, clear_through,
    )  # fmt: skip


def begin(base: int, out: int, room: int, loss: float, plain: int, calm_loss: float, depth: int) -> int:
    """`lzw.begin`."""
    lzw.begin(base, _bytes(out, room), loss, plain, calm_loss, depth)
    return 0


def encode(
    base: int, indices: int, src: int, ref: int, scr: int, tol: int, out: int, pixels: int, room: int, width: int, x0: int, x1: int,
    top: int, end: int, candidates: int, loss: float, over: int, depth: int, clear_through: int,
) -> int:  # fmt: skip
    """`lzw.encode`."""
    lzw.encode(
        base, _bytes(indices, pixels), _words(src, pixels), _words(ref, pixels), _words(scr, pixels), _bytes(tol, pixels), _bytes(out, room), width,
        x0, x1, top, end, candidates, loss, over != 0, depth, clear_through,
    )  # fmt: skip
    return 0


def finish(base: int, out: int, room: int, depth: int) -> int:
    """`lzw.finish`."""
    return lzw.finish(base, _bytes(out, room), depth)


EXPORTS: dict[str, Callable[..., Any]] = {function.__name__: function for function in (judge, choose, assign, begin, encode, finish)}
assert set(EXPORTS) == set(SIGNATURES)  # noqa: S101 - a mistake of ours, seen when it is compiled
