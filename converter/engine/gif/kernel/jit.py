"""How functions are compiled: once, by `converter.engine.gif.warm`, into the cache that the children read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Machine code, from the cache where it is there. No bounds are checked: the arrays' sizes are `Canvas`'s business."""
    return cast(F, numba.njit(cache=True, nogil=True, boundscheck=False, fastmath=True)(function))


def inlined(function: F) -> F:
    """A helper that disappears into the compiled functions that call it."""
    return cast(F, numba.njit(inline="always")(function))
