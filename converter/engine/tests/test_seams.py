"""The seam search on clips with a hidden loop, and its scores."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.engine.seams import matching
from converter.engine.seams.matching import FRAME_BYTES, Part, Wish
from converter.engine.tests.planted import found, planted


def test_planted_loops_are_found_to_the_frame() -> None:
    cases = [planted(seed) for seed in range(100)]
    best = [matching.find(case.clip, case.clip, case.wish, best=1) for case in cases]
    missed = [case.name for case, seams in zip(cases, best, strict=True) if not seams or not found(case, seams[0].start, seams[0].end)]
    assert len(missed) <= 5, missed


def test_a_clip_that_is_a_loop_already_is_left_as_it_is() -> None:
    angle = 2 * np.pi * np.arange(60) / 60
    place = np.arange(FRAME_BYTES)
    frames = (128 + 60 * np.sin(angle[:, None] + place / 90)).astype(np.uint8)
    seams = matching.find(Part(0, frames), Part(0, frames), Wish(0, 60, 10, 15, 5, opens=True, closes=True))
    assert (seams[0].start, seams[0].end) == (0, 60)
    assert seams[0].score > 80


def test_direction_counts_and_not_only_the_picture() -> None:
    # A pendulum is at the same place twice in a round; only one of the two is a seam.
    swing = 100 + 80 * np.sin(2 * np.pi * np.arange(200) / 50)
    frames = np.clip(swing[:, None] + np.linspace(-40, 40, FRAME_BYTES), 0, 255).astype(np.uint8)
    seams = matching.find(Part(0, frames), Part(0, frames), Wish(60, 97, 20, 10, 5))
    assert (seams[0].end - seams[0].start) % 50 == 0


def test_what_lies_in_two_parts_gives_the_same_seam_as_in_one() -> None:
    case = planted(3)
    whole, wish = case.clip.frames, case.wish
    margin = wish.search + wish.window
    start, end = (Part(at - margin, whole[at - margin : at + margin + 1]) for at in (wish.start, wish.end))
    one, two = matching.find(case.clip, case.clip, wish), matching.find(start, end, wish)
    assert [(s.start, s.end) for s in one[:1]] == [(s.start, s.end) for s in two[:1]]


def test_long_searches_come_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MOST_PAIRS", 3000)
    cases = [planted(seed) for seed in range(40)]
    best = [matching.find(case.clip, case.clip, case.wish, best=1) for case in cases]
    assert sum(bool(seams) and found(case, seams[0].start, seams[0].end) for case, seams in zip(cases, best, strict=True)) >= 36


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(0, 40), start=st.integers(0, 60), length=st.integers(0, 60), search=st.integers(0, 20), shortest=st.integers(1, 40),
    window=st.integers(2, 6), earliest=st.integers(0, 10), whole=st.booleans(),
)  # fmt: skip
def test_whatever_is_wished_the_seams_are_allowed(
    count: int, start: int, length: int, search: int, shortest: int, window: int, earliest: int, whole: bool
) -> None:
    frames = np.random.default_rng(count).integers(0, 256, (count, FRAME_BYTES)).astype(np.uint8)
    wish = Wish(start, start + length, search, shortest, window, earliest, opens=whole, closes=whole)
    for seam in matching.find(Part(0, frames), Part(0, frames), wish):
        assert max(earliest, start - search) <= seam.start <= start + search
        assert abs(seam.end - start - length) <= search
        assert seam.end - seam.start >= max(2, shortest)
        assert 0 <= seam.start < seam.end <= count
        assert 0 <= seam.score <= 100


def test_sound_is_levels_of_bands() -> None:
    time = np.arange(matching.RATE * 2) / matching.RATE
    low, high = (10000 * np.sin(2 * np.pi * hertz * time) for hertz in (120, 3000))
    levels = matching.read_sound(np.concatenate([low, high]).astype("<i2").tobytes(), 100, 25.0)
    assert levels.shape == (100, matching.BANDS)
    assert levels[10].argmax() < levels[80].argmax()
    assert np.isfinite(matching.read_sound(b"", 5, 25.0)).all()


@pytest.mark.parametrize(("ratio", "score"), [(0, 100), (1, 80), (2, 50), (4, 20)])
def test_scores(ratio: float, score: float) -> None:
    assert matching._score(ratio) == pytest.approx(score)


def test_no_numpy_where_operations_are_listed() -> None:
    code = "import converter.engine.operations.loop, sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_where_no_seam_is_good_the_wish_decides() -> None:
    # A picture that brightens for ever: the shorter a loop, the smaller its jump, and every one jumps.
    frames = np.clip(np.arange(80)[:, None] * 3 + np.linspace(0, 12, FRAME_BYTES), 0, 255).astype(np.uint8)
    best = matching.find(Part(0, frames), Part(0, frames), Wish(10, 60, 20, 8, 5))[0]
    assert best.score < matching.POOR
    assert abs(best.end - best.start - 50) <= 8


def test_a_good_seam_far_from_the_wish_is_still_taken() -> None:
    place = np.arange(FRAME_BYTES)
    frames = (128 + 60 * np.sin((2 * np.pi * np.arange(120) / 40)[:, None] + place / 90)).astype(np.uint8)
    best = matching.find(Part(0, frames), Part(0, frames), Wish(10, 70, 22, 8, 5))[0]
    assert best.score > matching.UNSEEN
    assert (best.end - best.start) % 40 == 0
