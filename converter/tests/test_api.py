"""The pipeline by API: shapes, codes, strangers, pages, and a schema without warnings."""

from __future__ import annotations

import uuid

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from converter import runner, tasks
from converter.jobs.models import Job
from converter.owners.services import new_guest

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_messages(monkeypatch):
    monkeypatch.setattr(tasks.run_job, "apply_async", lambda args: None)


def client_of(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def guest():
    return new_guest()


@pytest.fixture
def api(guest) -> APIClient:
    return client_of(guest[1])


@pytest.fixture
def body(clip, guest) -> dict:
    return {"upload": str(clip(of=guest[0]).pk), "operation": "trim", "params": {"start": 1, "duration": 1}}


def problem(response, status: int, code: str, field: str | None = None) -> dict:
    told = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert (response.status_code, told["code"], told["field"]) == (status, code, field), told
    return told


def test_the_whole_way_from_quote_to_export_and_again(api, body, guest):
    quote = api.post("/api/v1/quotes/", body).json()
    assert quote["operation"] == "trim" and quote["queue_position"] == 0 and not Job.objects.exists()
    made = api.post("/api/v1/jobs/", body)
    job = made.json()
    assert made.status_code == 201 and uuid.UUID(job["id"])
    assert set(job) == {
        "id", "operation", "preset", "params", "inputs", "status", "stage", "progress", "eta_seconds", "attempt", "export",
        "priority", "queue_position", "error", "warnings", "retry_of", "created_at", "started_at", "finished_at", "events_url",
    }  # fmt: skip
    assert (job["status"], job["progress"], job["export"], job["error"], job["inputs"]) == ("queued", 0, None, None, [body["upload"]])
    assert job["events_url"] == f"/api/v1/jobs/{job['id']}/events/"
    runner.run(uuid.UUID(job["id"]))
    done = api.get(f"/api/v1/jobs/{job['id']}/").json()
    assert (done["status"], done["progress"]) == ("succeeded", 100)
    export = api.get(f"/api/v1/exports/{done['export']}/").json()
    assert export["job"] == job["id"] and export["recipe"]["operation"] == "trim" and export["media"]["kind"] == "video"
    problem(api.post(f"/api/v1/jobs/{job['id']}/retry/"), 409, "conflict")
    problem(api.post(f"/api/v1/jobs/{job['id']}/cancel/"), 409, "conflict")
    again = api.post(f"/api/v1/exports/{done['export']}/rebuild/")
    assert again.status_code == 201 and again.json()["params"] == done["params"]
    runner.run(uuid.UUID(again.json()["id"]))
    rebuilt = api.get(f"/api/v1/jobs/{again.json()['id']}/").json()["export"]
    assert rebuilt != done["export"] and api.get(f"/api/v1/exports/{rebuilt}/").json()["recipe"]["params"] == export["recipe"]["params"]


def test_cancel_and_retry(api, body):
    job = api.post("/api/v1/jobs/", body).json()
    cancelled = api.post(f"/api/v1/jobs/{job['id']}/cancel/").json()
    assert cancelled["status"] == "cancelled" and cancelled["error"]["code"] == "cancelled"
    again = api.post(f"/api/v1/jobs/{job['id']}/retry/")
    assert again.status_code == 201 and again.json()["retry_of"] == job["id"]


def test_an_idempotency_key_by_header(api, body):
    send = lambda **more: api.post("/api/v1/jobs/", {**body, **more}, headers={"Idempotency-Key": "a"})  # noqa: E731
    first, second = send(), send()
    assert (first.status_code, second.status_code) == (201, 200) and first.json()["id"] == second.json()["id"]
    problem(send(params={"start": 2}), 409, "conflict", "Idempotency-Key")


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"operation": "sing"}, 400, "bad_parameter", "operation"),
        ({"operation": ["trim"]}, 400, "bad_parameter", "operation"),
        ({"params": {"start": "soon"}}, 400, "bad_parameter", "start"),
        ({"params": [1]}, 400, "bad_parameter", "params"),
        ({"params": {"start": 99999}}, 422, "start_past_end", "start"),
        ({"parms": {}}, 400, "bad_parameter", "parms"),
        ({"uploads": [str(uuid.uuid4())]}, 400, "bad_parameter", "upload"),
        ({"upload": "../../etc/passwd"}, 400, "bad_parameter", "upload"),
        ({"upload": str(uuid.uuid4())}, 404, "not_found", "upload"),
        ({"operation": "gif", "preset": "nope", "params": {}}, 400, "bad_parameter", "preset"),
    ],
)
def test_bad_input_is_a_problem_with_its_field(api, body, change, status, code, field):
    for path in ("/api/v1/jobs/", "/api/v1/quotes/"):
        problem(api.post(path, {**body, **change}), status, code, field)
    assert not Job.objects.exists()


