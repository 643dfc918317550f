"""Every mutation of a job: one compare-and-swap each, written together with its audit entry.

Times that decide anything (leases, backoff) are the database's own clock, so workers on machines
with other clocks agree.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, Exists, Expression, ExpressionWrapper, F, FloatField, Q, Value
from django.db.models.functions import Greatest, Now

from converter.audit import services as audit
from converter.audit.scrub import scrub
from converter.engine.errors import MAX_MESSAGE, MediaError
from converter.engine.faultpoints import reach
from converter.owners.models import Owner
from converter.runtime import services as runtime
from converter.uploads.models import Upload

from . import events, turns
from .models import Job, JobInput
from .signals import job_finished
from .states import ACTIVE, TERMINAL, TRANSITIONS, JobStatus

HIGHEST_RUNNING = 99.9
"""Percent; 100 is said only with success."""

BACKOFF_SECONDS = 5.0
"""Wait before the first retry of a transient fault; each further one waits four times as long."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's hold on a job: whoever writes must name the fence it was given."""

    job: Job
    fence: int
    worker: str

    @property
    def job_id(self) -> uuid.UUID:
        """The job's id."""
        return self.job.pk


class LeaseLost(Exception):
    """The job is no longer this worker's: it was cancelled, or taken back and perhaps given to another."""


def create(
    owner: Owner,
    operation: str,
    params: Mapping[str, Any],
    uploads: Sequence[Upload],
    *,
    preset: str = "",
    idempotency_key: str | None = None,
    request_hash: str = "",
    request_id: str = "",
    retry_of: Job | None = None,
    warnings: Sequence[str] = (),
    priority: int = 0,
) -> Job:
    """Write a queued job with its inputs. Call it inside a transaction that locks the uploads.

    Raises `IntegrityError` when the owner already used `idempotency_key`.
    """
    with transaction.atomic():
        job = Job.objects.create(
            owner=owner,
            operation=operation,
            preset=preset,
            params=dict(params),
            priority=priority,
            idempotency_key=idempotency_key,
            request_hash=request_hash,
            request_id=request_id,
            retry_of=retry_of,
            warnings=list(warnings),
            available_at=Now(),
        )
        JobInput.objects.bulk_create(JobInput(job=job, upload=upload, position=i) for i, upload in enumerate(uploads))
        job.refresh_from_db()
        audit.record("job.created", job, operation=operation, preset=preset, priority=priority, inputs=[str(upload.id) for upload in uploads])
        reach("job.row")
    return job


def change(
    job_id: uuid.UUID,
    to: JobStatus,
    *,
    fence: int | None = None,
    expected: Collection[JobStatus] | None = None,
    where: Q | None = None,
    **fields: Any,
) -> Job | None:
    """Move a job to another state: the only place that writes `status`.

    It is one UPDATE that finds the row only in a state from which the table leads to `to` (or in
    one of `expected`), under `fence` and `where` when given; the audit entry is written in the same
    transaction, events and `job_finished` follow its commit. Returns the changed job, or None when
    somebody else was first and nothing was changed. Raises `ValueError` for an `expected` that the
    table does not allow.
    """
    sources = frozenset(state for state, following in TRANSITIONS.items() if to in following)
    if expected is not None:
        if not frozenset(expected) <= sources:
            raise ValueError(f"no way leads from {sorted(expected)} to {to}")
        sources = frozenset(expected)
    rows = Job.objects.filter(where or Q(), pk=job_id, status__in=sources)
    if fence is not None:
        rows = rows.filter(fence=fence)
    with transaction.atomic():
        if not rows.update(**{**_entering(to), **fields, "status": to}):
            return None
        job = Job.objects.select_related("owner").get(pk=job_id)
        audit.record(f"job.{to}", job, attempt=job.attempt, worker=job.worker, error=job.error_code)
        transaction.on_commit(partial(_announce, job), robust=True)
        reach("state.row")
    reach("state.committed")
    return job


def claim(job_id: uuid.UUID, worker: str) -> Claim | None:
    """Take a waiting job for `worker`: a new attempt under a new fence. None when it is not to be had."""
    job = change(job_id, JobStatus.RUNNING, where=Q(available_at__lte=Now()), worker=worker[:120])
    return Claim(job, job.fence, worker) if job else None


