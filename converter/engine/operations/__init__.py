"""The registry: every module of this package that holds an `Operation` is one, by being here."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from typing import Any

from converter.engine.errors import MediaError

from .base import Operation

__all__ = ["all_operations", "get"]


@cache
def all_operations() -> dict[str, Operation[Any]]:
    """Every operation by name, sorted."""
    found: dict[str, Operation[Any]] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        for _, member in inspect.getmembers(module, inspect.isclass):
            if issubclass(member, Operation) and not inspect.isabstract(member) and member.__module__ == module.__name__:
                found[member.name] = member()
    return dict(sorted(found.items()))


def get(name: str) -> Operation[Any]:
    """The operation of that name. Raises `MediaError("bad_parameter")` when there is none."""
    try:
        return all_operations()[name]
    except KeyError:
        known = ", ".join(all_operations())
        raise MediaError("bad_parameter", f"operation: {str(name)[:60]!r} is not an operation; known are {known}.", field="operation") from None
