"""The thread beside the work: leases, progress, and what it makes of trouble."""

from __future__ import annotations

import time

import pytest
from django.db import OperationalError

from converter.jobs import events, pulse, services
from converter.jobs.pulse import Pulse

from . import make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fast(monkeypatch, settings):
    monkeypatch.setattr(pulse, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(pulse, "NOTE_SECONDS", 0.05)
    settings.JOB_HEARTBEAT_SECONDS, settings.JOB_LEASE_SECONDS = 0.1, 1.0


def wait_until(what) -> bool:
    deadline = time.monotonic() + 240
    while not what() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(what())


def test_progress_is_told_and_noted_and_never_falls(monkeypatch):
    claim, told = make.claimed(), []
    monkeypatch.setattr(events, "publish", lambda job_id, name, data: told.append(data["progress"]) if job_id == claim.job_id else None)

    def noted() -> float:
        claim.job.refresh_from_db()
        return claim.job.progress

    with Pulse(claim) as beat:
        for percent, shown in ((10, 10), (50, 50), (20, 50), (300, 99.9)):
            beat.report(percent, "encoding", 1.234)
            assert wait_until(lambda shown=shown: told and told[-1] == shown == noted())
        assert not beat.stopped()
    assert told == [10, 50, 99.9] and (claim.job.stage, claim.job.eta_seconds) == ("encoding", 1.2)


def test_a_cancelled_job_stops_its_work():
    claim = make.claimed()
    with Pulse(claim) as beat:
        services.cancel(claim.job_id)
        assert wait_until(beat.stopped)


def test_a_moment_without_the_database_is_borne_but_not_longer_than_the_lease(monkeypatch, settings):
    claim, calls = make.claimed(), []

    def fail(*_):
        calls.append(1)
        raise OperationalError("away")

    with monkeypatch.context() as away, Pulse(claim) as beat:
        settings.JOB_LEASE_SECONDS = 1000.0
        away.setattr(services, "holds", fail)
        away.setattr(services, "heartbeat", fail)
        assert wait_until(lambda: len(calls) > 5) and not beat.stopped()
        settings.JOB_LEASE_SECONDS = 0.01
        assert wait_until(beat.stopped)
