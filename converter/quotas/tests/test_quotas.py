"""Quotas per owner: bytes, jobs and CPU seconds, refused before anything is taken, and exact when many ask at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from converter import services, tasks
from converter.audit.models import AuditEntry
from converter.engine.errors import MediaError
from converter.jobs.models import Job
from converter.jobs.tests import make
from converter.owners.models import Owner
from converter.owners.services import new_guest
from converter.quotas import selectors
from converter.quotas import services as quotas
from converter.runtime import services as runtime
from converter.uploads import resumable
from converter.uploads.handlers import IncomingUploadHandler
from converter.uploads.models import Upload
from converter.uploads.services import receive

pytestmark = pytest.mark.django_db(transaction=True)

CUT = {"start": 0.5, "duration": 1, "mode": "copy"}
MB = 1_000_000
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}


@pytest.fixture(autouse=True)
def _no_messages(monkeypatch, media_root):
    monkeypatch.setattr(tasks.run_job, "apply_async", lambda args: None)


@pytest.fixture
def guest() -> tuple[Owner, str]:
    return new_guest()


@pytest.fixture
def api(guest) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {guest[1]}")
    return client


@pytest.fixture
def owner(guest) -> Owner:
    return guest[0]


@pytest.fixture
def clip(media_dir, owner) -> Callable[[], Upload]:
    return lambda: receive(owner, "flower.mp4", [(media_dir / "flower_540p_5s.mp4").read_bytes()])


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def together(count: int, act: Callable[[int], object]) -> list[object]:
    """What `count` threads got that all begin at once: a value, or the code of the refusal."""
    ready, results = threading.Barrier(count), [None] * count

    def one(i: int) -> None:
        try:
            ready.wait()
            results[i] = act(i)
        except MediaError as error:
            results[i] = error.code.name
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_bytes_are_promised_at_creation_and_refused_before_any_came(api, guest, media_root):
    runtime.set("quota_gigabytes", 0.003)
    for _ in range(2):
        assert api.post("/api/v1/uploads/tus/", HTTP_UPLOAD_LENGTH=str(MB), **TUS).status_code == 201
    before = files(media_root)
    frees_at, asked_at = min(upload.created_at for upload in Upload.objects.all()) + timedelta(days=7), timezone.now()
    told = api.post("/api/v1/uploads/tus/", HTTP_UPLOAD_LENGTH=str(MB + 1), **TUS)
    latest, soonest = ((frees_at - at).total_seconds() for at in (asked_at, timezone.now()))
    problem = told.json()
    assert (told.status_code, problem["code"]) == (403, "quota_exceeded") and told["Tus-Resumable"] == "1.0.0"
    assert problem["detail"].startswith(
        "You store 2.0 MB of the 3.0 MB that you may, and this needs more than is left. The oldest file is cleaned up on "
    )
    assert soonest - 1 <= int(told["Retry-After"]) <= latest + 1
    assert files(media_root) == before and Upload.objects.count() == 2
    assert AuditEntry.objects.filter(action="upload.refused", data__code="quota_exceeded").count() == 1
    resumable.give_up(Upload.objects.first())
    assert api.post("/api/v1/uploads/tus/", HTTP_UPLOAD_LENGTH=str(MB + 1), **TUS).status_code == 201
    assert selectors.stored(new_guest()[0]).used == 0, "another owner's bytes are not counted"


def test_a_form_beyond_the_quota_is_refused_and_leaves_nothing(api, guest, media_root, media_dir):
    clip = (media_dir / "flower_540p_5s.mp4").read_bytes()
    runtime.set("quota_gigabytes", len(clip) * 1.5 / 1e9)
    send = lambda: api.post("/api/v1/uploads/", {"file": SimpleUploadedFile("a.mp4", clip)}, format="multipart")  # noqa: E731
    assert send().status_code == 201
    kept = files(media_root)
    told = send()
    assert (told.status_code, told.json()["code"], told.json()["field"]) == (403, "quota_exceeded", "file")
    assert files(media_root) == kept and Upload.objects.count() == 1


def test_the_announced_length_alone_is_refused(api, guest, monkeypatch):
    runtime.set("quota_gigabytes", 0.001)
    Upload.objects.create(owner=guest[0], name="x", size=MB)
    taken = []
    monkeypatch.setattr(IncomingUploadHandler, "new_file", lambda *args, **kwargs: taken.append(args))
    told = api.post("/api/v1/uploads/", {"file": SimpleUploadedFile("a.mp4", b"x" * 1000)}, format="multipart")
    assert told.json()["code"] == "quota_exceeded" and taken == []


def test_what_went_or_was_refused_is_not_counted(guest):
    owner = guest[0]
    for fields in ({}, {"removed_at": timezone.now()}, {"error_code": "corrupt_media", "status": "rejected"}):
        Upload.objects.create(owner=owner, name="x", size=MB, **fields)
    assert selectors.stored(owner).used == MB


def test_twenty_creations_at_once_fit_exactly_into_the_quota(guest):
    runtime.set("quota_gigabytes", 0.007)
    results = together(20, lambda i: resumable.create(guest[0], "same.mp4", MB).pk)
    assert results.count("quota_exceeded") == 13 and len(set(results)) == 8
    assert selectors.stored(guest[0]).used == 7 * MB


def test_files_received_at_once_fit_exactly_too(guest, media_dir, media_root):
    clip = (media_dir / "flower_540p_5s.mp4").read_bytes()
    runtime.set("quota_gigabytes", len(clip) * 2.5 / 1e9)
    results = together(5, lambda i: receive(guest[0], "same.mp4", [clip]).pk)
    assert results.count("quota_exceeded") == 3
    assert sorted(files(media_root)) == sorted(upload.file for upload in Upload.objects.all()) and Upload.objects.count() == 2


def test_jobs_submitted_at_once_fit_exactly(clip, owner):
    upload = clip()
    runtime.set("quota_jobs", 4)
    results = together(9, lambda i: services.submit(owner, "trim", CUT, [upload]).pk)
    assert results.count("rate_limited") == 5 and Job.objects.count() == 4
    with pytest.raises(MediaError, match="4 of your jobs wait or run, and 4 may at a time"):
        services.submit(owner, "trim", CUT, [upload])
    services.cancel(Job.objects.first())
    assert services.submit(owner, "trim", CUT, [upload])


def test_the_same_key_at_once_is_one_job_also_when_it_takes_the_last_of_the_quota(clip, owner):
    upload = clip()
    runtime.set("quota_jobs", 1)
    results = together(6, lambda i: services.submit(owner, "trim", CUT, [upload], idempotency_key="k").pk)
    assert len(set(results)) == 1 and Job.objects.count() == 1


def test_cpu_seconds_count_for_a_day_and_the_sentence_says_until_when(clip, owner):
    upload = clip()
    now = timezone.now()
    for hours, seconds in ((30, 900), (20, 40), (10, 50), (1, 30)):
        make.job(owner, status="succeeded", finished_at=now - timedelta(hours=hours), cpu_seconds=seconds)
    runtime.set("quota_cpu_seconds", 121)
    assert selectors.worked(owner) == selectors.Measure(120, 121)
    assert services.submit(owner, "trim", CUT, [upload])
    runtime.set("quota_cpu_seconds", 60)
    measure = selectors.worked(owner)
    assert measure.frees_at == Job.objects.get(cpu_seconds=50).finished_at + timedelta(days=1)
    with pytest.raises(MediaError) as refused:
        services.submit(owner, "trim", CUT, [upload])
    assert refused.value.code.name == "quota_exceeded"
    assert refused.value.detail == (
        f"Your jobs used 120 of the 60 CPU seconds that they may in 24 hours. Some are free again on {measure.frees_at:%Y-%m-%d %H:%M} UTC."
    )
    runtime.set("quota_cpu_seconds", 0)
    assert services.submit(owner, "trim", CUT, [upload])


def test_who_stores_all_that_is_allowed_makes_no_more(clip, owner):
    upload = clip()
    runtime.set("quota_gigabytes", upload.size / 1e9)
    with pytest.raises(MediaError) as refused:
        services.submit(owner, "trim", CUT, [upload])
    assert refused.value.code.name == "quota_exceeded" and not Job.objects.exists()
    runtime.set("quota_gigabytes", 0)
    quotas.admit_bytes(owner, 10**15)


def test_usage_says_what_is_used_and_what_is_allowed(api, guest, clip):
    owner = guest[0]
    fresh = APIClient()
    fresh.get("/")
    assert fresh.get("/api/v1/usage/").json()["jobs"] == {"used": 0, "limit": 1000, "frees_at": None}
    assert APIClient().get("/api/v1/usage/").status_code == 401
    upload = clip()
    services.submit(owner, "trim", CUT, [upload])
    make.job(owner, status="succeeded", finished_at=timezone.now(), cpu_seconds=2.5)
    told = api.get("/api/v1/usage/").json()
    assert told["bytes"]["used"] == upload.size + 10 and told["bytes"]["limit"] == 50e9 and told["bytes"]["frees_at"] is not None
    assert (told["jobs"]["used"], told["running_jobs"], told["cpu_seconds"]["used"]) == (1, {"used": 0, "limit": None, "frees_at": None}, 2.5)
