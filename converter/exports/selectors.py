"""Reading exports: each owner sees only its own."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet, Value
from django.utils import timezone

from converter.engine.errors import MediaError
from converter.owners.models import Owner
from converter.runtime import services as runtime
from converter.uploads.selectors import UNDO

from .models import Export


def for_owner(owner: Owner | None) -> QuerySet[Export]:
    """The owner's exports, newest first, also those whose bytes went, but not what was set aside; none for nobody."""
    if owner is None:
        return Export.objects.none()
    return with_expiry(Export.objects.filter(owner=owner, deleted_at=None).select_related("job"))


def with_expiry(rows: QuerySet[Export]) -> QuerySet[Export]:
    """The rows, which need not ask one by one for the retention that their `expires_at` follows."""
    return rows.annotate(kept_hours=Value(float(runtime.get("export_retention_hours"))))


def set_aside(owner: Owner | None) -> QuerySet[Export]:
    """What the owner deleted and may still bring back."""
    if owner is None:
        return Export.objects.none()
    return Export.objects.filter(owner=owner, removed_at=None, deleted_at__gt=timezone.now() - UNDO)


def get_for_owner(owner: Owner | None, export_id: uuid.UUID | str) -> Export:
    """One of the owner's exports. Raises `MediaError("not_found")`, also when it is somebody else's."""
    try:
        return for_owner(owner).get(pk=uuid.UUID(str(export_id)))
    except (Export.DoesNotExist, ValueError):
        raise MediaError("not_found", "There is no such export.") from None
