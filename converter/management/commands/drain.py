"""`manage.py drain`: finish what runs and take nothing new, before an update or a restart."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from converter import maintenance, tasks
from converter.audit.context import Actor, use_actor
from converter.jobs import selectors
from converter.runtime import services as runtime

LOOK_SECONDS = 0.5


class Command(BaseCommand):
    """Pauses the queue and waits until no job is at work; `--resume` lets it go on."""

    help = "Finish the jobs that run and begin no others; --resume ends that. Uploads and downloads go on meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--resume", action="store_true", help="let jobs be begun again")
        parser.add_argument("--timeout", type=float, metavar="SECONDS", help="wait no longer than this (exit 1; it stays paused)")
        parser.add_argument("--json", action="store_true", help="print one JSON object at the end")

    def handle(self, *args: Any, resume: bool, timeout: float | None, json: bool, **options: Any) -> None:
        """Pause and wait, or resume. Raises `CommandError` when jobs are still at work after the timeout."""
        with use_actor(Actor("drain")):
            runtime.set("pause_jobs", not resume)
        if resume:
            sent = maintenance.recover(tasks.send).sent
            self._say(json, f"Jobs are begun again; {len(sent)} waited.", paused=False, sent=len(sent))
            return
        left = self._wait(timeout, quiet=json)
        self._say(json, "Nothing runs and nothing is begun; manage.py drain --resume ends that." if not left else "", paused=True, running=left)
        if left:
            raise CommandError(f"{left} jobs are still at work; nothing new is begun.")

    def _wait(self, timeout: float | None, *, quiet: bool) -> int:
        """Wait for the last job to end. Returns how many were still at work at the timeout."""
        until = None if timeout is None else time.monotonic() + timeout
        told, idle = -1, 0
        while True:
            # Lost workers' jobs are taken back here too, so that the wait ends when the schedule is already stopped.
            maintenance.recover(None)
            running = selectors.running()
            # A claim that was in the middle of its transaction when the pause began shows at the second look.
            idle = 0 if running else idle + 1
            if idle == 2 or (until is not None and time.monotonic() >= until):
                return running
            if running != told and not quiet:
                self.stdout.write(f"{running} at work …")
            told = running
            time.sleep(LOOK_SECONDS)

    def _say(self, as_json: bool, sentence: str, **facts: Any) -> None:
        if as_json:
            self.stdout.write(json.dumps(facts))
        elif sentence:
            self.stdout.write(sentence)
