"""Which published bytes have to go. Rows and recipes always stay.

`converter.maintenance` calls these at each sweep and removes what they return.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from converter.runtime import services as runtime
from converter.uploads.selectors import UNDO

from .models import Export, Grant
from .services import ROOT, remove_bytes

__all__ = ["deleted", "expired", "missing", "orphans", "remove_bytes"]


def expired(now: datetime) -> QuerySet[Export]:
    """Exports whose retention is over by the setting as it is now, and those that were downloaded for good.

    A completed one-time download releases an export when the last of its grants is over. An
    export with a grant that may still be used, or resumed, waits for that grant's end.
    """
    kept_since = now - timedelta(hours=runtime.get("export_retention_hours"))
    promised = Grant.objects.filter(export=OuterRef("pk"), completed_at=None, expires_at__gt=now)
    return Export.objects.filter(Q(created_at__lte=kept_since) | Q(release_at__lte=now), ~Exists(promised), removed_at=None)


def deleted(now: datetime) -> QuerySet[Export]:
    """What its owner deleted longer ago than it can be brought back."""
    return Export.objects.filter(deleted_at__lte=now - UNDO, removed_at=None)


def missing() -> list[Export]:
    """Exports whose row promises bytes that are not on the disk (an operator deleted them, a disk was lost)."""
    return [export for export in Export.objects.filter(removed_at=None).iterator() if not export.file.is_file()]


def orphans(grace: timedelta) -> list[Path]:
    """Files that no row with bytes names, and that have not been touched for `grace`.

    They are left by a crash between a rename and its commit, or between a removal's commit and
    its unlink. `grace` covers the first of these while it is still going on.
    """
    root = Path(settings.MEDIA_ROOT) / ROOT
    newest = timezone.now().timestamp() - grace.total_seconds()
    found = []
    for path in sorted(root.rglob("*")):
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        # The rename moves the change time on, whenever the bytes themselves were written.
        if not path.is_dir() and max(status.st_mtime, status.st_ctime) <= newest:
            found.append(path)
    names = [path.relative_to(settings.MEDIA_ROOT).as_posix() for path in found]
    claimed = _claimed(names)
    return [path for path, name in zip(found, names, strict=True) if name not in claimed]


def _claimed(names: list[str]) -> set[str]:
    claimed: set[str] = set()
    for first in range(0, len(names), 500):  # SQLite takes only so many variables in one statement
        claimed.update(Export.objects.filter(path__in=names[first : first + 500], removed_at=None).values_list("path", flat=True))
    return claimed
