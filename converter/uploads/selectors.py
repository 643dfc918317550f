"""Reading uploads: each owner sees only its own."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from converter.engine.errors import MediaError
from converter.owners.models import Owner

from .models import Upload, UploadStatus

UNDO = timedelta(minutes=10)
"""How long what a person deleted on the page can be brought back."""


def for_owner(owner: Owner | None) -> QuerySet[Upload]:
    """The owner's uploads whose bytes are still there, newest first, without what was set aside; none for nobody."""
    if owner is None:
        return Upload.objects.none()
    return Upload.objects.filter(owner=owner, removed_at__isnull=True, deleted_at__isnull=True)


def set_aside(owner: Owner | None) -> QuerySet[Upload]:
    """What the owner deleted and may still bring back."""
    if owner is None:
        return Upload.objects.none()
    return Upload.objects.filter(owner=owner, removed_at__isnull=True, deleted_at__gt=timezone.now() - UNDO)


def deleted(now: datetime) -> QuerySet[Upload]:
    """What its owner deleted longer ago than it can be brought back."""
    return Upload.objects.filter(deleted_at__lte=now - UNDO, removed_at__isnull=True).exclude(pk__in=_in_use())


def get_for_owner(owner: Owner | None, upload_id: uuid.UUID | str) -> Upload:
    """One of the owner's uploads.

    Raises `MediaError`: `not_found`, also when it is somebody else's; `gone` when its bytes were
    cleaned up.
    """
    try:
        key = uuid.UUID(str(upload_id))
    except ValueError:
        raise _nothing() from None
    upload = Upload.objects.filter(owner=owner, pk=key).first() if owner is not None else None
    if upload is None:
        raise _nothing()
    if upload.removed_at is not None or upload.deleted_at is not None:
        raise MediaError("gone", f"The upload “{upload.name}” was cleaned up; send the file again.", field="upload")
    return upload


def require_ready(upload: Upload) -> Upload:
    """The upload, when there is something to see of it. Raises `MediaError("conflict")` while it is received or checked, or when it was refused."""
    if upload.status != UploadStatus.READY:
        raise MediaError("conflict", f"The upload is {upload.status}; only a ready one can be used.", field="upload")
    return upload


def expirable(before: datetime) -> QuerySet[Upload]:
    """Uploads received before `before` that still have their bytes and that no unfinished job needs."""
    return Upload.objects.filter(created_at__lt=before, removed_at__isnull=True, status=UploadStatus.READY).exclude(pk__in=_in_use())


def is_in_use(upload: Upload) -> bool:
    """Whether a job that has not ended needs it."""
    return upload.job_inputs.filter(job__finished_at__isnull=True).exists()


def is_referenced(upload: Upload) -> bool:
    """Whether any row of an upper layer (a job's input, a clip) points at it, whatever layers there are."""
    return any(relation.related_model._default_manager.filter(**{relation.field.name: upload}).exists() for relation in upload._meta.related_objects)


def _in_use() -> QuerySet[Upload, Any]:
    return Upload.objects.filter(job_inputs__job__finished_at__isnull=True, job_inputs__isnull=False).values("pk")


def _nothing() -> MediaError:
    return MediaError("not_found", "There is no such upload.", field="upload")
