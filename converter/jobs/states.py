"""The states of a job and the only changes between them."""

from __future__ import annotations

from django.db import models


class JobStatus(models.TextChoices):
    """A job's state; the last three are terminal and never change."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


S = JobStatus
TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    S.QUEUED: frozenset({S.RUNNING, S.CANCELLED, S.FAILED}),
    S.RUNNING: frozenset({S.SUCCEEDED, S.FAILED, S.CANCELLED, S.QUEUED}),
    S.SUCCEEDED: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
}
"""`running → queued` only by a retry of a transient fault, by the reaper, or by a worker that is shut down; `queued → failed` never by
a worker, only when what the job needs is gone before it began."""

TERMINAL = frozenset(state for state, following in TRANSITIONS.items() if not following)
ACTIVE = frozenset(TRANSITIONS) - TERMINAL
