"""The state machine: every change is one compare-and-swap, audited, and announced after its commit."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from converter.audit.models import AuditEntry
from converter.engine.errors import MediaError
from converter.jobs import services
from converter.jobs.models import Job
from converter.jobs.signals import job_finished
from converter.jobs.states import ACTIVE, TERMINAL, TRANSITIONS, JobStatus

from . import make

pytestmark = pytest.mark.django_db
S = JobStatus


@pytest.fixture(autouse=True)
def _long_leases(settings):
    """Only the lease that a test takes away is over, however slow the machine is."""
    settings.JOB_LEASE_SECONDS = 3600


@pytest.mark.parametrize(("before", "after"), list(itertools.product(S, S)))
def test_only_the_table_s_changes_happen(before, after):
    job = make.job(status=before)
    changed = services.change(job.pk, after)
    assert bool(changed) == (after in TRANSITIONS[before])
    job.refresh_from_db()
    assert job.status == (after if changed else before)


def test_terminal_states_are_those_without_a_way_out():
    assert {S.SUCCEEDED, S.FAILED, S.CANCELLED} == TERMINAL and {S.QUEUED, S.RUNNING} == ACTIVE


def test_expecting_what_the_table_forbids_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="no way leads"):
        services.change(make.job().pk, S.SUCCEEDED, expected={S.QUEUED})


def test_a_change_is_audited_and_a_refused_one_is_not():
    job = make.job()
    services.change(job.pk, S.RUNNING)
    services.change(job.pk, S.RUNNING)
    actions = list(AuditEntry.objects.filter(target_id=str(job.pk)).order_by("id").values_list("action", flat=True))
    assert actions == ["job.created", "job.running"]


def test_the_finished_signal_comes_after_the_commit_and_only_at_the_end(django_capture_on_commit_callbacks):
    seen: list[Job] = []

    def receiver(job: Job, **_):
        seen.append(job)
        raise RuntimeError("a receiver's trouble is not the job's")

    job_finished.connect(receiver)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            claim = make.claimed()
        assert not seen
        with django_capture_on_commit_callbacks(execute=True):
            services.fail(claim, MediaError("no_audio"))
            assert not seen
        assert [(job.pk, job.status) for job in seen] == [(claim.job_id, "failed")]
    finally:
        job_finished.disconnect(receiver)


def test_a_claim_begins_an_attempt_under_a_new_fence():
    claim = make.claimed(progress=40, error_code="stalled", attempt=1, fence=1)
    job = claim.job
    assert (job.status, job.attempt, job.fence, claim.fence, job.progress, job.error_code) == ("running", 2, 2, 2, 0, "")
    assert job.started_at is not None and job.lease_until > timezone.now()
    assert services.claim(claim.job_id, "w2") is None


def test_a_job_in_backoff_is_not_to_be_had():
    job = make.job(available_at=timezone.now() + timedelta(seconds=60))
    assert services.claim(job.pk, "w1") is None


def test_progress_never_falls_and_never_reaches_100_before_success():
    claim = make.claimed()
    shown = []
    for percent in (10, 60, 30, 250, -5):
        assert services.heartbeat(claim, percent, "encoding", 3.0)
        claim.job.refresh_from_db()
        shown.append(claim.job.progress)
    assert shown == [10, 60, 60, 99.9, 99.9]
    assert services.change(claim.job_id, S.SUCCEEDED, fence=claim.fence).progress == 100


def test_a_heartbeat_keeps_the_lease_and_a_stale_fence_does_not():
    claim = make.claimed()
    make.lose(claim)
    assert services.heartbeat(claim)
    claim.job.refresh_from_db()
    assert claim.job.lease_until > timezone.now()
    make.lose(claim)
    assert services.reap() == [claim.job_id]
    assert not services.heartbeat(claim) and not services.holds(claim)
    assert services.fail(claim, MediaError("internal")) is None and services.fault(claim, MediaError("stalled")) is None
    again = services.claim(claim.job_id, "w2")
    assert not services.heartbeat(claim, 50) and services.heartbeat(again, 20)
    assert services.change(claim.job_id, S.SUCCEEDED, fence=claim.fence) is None
    assert services.fail(claim, MediaError("internal")) is None
    again.job.refresh_from_db()
    assert (again.job.status, again.job.progress) == ("running", 20)


@pytest.mark.parametrize("code", ["corrupt_media", "timed_out", "out_of_memory"])
def test_the_user_s_and_lasting_faults_end_the_job_at_once(code):
    job = services.fault(make.claimed(), MediaError(code, "Because.", field="start"))
    assert (job.status, job.error_code, job.error_detail, job.error_field, job.faults) == ("failed", code, "Because.", "start", 0)
    assert job.finished_at is not None and job.lease_until is None


def test_a_transient_fault_waits_longer_each_time_and_then_ends_the_job(settings, monkeypatch):
    job, waits, real = make.job(), [], services.in_seconds
    for _ in range(settings.JOB_MAX_FAULTS):
        Job.objects.filter(pk=job.pk).update(available_at=timezone.now() - timedelta(seconds=1))
        claim, before = services.claim(job.pk, "w"), timezone.now()
        with monkeypatch.context() as noted:
            noted.setattr(services, "in_seconds", lambda seconds: waits.append(seconds) or real(seconds))
            job = services.fault(claim, MediaError("stalled"))
        assert (job.status, job.error_code, job.progress, job.worker) == ("queued", "stalled", 0, "")
        assert job.available_at >= before + timedelta(seconds=waits[-1] - 0.001), "a database may tell whole milliseconds only"
    assert len(waits) == settings.JOB_MAX_FAULTS and all(later > 2 * sooner > 2 for sooner, later in itertools.pairwise(waits))
    Job.objects.filter(pk=job.pk).update(available_at=timezone.now() - timedelta(seconds=1))
    job = services.fault(services.claim(job.pk, "w"), MediaError("stalled"))
    assert (job.status, job.error_code, job.attempt) == ("failed", "stalled", settings.JOB_MAX_FAULTS + 1)


def test_lost_workers_give_the_job_back_until_it_is_the_job(settings):
    settings.JOB_MAX_LOSSES = 2
    job = make.job()
    for losses in (1, 2):
        make.lose(services.claim(job.pk, "w"))
        assert services.reap(dry_run=True) == services.reap() == [job.pk]
        job.refresh_from_db()
        assert (job.status, job.losses, job.faults) == ("queued", losses, 0)
    make.lose(services.claim(job.pk, "w"))
    services.reap()
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "lost_worker")


def test_a_kept_lease_is_not_reaped():
    make.claimed()
    assert services.reap() == []


def test_cancel_works_while_it_lives_and_conflicts_afterwards():
    waiting, running = make.job(), make.claimed()
    assert services.cancel(waiting.pk).status == "cancelled"
    assert services.cancel(running.job_id).status == "cancelled"
    assert not services.holds(running)
    with pytest.raises(MediaError, match="already ended") as refused:
        services.cancel(running.job_id)
    assert refused.value.code.name == "conflict"


@pytest.mark.django_db(transaction=True)
def test_of_two_claims_at_once_one_wins():
    for _ in range(5):
        job, won, start = make.job(), [], threading.Barrier(4)

        def take(job=job, won=won, start=start) -> None:
            start.wait()
            try:
                if claim := services.claim(job.pk, threading.current_thread().name):
                    won.append(claim)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        job.refresh_from_db()
        assert len(won) == 1 and (job.worker, job.fence, job.attempt) == (won[0].worker, 1, 1)
