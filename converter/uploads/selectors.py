"""Reading uploads: each owner sees only its own."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db.models import QuerySet

from converter.engine.errors import MediaError
from converter.owners.models import Owner

from .models import Upload, UploadStatus


def for_owner(owner: Owner | None) -> QuerySet[Upload]:
    """The owner's uploads whose bytes are still there, newest first; none for nobody."""
    if owner is None:
        return Upload.objects.none()
    return Upload.objects.filter(owner=owner, removed_at__isnull=True)


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
    if upload.removed_at is not None:
        raise MediaError("gone", f"The upload “{upload.name}” was cleaned up; send the file again.", field="upload")
    return upload


def expirable(before: datetime) -> QuerySet[Upload]:
    """Uploads received before `before` that still have their bytes and that no unfinished job needs."""
    unfinished = Upload.objects.filter(job_inputs__job__finished_at__isnull=True, job_inputs__isnull=False)
    return Upload.objects.filter(created_at__lt=before, removed_at__isnull=True, status=UploadStatus.READY).exclude(pk__in=unfinished.values("pk"))


def is_in_use(upload: Upload) -> bool:
    """Whether a job that has not ended needs it."""
    return upload.job_inputs.filter(job__finished_at__isnull=True).exists()


def is_referenced(upload: Upload) -> bool:
    """Whether any row of an upper layer (a job's input, a clip) points at it, whatever layers there are."""
    return any(relation.related_model._default_manager.filter(**{relation.field.name: upload}).exists() for relation in upload._meta.related_objects)


def _nothing() -> MediaError:
    return MediaError("not_found", "There is no such upload.", field="upload")
