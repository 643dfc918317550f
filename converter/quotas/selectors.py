"""How much an owner has and uses, and when some of it will be free again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Min, Sum
from django.utils import timezone

from converter.owners.models import Owner
from converter.runtime import services as runtime

DAY = timedelta(days=1)
GIGABYTE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is limited. `limit` is None where it is not; `frees_at` is when less will be used at the latest, None when nobody can say."""

    used: float
    limit: float | None
    frees_at: datetime | None = None

    @property
    def left(self) -> float:
        """How much more is allowed."""
        return float("inf") if self.limit is None else self.limit - self.used

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"used": self.used, "limit": self.limit, "frees_at": self.frees_at}


def stored(owner: Owner) -> Measure:
    """Bytes of uploads (with what unfinished ones promised) and of exports."""
    gigabytes = runtime.get("quota_gigabytes")
    uploads = _kept_uploads(owner).aggregate(size=Sum("size"), oldest=Min("created_at"))
    exports = _related(owner, "exports").filter(removed_at=None).aggregate(size=Sum("size"), oldest=Min("created_at"))
    frees = [
        found["oldest"] + timedelta(hours=runtime.get(key))
        for found, key in ((uploads, "upload_retention_hours"), (exports, "export_retention_hours"))
        if found["oldest"]
    ]
    return Measure((uploads["size"] or 0) + (exports["size"] or 0), gigabytes * GIGABYTE if gigabytes else None, min(frees, default=None))


def unfinished(owner: Owner) -> Measure:
    """Jobs that wait or run."""
    return Measure(_related(owner, "jobs").filter(finished_at=None).count(), runtime.get("quota_jobs") or None)


def running(owner: Owner) -> Measure:
    """Jobs at work; more of them wait, they are not refused."""
    return Measure(_related(owner, "jobs").filter(finished_at=None, lease_until__isnull=False).count(), runtime.get("owner_running_jobs") or None)


def worked(owner: Owner) -> Measure:
    """CPU seconds of the jobs that ended in the last 24 hours; `frees_at` is when it falls below the limit by itself."""
    limit = runtime.get("quota_cpu_seconds") or None
    now = timezone.now()
    rows = _related(owner, "jobs").filter(finished_at__gt=now - DAY, cpu_seconds__gt=0)
    used = rows.aggregate(spent=Sum("cpu_seconds"))["spent"] or 0.0
    left, frees = used, None
    if limit is not None and used >= limit:
        for seconds, ended in rows.order_by("finished_at").values_list("cpu_seconds", "finished_at").iterator():
            left, frees = left - seconds, ended + DAY
            if left < limit:
                break
    return Measure(round(used, 3), limit, frees)


def usage(owner: Owner) -> dict[str, Measure]:
    """Everything that is limited, by name."""
    return {"bytes": stored(owner), "jobs": unfinished(owner), "running_jobs": running(owner), "cpu_seconds": worked(owner)}


def _kept_uploads(owner: Owner) -> Any:
    # A refused upload has an error, and no bytes.
    return _related(owner, "uploads").filter(removed_at=None, error_code="")


def _related(owner: Owner, name: str) -> Any:
    related: Any = getattr(owner, name)
    return related.order_by()
