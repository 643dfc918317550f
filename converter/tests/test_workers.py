"""Real Celery workers in processes of their own: doubled and lost messages, kill -9, SIGSTOP, cancel."""

from __future__ import annotations

import os
import signal
import uuid
from contextlib import suppress
from datetime import timedelta

import psutil
import pytest
from django.db import transaction

from converter import maintenance, services, tasks
from converter.audit.models import AuditEntry
from converter.engine.faultpoints import WORKER
from converter.exports.models import Export
from converter.faults.stack import stands_still
from converter.jobs.models import Job
from tests.running import PATIENCE

from .conftest import files, tools, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

BUNNY = "bunny_1080p_24fps_aac51.mp4"
CUT = {"start": 1, "duration": 1}
LONG = {"start": 0, "duration": 400}
KILLS = 10
STEADY = {"JOB_LEASE_SECONDS": "300", "JOB_HEARTBEAT_SECONDS": "1"}
"""A worker that nobody takes for lost, however slow the machine is for a while."""


def sweep() -> None:
    maintenance.recover(tasks.send)


def ended() -> bool:
    return not Job.objects.filter(finished_at=None).exists()


def priorities(media_root) -> set[int]:
    """How far the tools that are at work give way."""
    found = set()
    for tool in tools(media_root):
        with suppress(psutil.Error):
            found.add(tool.nice())
    return found


def succeeded_once(media_root) -> None:
    """Every job succeeded, once, with one file, and nothing else is left."""
    assert set(Job.objects.values_list("status", "progress")) == {("succeeded", 100.0)}
    wait_for(lambda: not tools(media_root))
    # A killed attempt leaves its directory, and, killed between rename and commit, a file without a row: the sweep's part.
    wait_for(lambda: not any((media_root / "work").iterdir()), also=lambda: maintenance.clean(grace=timedelta(seconds=-1)))
    assert Export.objects.count() == Job.objects.count() == AuditEntry.objects.filter(action="job.succeeded").count()
    assert sorted(export.file for export in Export.objects.all()) == files(media_root, "exports")
    assert all(export.file.stat().st_size == export.size for export in Export.objects.all())


def test_doubled_and_lost_messages_change_nothing(clip, owner, workers, media_root, monkeypatch):
    upload = clip()
    doubled = services.submit(owner, "trim", CUT, [upload])
    for _ in range(5):
        tasks.send(doubled.pk)
    with monkeypatch.context() as lost:
        lost.setattr(tasks.run_job, "apply_async", lambda args: None)
        services.submit(owner, "trim", CUT, [upload])
    workers.start(**STEADY)
    wait_for(lambda: Job.objects.filter(status="succeeded").exists())
    Job.objects.filter(status="queued").update(sent_at=None)  # its patience is over
    wait_for(ended, also=sweep)
    for _ in range(3):
        tasks.send(doubled.pk)
    succeeded_once(media_root)
    assert set(Job.objects.values_list("attempt", flat=True)) == {1}


def test_kill_9_of_the_worker_again_and_again_loses_nothing(clip, owner, workers, media_root, settings):
    settings.JOB_MAX_LOSSES = 3 * KILLS  # a slow machine may let a short lease run out beside the kills
    upload = clip(BUNNY)
    lost: set[tuple[uuid.UUID, int]] = set()

    def at_work() -> bool:
        return bool(tools(media_root)) and Job.objects.filter(status="running", lease_until__isnull=False).exists()

    for start in range(3):
        services.submit(owner, "trim", {"start": start, "duration": 5}, [upload])
    while len(lost) < KILLS:
        if ended():  # a quick machine is through before all were killed
            services.submit(owner, "trim", {"start": 3, "duration": 5}, [upload])
        worker = workers.start()
        wait_for(lambda: at_work() or ended(), also=sweep)
        workers.kill(worker)
        worker.wait()
        lost |= set(Job.objects.filter(status="running").values_list("pk", "fence"))
        wait_for(lambda: not tools(media_root))
    workers.start(**STEADY)
    wait_for(ended, also=sweep)
    succeeded_once(media_root)
    assert sum(Job.objects.values_list("losses", flat=True)) >= len(lost) >= KILLS


def test_cancel_reaches_into_the_worker(long_clip, owner, workers, media_root):
    job = services.submit(owner, "trim", LONG, [long_clip])
    workers.start(**STEADY, WORKER_NICE="3")
    wait_for(lambda: tools(media_root) and Job.objects.filter(pk=job.pk, progress__gt=0).exists())
    wait_for(lambda: priorities(media_root) == {min(19, os.nice(0) + 3)})
    services.cancel(job)
    wait_for(lambda: not tools(media_root))
    wait_for(lambda: not any((media_root / "work").iterdir()))
    assert Job.objects.get().status == "cancelled" and files(media_root, "exports") == []


def test_a_worker_that_sleeps_past_its_lease_does_not_publish(clip, owner, workers, media_root, tmp_path):
    services.submit(owner, "trim", {"start": 0, "duration": 4}, [clip(BUNNY)])
    faults = tmp_path / "faults"
    faults.mkdir()
    # It waits where its first tool has begun, which goes on by itself: so the job can't be done before the worker is put to sleep.
    (faults / "armed").write_text(f"{WORKER} tool.started 1 wait once")
    asleep = workers.start(WORKER_CONCURRENCY="1", CUTROOM_FAULTS=str(faults))
    mark = wait_for(lambda: next(faults.glob("fired-*"), None))
    with transaction.atomic():
        # The lock of all writers is ours: stopped in the middle of a write to SQLite, it would keep everybody waiting until it wakes.
        workers.kill(asleep, signal.SIGSTOP)
        wait_for(lambda: stands_still(asleep.pid))
    wait_for(lambda: Job.objects.filter(losses=1).exists(), also=sweep)
    workers.start(WORKER_CONCURRENCY="1", **STEADY)
    wait_for(ended, also=sweep)
    mark.unlink()
    workers.kill(asleep, signal.SIGCONT)
    wait_for(lambda: not any((media_root / "work").iterdir()))
    succeeded_once(media_root)
    assert Job.objects.get().attempt == 2 and asleep.poll() is None


def test_a_worker_that_is_asked_to_end_gives_its_job_back_at_once(long_clip, owner, workers, media_root):
    services.submit(owner, "trim", LONG, [long_clip])
    worker = workers.start(**STEADY)
    wait_for(lambda: tools(media_root))
    os.kill(worker.pid, signal.SIGTERM)
    worker.wait(PATIENCE)
    wait_for(lambda: not tools(media_root))
    job = Job.objects.get()
    assert (job.status, job.losses) == ("queued", 0) and list((media_root / "work").iterdir()) == []
