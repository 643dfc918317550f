"""Submitting, quoting, retrying: everything is checked before a row exists, and nothing is made twice."""

from __future__ import annotations

import threading

import pytest
from django.db import connections
from django.utils import timezone
from kombu.exceptions import OperationalError

from converter import services, tasks
from converter.engine.errors import MediaError
from converter.estimates.models import SourceLook
from converter.jobs.models import Job
from converter.jobs.states import JobStatus
from converter.owners.services import new_guest
from converter.uploads.models import Upload

pytestmark = pytest.mark.django_db

CUT = {"start": 1, "duration": 1}


@pytest.fixture
def sent(monkeypatch):
    """The messages that would wake workers."""
    messages = []
    monkeypatch.setattr(tasks.run_job, "apply_async", lambda args: messages.append(args[0]))
    return messages


def refusal(act) -> MediaError:
    with pytest.raises(MediaError) as refused:
        act()
    return refused.value


def test_a_submission_is_a_row_with_written_out_parameters_and_then_a_message(clip, owner, sent, django_capture_on_commit_callbacks):
    upload = clip()
    with django_capture_on_commit_callbacks(execute=True):
        job = services.submit(owner, "trim", CUT, [upload])
        assert sent == []
    job.refresh_from_db()
    assert sent == [str(job.pk)] and job.sent_at is not None
    assert job.status == "queued" and job.params["start"] == 1.0 and set(CUT) < set(job.params)
    assert list(job.inputs.all()) == [upload]


@pytest.mark.parametrize(
    ("operation", "params", "preset", "code", "field"),
    [
        ("sing", {}, "", "bad_parameter", "operation"),
        ("trim", {"start": float("nan")}, "", "bad_parameter", "start"),
        ("trim", {"tempo": 3}, "", "bad_parameter", "tempo"),
        ("trim", {"start": 1000}, "", "start_past_end", "start"),
        ("trim", {"start": 1, "duration": 0}, "", None, "duration"),
        ("gif", {}, "no-such", "bad_parameter", "preset"),
    ],
)
def test_bad_input_fails_before_a_row_exists(clip, owner, operation, params, preset, code, field):
    upload = clip()
    for act in (services.submit, services.quote):
        error = refusal(lambda act=act: act(owner, operation, params, [upload], preset))
        assert error.users and error.field == field and (code is None or error.code.name == code)
    assert not Job.objects.exists()


def test_only_own_ready_and_present_uploads_enter(clip, owner):
    upload = clip()
    assert refusal(lambda: services.submit(new_guest()[0], "trim", CUT, [upload])).code.name == "not_found"
    assert refusal(lambda: services.submit(owner, "trim", CUT, [])).code.name == "bad_parameter"
    assert refusal(lambda: services.submit(owner, "trim", CUT, [upload, upload])).code.name == "bad_parameter"
    Upload.objects.update(removed_at=timezone.now())
    # `upload` was read before its bytes went: the lock looks again.
    assert refusal(lambda: services.submit(owner, "trim", CUT, [upload])).code.name == "gone"
    upload.status = "rejected"
    assert refusal(lambda: services.submit(owner, "trim", CUT, [upload])).code.name == "conflict"
    upload.status = "ready"
    Upload.objects.all().delete()  # read before it was deleted for good
    assert refusal(lambda: services.submit(owner, "trim", CUT, [upload])).code.name == "gone"
    assert not Job.objects.exists()


def test_a_quote_says_what_and_how_many_before_it_and_makes_nothing(clip, owner):
    upload = clip()
    services.submit(owner, "trim", CUT, [upload])
    quote = services.quote(owner, "trim", CUT, [upload])
    assert quote["queue_position"] == 1 and quote["size_min"] <= quote["size_max"] and quote["duration"] == pytest.approx(1, abs=0.2)
    assert Job.objects.count() == 1


def test_a_quote_is_rough_until_somebody_looked(clip, owner):
    upload = clip()
    assert services.quote(owner, "trim", CUT, [upload])["rough"]
    SourceLook.objects.create(pk=upload.sha256)
    assert not services.quote(owner, "trim", CUT, [upload])["rough"]


@pytest.mark.parametrize("failure", [OperationalError("away"), ConnectionRefusedError()])
def test_a_broker_that_is_away_is_not_the_person_s_trouble(clip, owner, monkeypatch, django_capture_on_commit_callbacks, failure):
    def fail(**_):
        raise failure

    monkeypatch.setattr(tasks.run_job, "apply_async", fail)
    with django_capture_on_commit_callbacks(execute=True):
        job = services.submit(owner, "trim", CUT, [clip()])
    job.refresh_from_db()
    assert (job.status, job.sent_at) == ("queued", None)


def test_an_idempotency_key_is_one_request_for_ever(clip, owner):
    upload, other = clip(), new_guest()[0]
    job, new = services.submit_once(owner, "trim", CUT, [upload], idempotency_key="k1")
    assert new and services.submit_once(owner, "trim", dict(reversed(CUT.items())), [upload], idempotency_key="k1") == (job, False)
    assert refusal(lambda: services.submit(owner, "trim", {"start": 2}, [upload], idempotency_key="k1")).code.name == "conflict"
    assert services.submit(other, "trim", CUT, [clip(of=other)], idempotency_key="k1") != job
    # Also when the upload is no longer there, and the job has ended.
    Upload.objects.update(removed_at=timezone.now())
    Job.objects.update(status=JobStatus.FAILED)
    assert services.submit(owner, "trim", CUT, [upload], idempotency_key="k1") == job
    for key in ("", "x" * 201, "a\nb"):
        assert refusal(lambda key=key: services.submit(owner, "trim", CUT, [upload], idempotency_key=key)).field == "Idempotency-Key"


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_moment_gives_one_job(clip, owner, sent):
    upload, start = clip(), threading.Barrier(6)
    made, errors = [], []

    def submit() -> None:
        start.wait()
        try:
            made.append(services.submit_once(owner, "trim", CUT, [upload], idempotency_key="k"))
        except Exception as error:  # noqa: BLE001 (told below)
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=submit) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and len({job.pk for job, _ in made}) == 1 and sum(new for _, new in made) == 1
    assert len(sent) == 1 == Job.objects.count()


def test_retry_makes_a_new_job_of_one_that_ended_badly(clip, owner):
    job = services.submit(owner, "trim", CUT, [clip()], idempotency_key="k")
    assert refusal(lambda: services.retry(job)).code.name == "conflict"
    again = services.retry(services.cancel(job))
    assert again != job and (again.retry_of, again.status, again.params, again.idempotency_key) == (job, "queued", job.params, None)
    assert list(again.inputs.all()) == list(job.inputs.all())
