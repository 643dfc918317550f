"""Rows for tests of jobs, without files behind them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from converter.jobs import services
from converter.jobs.models import Job
from converter.owners.models import Owner
from converter.uploads.models import Upload, UploadStatus


def owner() -> Owner:
    return Owner.objects.create(token_hash=uuid.uuid4().hex)


def upload(of: Owner, **fields: Any) -> Upload:
    return Upload.objects.create(owner=of, name="clip.mp4", status=UploadStatus.READY, size=10, sha256="a" * 64, **fields)


def job(of: Owner | None = None, **fields: Any) -> Job:
    of = of or owner()
    made = services.create(of, "trim", {"start": 0.0}, [upload(of)])
    if fields:
        Job.objects.filter(pk=made.pk).update(**fields)
        made.refresh_from_db()
    return made


def claimed(**fields: Any) -> services.Claim:
    claim = services.claim(job(**fields).pk, "w1")
    assert claim is not None
    return claim


def lose(claim: services.Claim) -> None:
    """Let the lease be over."""
    Job.objects.filter(pk=claim.job_id).update(lease_until=timezone.now() - timedelta(seconds=1))
