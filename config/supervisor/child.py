"""One supervised process: started in a group of its own, restarted with backoff, never left behind."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

log = logging.getLogger("cutroom.supervisor")

STEADY_SECONDS = 10.0
"""A process that lived this long is sound; its next restart is immediate again."""
LONGEST_DELAY = 15.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Spec:
    """What to run: `fds` are descriptors that it inherits, `before` runs in the supervisor right before each start."""

    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    fds: tuple[int, ...] = ()
    before: Callable[[], None] | None = None


class Child:
    """A process made from a `Spec`, and its history."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.failures = 0
        self.due = 0.0
        self.stopping = False

    @property
    def running(self) -> bool:
        """Whether the process is there and has not ended, as far as `reap` has seen."""
        return self.process is not None

    def start(self) -> None:
        """Start it in a new process group."""
        if self.spec.before:
            self.spec.before()
        self.process = subprocess.Popen(  # noqa: S603 (our own argument lists)
            self.spec.command,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self.spec.environment},
            pass_fds=self.spec.fds,
            process_group=0,
            preexec_fn=die_with_parent(os.getpid()),
        )
        self.started = time.monotonic()

    def reap(self) -> bool:
        """Whether it has ended since the last look; then its next start is scheduled and its group is empty."""
        if self.process is None or (code := self.process.poll()) is None:
            return False
        lived = time.monotonic() - self.started
        self.failures = 0 if lived >= STEADY_SECONDS else self.failures + 1
        self.due = time.monotonic() + self.delay()
        self._kill_group()
        self.process = None
        if not self.stopping:
            log.warning("%s ended (%s) after %.1f s and is started again", self.spec.name, _reason(code), lived)
        return True

    def delay(self) -> float:
        """Seconds until the next start: none after a long life or a first failure, then doubling."""
        return 0.0 if self.failures <= 1 else min(LONGEST_DELAY, 0.25 * 2**self.failures)

    def ask_to_stop(self) -> None:
        """SIGTERM to the main process alone: a pool's children are stopped by their own parent."""
        self.stopping = True
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """SIGKILL to the whole group, and collect it."""
        if self.process is not None:
            self._kill_group()
            self.process.wait()
            self.process = None

    def _kill_group(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


def die_with_parent(parent: int) -> Callable[[], None] | None:
    """What a child runs before its program: the kernel kills it when `parent` is gone, however it went (Linux)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it went before the line above
            os._exit(1)

    return arm


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
