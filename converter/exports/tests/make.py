"""Exports with real files behind them, without an encoder."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from converter.engine.media import Media
from converter.engine.operations.base import Expectation, Plan
from converter.engine.run import Metrics, Result
from converter.exports import grants, services
from converter.exports.models import Export, Grant
from converter.jobs import services as jobs
from converter.jobs.tests import make as job_rows
from converter.owners.models import Owner

MEDIA = Media(kind="video", container="mp4", demuxer="mov", mime="video/mp4", size=1, duration=2.0)


def result(work: Path, data: bytes = b"the film", **changes: Any) -> Result:
    """What the engine hands over: a finished file in the work directory."""
    work.mkdir(parents=True, exist_ok=True)
    path = work / "out.mp4"
    path.write_bytes(data)
    plan = Plan("trim", {"start": 0.0}, (), "mp4", "video/mp4", Expectation("video", "mp4"), (1, 2), 1.0)
    fields: dict[str, Any] = {
        "path": path,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "media": MEDIA,
        "plan": plan,
        "metrics": Metrics(wall_seconds=1.5, cpu_seconds=2.5, peak_memory=1000),
        "tools": {"ffmpeg": "9.0.2"},
        "warnings": ("The start was moved.",),
    }
    return Result(**fields | changes)


def export(of: Owner | None = None, data: bytes = b"0123456789" * 10, *, sparse: int = 0, **fields: Any) -> Export:
    """A published export; `sparse` makes it so many bytes of nothing instead of `data`."""
    job = job_rows.job(of)
    path = Path(settings.MEDIA_ROOT) / "exports" / "ab" / f"{secrets.token_hex(8)}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data if not sparse else b"")
        file.truncate(sparse or len(data))
    made = Export.objects.create(
        owner=job.owner,
        job=job,
        name="film – ß.mp4",
        path=path.relative_to(settings.MEDIA_ROOT).as_posix(),
        mime="video/mp4",
        size=path.stat().st_size,
        sha256=hashlib.sha256(data).hexdigest(),
        media_data=MEDIA.as_dict(),
        recipe={"inputs": [], "operation": "trim", "version": 1, "preset": "", "params": {}, "tools": {}, "warnings": []},
    )
    if fields:
        Export.objects.filter(pk=made.pk).update(**fields)
        made.refresh_from_db()
    return made


def grant(of: Export | None = None, **fields: Any) -> tuple[Grant, str]:
    """A grant and its token."""
    made, token = grants.create_grant(of or export())
    if fields:
        Grant.objects.filter(pk=made.pk).update(**fields)
        made.refresh_from_db()
    return made, token


def ago(**time: float) -> Any:
    """A moment in the past."""
    return timezone.now() - timedelta(**time)


def files() -> list[Path]:
    """Every published file there is."""
    root = Path(settings.MEDIA_ROOT) / services.ROOT
    return [path for path in root.rglob("*") if path.is_file()]


def publish(work: Path, data: bytes = b"the film", before: Callable[[jobs.Claim], None] = lambda claim: None, **changes: Any) -> Export:
    """Claim a job, make a result and publish it; `before` is called in between."""
    claim = job_rows.claimed()
    before(claim)
    return services.publish(claim, result(work, data, **changes))
