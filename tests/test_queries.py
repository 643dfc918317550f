"""A list asks the database as often for many rows as for few."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from converter.engine.media import Media, VideoStream
from converter.exports.models import Export
from converter.exports.tests import make as exports
from converter.jobs.models import Job
from converter.jobs.tests import make as jobs
from converter.owners import keys
from converter.owners.models import Owner
from converter.owners.services import owner_for_user
from converter.uploads.models import Upload
from projects import services as projects
from projects.models import Render

pytestmark = pytest.mark.django_db

LISTS = [
    *("/", "/jobs/", "/jobs/?part=tray", "/exports/", "/exports/?kind=video&q=a", "/uploads/", "/projects/", "/accounts/"),
    *("/api/v1/jobs/", "/api/v1/exports/", "/api/v1/uploads/", "/api/v1/projects/", "/api/v1/clips/", "/api/v1/renders/"),
    *("/api/v1/auth/keys/", "/api/v1/audit/"),
    *("/admin/jobs/job/", "/admin/exports/export/", "/admin/uploads/upload/", "/admin/projects/project/", "/admin/owners/owner/"),
    *("/admin/owners/apikey/", "/admin/audit/auditentry/", "/admin/estimates/learnedestimate/", "/admin/runtime/runtimesetting/"),
]


@pytest.fixture
def staff(media_root: Any) -> User:
    return User.objects.create_superuser("alice")


@pytest.fixture
def browser(staff: User) -> Client:
    client = Client(headers={"accept": "text/html,*/*"})
    client.force_login(staff)
    return client


def fill(owner: Owner) -> None:
    """One more row of every kind, in every state that a list shows."""
    now = timezone.now()
    for state in ({"status": "queued"}, {"status": "running", "started_at": now}, {"status": "failed", "finished_at": now}):
        jobs.job(owner, **state)
    made = exports.export(owner, name="a film.mp4")
    exports.export(owner, name="a gone film.mp4", removed_at=timezone.now())
    rendered = jobs.job(owner)
    media = Media("video", "mp4", "mov", "video/mp4", 10, 9.0, videos=(VideoStream(0, "h264", 64, 36, 64, 36, 25.0, "25/1"),))
    Upload.objects.update(media_data=media.as_dict())
    Job.objects.filter(export__isnull=False).update(status="succeeded", finished_at=timezone.now())
    Export.objects.filter(pk=made.pk).update(release_at=timezone.now() + timedelta(days=1))
    project = projects.create(owner, "film")
    projects.add_clip(project, Upload.objects.filter(owner=owner)[0])
    Render.objects.create(project=project, job=rendered)
    keys.create(owner, "script", ["jobs:read"])


def asked(browser: Client, address: str) -> list[str]:
    browser.get(address)  # what is looked up once for all
    with CaptureQueriesContext(connection) as seen:
        answer = browser.get(address)
    assert answer.status_code == 200, address
    return [query["sql"] for query in seen.captured_queries]


def test_more_rows_are_no_more_questions(browser: Client, staff: User) -> None:
    owner = owner_for_user(staff)
    fill(owner)
    few = {address: asked(browser, address) for address in LISTS}
    for _ in range(3):
        fill(owner)
    more = {address: asked(browser, address) for address in LISTS}
    assert {address: len(queries) for address, queries in more.items()} == {address: len(queries) for address, queries in few.items()}
