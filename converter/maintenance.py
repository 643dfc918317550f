"""What keeps the machine right by itself: lost jobs come back, old bytes go, leftovers of crashes go.

Bytes go; rows and recipes stay. Everything can be asked first (`dry_run`) what it would do.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from converter import leftovers
from converter.audit.context import Actor, use_actor
from converter.engine.faultpoints import reach
from converter.estimates import services as estimates
from converter.exports import retention as exports
from converter.jobs import selectors, turns
from converter.jobs import services as jobs
from converter.leftovers import Doomed, Item
from converter.runtime import services as runtime
from converter.uploads import resumable
from converter.uploads import selectors as uploads
from converter.uploads import services as intake
from converter.uploads.models import Upload, UploadStatus

logger = logging.getLogger(__name__)

GRACE = timedelta(hours=1)
"""A file without a row, or a row without a file, is left alone for so long: its other half may be on the way."""

ACTOR = Actor("sweep")

Guard = Callable[[QuerySet[Upload]], QuerySet[Upload]]
Send = Callable[[uuid.UUID], bool]

_guards: list[Guard] = []


def retention_guard(guard: Guard) -> Guard:
    """Let an upper layer keep uploads: it gets those that are to expire, and returns those that may.

    Register it when the upper layer's app is ready; it may be used as a decorator.
    """
    if guard not in _guards:
        _guards.append(guard)
    return guard


@dataclass(slots=True)
class Report:
    """What a sweep did, or would do."""

    reaped: list[uuid.UUID] = field(default_factory=list)
    sent: list[uuid.UUID] = field(default_factory=list)
    gone: list[Item] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes that went."""
        return sum(item.size for item in self.gone)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "reaped": [str(job_id) for job_id in self.reaped],
            "sent": [str(job_id) for job_id in self.sent],
            "gone": [asdict(item) for item in self.gone],
            "bytes": self.size,
        }


def sweep(dry_run: bool = False, *, send: Send | None = None, grace: timedelta = GRACE) -> Report:
    """Everything at once. Without `send` waiting jobs are only listed."""
    report = recover(send, dry_run=dry_run)
    report.gone = clean(dry_run=dry_run, grace=grace).gone
    return report


def recover(send: Send | None, *, dry_run: bool = False) -> Report:
    """Take jobs back from lost workers, and send a message for each job that waits without one."""
    with use_actor(ACTOR):
        reach("sweep.begun")
        reaped = jobs.reap(dry_run=dry_run)
        reach("sweep.reaped")
        if (paused := turns.paused()) and not dry_run:
            jobs.forget_messages()
        due = [] if paused else selectors.due_for_sending()
        # With the broker away the first failure speaks for all.
        sent = due if dry_run or send is None else _until_failure(send, due)
    for job_id in () if dry_run else reaped:
        logger.warning("a worker was lost; its job waits again", extra={"job_id": str(job_id)})
    return Report(reaped=reaped, sent=sent)


def clean(*, dry_run: bool = False, grace: timedelta = GRACE) -> Report:
    """Let go of what the retention settings say, as they are now, and of what crashes left behind."""
    report = Report()
    with use_actor(ACTOR):
        for item, remove in _doomed(grace):
            if not dry_run:
                try:
                    kept = remove() is False
                except FileNotFoundError:
                    kept = True  # its own process, or another sweep, was faster
                except OSError as error:
                    logger.error("%s %s could not be removed: %s", item.kind, item.name, error)
                    kept = True
                if kept:
                    continue
            report.gone.append(item)
    if not dry_run:
        estimates.forget_looks(timezone.now())
    if report.gone and not dry_run:
        logger.info("%d things are gone", len(report.gone), extra={"bytes": report.size})
    return report


def _until_failure(send: Send, due: list[uuid.UUID]) -> list[uuid.UUID]:
    sent = []
    for job_id in due:
        if not send(job_id):
            break
        sent.append(job_id)
    return sent


def _doomed(grace: timedelta) -> Doomed:
    yield from _expired_uploads()
    yield from _expired_exports()
    yield from _deleted()
    yield from _missing(grace)
    # Rows first, or the files of unfinished uploads would be taken from under them.
    yield from _unfinished()
    yield from leftovers.doomed(grace)


def _expired_uploads() -> Doomed:
    hours = runtime.get("upload_retention_hours")
    for upload in unguarded(uploads.expirable(timezone.now() - timedelta(hours=hours))):
        yield Item("upload", str(upload.pk), f"older than {hours:g} hours", upload.size), partial(_expire, upload)


def unguarded(going: QuerySet[Upload]) -> QuerySet[Upload]:
    """Those that no upper layer keeps."""
    for guard in _guards:
        going = guard(going)
    return going


def _expire(upload: Upload) -> bool:
    with transaction.atomic():
        # Under the lock that an upper layer takes too before it begins to need an upload.
        locked = Upload.objects.select_for_update().filter(pk=upload.pk)
        return bool(locked) and unguarded(Upload.objects.filter(pk=upload.pk)).exists() and intake.expire(upload)


def _expired_exports() -> Doomed:
    for export in exports.expired(timezone.now()):
        yield (
            Item("export", str(export.pk), "its time or its one download is over", export.size),
            partial(exports.remove_bytes, export, "expired"),
        )


def _deleted() -> Doomed:
    """What its owner deleted on the page, once it can't be brought back any more."""
    for upload in uploads.deleted(timezone.now()):
        yield Item("upload", str(upload.pk), "its owner deleted it", upload.size), partial(intake.delete, upload)
    for export in exports.deleted(timezone.now()):
        yield Item("export", str(export.pk), "its owner deleted it", export.size), partial(exports.remove_bytes, export, "deleted by its owner")


def _missing(grace: timedelta) -> Doomed:
    """Rows whose bytes were lost: people are told that they are gone, instead of an error of ours."""
    before = timezone.now() - grace
    if leftovers.root("uploads").is_dir():  # else a disk is not mounted, and nothing is known
        for upload in Upload.objects.filter(removed_at=None, created_at__lt=before, status=UploadStatus.READY).iterator():
            if not upload.file.exists():
                yield Item("upload", str(upload.pk), "its file is missing"), partial(intake.expire, upload)
    if leftovers.root("exports").is_dir():
        for export in exports.missing():
            if export.created_at < before:
                yield Item("export", str(export.pk), "its file is missing"), partial(exports.remove_bytes, export, "missing")


def _unfinished() -> Doomed:
    """Uploads that broke off and were not taken up again."""
    for upload in resumable.expired(timezone.now()):
        yield Item("upload", str(upload.pk), "nothing more of it came", upload.size), partial(resumable.expire, upload)
