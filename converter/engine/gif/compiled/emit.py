"""From Numba's functions to one object file, which needs nothing from outside: neither Python nor a C library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numba
from numba.core import types

from converter.engine.gif.kernel.library import PREFIX, SIGNATURES

from .jit import OPTIONS

_TYPES = {"i": types.int64, "f": types.float64}
# What LLVM calls by name where a loop clears or copies memory. Its own recognition of such loops must not turn them into calls of themselves.
_MEMORY = """
define hidden ptr @memset(ptr returned %to, i32 %value, i64 %size) nounwind "no-builtins" {
start:
  %byte = trunc i32 %value to i8
  %none = icmp eq i64 %size, 0
  br i1 %none, label %done, label %next
next:
  %at = phi i64 [0, %start], [%after, %next]
  %there = getelementptr i8, ptr %to, i64 %at
  store i8 %byte, ptr %there
  %after = add nuw i64 %at, 1
  %last = icmp eq i64 %after, %size
  br i1 %last, label %done, label %next
done:
  ret ptr %to
}
define hidden ptr @memcpy(ptr returned noalias %to, ptr noalias %from, i64 %size) nounwind "no-builtins" {
start:
  %none = icmp eq i64 %size, 0
  br i1 %none, label %done, label %next
next:
  %at = phi i64 [0, %start], [%after, %next]
  %here = getelementptr i8, ptr %from, i64 %at
  %there = getelementptr i8, ptr %to, i64 %at
  %byte = load i8, ptr %here
  store i8 %byte, ptr %there
  %after = add nuw i64 %at, 1
  %last = icmp eq i64 %after, %size
  br i1 %last, label %done, label %next
done:
  ret ptr %to
}
"""


def emit(exports: dict[str, Callable[..., Any]]) -> bytes:
    """Compile `exports` for exactly this processor; the object file's bytes. Takes some 20 seconds of CPU.

    Every function follows Numba's own convention: addresses for the result and for an exception, then its arguments;
    it returns 0 when all is well.
    """
    compiled = {name: _compile(function, SIGNATURES[name]) for name, function in exports.items()}
    whole: Any = None
    for name, (code, symbol) in compiled.items():
        module = llvm.parse_assembly(code)
        module.get_function(symbol).name = PREFIX + name
        if whole is None:
            whole = module
        else:
            whole.link_in(module)
    memory = llvm.parse_assembly(_MEMORY)
    memory.triple, memory.data_layout = whole.triple, whole.data_layout
    whole.link_in(memory)
    _hide(whole, {PREFIX + name for name in exports})
    machine = llvm.Target.from_triple(whole.triple).create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, reloc="pic", codemodel="default"
    )
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(whole, passes)
    return bytes(machine.emit_object(whole))


def _compile(function: Callable[..., Any], signature: str) -> tuple[str, str]:
    """The optimised LLVM code of one function and everything it calls, and its name there."""
    dispatcher: Any = numba.njit(**OPTIONS)(function)
    kinds = tuple(_TYPES[letter] for letter in signature)
    dispatcher.compile(kinds)
    result = dispatcher.overloads[kinds]
    return result.library.get_llvm_str(), result.fndesc.llvm_func_name


def _hide(module: Any, offered: set[str]) -> None:
    """Keep what is not offered to the library itself, so that what nobody uses falls away."""
    for thing in (*module.functions, *module.global_variables):
        if thing.is_declaration or thing.name in offered or thing.name in ("memset", "memcpy"):
            continue
        thing.linkage = "internal"
