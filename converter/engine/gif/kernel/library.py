"""The shared library's functions, called with whole numbers and floats."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

PREFIX = "cutroom_gif_"
SIGNATURES = {
    "judge": "i" * 17,
    "choose": "iiifii",
    "assign": "i" * 18 + "ffi",
    "begin": "iiififi",
    "encode": "i" * 15 + "fiii",
    "finish": "i" * 4,
}
"""Each function's arguments: i for a whole number (a count, or an address), f for a float."""
_KINDS: dict[str, Any] = {"i": ctypes.c_int64, "f": ctypes.c_double}


class Library:
    """The functions of the library at `path`. Raises `OSError` where it can't be loaded, `AttributeError` where one is missing."""

    def __init__(self, path: str) -> None:
        library = ctypes.CDLL(path)
        self.judge, self.choose, self.assign, self.begin, self.encode, self.finish = (
            _function(library, name, signature) for name, signature in SIGNATURES.items()
        )


def _function(library: ctypes.CDLL, name: str, signature: str) -> Callable[..., int]:
    function = library[PREFIX + name]
    # Numba's convention: where to leave the result, where to leave an exception, the arguments. Other threads may run meanwhile.
    function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, *(_KINDS[letter] for letter in signature))
    function.restype = ctypes.c_int32

    def call(*arguments: float) -> int:
        result, exception = ctypes.c_int64(), ctypes.c_void_p()
        status = function(ctypes.byref(result), ctypes.byref(exception), *arguments)
        if status > 0:
            raise RuntimeError(f"{name} ended with {status}")
        return result.value

    return call
