"""A person's own uploads and exports: found, sorted, set aside and packed together."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import Model, Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from converter import maintenance
from converter.exports import selectors as exports
from converter.exports import services as publishing
from converter.exports.models import Export
from converter.owners.models import Owner
from converter.runtime import services as runtime
from converter.uploads import selectors as uploads
from converter.uploads import services as intake
from converter.uploads.models import Upload, UploadStatus

M = TypeVar("M", bound=Model)

MOST = 500
"""How many things one press may set aside or pack: more than a page shows, and one statement of SQLite takes."""

KINDS = {
    "video": (_("Video"), ("video",)),
    "moving": (_("GIF and moving pictures"), ("animation",)),
    "audio": (_("Sound"), ("audio",)),
    "image": (_("Pictures"), ("image",)),
    "other": (_("Archives and reports"), ("document", "archive", "data")),
}
"""What a list can be narrowed to: its words, and the kinds of media it means."""

SORTS = {
    "newest": (_("Newest first"), ("-created_at", "-id")),
    "oldest": (_("Oldest first"), ("created_at", "id")),
    "name": (_("By name"), ("name", "-created_at")),
    "largest": (_("Largest first"), ("-size", "-created_at")),
}


@dataclass(frozen=True, slots=True)
class Query:
    """What a person looks for: text in the name, one of `KINDS` or all, one of `SORTS`, and only what still has its bytes or all."""

    text: str = ""
    kind: str = ""
    sort: str = "newest"
    kept: bool = False

    @classmethod
    def of(cls, raw: Mapping[str, str]) -> Query:
        """From an address; what makes no sense there is left out."""
        kind, sort = raw.get("kind", ""), raw.get("sort", "")
        return cls(raw.get("q", "").strip()[:200], kind if kind in KINDS else "", sort if sort in SORTS else "newest", raw.get("kept") == "1")

    @property
    def narrow(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.text or self.kind or self.kept)

    def address(self) -> str:
        """As the part of an address behind `?`, without what is as usual."""
        fields = {"q": self.text, "kind": self.kind, "sort": "" if self.sort == "newest" else self.sort, "kept": "1" if self.kept else ""}
        return urlencode({name: value for name, value in fields.items() if value})

    def apply(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Narrow and sort."""
        for word in self.text.split():
            rows = rows.filter(name__icontains=word)
        if self.kind:
            rows = rows.filter(media_data__kind__in=KINDS[self.kind][1])
        if self.kept:
            rows = rows.filter(removed_at=None)
        return rows.order_by(*SORTS[self.sort][1])


def exports_of(owner: Owner | None, query: Query) -> QuerySet[Export]:
    """The owner's exports as asked for."""
    return query.apply(exports.for_owner(owner))


def uploads_of(owner: Owner | None, query: Query) -> QuerySet[Upload]:
    """The owner's uploads as asked for; those that are ready."""
    return query.apply(uploads.for_owner(owner).filter(status=UploadStatus.READY))


def room(rows: QuerySet[Any]) -> tuple[int, int]:
    """How many of them have bytes, and how many bytes those are."""
    kept = rows.order_by().filter(removed_at=None)
    return kept.count(), kept.aggregate(total=Sum("size"))["total"] or 0


def kept_until(rows: Sequence[Upload]) -> dict[uuid.UUID, datetime | None]:
    """When each upload's bytes go by the settings as they are now; None for what something keeps (a project, a job under way)."""
    wait = timedelta(hours=runtime.get("upload_retention_hours"))
    going = set(maintenance.unguarded(Upload.objects.filter(pk__in=[row.pk for row in rows])).values_list("pk", flat=True))
    return {row.pk: row.created_at + wait if row.pk in going else None for row in rows}


def chosen(rows: QuerySet[M], ids: Iterable[str]) -> list[M]:
    """Those of `rows` that were ticked, at most `MOST`; what isn't an id, or somebody else's, is none."""
    keys = []
    for raw in ids:
        try:
            keys.append(uuid.UUID(raw))
        except ValueError:
            continue
    return list(rows.filter(Q(pk__in=keys[:MOST])))


def set_aside(rows: Iterable[Upload | Export]) -> int:
    """Delete, with ten minutes to come back. Returns how many went. Raises `MediaError("conflict")` where a job needs one."""
    with transaction.atomic():
        return sum(publishing.set_aside(row) if isinstance(row, Export) else intake.set_aside(row) for row in rows)


def bring_back(rows: Iterable[Upload | Export]) -> int:
    """Undo `set_aside`. Returns how many came back."""
    return sum(publishing.bring_back(row) if isinstance(row, Export) else intake.bring_back(row) for row in rows)
