"""`manage.py audit verify | tail | export`: look at the trail, and check that nobody changed it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from converter.audit import selectors, services


class Command(BaseCommand):
    """Exit status of `verify`: 0 when the chain is sound, 1 when it is broken."""

    help = "Check the audit trail's chain of hashes, show its end, or write it as JSON lines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="what", required=True)
        actions.add_parser("verify", help="walk the whole chain and say in one line whether it is sound")
        tail = actions.add_parser("tail", help="show the newest entries")
        tail.add_argument("-n", "--lines", type=int, default=20, help="how many (default 20)")
        actions.add_parser("export", help="write every entry as one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        {"verify": self._verify, "tail": self._tail, "export": self._export}[options["what"]](options)

    def _verify(self, options: dict[str, Any]) -> None:
        verdict = services.verify()
        if not verdict.sound:
            self.stderr.write(str(verdict))
            sys.exit(1)
        self.stdout.write(str(verdict))

    def _tail(self, options: dict[str, Any]) -> None:
        for entry in selectors.newest(max(options["lines"], 0)):
            data = f" {json.dumps(entry.data, ensure_ascii=False)}" if entry.data else ""
            address = f" ({entry.address})" if entry.address else ""
            target = f"{entry.target_type} {entry.target_id} {entry.target!r}"
            self.stdout.write(f"{entry.at:%Y-%m-%dT%H:%M:%S}Z {entry.actor}{address} {entry.action} {target}{data}")

    def _export(self, options: dict[str, Any]) -> None:
        for entry in selectors.everything():
            self.stdout.write(json.dumps(selectors.as_dict(entry), ensure_ascii=False))
