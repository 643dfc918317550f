"""Whose turn it is: one order for what is taken next and for the places that people see."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from datetime import timedelta

import pytest
from django.utils import timezone

from converter.audit.models import AuditEntry
from converter.engine.errors import MediaError
from converter.jobs import services, turns
from converter.jobs.models import Job
from converter.owners.models import Owner
from converter.runtime import services as runtime

from . import make

pytestmark = pytest.mark.django_db


def ordered(jobs: list[Job], running: dict[uuid.UUID, int], spent: dict[uuid.UUID, float]) -> list[uuid.UUID]:
    """The order as a pure function: what the statement in the database must give."""
    before: dict[uuid.UUID, int] = defaultdict(int, running)
    keys = {}
    for job in sorted(jobs, key=lambda job: (-job.priority, job.created_at, job.pk.hex)):
        keys[job.pk] = (-job.priority, before[job.owner_id], spent.get(job.owner_id, 0.0), job.created_at, job.pk.hex)
        before[job.owner_id] += 1
    return sorted(keys, key=keys.__getitem__)


def wait(of: Owner, age: float = 0.0, **fields) -> Job:
    return make.job(of, created_at=timezone.now() - timedelta(seconds=age), **fields)


def shown() -> list[uuid.UUID]:
    places = turns.positions(list(Job.objects.values_list("pk", flat=True)))
    assert sorted(places.values()) == list(range(len(places)))
    return sorted(places, key=places.__getitem__)


def taken() -> list[uuid.UUID]:
    """What a single worker takes, one after another, each done at once and for nothing."""
    found = []
    while claim := services.claim_next("w"):
        found.append(claim.job_id)
        services.fail(claim, MediaError("internal"))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_the_database_gives_the_order_of_the_definition(seed):
    dice = random.Random(seed)
    owners = [make.owner() for _ in range(4)]
    now = timezone.now()
    for _ in range(40):
        job = wait(dice.choice(owners), dice.randrange(600), priority=dice.choice((-1, 0, 0, 0, 2)))
        if (fate := dice.random()) < 0.15:
            Job.objects.filter(pk=job.pk).update(status="running")
        elif fate < 0.4:
            ended = now - timedelta(minutes=dice.choice((1, 5, 14, 17, 600)))
            Job.objects.filter(pk=job.pk).update(status="succeeded", finished_at=ended, cpu_seconds=dice.choice((0, 3.5, 40)))
    running: dict[uuid.UUID, int] = defaultdict(int)
    spent: dict[uuid.UUID, float] = defaultdict(float)
    for job in Job.objects.all():
        running[job.owner_id] += job.status == "running"
        spent[job.owner_id] += job.cpu_seconds or 0 if job.finished_at and now - job.finished_at < turns.RECENT else 0
    expected = ordered(list(Job.objects.filter(status="queued")), running, spent)
    assert shown() == expected
    head = turns.following()
    assert head is not None and head.job_id == expected[0] and head.owner_id == Job.objects.get(pk=expected[0]).owner_id


def test_one_file_of_another_person_waits_for_one_job_and_not_for_two_hundred():
    many, one = make.owner(), make.owner()
    files = [wait(many, 100 - i / 2) for i in range(30)]
    single = wait(one)
    assert turns.positions([single.pk]) == {single.pk: 1}
    first = services.claim_next("w1")
    second = services.claim_next("w2")
    assert first is not None and second is not None
    assert (first.job_id, second.job_id) == (files[0].pk, single.pk)
    assert turns.positions([files[1].pk, files[29].pk, single.pk]) == {files[1].pk: 0, files[29].pk: 28}


def test_who_used_the_machine_lately_comes_after_who_did_not():
    heavy, light = make.owner(), make.owner()
    make.job(heavy, status="succeeded", finished_at=timezone.now() - timedelta(minutes=3), cpu_seconds=500.0)
    first, second = wait(heavy, 60), wait(light, 1)
    assert shown() == [second.pk, first.pk]
    Job.objects.filter(status="succeeded").update(finished_at=timezone.now() - turns.RECENT - timedelta(seconds=1))
    assert shown() == [first.pk, second.pk], "what was long ago is forgotten"


def test_priority_goes_before_fairness_and_within_an_owner_too():
    owner, other = make.owner(), make.owner()
    old, low, high = wait(owner, 50), wait(other, 90, priority=-1), wait(owner, 1, priority=3)
    assert shown() == taken() == [high.pk, old.pk, low.pk]


def test_a_waiting_job_s_priority_can_be_changed_and_is_audited():
    first, second = wait(make.owner(), 9), wait(make.owner(), 5)
    services.prioritise(second.pk, 1)
    assert shown() == [second.pk, first.pk]
    assert AuditEntry.objects.get(action="job.prioritised").data == {"priority": 1}
    with pytest.raises(MediaError, match="-10 to 10"):
        services.prioritise(second.pk, 11)
    services.cancel(first.pk)
    with pytest.raises(MediaError) as refused:
        services.prioritise(first.pk, 1)
    assert refused.value.code.name == "conflict"


def test_what_is_in_backoff_is_passed_over_and_keeps_its_place():
    owner = make.owner()
    resting, next_one = wait(owner, 9, available_at=timezone.now() + timedelta(hours=1)), wait(owner, 5)
    assert shown() == [resting.pk, next_one.pk] and taken() == [next_one.pk]


def test_a_quote_counts_by_the_same_order():
    many, one = make.owner(), make.owner()
    for i in range(5):
        wait(many, 50 - i)
    assert (turns.position_of_new(many), turns.position_of_new(one), turns.position_of_new(one, 1), turns.position_of_new(one, -1)) == (5, 1, 0, 5)
    make.job(one)
    services.claim_next("w")
    assert turns.position_of_new(many) == 5
    Job.objects.all().delete()
    assert turns.position_of_new(many) == 0


def test_nothing_is_begun_while_jobs_are_paused():
    job = wait(make.owner())
    runtime.set("pause_jobs", True)
    assert turns.paused() and services.claim_next("w") is None and turns.positions([job.pk]) == {job.pk: 0}
    runtime.set("pause_jobs", False)
    assert not turns.paused() and taken() == [job.pk]


def test_one_owner_s_jobs_at_work_are_bounded_when_the_operator_wants_it():
    many, one = make.owner(), make.owner()
    for i in range(4):
        wait(many, 50 - i)
    wait(one)
    runtime.set("owner_running_jobs", 2)
    owners = [claim.job.owner_id for claim in iter(lambda: services.claim_next("w"), None)]
    assert sorted(owners) == sorted([many.pk, one.pk, many.pk])
    runtime.reset("owner_running_jobs")
    assert services.claim_next("w") is not None


def test_suspects_run_one_at_a_time_so_that_the_innocent_outlive_the_poison(settings):
    owner = make.owner()
    poison, victim = wait(owner, 9), wait(owner, 8)
    for round_ in range(settings.JOB_MAX_LOSSES + 1):
        claims = [claim for claim in (services.claim_next("w"), services.claim_next("w")) if claim]
        assert claims[0].job_id == poison.pk and len(claims) == (2 if round_ < turns.SUSPECT else 1)
        for claim in claims:  # the poison kills their worker
            make.lose(claim)
        services.reap()
    poison.refresh_from_db()
    assert (poison.status, poison.error_code) == ("failed", "lost_worker")
    late = wait(owner, 1)
    assert taken() == [victim.pk, late.pk]


def test_a_suspect_holds_up_nobody_else():
    suspect, other, fresh = wait(make.owner(), 9, losses=turns.SUSPECT), wait(make.owner(), 5, losses=turns.SUSPECT), wait(make.owner())
    first, second = services.claim_next("w"), services.claim_next("w")
    assert first is not None and second is not None and (first.job_id, second.job_id) == (suspect.pk, fresh.pk)
    assert services.claim_next("w") is None
    services.fail(first, MediaError("internal"))
    assert taken() == [other.pk]


def test_no_places_are_asked_for_when_nobody_waits(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert turns.positions([]) == {}
