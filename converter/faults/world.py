"""Where a scenario happens: the running processes, one guest, a clip, and how everything comes to rest again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

from django.db import DatabaseError, close_old_connections, connection

from converter import maintenance, tasks
from converter.engine.ffmpeg import find_ffmpeg
from converter.jobs.models import Job
from converter.owners.services import new_guest

from . import invariants
from .client import Client
from .postgres import Server
from .stack import Stack, until

T = TypeVar("T")
SMALL = ("320x240", 2)
LARGE = ("854x480", 6)
"""Size and seconds of clips: one whose work is over at once, one whose work can be interrupted."""


@dataclass(slots=True)
class World:
    """Everything that a scenario may use and break."""

    stack: Stack
    client: Client
    clips: dict[str, bytes]
    postgres: Server | None
    own_disk: bool
    """MEDIA_ROOT and VAR_DIR lie on a small file system of their own."""
    seconds: float
    """How long an outage lasts."""

    def settle(self, *, sweep: bool = True) -> None:
        """Wait until every job has ended and every process is up. `sweep` helps the schedule along. Raises `Stuck`."""
        self.stack.disarm()
        until(self.at_rest, "the end of every job", meanwhile=self.sweep if sweep else None)
        self.stack.wait()
        until(lambda: not self.stack.tools(), "the end of every tool")
        until(lambda: not list((Path(os.environ["MEDIA_ROOT"]) / "work").glob("*")), "the end of every attempt", meanwhile=self.clean)

    def at_rest(self) -> bool:
        """Whether every job has ended; False while the database does not answer."""
        return bool(asked(lambda: not Job.objects.filter(finished_at=None).exists(), False))

    def sweep(self) -> None:
        """What the schedule does every few seconds."""
        asked(lambda: maintenance.recover(tasks.send), None)

    def clean(self) -> None:
        """What the schedule does every few minutes."""
        asked(lambda: maintenance.clean(), None)

    def running(self, job_id: str) -> bool:
        """Whether a job is at work."""
        return bool(asked(lambda: Job.objects.filter(pk=job_id, status="running").exists(), False))

    def violations(self) -> list[str]:
        """What does not hold."""
        invariants.left_behind()
        return invariants.violations(self.client)


Scenario = Callable[[World, Random], str]
"""Breaks something at random, heals it, waits for what must come of it, and says in a few words what it did. Raises `Stuck`."""


def asked(question: Callable[[], T], otherwise: T) -> T:
    """The answer, or `otherwise` while the database does not answer."""
    try:
        return question()
    except DatabaseError:
        connection.close()
        close_old_connections()
        return otherwise


def make(stack: Stack, postgres: Server | None, own_disk: bool, seconds: float) -> World:
    """A world with a guest and clips."""
    client = Client(stack.port, new_guest()[1])
    return World(stack, client, {"small": clip(*SMALL), "large": clip(*LARGE)}, postgres, own_disk, seconds)


def clip(size: str, seconds: int) -> bytes:
    """A film with sound, made by ffmpeg."""
    source = f"testsrc2=size={size}:rate=24:duration={seconds}"
    target = Path(os.environ["VAR_DIR"]) / "made.mp4"
    options = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "24", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest", "-movflags", "+faststart"]
    inputs = ["-f", "lavfi", "-i", source, "-f", "lavfi", "-i", f"sine=duration={seconds}"]
    subprocess.run([str(find_ffmpeg().path), "-v", "error", "-y", *inputs, *options, str(target)], check=True)  # noqa: S603
    try:
        return target.read_bytes()
    finally:
        target.unlink()
