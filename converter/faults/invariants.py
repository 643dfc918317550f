"""What must hold whatever happened, once everything has come to rest: asked of the rows and of the disk."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Count

from converter import maintenance
from converter.audit import services as audit
from converter.audit.models import AuditEntry
from converter.engine.files import hash_file
from converter.exports.models import Export
from converter.jobs.models import Job
from converter.jobs.states import TERMINAL, JobStatus
from converter.owners.models import Owner
from converter.quotas import selectors as quotas
from converter.uploads.models import Upload, UploadStatus

from .client import Client

UNFINISHED = (UploadStatus.RECEIVING, UploadStatus.CHECKING)


def violations(client: Client) -> list[str]:
    """Every invariant that does not hold, in a sentence each. Call it when no job is unfinished and nobody sends."""
    return [*_jobs(client), *_promises(client), *_swept(), *_orphans(), *_audit(), *_quotas()]


def _jobs(client: Client) -> Iterator[str]:
    """No lost job, and exactly one committed result for each that succeeded."""
    known = set(map(str, Job.objects.values_list("pk", flat=True)))
    for lost in set(client.jobs) - known:
        yield f"job {lost} was accepted and is not there"
    for job in Job.objects.exclude(status__in=TERMINAL):
        yield f"job {job.pk} is still {job.status}"
    for key in Job.objects.exclude(idempotency_key=None).values("owner", "idempotency_key").annotate(n=Count("pk")).filter(n__gt=1):
        yield f"the key {key['idempotency_key']} made {key['n']} jobs"
    told = AuditEntry.objects.filter(action="job.succeeded").values_list("target_id").annotate(n=Count("pk"))
    results = dict(told)
    for job in Job.objects.all():
        exports = Export.objects.filter(job=job).count()
        expected = int(job.status == JobStatus.SUCCEEDED)
        if (exports, results.get(str(job.pk), 0)) != (expected, expected):
            yield f"job {job.pk} {job.status} with {exports} exports and {results.get(str(job.pk), 0)} entries of success"
        if expected and job.progress != 100:
            yield f"job {job.pk} succeeded at {job.progress} %"


def _promises(client: Client) -> Iterator[str]:
    """What a row says is there is there, to the byte."""
    for upload_id, sha256 in client.uploads.items():
        upload = Upload.objects.filter(pk=uuid.UUID(upload_id)).first()
        if upload is None or upload.sha256 != sha256:
            yield f"the upload {upload_id} is not what was sent"
    rows: list[Upload | Export] = [*Upload.objects.filter(status=UploadStatus.READY, removed_at=None)]
    rows += Export.objects.filter(removed_at=None)
    for row in rows:
        if not row.file.is_file():
            yield f"{row._meta.model_name} {row.pk} has no file"
        elif row.file.stat().st_size != row.size or hash_file(row.file) != row.sha256:
            yield f"{row._meta.model_name} {row.pk} has other bytes than its row says"
    for upload in Upload.objects.filter(status__in=UNFINISHED):
        if not (_root("incoming") / Path(upload.path).name).exists() and not upload.file.exists():
            yield f"the unfinished upload {upload.pk} has no file"


def _swept() -> Iterator[str]:
    """A sweep takes what crashes left, without a hitch, and finds nothing of it afterwards.

    Time goes on: what became due since the first sweep is the second one's to take. What outlives both is stuck.
    """
    grace = timedelta(seconds=-1)
    maintenance.clean(grace=grace)
    left = {(item.kind, item.name) for item in maintenance.clean(dry_run=True, grace=grace).gone}
    if left:
        maintenance.clean(grace=grace)
    for item in maintenance.clean(dry_run=True, grace=grace).gone if left else ():
        if (item.kind, item.name) in left:
            yield f"after two sweeps there is still {item.kind} {item.name}: {item.reason}"


def _orphans() -> Iterator[str]:
    """No file without a row and no directory of an attempt that is over."""
    uploads = {upload.file for upload in Upload.objects.filter(removed_at=None).exclude(path="")}
    exports = {export.file for export in Export.objects.filter(removed_at=None)}
    for path in [*_files("uploads", uploads), *_files("exports", exports), *(_root("work").iterdir() if _root("work").is_dir() else ())]:
        yield f"{path.relative_to(settings.MEDIA_ROOT)} belongs to nobody"


def _audit() -> Iterator[str]:
    verdict = audit.verify()
    if not verdict.sound:
        yield f"the audit chain is broken at {verdict.sequence}: {verdict.problem}"


def _quotas() -> Iterator[str]:
    """What an owner is said to store is what lies on the disk, with what unfinished uploads promised."""
    for owner in Owner.objects.all():
        rows: list[Upload | Export] = [*owner.uploads.filter(removed_at=None, status=UploadStatus.READY)]
        rows += owner.exports.filter(removed_at=None)
        real = sum(row.file.stat().st_size for row in rows if row.file.is_file()) + sum(u.size for u in owner.uploads.filter(status__in=UNFINISHED))
        if (said := quotas.stored(owner).used) != real:
            yield f"{owner} is said to store {said} bytes and stores {real}"


def left_behind() -> int:
    """Take away what was being received or looked at when its process died, as the sweep does after hours. Returns how many."""
    gone = unnamed()
    for path in gone:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(gone)


def unnamed() -> list[Path]:
    """What lies where files come in and belongs to no row: of a process that died, or of one whose row is still to come."""
    listed = list(_root("incoming").iterdir())  # before the rows: what is named by then is no longer on its way
    named = {Path(path).name for path in Upload.objects.filter(status__in=UNFINISHED).values_list("path", flat=True)}
    return [path for path in listed if path.name.removesuffix(".lock") not in named]


def _files(root: str, claimed: set[Path]) -> list[Path]:
    return [path for path in _root(root).rglob("*") if path.is_file() and path not in claimed]


def _root(name: str) -> Path:
    return Path(settings.MEDIA_ROOT) / name
