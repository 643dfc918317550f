"""Shared reads of jobs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from converter.engine.errors import MediaError
from converter.owners.models import Owner

from .models import Job
from .states import ACTIVE, JobStatus

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

RESEND = timedelta(seconds=30)
"""How long a waiting job may stand untaken before its message counts as lost."""

RESEND_MOST = timedelta(minutes=10)


def visible() -> QuerySet[Job]:
    """Jobs with what their public shape needs."""
    return Job.objects.select_related("export").prefetch_related("job_inputs")


def for_owner(owner: Owner | None) -> QuerySet[Job]:
    """An owner's jobs, newest first; nobody's are none."""
    return visible().filter(owner=owner) if owner else Job.objects.none()


def get_for_owner(owner: Owner | None, job_id: uuid.UUID) -> Job:
    """An owner's job. Raises `MediaError("not_found")` for a stranger's as for none at all."""
    try:
        return for_owner(owner).get(pk=job_id)
    except Job.DoesNotExist:
        raise _nothing() from None


def require_owned(owner: Owner | None, job_id: uuid.UUID) -> None:
    """Nothing, for an owner's job. Raises `MediaError("not_found")` for a stranger's as for none at all."""
    if owner is None or not Job.objects.filter(owner=owner, pk=job_id).exists():
        raise _nothing()


def watched(owner: Owner | None, also: Iterable[str] = ()) -> QuerySet[Job]:
    """An owner's jobs that have not ended, and those of the ids in `also` (nonsense is left out), newest first."""
    return for_owner(owner).filter(Q(status__in=ACTIVE) | Q(pk__in=[job_id for job_id in also if _ID.fullmatch(job_id)]))


def _nothing() -> MediaError:
    return MediaError("not_found", "There is no such job.")


def running() -> int:
    """How many jobs are at work."""
    return Job.objects.filter(status=JobStatus.RUNNING).count()


def due_for_sending() -> list[uuid.UUID]:
    """Waiting jobs that need a message: never sent, sent before they became available, or not taken in time.

    The patience doubles with each message (30 s to 10 minutes), so that a long queue is not flooded;
    a message too many does no harm, since only one can claim.
    """
    rows = Job.objects.filter(status=JobStatus.QUEUED, available_at__lte=Now()).annotate(now=Now())
    due = []
    for job_id, available, sent, now in rows.order_by("available_at").values_list("id", "available_at", "sent_at", "now").iterator():
        if sent is None or sent < available or now - sent > min(max(RESEND, sent - available), RESEND_MOST):
            due.append(job_id)
    return due