def claim_next(worker: str) -> Claim | None:
    """Take the waiting job whose turn it is. None when none may be begun: nothing waits, all of it is in backoff, or jobs are paused."""
    unpaused = ~Exists(turns.PAUSED)
    while not turns.paused() and (turn := turns.following(most := runtime.get("owner_running_jobs"))):
        with transaction.atomic():
            if most:
                # Under this lock no other worker takes a job of the same owner, so that their number holds.
                Owner.objects.select_for_update(no_key=True).get(pk=turn.owner_id)
                if Job.objects.filter(owner=turn.owner_id, status=JobStatus.RUNNING).count() >= most:
                    continue
            job = change(turn.job_id, JobStatus.RUNNING, expected={JobStatus.QUEUED}, where=Q(unpaused, available_at__lte=Now()), worker=worker[:120])
        if job:
            return Claim(job, job.fence, worker)
    return None


def prioritise(job_id: uuid.UUID, priority: int) -> Job:
    """Let a waiting job be taken earlier or later. Raises `MediaError`: `bad_parameter`, `conflict` when it does not wait any more."""
    check_priority(priority)
    with transaction.atomic():
        if not Job.objects.filter(pk=job_id, status=JobStatus.QUEUED).update(priority=priority):
            raise MediaError("conflict", "The job does not wait any more; only a waiting job has a place in the queue.")
        job = Job.objects.select_related("owner").get(pk=job_id)
        audit.record("job.prioritised", job, priority=priority)
    return job


def check_priority(priority: int) -> None:
    """Raises `MediaError("bad_parameter")` outside of the bounds."""
    if not turns.LOWEST <= priority <= turns.HIGHEST:
        raise MediaError("bad_parameter", f"priority: it must be from {turns.LOWEST} to {turns.HIGHEST}.", field="priority")


def heartbeat(claim: Claim, progress: float | None = None, stage: str = "", eta: float | None = None) -> bool:
    """Renew the lease and, when `progress` (percent) is given, note it. False when the job is no longer ours.

    Progress never falls within an attempt and stays below 100, whatever is passed.
    """
    fields: dict[str, Any] = {"lease_until": in_seconds(settings.JOB_LEASE_SECONDS)}
    if progress is not None:
        bounded = Value(min(max(progress, 0.0), HIGHEST_RUNNING), output_field=FloatField())
        fields |= {"progress": Greatest(F("progress"), bounded), "stage": stage[:30], "eta_seconds": eta}
    return bool(Job.objects.filter(pk=claim.job_id, status=JobStatus.RUNNING, fence=claim.fence).update(**fields))


def holds(claim: Claim) -> bool:
    """Whether the job is still running under this claim."""
    return Job.objects.filter(pk=claim.job_id, status=JobStatus.RUNNING, fence=claim.fence).exists()


def note_metrics(claim: Claim, **metrics: int | float | None) -> None:
    """Keep what an attempt cost (columns of the row: bytes, seconds); a later claim's numbers are never overwritten."""
    Job.objects.filter(pk=claim.job_id, fence=claim.fence).update(**metrics)


def fail(claim: Claim, error: MediaError) -> Job | None:
    """End the job with `error`. None when it was no longer ours."""
    return change(claim.job_id, JobStatus.FAILED, fence=claim.fence, expected={JobStatus.RUNNING}, **_error(error))


def fault(claim: Claim, error: MediaError) -> Job | None:
    """Answer a failed attempt: the user's errors and lasting ones end the job at once; a transient
    one of ours puts it back to wait, up to `JOB_MAX_FAULTS` times. None when it was no longer ours.
    """
    faults = claim.job.faults
    if error.users or not error.code.transient or faults >= settings.JOB_MAX_FAULTS:
        return fail(claim, error)
    wait = BACKOFF_SECONDS * 4**faults * random.uniform(0.8, 1.2)  # noqa: S311 (spreads retries, guards nothing)
    return change(
        claim.job_id,
        JobStatus.QUEUED,
        fence=claim.fence,
        expected={JobStatus.RUNNING},
        faults=faults + 1,
        available_at=in_seconds(wait),
        **_error(error),
    )


