"""Learning from jobs in the database: bounded, in turns, and never at a job's expense."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from converter.engine import learning
from converter.engine import run as engine
from converter.engine.tests import making
from converter.estimates import services
from converter.estimates.models import LearnedEstimate

PARAMS = {"duration": 2, "width": 320, "fps": 10}


@pytest.fixture(autouse=True)
def nothing_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "shipped", learning.Book)


@pytest.mark.django_db
def test_jobs_teach_and_quotes_follow() -> None:
    media = [making.media()]
    plan = engine.plan("gif", media, PARAMS)
    assert services.refine(plan, media) == plan
    for _ in range(12):
        assert services.learn("gif", PARAMS, media, 200_000, 3.0)
    refined = services.refine(plan, media)
    assert refined.size_range[0] <= 200_000 <= refined.size_range[1]
    assert refined.size_range[1] - refined.size_range[0] < plan.size_range[1] - plan.size_range[0]
    assert learning.likely(refined) == pytest.approx(200_000, rel=0.1)
    assert refined.work_seconds == pytest.approx(3.0, rel=0.1)
    assert sorted(LearnedEstimate.objects.values_list("name", "jobs")) == [("gif/seconds", 12), ("gif/size", 12)]


@pytest.mark.django_db
def test_what_can_not_be_read_is_replaced() -> None:
    media = [making.media()]
    LearnedEstimate.objects.create(name="gif/size", data={"names": ["1"], "weights": []})
    plan = engine.plan("gif", media, PARAMS)
    assert services.refine(plan, media) == plan
    assert services.learn("gif", PARAMS, media, 200_000, 3.0)
    assert learning.Model.from_dict(LearnedEstimate.objects.get(pk="gif/size").data).jobs == 1


@pytest.mark.django_db
def test_a_job_that_can_not_be_planned_teaches_nothing() -> None:
    assert not services.learn("gif", {"start": 1000}, [making.media()], 1, 1.0)
    assert not services.learn("no-such-operation", {}, [making.media()], 1, 1.0)
    assert LearnedEstimate.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_lose_nothing() -> None:
    def work(number: int) -> bool:
        try:
            return services.learn("gif", PARAMS, [making.media()], 200_000 + number, 3.0)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        learned = list(pool.map(work, range(12)))
    row = LearnedEstimate.objects.get(pk="gif/size")
    assert row.jobs == sum(learned)
    assert sum(learned) >= 10
