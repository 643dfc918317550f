"""Publishing what a job made, and taking it away again."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from converter import __version__
from converter.audit import services as audit
from converter.engine import files, operations
from converter.engine.errors import MediaError
from converter.engine.faultpoints import reach
from converter.jobs import services as jobs
from converter.jobs.models import Job
from converter.jobs.states import JobStatus
from converter.uploads import storage
from converter.uploads.names import clean_name

from .models import Export

if TYPE_CHECKING:
    from converter.engine.run import Result

ROOT = "exports"
"""Where published files live, relative to MEDIA_ROOT."""

LONGEST_NAME = 200


def publish(claim: jobs.Claim, result: Result) -> Export:
    """Move the verified file of a claimed job to its place and make the job succeed, both or neither.

    The file is renamed first; then success, the Export row and the audit entry are written in one
    transaction. Whatever fails, the file is gone again and the error goes up. A crash in between
    leaves a file without a row, which `retention.orphans` finds.

    Raises `jobs.LeaseLost` when the job is no longer held by this claim, `MediaError("disk_full")`, `OSError`.
    """
    relative = _random_path(result.plan.extension)
    target = Path(settings.MEDIA_ROOT) / relative
    try:
        files.publish(result.path, target)
        # Durable: no outer transaction may undo the rows after the caller was told that all is well.
        with transaction.atomic(durable=True):
            export = _write(claim, result, relative)
            reach("export.row")
        reach("export.committed")
    except BaseException:
        _withdraw(target, relative)
        raise
    return export


def _write(claim: jobs.Claim, result: Result, relative: str) -> Export:
    sources = [entry.upload for entry in claim.job.job_inputs.select_related("upload").order_by("position")]
    job = jobs.change(
        claim.job_id,
        JobStatus.SUCCEEDED,
        fence=claim.fence,
        warnings=list(result.warnings),
        bytes_out=result.size,
        wall_seconds=result.metrics.wall_seconds,
        cpu_seconds=result.metrics.cpu_seconds,
        peak_memory=result.metrics.peak_memory,
    )
    if job is None:
        raise jobs.LeaseLost(claim.job_id)
    export = Export.objects.create(
        owner=job.owner,
        job=job,
        name=export_name(sources[0].name if sources else "", job.operation, result.plan.extension),
        path=relative,
        mime=result.plan.mime,
        size=result.size,
        sha256=result.sha256,
        media_data=result.media.as_dict(),
        recipe=_recipe(job, result, [{"upload": str(source.pk), "sha256": source.sha256, "name": source.name} for source in sources]),
    )
    audit.record("export.published", export, job=str(job.pk), size=export.size, sha256=export.sha256)
    return export


def _recipe(job: Job, result: Result, inputs: list[dict[str, str]]) -> dict[str, Any]:
    """Everything that is needed to make the same bytes again, and to see when they would differ."""
    return {
        "inputs": inputs,
        "operation": job.operation,
        "version": operations.get(job.operation).version,
        "preset": job.preset,
        "params": job.params,
        "tools": {**result.tools, "cutroom": __version__},
        "warnings": list(result.warnings),
    }


def export_name(source: str, operation: str, extension: str) -> str:
    """Display name of what `operation` made of `source`: `holiday.mov` trimmed is `holiday-trim.mp4`.

    An operation that is named like its format adds no suffix: `holiday.gif`, not `holiday-gif.gif`.
    """
    extension = extension.lstrip(".")
    tail = f".{extension}" if operation == extension else f"-{operation}.{extension}"
    stem = PurePath(clean_name(source)).stem.strip(" .") if source else ""
    return clean_name((stem or "cutroom")[: LONGEST_NAME - len(tail)] + tail)


def remove_bytes(export: Export, reason: str) -> bool:
    """Take the bytes of an export away; its row and recipe stay. False when they were gone already.

    The row is marked first and the file unlinked after the commit, so a crash between the two
    leaves a file that no row claims (the sweep finds it), never a row that promises a lost file.
    """
    with transaction.atomic():
        marked = Export.objects.filter(pk=export.pk, removed_at=None).update(removed_at=timezone.now())
        if not marked:
            return False
        audit.record("export.removed", export, reason=reason, size=export.size)
        transaction.on_commit(lambda: _unlink(export))
    export.refresh_from_db(fields=["removed_at"])
    return True


def _unlink(export: Export) -> None:
    export.file.unlink(missing_ok=True)
    storage.remove_derived(export.pk)


def set_aside(export: Export) -> bool:
    """Take an export out of its owner's sight; for `UNDO` it can come back with `bring_back`, then its bytes go."""
    return _moved(export, "export.deleted", timezone.now(), deleted_at__isnull=True)


def bring_back(export: Export) -> bool:
    """Undo `set_aside`. False when it was not set aside, or its bytes went."""
    return _moved(export, "export.restored", None, deleted_at__isnull=False)


def _moved(export: Export, action: str, deleted_at: datetime | None, **standing: Any) -> bool:
    with transaction.atomic():
        moved = Export.objects.filter(pk=export.pk, removed_at=None, **standing).update(deleted_at=deleted_at) == 1
        if moved:
            audit.record(action, export, size=export.size)
    return moved


def require_bytes(export: Export) -> Path:
    """The file of an export. Raises `MediaError("gone")` when its bytes were cleaned up, or are about to be."""
    if export.gone or not export.file.is_file():
        raise MediaError("gone", "The file was cleaned up; its recipe was kept, so it can be rebuilt from its job.")
    return export.file


def _random_path(extension: str) -> str:
    token = secrets.token_hex(16)
    suffix = "".join(character for character in extension if character.isalnum())
    return f"{ROOT}/{token[:2]}/{token}" + (f".{suffix}" if suffix else "")


def _withdraw(target: Path, relative: str) -> None:
    """Unlink a file that was not published after all.

    An error at the very end (a connection lost during COMMIT, a receiver of `job_finished`) does
    not say whether the rows were written, so they are asked. Where they cannot be asked, the file
    stays for the orphan sweep: a stray file costs a little room, a lost one is somebody's work.
    """
    try:
        if Export.objects.filter(path=relative).exists():
            return
    except DatabaseError:
        return
    target.unlink(missing_ok=True)
