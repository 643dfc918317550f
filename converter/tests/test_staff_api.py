"""The trail for staff: pages, filters, and a file whose chain can be checked elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from converter.audit import chain, services
from converter.audit.models import AuditEntry
from converter.owners import keys, totp
from converter.owners.services import owner_for_user

pytestmark = pytest.mark.django_db

AUDIT = "/api/v1/audit/"


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("root", is_staff=True))
    return client


def test_pages_and_filters(staff: Client) -> None:
    for number in range(60):
        services.record("job.created" if number % 2 else "job.failed", ("job", str(number), "x"))
    first = staff.get(AUDIT).json()
    assert len(first["results"]) == 50 and first["next"]
    second = staff.get(first["next"]).json()
    ids = [row["id"] for row in (*first["results"], *second["results"])]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == len(ids)
    assert {row["action"] for row in staff.get(f"{AUDIT}?action=job.failed&limit=200").json()["results"]} == {"job.failed"}
    assert len(staff.get(f"{AUDIT}?action=job.&limit=200").json()["results"]) == 60
    assert [row["target_id"] for row in staff.get(f"{AUDIT}?target_type=job&target_id=7").json()["results"]] == ["7"]
    assert staff.get(f"{AUDIT}?since=2999-01-01T00:00:00Z").json()["results"] == []
    assert staff.get(f"{AUDIT}?since=yesterday").json()["code"] == "bad_parameter"


@pytest.mark.django_db(transaction=True)
def test_the_export_is_the_whole_chain(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converter.staff_api.LINES", 7)
    for number in range(20):
        services.record("test", ("x", str(number), "ä"))
    services.seal()
    answer = staff.get(f"{AUDIT}export/")
    assert answer["Content-Type"] == "application/x-ndjson" and "attachment" in answer["Content-Disposition"]
    rows = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]  # type: ignore[attr-defined]
    digest = chain.START
    for place, row in enumerate([row for row in rows if row["sequence"]], start=1):
        entry = AuditEntry(**{name: value for name, value in row.items() if name not in ("id", "at")}, at=AuditEntry.objects.get(pk=row["id"]).at)
        assert row["sequence"] == place and row["previous"] == digest and chain.digest(entry) == row["digest"]
        digest = row["digest"]
    assert AuditEntry.objects.filter(action="audit.exported").count() == 1


@pytest.mark.django_db(transaction=True)
async def test_the_export_streams_under_asgi_too() -> None:
    user = await User.objects.acreate_user("root", is_staff=True)
    client = AsyncClient()
    await client.aforce_login(user)
    answer: Any = await client.get(f"{AUDIT}export/?action=user.created")
    lines = b"".join([piece async for piece in answer.streaming_content]).splitlines()
    assert [json.loads(line)["target"] for line in lines] == ["root"]


def test_a_token_of_staff_needs_the_scope_and_a_session_the_second_factor(staff: Client) -> None:
    user = User.objects.get(username="root")
    owner = owner_for_user(user)
    tokens = [keys.create(owner, "x", [scope])[1] for scope in ("staff:read", "jobs:read")]
    assert [Client(headers={"Authorization": f"Bearer {token}"}).get(AUDIT).status_code for token in tokens] == [200, 403]
    assert staff.get(AUDIT).status_code == 200
    totp.set_up(user)
    assert staff.get(AUDIT).status_code == 403
