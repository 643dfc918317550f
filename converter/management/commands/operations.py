"""`manage.py operations`: what can be done, and with which parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from converter.engine.operations import all_operations
from converter.engine.operations.base import Operation
from converter.engine.params import Spec, specs


class Command(BaseCommand):
    """Needs no database."""

    help = "List every operation with its presets and parameters."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON array, the same that the API gives.")

    def handle(self, *args: Any, **options: Any) -> None:
        operations = all_operations().values()
        if options["json"]:
            self.stdout.write(json.dumps([operation.describe() for operation in operations]))
        else:
            self.stdout.write("\n\n".join("\n".join(_lines(operation)) for operation in operations))


def _lines(operation: Operation[Any]) -> Iterator[str]:
    fewest, most = operation.inputs
    many = f"{fewest} file" if fewest == most == 1 else f"{fewest} to {most} files"
    yield f"{operation.name} – {operation.summary}"
    yield f"  takes {many}: {', '.join(sorted(operation.accepts))}"
    for preset in operation.presets:
        yield f"  --preset {preset.name}: {preset.summary}"
    for spec in specs(operation.params):
        yield f"  --{spec.name.replace('_', '-')} ({', '.join(_bounds(spec))}): {spec.help}"


def _bounds(spec: Spec) -> Iterator[str]:
    yield "|".join(value for value, _ in spec.choices) or spec.type
    if spec.unit:
        yield spec.unit
    if spec.minimum is not None:
        yield f"{'above' if spec.above_minimum else 'from'} {spec.minimum:g}"
    if spec.maximum is not None:
        yield f"at most {spec.maximum:g}"
    if spec.default not in (None, "", ()):
        yield f"default {spec.default}"
