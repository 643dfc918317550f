"""How functions are compiled: without Python, without memory of their own, ready to be linked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba.core import types
from numba.extending import intrinsic
from numba.np import arrayobj

from converter.engine.gif.kernel.layout import TABLES

F = TypeVar("F", bound=Callable[..., Any])
OPTIONS: dict[str, Any] = {
    "nogil": True,
    "boundscheck": False,
    "fastmath": True,
    # Nothing may be raised, allocated or called that belongs to Python: there is none in the library.
    "error_model": "numpy",
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
_KINDS: dict[str, Any] = {
    "u1": types.uint8, "u2": types.uint16, "u4": types.uint32, "u8": types.uint64,
    "i4": types.int32, "i8": types.int64, "f4": types.float32, "f8": types.float64,
}  # fmt: skip


def compiled(function: F) -> F:
    """Machine code. No bounds are checked: the arrays' sizes are the business of `kernel.canvas` and `kernel.layout`."""
    return cast(F, numba.njit(**OPTIONS)(function))


def inlined(function: F) -> F:
    """A helper that disappears into the compiled functions that call it."""
    return cast(F, numba.njit(inline="always", **OPTIONS)(function))


def _array(context: Any, builder: Any, kind: Any, address: Any, lengths: list[Any]) -> Any:
    """The array of `kind` that begins at `address`."""
    made = arrayobj.make_array(kind)(context, builder)  # type: ignore[no-untyped-call]
    item = context.get_constant(types.intp, kind.dtype.bitwidth // 8)
    strides = [item]
    for length in reversed(lengths[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    data = builder.inttoptr(address, made.data.type)
    arrayobj.populate_array(made, data=data, shape=lengths, strides=strides, itemsize=item, meminfo=None)  # type: ignore[no-untyped-call]
    return made._getvalue()


def view(kind: str) -> Any:
    """A function of an address and a length that gives the array of `kind` there, for compiled code."""

    @intrinsic
    def made(_: Any, address: Any, length: Any) -> Any:
        array = types.Array(_KINDS[kind], 1, "C")

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _array(context, builder, array, arguments[0], [arguments[1]])

        return array(types.int64, types.int64), generate

    return made


def table(name: str) -> Any:
    """A function of the memory block's address that gives one of `layout.TABLES`, for compiled code."""
    place = TABLES[name]

    @intrinsic
    def made(_: Any, address: Any) -> Any:
        array = types.Array(_KINDS[place.kind], len(place.shape), "C")

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            lengths = [context.get_constant(types.intp, length) for length in place.shape]
            there = builder.add(arguments[0], context.get_constant(types.intp, place.offset))
            return _array(context, builder, array, there, lengths)

        return array(types.int64), generate

    return made
