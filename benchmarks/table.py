"""What a row gives back: tables, targets, and what could not be measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Target:
    """A number that was promised: `met` is None when it could not be measured."""

    text: str
    measured: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """One word for the report."""
        return {True: "pass", False: "MISS", None: "not measured"}[self.met]


@dataclass(slots=True)
class Table:
    """One table of a row. `columns` maps a cell's key to its heading and its format (`".2f"`)."""

    title: str
    columns: Mapping[str, tuple[str, str]]
    rows: list[dict[str, Cell]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, **cells: Cell) -> None:
        """Append a line; unknown keys are an error of the row's author."""
        unknown = cells.keys() - self.columns.keys()
        if unknown:
            raise KeyError(f"{self.title}: no column for {', '.join(sorted(unknown))}")
        self.rows.append(cells)

    def target(self, text: str, value: float | None, limit: float, *, unit: str = "", at_least: bool = False, form: str = ".3g") -> None:
        """Hold a measured value against a limit (inclusive), in `unit`."""
        met = None if value is None else (value >= limit if at_least else value <= limit)
        self.targets.append(Target(text, "–" if value is None else f"{value:{form}}{unit}", met))

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "columns": {key: heading for key, (heading, _) in self.columns.items()}}

    def markdown(self) -> str:
        """The table, its targets and its notes as Markdown."""
        headings = [heading for heading, _ in self.columns.values()]
        lines = [f"### {self.title}", "", _line(headings), _line("---" if i == 0 else "---:" for i in range(len(headings)))]
        lines += [_line(_cell(row.get(key), form) for key, (_, form) in self.columns.items()) for row in self.rows]
        if self.targets:
            lines += ["", *(f"- **{t.verdict}**: {t.text} (measured: {t.measured})" for t in self.targets)]
        if self.notes:
            lines += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines) + "\n"


def _cell(value: Cell, form: str) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:{form}}"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