def give_back(claim: Claim) -> Job | None:
    """Put a job that nothing is wrong with back to wait: its worker is being shut down. It counts as no loss."""
    return change(claim.job_id, JobStatus.QUEUED, fence=claim.fence, expected={JobStatus.RUNNING}, available_at=Now())


def cancel(job_id: uuid.UUID) -> Job:
    """Cancel a waiting or running job; its worker notices and kills what runs. Raises `MediaError("conflict")` when it has ended."""
    job = change(job_id, JobStatus.CANCELLED, expected=ACTIVE, **_error(MediaError("cancelled")))
    if job is None:
        raise MediaError("conflict", "The job has already ended; only a waiting or running job can be cancelled.")
    return job


def reap(*, dry_run: bool = False) -> list[uuid.UUID]:
    """Take back every job whose worker let its lease run out. Returns those jobs.

    A job that lost more than `JOB_MAX_LOSSES` workers probably kills them: it fails with `lost_worker`.
    """
    expired = Q(lease_until__lt=Now())
    rows = Job.objects.filter(expired, status=JobStatus.RUNNING).only("id", "fence", "losses")
    if dry_run:
        return [job.id for job in rows]
    reaped = []
    for job in rows:
        losses = job.losses + 1
        running: dict[str, Any] = {"fence": job.fence, "expected": {JobStatus.RUNNING}, "where": expired, "losses": losses}
        if losses > settings.JOB_MAX_LOSSES:
            changed = change(job.id, JobStatus.FAILED, **running, **_error(MediaError("lost_worker")))
        else:
            changed = change(job.id, JobStatus.QUEUED, **running, available_at=Now())
        if changed:
            reaped.append(job.id)
    return reaped


def mark_sent(job_id: uuid.UUID) -> None:
    """Note that a message for a waiting job went to the broker just now."""
    Job.objects.filter(pk=job_id, status=JobStatus.QUEUED).update(sent_at=Now())


def forget_messages(**which: Any) -> None:
    """Note that what was sent for waiting jobs wakes nobody (they are paused): the sweep sends for them again once it may."""
    Job.objects.filter(status=JobStatus.QUEUED, sent_at__isnull=False, **which).update(sent_at=None)


def in_seconds(seconds: float) -> Expression:
    """The database's own time, `seconds` from now."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())


def _entering(to: JobStatus) -> dict[str, Any]:
    """What every entry into a state writes, beside the state itself."""
    fresh: dict[str, Any] = {"progress": 0.0, "stage": "", "eta_seconds": None, "finished_at": None}
    if to == JobStatus.RUNNING:
        held = {"fence": F("fence") + 1, "attempt": F("attempt") + 1, "started_at": Now(), "lease_until": in_seconds(settings.JOB_LEASE_SECONDS)}
        return {**fresh, **held, **_error(None)}
    if to == JobStatus.QUEUED:
        return {**fresh, "started_at": None, "lease_until": None, "worker": ""}
    ended = {"finished_at": Now(), "lease_until": None, "eta_seconds": None, "stage": ""}
    return {**ended, "progress": 100.0} if to == JobStatus.SUCCEEDED else ended


def _error(error: MediaError | None) -> dict[str, Any]:
    if error is None:
        return {"error_code": "", "error_detail": "", "error_field": ""}
    return {"error_code": error.code.name, "error_detail": scrub(error.detail)[:MAX_MESSAGE], "error_field": (error.field or "")[:60]}


def _announce(job: Job) -> None:
    """After commit: tell whoever watches, then the upper layers."""
    events.publish(job.id, "state", {"status": job.status})
    if job.status in TERMINAL:
        job_finished.send_robust(sender=Job, job=job)


def adopt(guest: Owner, account: Owner) -> None:
    """Give a guest's jobs to an account. Of two jobs under one Idempotency-Key the account's own keeps it."""
    taken = Job.objects.filter(owner=account, idempotency_key__isnull=False).values_list("idempotency_key", flat=True)
    Job.objects.filter(owner=guest, idempotency_key__in=list(taken)).update(idempotency_key=None)
    Job.objects.filter(owner=guest).update(owner=account)
