"""What is said before the work: ordered, positive, and monotonic in what drives it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.engine import estimate, run
from converter.engine.tests import making

_PIXELS, _FRAMES = st.integers(4, 10**8), st.integers(1, 10**6)


@given(_PIXELS, _FRAMES)
def test_sizes_are_ranges(pixels: int, frames: int) -> None:
    for low, high in (
        estimate.gif_size(pixels, frames),
        estimate.h264_size(pixels, frames, 23, 1000),
        estimate.copy_size(pixels, frames, None),
        estimate.sound_size(frames, 128_000),
    ):
        assert 0 <= low < high


def test_more_costs_more() -> None:
    assert estimate.gif_seconds(1, 100, 10, 10) < estimate.gif_seconds(1, 10_000_000, 10, 10)
    assert estimate.h264_size(10**6, 100, 18, 0)[1] > estimate.h264_size(10**6, 100, 24, 0)[1]
    assert estimate.h264_seconds(10**6, 10**6, 100, "slow") > estimate.h264_seconds(10**6, 10**6, 100, "veryfast")
    assert estimate.h264_seconds(10**6, 10**6, 100, "fast", passes=2) > estimate.h264_seconds(10**6, 10**6, 100, "fast")
    assert estimate.copy_size(10**6, 1, 10)[1] < estimate.copy_size(10**6, 10, 10)[1]
    assert estimate.sound_seconds(60) > estimate.sound_seconds(1)


def test_the_measured_clip_is_within_a_factor_of_two() -> None:
    # 6 s of a 1080p film to 1280×720 at 24 fps: 10.9 CPU seconds and 38.4 MB were measured.
    plan = run.plan("gif", [making.media()], {}, "chrome-background")
    assert plan.work_seconds == pytest.approx(10.9, rel=0.5)
    assert plan.size_range[0] < 400_000 < 38_400_000 < 77_900_000 < plan.size_range[1]
    # 15 s of it cut exactly: 17.5 CPU seconds.
    assert run.plan("trim", [making.media()], {"start": 7.3, "duration": 15}).work_seconds == pytest.approx(17.5, rel=0.5)
