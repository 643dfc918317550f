"""POST /api/v1/tryouts/: what is refused before anything is encoded, and what a stream looks like."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from rest_framework.test import APIClient

from converter.owners.models import Owner
from converter.owners.services import new_guest
from converter.uploads.models import Upload, UploadStatus
from converter.uploads.services import receive

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/api/v1/tryouts/"


@pytest.fixture
def guest() -> tuple[Owner, str]:
    return new_guest()


@pytest.fixture
def api(guest: tuple[Owner, str]) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {guest[1]}")
    return client


@pytest.fixture
def body(guest: tuple[Owner, str], media_dir: Path, media_root: Path) -> dict[str, Any]:
    upload = receive(guest[0], "flower.mp4", [(media_dir / "flower_540p_5s.mp4").read_bytes()])
    return {"upload": str(upload.pk), "operation": "compress", "params": {"start": 1, "duration": 0.5}, "megabytes": 0.1}


def test_samples_come_line_by_line_and_nothing_stays(api: APIClient, body: dict[str, Any], media_root: Path) -> None:
    response = api.post(URL, body, format="json")
    assert response.status_code == 200 and response["Content-Type"] == "application/x-ndjson" and response["Cache-Control"] == "no-store"
    events = read(response)
    assert [event["event"] for event in events][:2] == ["started", "candidates"] and events[-1]["event"] == "done"
    assert {event["event"] for event in events[2:-1]} <= {"sample", "unreachable"} and "sample" in {event["event"] for event in events}
    assert [path for place in ("work", "tryouts") for path in (media_root / place).rglob("*")] == []


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"megabytes": 0.01, "params": {}}, 422, "target_unreachable"),
        ({"megabytes": 0}, 400, "bad_parameter"),
        ({"operation": "trim"}, 400, "bad_parameter"),
        ({"upload": "00000000-0000-0000-0000-000000000000"}, 404, "not_found"),
        ({"params": {"start": 99}}, 422, "start_past_end"),
    ],
)
def test_what_cannot_be_tried_is_a_problem_at_once(api: APIClient, body: dict[str, Any], change: dict[str, Any], status: int, code: str) -> None:
    response = api.post(URL, {**body, **change}, format="json")
    told = response.json()
    assert (response.status_code, told["code"]) == (status, code), told


def test_an_upload_that_is_not_ready_is_refused(api: APIClient, body: dict[str, Any]) -> None:
    Upload.objects.update(status=UploadStatus.CHECKING)
    assert api.post(URL, body, format="json").json()["code"] == "conflict"


def read(response: Any) -> list[dict[str, Any]]:
    async def whole() -> str:
        return "".join([bytes(part).decode() async for part in cast("AsyncIterator[bytes]", response.streaming_content)])

    return [json.loads(line) for line in async_to_sync(whole)().splitlines()]


def test_seams_come_best_first_and_one_can_be_seen(api: APIClient, body: dict[str, Any], media_root: Path) -> None:
    wish = {"upload": body["upload"], "start": 0.5, "end": 1.5}
    events = read(api.post(f"{URL}seams/", {**wish, "search": 0.4}, format="json"))
    assert [event["event"] for event in events] == ["started", "seams", "done"]
    scores = [seam["score"] for seam in events[1]["seams"]]
    assert scores and all(0 <= score <= 100 for score in scores)
    best = events[1]["seams"][0]
    assert best["words"] and best["suggestion"] in ("cut", "crossfade", "pingpong")
    events = read(api.post(f"{URL}seams/", {**wish, "start": best["start"], "end": best["end"], "mode": "pingpong"}, format="json"))
    assert [event["event"] for event in events] == ["started", "loop", "done"] and events[1]["mime"] == "video/mp4"
    assert events[1]["seconds"] == pytest.approx(2 * best["duration"], abs=0.2)
    assert [path for place in ("work", "tryouts") for path in (media_root / place).rglob("*")] == []


def test_seams_of_nothing_are_a_problem_at_once(api: APIClient, body: dict[str, Any]) -> None:
    response = api.post(f"{URL}seams/", {"upload": body["upload"], "start": 99, "end": 100}, format="json")
    assert (response.status_code, response.json()["code"]) == (422, "start_past_end")
