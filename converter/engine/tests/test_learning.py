"""Estimates that learn: the arithmetic, what it takes from a plan, and its bounds."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.engine import learning, run
from converter.engine.learning import Book, Model, facts
from converter.engine.learning.model import FORGET, LOOSE
from converter.engine.operations.base import Expectation, Plan
from converter.engine.tests import making

NUMBERS = st.floats() | st.floats(-3, 3)


def plan_of(size: tuple[int, int] = (1000, 10_000_000), seconds: float = 4.0) -> Plan:
    return Plan("test", {"quality": 23}, (), "mp4", "video/mp4", Expectation("video", "mp4", 640, 360, 100, 4.0), size, seconds)


def test_it_is_ridge_regression() -> None:
    random = np.random.default_rng(5)
    x, model = random.normal(0, 1, (40, 3)), Model()
    y = x @ [0.5, -1.0, 2.0] + random.normal(0, 0.1, 40)
    for row, value in zip(x, y, strict=True):
        model.update({"a": row[0], "b": row[1], "c": row[2]}, float(value))
    ages = FORGET ** np.arange(39, -1, -1)
    exact = np.linalg.solve((x * ages[:, None]).T @ x + np.eye(3) / LOOSE * FORGET**40, (x * ages[:, None]).T @ y)
    assert model.weights == pytest.approx(list(exact), abs=0.05)
    assert model.spread == pytest.approx(0.17, abs=0.1)


def test_an_outlier_moves_little() -> None:
    model = Model()
    for number in range(60):
        model.update({"1": 1.0}, 2.0 + 0.1 * math.sin(number))
    before = model.predict({"1": 1.0})[0]
    model.update({"1": 1.0}, 9.0)
    assert model.predict({"1": 1.0})[0] == pytest.approx(before, abs=0.02)


def test_what_was_never_seen_is_less_sure() -> None:
    model = Model()
    for number in range(30):
        model.update({"1": 1.0, "bits": number % 5 / 5}, number % 5 / 5)
    assert model.predict({"1": 1.0, "bits": 0.4, "profile=new": 1.0})[1] > 1.8 * model.predict({"1": 1.0, "bits": 0.4})[1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.dictionaries(st.sampled_from("abcdefg"), NUMBERS, max_size=5), NUMBERS), max_size=40))
def test_nothing_makes_it_absurd(jobs: list[tuple[dict[str, float], float]]) -> None:
    model = Model()
    for features, value in jobs:
        model.update(features, value)
    mean, spread = model.predict({"a": 1.0, "z": 2.0})
    assert math.isfinite(mean)
    assert spread > 0
    again = Model.from_dict(json.loads(json.dumps(model.as_dict())))
    assert again.predict({"a": 1.0})[0] == pytest.approx(model.predict({"a": 1.0})[0], rel=1e-2, abs=1e-2)


@pytest.mark.parametrize("broken", [{}, {"names": ["a"], "weights": [], "covariance": [], "jobs": 1, "squares": 1}, {"names": 3}])
def test_what_is_no_model_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Model.from_dict(broken)


def test_a_plan_stays_within_its_own_bounds() -> None:
    book, media = Book(), (making.media(),)
    for _ in range(20):
        book.learn(plan_of(), media, 50_000_000, 10_000.0)
    refined = book.refine(plan_of(), media)
    assert refined.size_range[0] <= refined.size_range[1] <= 10_000_000
    assert learning.likely(refined) <= 10_000_000
    assert refined.work_seconds <= 8 * 4.0 + 1e-6


def test_other_operations_are_left_alone() -> None:
    book, media = Book(), (making.media(),)
    for _ in range(20):
        book.learn(plan_of(), media, 40_000, 1.0)
    other = replace(plan_of(), operation="other")
    assert book.refine(other, media) == other


def test_a_source_that_needed_more_gives_more() -> None:
    book = Book()
    for times in (1, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8):
        media = (making.media(size=1_000_000 * times, picture=making.video(packet_bytes=1_000_000 * times)),)
        book.learn(plan_of(), media, 20_000 * times, 1.0)
    said = [learning.likely(book.refine(plan_of(), (making.media(picture=making.video(packet_bytes=size)),))) for size in (1_500_000, 6_000_000)]
    assert said[0] == pytest.approx(30_000, rel=0.2)
    assert said[1] == pytest.approx(120_000, rel=0.2)


def test_the_part_that_is_used_counts() -> None:
    video = making.video(packet_bytes=30_000_000, profile=(1,) * 9 + (91,), packets=720, keyframes=10, keyframe_bytes=2_000_000)
    plans = [run.plan("trim", [making.media(picture=video)], {"start": start, "duration": 3}) for start in (0, 27)]
    quiet, busy = (facts(plan, (making.media(picture=video),)).size_unit for plan in plans)
    assert busy / quiet == pytest.approx(91, rel=0.01)


@pytest.mark.parametrize("operation", ["gif", "trim", "compress", "loop"])
def test_what_is_shipped_fits_every_plan(operation: str) -> None:
    media = making.media()
    plan = run.plan(operation, [media], {})
    refined = learning.shipped().refine(plan, (media,))
    assert plan.size_range[0] <= refined.size_range[0] <= refined.size_range[1] <= plan.size_range[1]
    assert 0 < refined.work_seconds <= 8 * plan.work_seconds