@pytest.mark.parametrize("text", ["{", "[1, 2]", '"x"', '{"params": {"start": NaN}}', "null"])
def test_bodies_that_are_no_objects(api, text):
    problem_of = api.post("/api/v1/jobs/", text, content_type="application/json")
    assert problem_of.status_code == 400 and problem_of.json()["code"] == "bad_parameter"


def test_strangers_see_nothing(api, body):
    job = api.post("/api/v1/jobs/", body).json()
    stranger, nobody = client_of(new_guest()[1]), APIClient()
    for act in ("", "events/"):
        problem(stranger.get(f"/api/v1/jobs/{job['id']}/{act}"), 404, "not_found")
        problem(nobody.get(f"/api/v1/jobs/{job['id']}/{act}"), 401, "not_allowed")
    for act in ("cancel/", "retry/"):
        problem(stranger.post(f"/api/v1/jobs/{job['id']}/{act}"), 404, "not_found")
    problem(stranger.post("/api/v1/jobs/", body), 404, "not_found", "upload")
    problem(nobody.post("/api/v1/jobs/", body), 401, "not_allowed")
    assert stranger.get("/api/v1/jobs/").json()["results"] == [] and Job.objects.get().status == "queued"


def test_lists_come_in_pages_and_filtered(api, body):
    made = [api.post("/api/v1/jobs/", body).json()["id"] for _ in range(3)]
    api.post(f"/api/v1/jobs/{made[0]}/cancel/")
    page = api.get("/api/v1/jobs/", {"limit": 2}).json()
    rest = api.get(page["next"]).json()
    assert [job["id"] for job in page["results"] + rest["results"]] == made[::-1] and rest["next"] is None
    assert [job["id"] for job in api.get("/api/v1/jobs/", {"status": "cancelled"}).json()["results"]] == [made[0]]
    problem(api.get("/api/v1/jobs/", {"status": "lost"}), 400, "bad_parameter", "status")


def test_operations_are_public_and_tell_their_parameters():
    told = {operation["name"]: operation for operation in APIClient().get("/api/v1/operations/").json()}
    assert {"gif", "trim", "compress"} <= set(told)
    assert "chrome-background" in {preset["name"] for preset in told["gif"]["presets"]}


def test_the_list_of_jobs_costs_the_same_however_long_it_is(api, body, django_assert_max_num_queries):
    for _ in range(5):
        api.post("/api/v1/jobs/", body)
    with django_assert_max_num_queries(6):
        assert len(api.get("/api/v1/jobs/").json()["results"]) == 5


def test_the_schema_is_valid_and_without_warnings(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))


def test_the_admin_shows_jobs_and_operates_them(body, api, admin_client):
    job = api.post("/api/v1/jobs/", body).json()["id"]
    assert admin_client.get("/admin/jobs/job/").status_code == 200
    assert admin_client.get(f"/admin/jobs/job/{job}/change/").status_code == 200
    act = lambda action: admin_client.post("/admin/jobs/job/", {"action": action, "_selected_action": [job]}, follow=True)  # noqa: E731
    assert "1 cancelled" in act("cancel").content.decode()
    assert "already ended" in act("cancel").content.decode()
    assert "1 queued again" in act("retry").content.decode()
    assert sorted(Job.objects.values_list("status", flat=True)) == ["cancelled", "queued"]
