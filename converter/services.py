"""What a person may ask of the pipeline. The only place, beside the sweep, that enqueues."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction

from converter import tasks
from converter.audit.context import request_id
from converter.engine import learning, operations
from converter.engine import run as engine
from converter.engine.errors import MediaError
from converter.engine.media import Media
from converter.engine.operations.base import Plan
from converter.estimates import selectors as looks
from converter.estimates import services as estimates
from converter.exports.models import Export
from converter.exports.services import require_bytes
from converter.jobs import selectors, states, turns
from converter.jobs import services as jobs
from converter.jobs.models import Job
from converter.owners.models import Owner
from converter.quotas import services as quotas
from converter.uploads import services as intake
from converter.uploads.models import Upload, UploadStatus
from converter.uploads.selectors import require_ready

LONGEST_KEY = 200


def submit(
    owner: Owner,
    operation: str,
    params: Mapping[str, Any],
    uploads: Sequence[Upload],
    preset: str = "",
    *,
    idempotency_key: str | None = None,
    retry_of: Job | None = None,
    priority: int = 0,
) -> Job:
    """Check everything, write a job and wake a worker after the commit.

    Bad input raises `MediaError` with its field before a row exists. With an `idempotency_key` the
    same request gives the same job, for ever; another request under the same key raises `conflict`.
    """
    return submit_once(owner, operation, params, uploads, preset, idempotency_key=idempotency_key, retry_of=retry_of, priority=priority)[0]


def submit_once(
    owner: Owner,
    operation: str,
    params: Mapping[str, Any],
    uploads: Sequence[Upload],
    preset: str = "",
    *,
    idempotency_key: str | None = None,
    retry_of: Job | None = None,
    priority: int = 0,
) -> tuple[Job, bool]:
    """`submit`, and whether the job is new (False: it stood already under its idempotency key)."""
    digest = _digest(operation, params, uploads, preset)
    jobs.check_priority(priority)
    if idempotency_key is not None and (known := _known(owner, idempotency_key, digest)):
        return known, False
    plan, stored = _plan(operation, params, preset, _usable(owner, uploads))
    try:
        with transaction.atomic():
            _admit(owner, uploads)
            job = jobs.create(
                owner,
                operation,
                stored,
                uploads,
                preset=preset,
                idempotency_key=idempotency_key,
                request_hash=digest,
                request_id=request_id.get(),
                retry_of=retry_of,
                warnings=plan.warnings,
                priority=priority,
            )
            transaction.on_commit(partial(tasks.send, job.pk))
    except (IntegrityError, MediaError):
        # Somebody sent the same key at the same moment and was first (and may have taken the last of the quota).
        if idempotency_key is not None and (known := _known(owner, idempotency_key, digest)):
            return known, False
        raise
    return job, True


def quote(owner: Owner, operation: str, params: Mapping[str, Any], uploads: Sequence[Upload], preset: str = "") -> dict[str, Any]:
    """What a job would make and cost, and how many stand before it. Nothing is made. Raises what `submit` raises.

    It is `rough` as long as the estimates know an upload by its headers only.
    """
    media = _usable(owner, uploads)
    hashes = [upload.sha256 for upload in uploads]
    plan = estimates.refine(_plan(operation, params, preset, media)[0], media, hashes)
    rough = bool(looks.unseen(hashes))
    return {**plan.as_dict(), "size_likely": learning.likely(plan), "rough": rough, "queue_position": turns.position_of_new(owner)}


def cancel(job: Job) -> Job:
    """Cancel a waiting or running job. Raises `MediaError("conflict")` when it has ended."""
    return jobs.cancel(job.pk)


def retry(job: Job) -> Job:
    """A new job that tries a failed or cancelled one again. Raises `MediaError("conflict")` for any other, `gone` when an upload went."""
    if job.status not in (states.JobStatus.FAILED, states.JobStatus.CANCELLED):
        raise MediaError("conflict", f"The job is {job.status}; only a failed or cancelled job can be tried again.")
    return submit(job.owner, job.operation, job.params, _inputs(job), job.preset, retry_of=job, priority=job.priority)


def work_on(export: Export) -> Upload:
    """Bring an export in as an upload of its owner, to make more of it. Raises `MediaError`: `gone`, and what `receive` raises."""
    path = require_bytes(export)
    with path.open("rb") as file:
        return intake.receive(export.owner, export.name, iter(lambda: file.read(intake.CHUNK), b""))


def rebuild(export: Export) -> Job:
    """A new job that makes an export again from its recipe. Raises `MediaError("gone")` when an upload is no longer there.

    An upload that went is replaced by another of the owner's with the very same bytes.
    """
    recipe = export.recipe
    uploads = [_same_bytes(export.owner, upload) for upload in _inputs(export.job)]
    return submit(export.owner, recipe["operation"], recipe["params"], uploads, recipe.get("preset", ""))


def _plan(operation: str, params: Mapping[str, Any], preset: str, media: Sequence[Media]) -> tuple[Plan, dict[str, Any]]:
    """The plan, and the parameters written out in full, so that a preset that changes later changes no job."""
    plan = engine.plan(operation, media, params, preset)
    chosen = operations.get(operation)
    return plan, chosen.stored(chosen.read(params, preset or None))


def _admit(owner: Owner, uploads: Sequence[Upload]) -> None:
    """Look at everything again under locks: a quota may have been used up, a cleanup may have taken an upload away."""
    quotas.hold(owner)
    quotas.admit_job(owner)
    locked = {upload.pk: upload for upload in Upload.objects.select_for_update().filter(pk__in={upload.pk for upload in uploads})}
    for upload in uploads:
        if upload.pk not in locked:
            raise MediaError("gone", f"{upload.name} was deleted meanwhile; send it again.", field="upload")
    _usable(owner, [locked[upload.pk] for upload in uploads])


def _usable(owner: Owner, uploads: Sequence[Upload]) -> list[Media]:
    for upload in uploads:
        if upload.owner_id != owner.pk:
            raise MediaError("not_found", "There is no such upload.", field="upload")
        require_ready(upload)
        if upload.removed_at is not None or upload.deleted_at is not None:
            raise MediaError("gone", f"{upload.name} was cleaned up; send it again.", field="upload")
    return [upload.media for upload in uploads]


def _known(owner: Owner, key: str, digest: str) -> Job | None:
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise MediaError("bad_parameter", f"Idempotency-Key: it must have 1 to {LONGEST_KEY} printable characters.", field="Idempotency-Key")
    job = selectors.for_owner(owner).filter(idempotency_key=key).first()
    if job is not None and job.request_hash != digest:
        raise MediaError("conflict", "Idempotency-Key: it was used for another request; use a new one.", field="Idempotency-Key")
    return job


def _digest(operation: str, params: Mapping[str, Any], uploads: Sequence[Upload], preset: str) -> str:
    body = [operation, preset, dict(params), [str(upload.pk) for upload in uploads]]
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()


def _inputs(job: Job) -> list[Upload]:
    return [job_input.upload for job_input in job.job_inputs.select_related("upload")]


def _same_bytes(owner: Owner, upload: Upload) -> Upload:
    if upload.removed_at is None and upload.deleted_at is None:
        return upload
    other = Upload.objects.filter(owner=owner, sha256=upload.sha256, status=UploadStatus.READY, removed_at=None, deleted_at=None).first()
    if other is None:
        raise MediaError("gone", f"{upload.name} was cleaned up; send it again, then rebuild.")
    return other
