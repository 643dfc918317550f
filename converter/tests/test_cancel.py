"""Cancelling at every point of an attempt: the job is cancelled, and nothing of it stays."""

from __future__ import annotations

import pytest

from converter import runner, services
from converter.engine import files as engine_files
from converter.engine import process
from converter.exports import services as exports
from converter.exports.models import Export
from converter.jobs import services as jobs
from converter.jobs.models import Job

from .conftest import files, tools, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

POINTS = ("attempt.claimed", "attempt.directory", "tool.started", "attempt.made", "file.rename", "file.renamed")
PLACES = (runner, process, engine_files, exports)


@pytest.mark.parametrize("point", POINTS)
def test_a_job_that_is_cancelled_at_any_point_leaves_nothing(clip, owner, media_root, monkeypatch, point):
    job = services.submit(owner, "trim", {"start": 1, "duration": 1}, [clip()])
    passed = []

    def reach(name: str) -> None:
        if name == point and not passed:
            passed.append(name)
            services.cancel(Job.objects.get(pk=job.pk))

    for place in PLACES:
        monkeypatch.setattr(place, "reach", reach)
    runner.run(job.pk)
    job.refresh_from_db()
    assert passed and (job.status, job.error_code, job.finished_at is not None) == ("cancelled", "cancelled", True)
    assert not Export.objects.exists() and files(media_root, "exports") == []
    wait_for(lambda: not tools(media_root))
    assert list((media_root / "work").iterdir()) == []
    with pytest.raises(jobs.MediaError, match="already ended"):
        services.cancel(job)


def test_a_job_in_backoff_and_a_paused_one_are_cancelled_too(clip, owner):
    job = services.submit(owner, "trim", {"start": 1, "duration": 1}, [clip()])
    claim = jobs.claim(job.pk, "w")
    assert jobs.fault(claim, jobs.MediaError("stalled")).status == "queued"
    assert services.cancel(job).status == "cancelled" and not runner.run(job.pk) and not runner.run()
