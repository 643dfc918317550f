"""The rows: every module here is one. Each has `TITLE` and `run(bench) -> list[Table]`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Protocol, cast

from benchmarks.bench import Bench
from benchmarks.table import Table


class Row(Protocol):
    """One measurement."""

    TITLE: str

    def run(self, bench: Bench) -> list[Table]:
        """Measure and report; raises `CommandError` or `OSError` when it can't."""


@cache
def all_rows() -> dict[str, Row]:
    """Every row by its module's name, sorted."""
    return {
        info.name: cast(Row, importlib.import_module(f"{__name__}.{info.name}"))
        for info in sorted(pkgutil.iter_modules(__path__), key=lambda i: i.name)
    }
