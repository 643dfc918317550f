"""One attempt at a job: claim it, work in a private directory, publish what came out or say why nothing did."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import socket
import time
import uuid
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from converter.audit.context import Actor, use_actor, use_job
from converter.engine import run as engine
from converter.engine.errors import MediaError
from converter.engine.faultpoints import reach
from converter.estimates import selectors as looks
from converter.estimates import services as estimates
from converter.exports import services as exports
from converter.jobs import services as jobs
from converter.jobs.pulse import Pulse, shutting_down
from converter.uploads.models import Upload, UploadStatus

logger = logging.getLogger(__name__)

LOOK_WITHIN = timedelta(minutes=10)
LOOKS = 8
"""How new uploads are that are looked at, and how many are asked for at once."""
WORK = "work"
"""Where running jobs have their directories, relative to MEDIA_ROOT."""


def run(job_id: uuid.UUID | None = None) -> bool:
    """Do the job whose turn it is, or the one named; False when it is not to be had, or nothing waits."""
    me = f"{socket.gethostname()}:{os.getpid()}"
    with use_actor(Actor("worker")):
        claim = jobs.claim(job_id, me) if job_id else jobs.claim_next(me)
        if claim is None:
            logger.info("nothing waits to be done")
            return False
        with use_job(str(claim.job_id), claim.job.request_id):
            _attempt(claim)
    return True


def work_dir(claim: jobs.Claim) -> Path:
    """The attempt's own directory. It names the job and the fence, so that a sweep knows whether anybody still works there."""
    return Path(settings.MEDIA_ROOT) / WORK / f"{claim.job_id.hex}-{claim.fence}"


def _attempt(claim: jobs.Claim) -> None:
    logger.info("attempt %d begins", claim.job.attempt, extra={"operation": claim.job.operation})
    began = time.monotonic()
    work = work_dir(claim)
    reach("attempt.claimed")
    try:
        work.mkdir(mode=0o700, parents=True)
        reach("attempt.directory")
        with Pulse(claim) as pulse:
            result = _execute(claim, work, pulse)
            reach("attempt.made")
            export = exports.publish(claim, result)
    except jobs.LeaseLost:
        jobs.note_metrics(claim, wall_seconds=time.monotonic() - began)
        logger.info("the job was cancelled or taken back meanwhile; what it made is gone")
    except Exception as failure:  # noqa: BLE001 (task boundary: whatever happened ends as a code on the row)
        _ended(claim, failure, began)
    else:
        logger.info("published", extra={"export": str(export.pk), "bytes_out": result.size, "cpu_seconds": result.metrics.cpu_seconds})
        _learn(claim, result)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        reach("attempt.ended")


def _execute(claim: jobs.Claim, work: Path, pulse: Pulse) -> engine.Result:
    job = claim.job
    uploads = [job_input.upload for job_input in job.job_inputs.select_related("upload")]
    jobs.note_metrics(claim, bytes_in=sum(upload.size for upload in uploads), media_seconds=sum(upload.media.duration or 0.0 for upload in uploads))
    for upload in uploads:
        if upload.removed_at is not None or not upload.file.is_file():
            raise MediaError("gone", f"{upload.name} was cleaned up before the work began; send it again.")
    return engine.execute(
        job.operation,
        [engine.Source(upload.file, upload.media) for upload in uploads],
        job.params,
        work=work,
        progress=lambda told: pulse.report(told.fraction * 100, told.stage, told.eta_seconds),
        stop=pulse.stopped,
    )


def _learn(claim: jobs.Claim, result: engine.Result) -> None:
    """After everything is done and said: let the next quotes know how large and how much work it was."""
    uploads = [job_input.upload for job_input in claim.job.job_inputs.select_related("upload")]
    media, hashes = [upload.media for upload in uploads], [upload.sha256 for upload in uploads]
    estimates.learn(claim.job.operation, claim.job.params, media, result.size, result.metrics.cpu_seconds, hashes)


def unseen() -> list[uuid.UUID]:
    """New uploads at which nobody has looked for estimates yet, a few at a time. A look comes soon, or not at all."""
    new = Upload.objects.filter(status=UploadStatus.READY, removed_at=None, ready_at__gt=timezone.now() - LOOK_WITHIN)
    found = dict(new.order_by("-ready_at").values_list("sha256", "pk")[:LOOKS])
    missing = looks.unseen(list(found))
    return [pk for sha256, pk in found.items() if sha256 in missing]


def look(upload_id: uuid.UUID) -> bool:
    """Look at an upload for the estimates of its jobs, if nobody has yet; whether that was done. Whatever goes wrong, nobody waits for it."""
    upload = Upload.objects.filter(pk=upload_id, status=UploadStatus.READY, removed_at=None).first()
    if upload is None:
        return False
    try:
        return estimates.look_at(upload.sha256, engine.Source(upload.file, upload.media), Path(settings.MEDIA_ROOT) / "incoming")
    except (MediaError, OSError) as error:
        logger.info("an upload could not be looked at: %s", error)
        return False


def _ended(claim: jobs.Claim, failure: Exception, began: float) -> None:
    """Say on the row why the attempt brought nothing; whoever holds the job by now is left alone."""
    error = as_media_error(failure)
    spent = {"cpu_seconds": error.spent.cpu_seconds, "peak_memory": error.spent.peak_memory} if error.spent.cpu_seconds else {}
    jobs.note_metrics(claim, wall_seconds=time.monotonic() - began, **spent)
    if error.code.name == "cancelled":
        # The engine stopped because the pulse said so: the row already says why, unless this process is to end.
        if shutting_down.is_set() and jobs.give_back(claim):
            logger.info("stopped: the worker is shut down, the job waits for another")
        else:
            logger.info("stopped: the job was cancelled or taken back")
        return
    details = {"code": error.code.name, "details": error.log}
    if error.code.name == "internal":
        logger.error("the attempt failed: %s", error.detail, extra=details, exc_info=failure)
    else:
        logger.log(logging.INFO if error.users else logging.WARNING, "the attempt failed: %s", error.detail, extra=details)
    after = jobs.fault(claim, error)
    logger.info("the job is %s", after.status if after else "no longer ours")


def as_media_error(failure: BaseException) -> MediaError:
    """Any failure as a code with a sentence; what only the log may know stays out of the sentence."""
    if isinstance(failure, MediaError):
        return failure
    if isinstance(failure, OSError) and failure.errno in (errno.ENOSPC, errno.EDQUOT):
        return MediaError("disk_full", log=str(failure))
    if isinstance(failure, MemoryError):
        return MediaError("out_of_memory")
    return MediaError("internal", log=repr(failure))
