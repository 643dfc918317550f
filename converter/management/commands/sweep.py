"""`manage.py sweep`: what the schedule does every few minutes, now, or only told."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from converter import maintenance, tasks
from converter.engine.limits import megabytes


class Command(BaseCommand):
    """Takes lost jobs back, wakes workers, and lets go of what is over."""

    help = "Take back lost jobs, send what waits, remove what expired and what crashes left behind."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, dry_run: bool, json: bool, **options: Any) -> None:
        """Sweep and say what went."""
        report = maintenance.sweep(dry_run, send=tasks.send)
        self.stdout.write(_json({"dry_run": dry_run, **report.as_dict()}) if json else _text(report, dry_run))


def _text(report: maintenance.Report, dry_run: bool) -> str:
    lines = [f"job {job_id}: its worker was lost" for job_id in report.reaped]
    lines += [f"job {job_id}: waits without a message" for job_id in report.sent]
    lines += [f"{item.kind} {item.name}: {item.reason} ({megabytes(item.size)})" for item in report.gone]
    done = "would go" if dry_run else "went"
    return "\n".join([*lines, f"{len(report.gone)} things {done}, {megabytes(report.size)}."])


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False)
