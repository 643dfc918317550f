"""The pulse of a running job: a thread that keeps its lease, tells its progress and notices its end.

It beats beside the work, so that long stretches without progress (hashing, verifying) keep the
lease too, and so that the work never waits for the database or for Redis.
"""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import Error, connections

from . import events, services
from .services import Claim

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.5
"""How often the row is looked at (a cancel is noticed this fast) and progress is told."""

NOTE_SECONDS = 1.0
"""How often progress is written to the row, at most."""


Progress = tuple[float, str, float | None]
"""Percent, stage, seconds left."""

shutting_down = threading.Event()
"""Set when this process has been asked to end: work in hand stops, and its jobs go back to the queue."""


class Pulse:
    """Use it as a context around the work; pass `report` and `stopped` into the work."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._told: Progress | None = None
        self._noted: Progress | None = None
        self._beat_at = time.monotonic()
        self._lost = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pulse-{claim.job_id}", daemon=True)

    def report(self, percent: float, stage: str, eta: float | None) -> None:
        """Take note of progress (0 to 100); cheap, told and written later."""
        with self._lock:
            highest = max(percent, self._progress[0]) if self._progress else percent
            self._progress = (round(min(max(highest, 0.0), services.HIGHEST_RUNNING), 1), stage, None if eta is None else round(eta, 1))

    def stopped(self) -> bool:
        """Whether the work must stop: cancelled, taken over, a lease that could not be kept, or a process that is to end."""
        return self._lost.is_set() or shutting_down.is_set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._done.wait(TICK_SECONDS) and not self._lost.is_set():
                self._tick()
        finally:
            connections.close_all()  # this thread's own

    def _tick(self) -> None:
        with self._lock:
            progress = self._progress
        try:
            held = self._keep(progress)
        except Error as error:
            logger.warning("the lease could not be renewed: %s", error)
            connections.close_all()
            # Without the database nobody can say whose the job is; after the lease it may be another's.
            held = time.monotonic() - self._beat_at < settings.JOB_LEASE_SECONDS
        if not held:
            self._lost.set()
        elif progress and progress != self._told:
            self._told = progress
            events.publish(self._claim.job_id, "progress", {"progress": progress[0], "stage": progress[1], "eta_seconds": progress[2]})

    def _keep(self, progress: Progress | None) -> bool:
        """Renew the lease when it is time, else only look. Returns whether the job is still ours."""
        waited = time.monotonic() - self._beat_at
        news = progress is not None and progress != self._noted
        if waited < (NOTE_SECONDS if news else settings.JOB_HEARTBEAT_SECONDS):
            return services.holds(self._claim)
        held = services.heartbeat(self._claim, *(progress if news and progress else ()))
        self._beat_at, self._noted = time.monotonic(), progress
        return held
