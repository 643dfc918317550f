"""The arithmetic of bytes and of quality: what a budget may be spent on, and which factor is tried next."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.engine import budget
from converter.engine.errors import MediaError
from converter.engine.rates import meeting, search
from converter.engine.rates.encoders import EFFORTS, ENCODERS, WORDS, Work
from converter.engine.tests import making

_SIDES, _RATES = st.integers(16, 8192), st.sampled_from([1.0, 12.5, 23.976, 25.0, 29.97, 50.0, 60.0, 120.0])
_CODECS = st.sampled_from(sorted(ENCODERS))


@given(_SIDES, _SIDES, _RATES, st.floats(0.05, 14_400), st.integers(10_000, 10**10), st.booleans(), _CODECS)
def test_a_budget_never_exceeds_its_target(width: int, height: int, fps: float, seconds: float, target: int, sound: bool, codec: str) -> None:
    source = making.media(picture=making.video(width, height, fps, duration=seconds), sound=sound, duration=seconds, size=10**10)
    wish = budget.Wish(target, codec=codec, aim=ENCODERS[codec].aim)
    try:
        share = budget.divide(source, source.videos[0], seconds, wish)
    except MediaError as error:
        assert (error.code.name, error.field) == ("target_unreachable", "target_mb")
        named = round(float(error.detail.split("at least ")[1].split(" MB")[0]) * 1e6)
        # The size that is named is accepted, and nothing of a tenth of it was refused for being too small by accident.
        assert named > target
        assert budget.divide(source, source.videos[0], seconds, budget.Wish(named, codec=codec, aim=wish.aim)).target == named
        return
    spent = (share.video_bps + share.audio_kbps * 1000) * seconds / 8
    assert spent <= share.target <= target
    assert 2 <= share.width <= width + 1
    assert 2 <= share.height <= height + 1
    assert share.width % 2 == share.height % 2 == 0
    assert share.rate is None or 0 < share.rate <= Fraction(round(fps * 1000), 1000)
    assert share.frames <= max(1.0, seconds * fps) + 1


@given(st.integers(50_000, 10**9), st.floats(1.0, 7200), st.floats(0.3, 3.0), st.floats(0.0, 0.2))
def test_a_correction_goes_where_the_target_is(target: int, seconds: float, miss: float, fixed: float) -> None:
    share = budget.Budget(target, seconds, 100, 640, 360, 0, max(6000, int(target * 8 / seconds)), fixed=int(fixed * target))
    size = int(target * miss)
    following = share.corrected(size)
    if size > target and share.video_bps > 6000:
        assert following.video_bps < share.video_bps
    if size < 0.95 * target:
        assert following.video_bps >= share.video_bps - 500
    # An encoder that answers in proportion is in the range that counts as met, whatever it did first.
    if following.video_bps > 6000 and miss * (1 - fixed) > fixed:
        predicted = share.fixed + (size - share.fixed) * following.video_bps / share.video_bps
        step = 0 if size > target else 500 * (size - share.fixed) / share.video_bps
        assert predicted <= target * 0.985 + 2 + step


def test_a_third_try_lies_on_the_line_through_two() -> None:
    share = budget.Budget(1_000_000, 30, 900, 640, 360, 0, 240_000, fixed=50_000)
    third = share.corrected(1_050_000, last=(280_000, 1_100_000))
    # 40,000 bit/s were 50,000 bytes; 67,000 bytes are too many.
    assert third.video_bps == pytest.approx((240_000 - 67_000 * 0.8) * 0.97, abs=1000)


@pytest.mark.parametrize(
    ("sizes", "kept"),
    [
        ([990], True),
        ([1001], False),
        ([950], False),
        ([500], True),
        ([950, 985], True),
        ([950, 1002], True),
        ([1100, 1002], False),
        ([1100, 900], True),
    ],
)
def test_when_to_stop(sizes: list[int], kept: bool) -> None:
    assert meeting.done([(100, size) for size in sizes], 1000) is kept


@pytest.mark.parametrize(
    ("fps", "most", "rate"), [(60.0, 30, 30.0), (25.0, 30, None), (59.94, 30, 29.97), (50.0, 30, 25.0), (30.0, 24, 24.0), (120.0, 30, 30.0)]
)
def test_frames_are_left_out_evenly(fps: float, most: float, rate: float | None) -> None:
    found = budget.frame_rate(making.video(fps=fps), most)
    assert (None if found is None else float(found)) == (rate if rate is None else pytest.approx(rate, abs=0.01))


def test_fast_clips_lose_frames_before_size() -> None:
    source = making.media(picture=making.video(1280, 720, 60.0), size=10**9)
    share = budget.divide(source, source.videos[0], 30.0, budget.Wish(4_000_000))
    assert (share.height, share.rate) == (720, 30)
    assert any("30 frames a second instead of 60" in remark for remark in share.remarks)


@given(st.floats(40, 99), st.floats(0.3, 2.5), st.floats(85, 100), st.integers(10, 45))
def test_a_quality_is_found_in_four_probes(wanted: float, steep: float, best: float, start: int) -> None:
    def score(factor: int) -> float:
        # Flat near its best, then falling ever faster: VMAF's shape.
        return max(0.0, best - steep * max(0, factor - 12) ** 1.15 / 1.5)

    tried: dict[int, float] = {}
    while (factor := search.next_probe(tried, wanted, 8, 51, start)) is not None:
        assert factor not in tried
        assert 8 <= factor <= 51
        tried[factor] = score(factor)
    assert 1 <= len(tried) <= search.MOST_PROBES
    chosen = search.choose(tried, wanted, 8, 51)
    assert 8 <= chosen <= 51
    if any(reached >= wanted for reached in tried.values()):
        assert tried[chosen] >= wanted
    elif score(8) >= wanted:
        assert score(chosen) >= wanted - 6


def test_a_close_score_ends_the_search() -> None:
    assert search.next_probe({24: 95.3}, 95.0, 8, 51, 23) is None
    assert search.next_probe({24: 96.5, 25: 94.0}, 95.0, 8, 51, 23) is None
    assert search.choose({24: 96.5, 25: 94.0}, 95.0, 8, 51) == 24


@pytest.mark.parametrize("name", ENCODERS)
def test_scales_agree(name: str) -> None:
    encoder = ENCODERS[name]
    words = [encoder.words[word] for word in WORDS]
    assert words == sorted(words, reverse=True)
    assert max(words) < encoder.most
    for effort in EFFORTS:
        for passing in (0, 1, 2):
            arguments = encoder.arguments(Work(effort, 1920 * 1080, passing=passing), *encoder.rated(500_000))
            assert arguments[arguments.index("-b:v") + 1] == "500000"


def test_large_pictures_are_looked_ahead_of_less() -> None:
    def ahead(pixels: int) -> int:
        arguments = ENCODERS["h264"].arguments(Work("medium", pixels))
        return int(arguments[arguments.index("-rc-lookahead") + 1])

    assert ahead(640 * 360) == 40
    assert ahead(1920 * 1080) <= 12
    assert ahead(3840 * 2160) >= 8
