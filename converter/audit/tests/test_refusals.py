"""Who was not let in stands in the trail, one by one at first, and a flood by its number."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from converter.audit import refusals, services
from converter.audit.models import AuditEntry
from converter.exports.tests.make import export, grant
from converter.jobs.tests import make
from converter.owners.services import new_guest

pytestmark = pytest.mark.django_db


def refused() -> list[tuple[str, str, int, str]]:
    rows = AuditEntry.objects.filter(action="request.refused").order_by("id")
    return [(row.target_id, row.data["method"], row.data["status"], row.data["code"]) for row in rows]


def test_refusals_are_written_down(media_root: Any) -> None:
    job = make.job()
    stranger = Client(headers={"Authorization": f"Bearer {new_guest()[1]}"})
    Client().post("/api/v1/jobs/", {}, content_type="application/json")
    stranger.get(f"/api/v1/jobs/{job.pk}/")
    stranger.get("/api/v1/audit/")
    Client().get(f"/jobs/{job.pk}/")
    assert refused() == [
        ("api-job-list", "POST", 401, "not_allowed"),
        ("api-job-detail", "GET", 404, "not_found"),
        ("api-audit", "GET", 403, "not_allowed"),
        ("job-detail", "GET", 404, ""),
    ]
    entry = AuditEntry.objects.filter(action="request.refused")[2]
    assert entry.address == "127.0.0.1" and entry.actor.startswith("guest") and entry.request_id and str(job.pk) in entry.target


def test_what_is_no_refusal_is_not() -> None:
    Client().get("/nothing-like-this/")
    Client().get("/api/v1/operations/")
    token = new_guest()[1]
    Client(headers={"Authorization": f"Bearer {token}"}).post("/api/v1/jobs/", {}, content_type="application/json")
    assert refused() == []


def test_a_flood_is_told_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "EACH", 5)
    for _ in range(40):
        Client().get(f"/jobs/{uuid.uuid4()}/")
    assert [entry.data["seen"] for entry in AuditEntry.objects.filter(action="request.refused").order_by("id")] == [1, 2, 3, 4, 5, 8, 16, 32]
    Client(REMOTE_ADDR="203.0.113.9").get(f"/jobs/{uuid.uuid4()}/")
    assert len(refused()) == 9, "each address has its own count"


def test_links_are_told_without_their_secret(media_root: Any) -> None:
    _, token = grant(export())
    assert Client().post(f"/download/{token}/").status_code == 200
    assert Client(REMOTE_ADDR="203.0.113.9").post(f"/download/{token}/").status_code == 410
    assert ("download", "POST", 410, "gone") in refused() or ("download", "POST", 410, "") in refused()
    assert token not in str(list(AuditEntry.objects.values()))


def test_who_downloaded_what_is_known(media_root: Any) -> None:
    user = User.objects.create_user("alice")
    from converter.owners.services import owner_for_user

    made = export(owner_for_user(user))
    client = Client()
    client.force_login(user)
    path = f"/exports/{made.pk}/content/"
    client.get(path)
    assert client.get(f"{path}?download=1").status_code == 200
    client.get(f"{path}?download=1", headers={"Range": "bytes=5-"})
    entry = AuditEntry.objects.get(action="export.downloaded")
    assert (entry.actor, entry.target_id) == ("user alice", str(made.pk))


def test_a_trail_that_cannot_be_written_stops_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import DatabaseError

    def fail(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("locked")

    monkeypatch.setattr(services, "record", fail)
    assert Client().get("/api/v1/jobs/").status_code == 401
