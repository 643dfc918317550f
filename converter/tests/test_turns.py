"""Fair turns from the outside: a message wakes, the order chooses; pause, drain and resume lose nothing."""

from __future__ import annotations

import json
import threading
import uuid

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from converter import maintenance, runner, services, tasks
from converter.jobs import services as jobs
from converter.jobs import turns
from converter.jobs.models import Job
from converter.management.commands import drain
from converter.owners.services import new_guest, owner_for_user
from converter.runtime import services as runtime

pytestmark = pytest.mark.django_db(transaction=True)

CUT = {"start": 1, "duration": 1, "mode": "copy"}


@pytest.fixture(autouse=True)
def messages(monkeypatch) -> list[uuid.UUID]:
    sent: list[uuid.UUID] = []
    monkeypatch.setattr(tasks.run_job, "apply_async", lambda args: sent.append(uuid.UUID(args[0])))
    monkeypatch.setattr(drain, "LOOK_SECONDS", 0.01)
    return sent


def client(token: str) -> APIClient:
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return api


def order() -> list[uuid.UUID]:
    return list(Job.objects.filter(status="succeeded").order_by("started_at").values_list("pk", flat=True))


def test_a_message_wakes_a_worker_for_whoever_is_next_until_nothing_waits(clip):
    (many, _), (one, _) = new_guest(), new_guest()
    upload = clip(of=many)
    queued = [services.submit(many, "trim", CUT, [upload]) for _ in range(3)]
    single = services.submit(one, "trim", CUT, [clip(of=one)])
    held = jobs.claim(queued[0].pk, "w")
    tasks.run_job(str(queued[2].pk))
    assert order() == [single.pk, queued[1].pk, queued[2].pk] and jobs.holds(held)
    for _ in range(5):  # the other messages, one of them again and again
        tasks.run_job(str(queued[2].pk))
    assert len(order()) == 3 and set(Job.objects.values_list("attempt", flat=True)) == {1}


def test_a_job_that_had_to_wait_for_another_s_end_needs_no_new_message(clip, owner, monkeypatch):
    upload = clip()
    first, second = (services.submit(owner, "trim", CUT, [upload]) for _ in range(2))
    runtime.set("owner_running_jobs", 1)
    began, real = [], runner._attempt

    def attempt(claim: jobs.Claim) -> None:
        began.append(claim.job_id)
        if claim.job_id == first.pk:
            tasks.run_job(str(second.pk))  # the other thread's message: nothing may be begun now
            assert began == [first.pk]
        real(claim)

    monkeypatch.setattr(runner, "_attempt", attempt)
    tasks.run_job(str(first.pk))
    assert order() == began == [first.pk, second.pk]


def test_a_worker_that_is_to_end_begins_no_other_job(clip, owner, monkeypatch):
    job = services.submit(owner, "trim", CUT, [clip()])
    monkeypatch.setattr(tasks, "shutting_down", threading.Event())
    tasks.shutting_down.set()
    tasks.run_job(str(job.pk))
    assert Job.objects.get().status == "queued"


def test_places_in_the_queue_as_people_see_them(clip, django_assert_max_num_queries):
    (many, token), (one, other) = new_guest(), new_guest()
    upload, mine = clip(of=many), clip(of=one)
    for _ in range(4):
        services.submit(many, "trim", CUT, [upload])
    body = {"upload": str(mine.pk), "operation": "trim", "params": CUT}
    assert client(other).post("/api/v1/quotes/", body).json()["queue_position"] == 1
    made = client(other).post("/api/v1/jobs/", {**body, "priority": -3}).json()
    assert (made["priority"], made["queue_position"]) == (-3, 4)
    with django_assert_max_num_queries(12):
        listed = client(token).get("/api/v1/jobs/").json()["results"]
    assert [job["queue_position"] for job in listed] == [3, 2, 1, 0]
    jobs.claim_next("w")
    assert [job["queue_position"] for job in client(token).get("/api/v1/jobs/").json()["results"]] == [2, 1, 0, None]


def test_only_staff_may_go_before_others(clip):
    guest, token = new_guest()
    body = {"upload": str(clip(of=guest).pk), "operation": "trim", "params": CUT, "priority": 1}
    told = client(token).post("/api/v1/jobs/", body)
    assert (told.status_code, told.json()["code"], told.json()["field"]) == (403, "not_allowed", "priority") and not Job.objects.exists()
    told = client(token).post("/api/v1/jobs/", {**body, "priority": -11})
    assert (told.status_code, told.json()["field"]) == (400, "priority")
    user = get_user_model().objects.create_user("chief", password="x", is_staff=True)
    api = APIClient()
    api.force_login(user)
    made = api.post("/api/v1/jobs/", {**body, "upload": str(clip(of=owner_for_user(user)).pk)})
    assert made.status_code == 201 and made.json()["priority"] == 1


def test_what_was_paused_goes_on_at_once(clip, owner, messages, capsys):
    before = services.submit(owner, "trim", CUT, [clip()])
    runtime.set("pause_jobs", True)
    tasks.run_job(str(before.pk))  # the message that was on its way
    during = services.submit(owner, "trim", CUT, list(before.inputs.all()))
    assert messages == [before.pk] and set(Job.objects.values_list("status", "sent_at")) == {("queued", None)}
    assert maintenance.recover(tasks.send).sent == [] and messages == [before.pk]
    call_command("drain", "--resume", "--json")
    assert json.loads(capsys.readouterr().out) == {"paused": False, "sent": 2}
    assert set(messages[1:]) == {before.pk, during.pk} and not turns.paused()
    for _ in range(2):
        tasks.run_job(str(during.pk))
    assert set(Job.objects.values_list("status", flat=True)) == {"succeeded"}


def test_a_message_lost_before_the_pause_is_sent_again_after_it(clip, owner, messages):
    job = services.submit(owner, "trim", CUT, [clip()])
    runtime.set("pause_jobs", True)
    maintenance.recover(tasks.send)  # Redis lost its data meanwhile
    runtime.set("pause_jobs", False)
    assert maintenance.recover(tasks.send).sent == [job.pk] and messages == [job.pk, job.pk]


def test_drain_waits_for_what_runs_and_begins_nothing(clip, owner, capsys, monkeypatch):
    running = services.submit(owner, "trim", CUT, [clip()])
    waiting = services.submit(owner, "trim", CUT, list(running.inputs.all()))
    claim = jobs.claim(running.pk, "w")
    with pytest.raises(CommandError, match="1 jobs are still at work"):
        call_command("drain", "--timeout", "0")
    assert turns.paused() and jobs.claim_next("w") is None
    looked = iter([2, 1])
    real = drain.selectors.running

    def look() -> int:
        if next(looked, 0) == 1:  # at the second look
            jobs.give_back(claim)
        return real()

    monkeypatch.setattr(drain.selectors, "running", look)
    call_command("drain")
    assert "1 at work" in capsys.readouterr().out
    assert set(Job.objects.values_list("status", flat=True)) == {"queued"} and Job.objects.filter(pk=waiting.pk, attempt=0).exists()
