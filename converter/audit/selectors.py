"""Reading the trail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .models import AuditEntry


def newest(count: int) -> list[AuditEntry]:
    """The last `count` entries, oldest of them first."""
    return list(AuditEntry.objects.order_by("-id")[:count])[::-1]


def everything() -> Iterator[AuditEntry]:
    """All entries in the order they were written, a page at a time."""
    last = 0
    while page := list(AuditEntry.objects.filter(id__gt=last).order_by("id")[:1000]):
        yield from page
        last = page[-1].pk


def as_dict(entry: AuditEntry) -> dict[str, Any]:
    """An entry as JSON, with what its digest covers, so that the chain can be checked elsewhere."""
    return {
        "id": entry.pk,
        "sequence": entry.sequence,
        "at": entry.at.isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "address": entry.address,
        "action": entry.action,
        "target_type": entry.target_type,
        "target_id": entry.target_id,
        "target": entry.target,
        "request_id": entry.request_id,
        "data": entry.data,
        "previous": entry.previous,
        "digest": entry.digest,
    }
