"""Learning from jobs in the database: bounded, in turns, and never at a job's expense."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from converter.engine import learning, probe
from converter.engine import run as engine
from converter.engine.tests import making
from converter.engine.workbench import Source
from converter.estimates import selectors, services
from converter.estimates.models import LearnedEstimate, SourceLook

PARAMS = {"duration": 2, "width": 320, "fps": 10}


@pytest.fixture(autouse=True)
def nothing_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "shipped", lambda names=None: learning.Book())


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
def test_a_content_is_looked_at_once(media_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CPU_SECONDS", "WALL_SECONDS"):  # what takes too long on a slow machine would be no look at all
        monkeypatch.setattr(f"converter.engine.look.{name}", 600)
    path = making.clip(media_dir, "small.mp4")
    source = Source(path, probe.inspect(path))
    assert selectors.unseen(["a" * 64]) == {"a" * 64}
    assert services.look_at("a" * 64, source, tmp_path)
    assert not services.look_at("a" * 64, source, tmp_path)
    (seen,) = selectors.with_looks([source.media], ["a" * 64])
    assert seen.look is not None and seen.look.moments
    assert services.learn("gif", PARAMS, [source.media], 200_000, 3.0, ["a" * 64])
    names = set(LearnedEstimate.objects.values_list("name", flat=True))
    assert names == {"gif/seconds", "gif/seconds-looked", "gif/size", "gif/size-looked"}
    assert services.forget_looks(timezone.now()) == 0
    assert services.forget_looks(timezone.now() + timedelta(days=services.LOOK_DAYS + 1)) == 1


@pytest.mark.django_db
def test_a_look_that_can_not_be_read_is_none() -> None:
    SourceLook.objects.create(pk="b" * 64, data={"moments": [{}], "sounds": []})
    SourceLook.objects.create(pk="c" * 64)
    media = [making.media(), making.media()]
    assert [seen.look for seen in selectors.with_looks(media, ["b" * 64, "c" * 64])] == [None, None]
    plan = engine.plan("gif", media[:1], PARAMS)
    assert services.refine(plan, media[:1], ["b" * 64]) == plan


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
