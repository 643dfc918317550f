"""One attempt at a job, in this process, with the real engine."""

from __future__ import annotations

import errno
import threading
import uuid

import pytest
from django.db import connections

from converter import runner, services
from converter.audit.models import AuditEntry
from converter.engine.errors import MediaError
from converter.exports.models import Export
from converter.jobs import services as jobs
from converter.jobs.models import Job
from converter.jobs.signals import job_finished

from .conftest import files, tools, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

CUT = {"start": 1, "duration": 1}
LONG = {"start": 0, "duration": 400}


@pytest.fixture
def job(clip, owner):
    return services.submit(owner, "trim", CUT, [clip()])


def test_a_job_becomes_one_export_and_nothing_else_stays(job, media_root):
    finished = []
    receiver = job_finished.connect(lambda job, **_: finished.append(job.status), weak=False)
    runner.run(job.pk)
    runner.run(job.pk)  # the message came twice
    job_finished.disconnect(receiver)
    job.refresh_from_db()
    export = Export.objects.get()
    assert (job.status, job.progress, job.attempt, job.export) == ("succeeded", 100, 1, export)
    assert export.file.stat().st_size == export.size == job.bytes_out and 0.9 < export.media.duration < 1.2
    assert files(media_root, "exports") == [export.file] and files(media_root, "work") == [] == list((media_root / "work").iterdir())
    assert job.bytes_in > 0 and job.media_seconds > 0 and job.wall_seconds > 0 and job.cpu_seconds > 0 and job.peak_memory > 0
    actions = AuditEntry.objects.filter(target_id=str(job.pk)).order_by("id").values_list("action", "actor")
    assert list(actions) == [("job.created", "system"), ("job.running", "worker"), ("job.succeeded", "worker")]


def _in_background(job: Job) -> threading.Thread:
    def work() -> None:
        try:
            runner.run(job.pk)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.fixture
def running(long_clip, owner, media_root):
    """A long job in the middle of its encoding."""
    job = services.submit(owner, "trim", LONG, [long_clip])
    thread = _in_background(job)
    wait_for(lambda: Job.objects.filter(pk=job.pk, progress__gt=0).exists() and tools(media_root))
    yield job, thread
    if thread.is_alive():
        Job.objects.filter(pk=job.pk).update(fence=10**6)
        thread.join()


def test_cancel_kills_the_tool_and_leaves_nothing(running, media_root):
    job, thread = running
    assert services.cancel(job).status == "cancelled"
    wait_for(lambda: not tools(media_root))
    thread.join()
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("cancelled", "cancelled") and job.progress < 100 and job.wall_seconds > 0
    assert not Export.objects.exists() and files(media_root, "exports") == [] and list((media_root / "work").iterdir()) == []


def test_a_worker_that_is_shut_down_gives_its_job_back(running, media_root, monkeypatch):
    job, thread = running
    flag = threading.Event()
    flag.set()
    monkeypatch.setattr("converter.runner.shutting_down", flag)
    monkeypatch.setattr("converter.jobs.pulse.shutting_down", flag)
    thread.join()
    job.refresh_from_db()
    assert (job.status, job.losses, job.faults, job.lease_until) == ("queued", 0, 0, None)
    wait_for(lambda: not tools(media_root))
    assert list((media_root / "work").iterdir()) == []


def test_a_job_that_was_taken_over_is_left_alone(running, media_root):
    job, thread = running
    Job.objects.filter(pk=job.pk).update(fence=7)
    thread.join()
    job.refresh_from_db()
    assert (job.status, job.fence, job.wall_seconds) == ("running", 7, None)
    wait_for(lambda: not tools(media_root))
    assert not Export.objects.exists() and list((media_root / "work").iterdir()) == []


def test_what_was_made_under_a_lost_lease_is_not_published(job, media_root, monkeypatch):
    real = runner.engine.execute

    def execute(*args, **more):
        result = real(*args, **more)
        Job.objects.filter(pk=job.pk).update(fence=7)
        return result

    monkeypatch.setattr(runner.engine, "execute", execute)
    runner.run(job.pk)
    assert not Export.objects.exists() and files(media_root, "exports") == [] and list((media_root / "work").iterdir()) == []
    assert Job.objects.get(pk=job.pk).status == "running"


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (MediaError("corrupt_media", "The clip ends early.", field="upload"), "failed", "corrupt_media"),
        (MediaError("stalled"), "queued", "stalled"),
        (OSError(errno.ENOSPC, "No space left on device", "/secret/path"), "queued", "disk_full"),
        (MemoryError(), "failed", "out_of_memory"),
        (KeyError("/secret/path" * 100), "queued", "internal"),
    ],
)
def test_failures_become_codes_without_secrets(job, media_root, monkeypatch, failure, status, code):
    def execute(*args, work, **more):
        (work / "half.mp4").write_bytes(b"half")
        raise failure

    monkeypatch.setattr(runner.engine, "execute", execute)
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error_code) == (status, code)
    assert 0 < len(job.error_detail) <= 500 and "secret" not in job.error_detail
    assert job.bytes_in > 0 and job.wall_seconds >= 0 and list((media_root / "work").iterdir()) == []


def test_an_upload_that_went_meanwhile_is_said_so(job):
    job.job_inputs.get().upload.file.unlink()
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "gone") and "flower" in job.error_detail


def test_a_long_silence_of_the_work_keeps_the_lease(job, monkeypatch, settings):
    settings.JOB_LEASE_SECONDS, settings.JOB_HEARTBEAT_SECONDS = 300.0, 0.1
    reaped = []

    def lease():
        return Job.objects.get(pk=job.pk).lease_until

    def execute(*args, **more):
        for _ in range(3):
            before = lease()
            wait_for(lambda before=before: lease() > before, step=0.02)
            reaped.extend(jobs.reap())
        raise MediaError("no_audio")

    monkeypatch.setattr(runner.engine, "execute", execute)
    runner.run(job.pk)
    job.refresh_from_db()
    assert reaped == [] and job.error_code == "no_audio"


def test_a_new_upload_is_looked_at_once_for_its_content(clip, media_root):
    first, again = clip(), clip()
    assert first.sha256 == again.sha256
    assert len(runner.unseen()) == 1
    assert runner.look(runner.unseen()[0])
    assert runner.unseen() == []
    assert not runner.look(again.pk)
    assert not runner.look(uuid.uuid4())
    assert files(media_root, "incoming") == []


def test_a_look_that_fails_harms_nobody(clip):
    upload = clip()
    upload.file.unlink()
    assert not runner.look(upload.pk)
    upload.refresh_from_db()
    assert upload.status == "ready"
