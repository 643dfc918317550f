"""Sizes: never above what was asked, whatever the clip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from converter.engine import run
from converter.engine.errors import MediaError
from converter.engine.operations import get, wishes
from converter.engine.tests import making
from converter.engine.tests.making import clip, execute


@pytest.fixture(autouse=True)
def _four_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes on every machine: x264 with sixteen threads guesses worse over so few frames (70 kB of 100 for the noise)."""
    monkeypatch.setattr("os.cpu_count", lambda: 4)


@pytest.mark.parametrize(
    ("name", "target_mb", "least"),
    [
        ("small.mp4", 0.15, 0.8),
        ("mute.mp4", 0.06, 0.8),
        ("portrait.mp4", 0.2, 0.8),
        ("gaps.mp4", 0.08, 0.7),
        ("noise.mp4", 0.1, 0.7),
        ("vp8.webm", 0.2, 0.8),
    ],
)
def test_never_above_the_target_and_close_to_it(media_dir: Path, tmp_path: Path, name: str, target_mb: float, least: float) -> None:
    result = execute("compress", [clip(media_dir, name)], {"target_mb": target_mb, "effort": "veryfast"}, tmp_path)
    assert least * target_mb * 1e6 <= result.size <= target_mb * 1e6
    low, high = result.plan.size_range
    assert low <= result.size <= high == target_mb * 1e6
    assert result.media.video is not None
    assert result.media.video.codec == "h264"


def test_an_easy_clip_is_not_blown_up(media_dir: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat.mp4"
    making.ffmpeg("-f", "lavfi", "-i", "color=teal:s=320x180:d=3:r=25", "-vf", "noise=alls=3", "-c:v", "libx264", "-crf", "1", str(flat))
    size = flat.stat().st_size
    result = execute("compress", [flat], {"target_mb": size * 0.9 / 1e6, "effort": "veryfast"}, tmp_path)
    assert result.size < 0.6 * size
    assert any("would not make it look better" in warning for warning in result.warnings)


def test_a_target_above_the_source_is_a_bound(media_dir: Path, tmp_path: Path) -> None:
    path = clip(media_dir, "small.mp4")
    result = execute("compress", [path], {"effort": "ultrafast"}, tmp_path, "discord-10mb")
    assert result.size <= path.stat().st_size
    assert "The source has only" in result.warnings[0]


def test_the_size_that_is_named_works(media_dir: Path, tmp_path: Path) -> None:
    path = clip(media_dir, "small.mp4")
    with pytest.raises(MediaError) as caught:
        execute("compress", [path], {"target_mb": 0.01}, tmp_path)
    assert (caught.value.code.name, caught.value.field) == ("target_unreachable", "target_mb")
    named = float(caught.value.detail.split("at least ")[1].split(" MB")[0])
    result = execute("compress", [path], {"target_mb": named, "effort": "ultrafast"}, tmp_path)
    assert result.size <= named * 1e6


def test_a_rate_that_the_encoder_itself_refuses_is_a_size_that_can_not_be_reached(
    media_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from converter.engine import budget

    for name in ("_SMALLEST_VIDEO_BPS", "_NAMED_VIDEO_BPS"):
        monkeypatch.setattr(budget, name, 1000)
    monkeypatch.setattr(budget, "_LEAST_DENSITY", 0.0)
    with pytest.raises(MediaError) as caught:
        execute("compress", [clip(media_dir, "noise.mp4")], {"target_mb": 0.01, "effort": "ultrafast"}, tmp_path)
    assert (caught.value.code.name, caught.value.field) == ("target_unreachable", "target_mb")
    assert isinstance(caught.value.__cause__, MediaError)
    assert "bitrate is too low" in caught.value.__cause__.log
    assert float(caught.value.detail.split("; ")[1].split(" MB")[0]) > 0.01


def test_a_result_that_stays_too_large_is_refused_with_a_size(media_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from converter.engine import budget

    monkeypatch.setattr(budget.Budget, "corrected", lambda self, size, last=None: self)
    monkeypatch.setattr(budget.Budget, "with_sound", lambda self, size: self)
    monkeypatch.setattr(budget, "_video_bps", lambda *_: 900_000)
    with pytest.raises(MediaError, match=r"would work") as caught:
        execute("compress", [clip(media_dir, "noise.mp4")], {"target_mb": 0.1, "effort": "ultrafast"}, tmp_path)
    assert caught.value.code.name == "target_unreachable"


def test_a_first_miss_is_mended(media_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from converter.engine import budget

    monkeypatch.setattr(budget.Budget, "with_sound", lambda self, size: self)
    real = budget._video_bps
    monkeypatch.setattr(budget, "_video_bps", lambda *a: int(real(*a) * 1.5))
    result = execute("compress", [clip(media_dir, "small.mp4")], {"target_mb": 0.2, "effort": "ultrafast"}, tmp_path)
    assert 140_000 <= result.size <= 200_000


@pytest.mark.parametrize("name", ["sound.wav", "sound.m4a", "sound.mp3"])
def test_sound_fits_too(media_dir: Path, tmp_path: Path, name: str) -> None:
    result = execute("compress", [clip(media_dir, name)], {"target_mb": 0.03}, tmp_path)
    assert result.size <= 30_000
    assert (result.plan.extension, result.media.kind) == ("m4a", "audio")


def test_by_quality_in_one_pass(media_dir: Path, tmp_path: Path) -> None:
    path = clip(media_dir, "small.mp4")
    fine = execute("compress", [path], {"crf": 20, "effort": "veryfast"}, tmp_path)
    small = execute("compress", [path], {"crf": 32, "effort": "veryfast", "max_height": 90}, tmp_path)
    assert len(fine.plan.commands) == 1
    assert small.size < fine.size / 2
    assert small.media.video is not None
    assert (small.media.video.width, small.media.video.height) == (160, 90)


def test_a_larger_result_is_said(media_dir: Path, tmp_path: Path) -> None:
    squeezed = tmp_path / "squeezed.mp4"
    making.ffmpeg("-t", "1", "-i", str(clip(media_dir, "small.mp4")), "-c:v", "libx264", "-crf", "45", "-an", str(squeezed))
    result = execute("compress", [squeezed], {"crf": 5, "effort": "ultrafast", "codec": "h265"}, tmp_path)
    assert "larger than the source" in result.warnings[-1]
    kept = execute("compress", [squeezed], {"crf": 5, "effort": "ultrafast"}, tmp_path)
    assert "its own picture and sound were kept" in kept.warnings[-1]
    assert making.frames(kept.path) == making.frames(squeezed)


def test_an_animation_becomes_a_film(media_dir: Path, tmp_path: Path) -> None:
    result = execute("compress", [clip(media_dir, "moving.gif")], {}, tmp_path, "small-mp4")
    assert (result.media.kind, result.media.container) == ("video", "mp4")
    assert result.size < clip(media_dir, "moving.gif").stat().st_size


def test_too_few_bits_scale_the_picture_down() -> None:
    plan = run.plan("compress", [making.media()], {"target_mb": 1})
    assert (plan.expects.width, plan.expects.height) == (640, 360)
    assert any("scaled down to 640×360" in warning for warning in plan.warnings)
    assert any("kbit/s instead of 128" in warning for warning in plan.warnings)


def test_upright_clips_are_measured_on_their_shorter_side() -> None:
    plan = run.plan("compress", [making.media(picture=making.video(1080, 1920))], {}, "small-mp4")
    assert (plan.expects.width, plan.expects.height) == (720, 1280)


def test_an_easy_source_keeps_its_size() -> None:
    # 0.6 Mbit/s at 720p is little; half of it is enough for the same content.
    source = making.media(picture=making.video(1280, 720, 30.0, bit_rate=240_000), size=2_000_000)
    assert run.plan("compress", [source], {"target_mb": 1}).expects.height == 720


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"target_mb": 5, "crf": 20}, "bad_parameter"),
        ({"vmaf": 90, "bitrate_kbps": 500}, "bad_parameter"),
        ({"target_mb": 0}, "bad_parameter"),
        ({"target_mb": -1}, "bad_parameter"),
        ({"target_mb": "nan"}, "bad_parameter"),
        ({"target_mb": 0.02}, "target_unreachable"),
        ({"crf": 52}, "bad_parameter"),
        ({"crf": 20.5}, "bad_parameter"),
        ({"effort": "placebo"}, "bad_parameter"),
    ],
)
def test_bad_input(params: dict[str, Any], code: str) -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("compress", [making.media()], params)
    assert caught.value.code.name == code


def test_presets_hold_what_they_promise() -> None:
    for preset, most in (("discord-10mb", 10_000_000), ("email-20mb", 14_400_000), ("whatsapp-16mb", 16_000_000)):
        plan = run.plan("compress", [making.media(size=900_000_000)], {}, preset)
        assert plan.expects.max_size == most


def test_what_is_made_for_mail_fits_as_mail_carries_it() -> None:
    room = 100_000  # for the letter itself and its heads
    for preset in get("compress").presets:
        if preset.limit in (wishes.MAIL, wishes.GMAIL):
            assert preset.params["target_mb"] * 1_000_000 * wishes.MAIL_GROWTH + room < preset.limit.bytes_


def test_every_target_divides_into_less_than_itself() -> None:
    from converter.engine import budget

    for seconds in (1.0, 30.0, 3600.0):
        source = making.media(picture=making.video(duration=seconds), duration=seconds, size=10**9)
        for target in (10**6, 10**7, 10**8):
            try:
                share = budget.divide(source, source.videos[0], seconds, budget.Wish(target))
            except MediaError as error:
                assert error.code.name == "target_unreachable"
                continue
            assert (share.video_bps + share.audio_kbps * 1000) * seconds / 8 <= target


def test_the_first_pass_is_small_and_quantises_as_the_second_will() -> None:
    media = making.media()
    asked = {"target_mb": 1.0, "effort": "veryfast"}
    first, second = run.plan("compress", [media], asked).commands[-2:]
    rates = [int(command.arguments[command.arguments.index("-b:v") + 1]) for command in (first, second)]
    assert rates[0] == int(0.38 * rates[1])
    sizes = [command.arguments[command.arguments.index("-filter_complex") + 1] for command in (first, second)]
    assert "flags=area" in sizes[0]
    assert "flags=bicubic" in sizes[1]
    own = [command.arguments[command.arguments.index("-x264-params") + 1] for command in (first, second)]
    assert ["ratetol=0.1" in words for words in own] == [False, True]
    # The others refuse statistics of another size, so their first pass is a whole one, at the whole rate.
    whole, after = run.plan("compress", [media], {**asked, "codec": "h265"}).commands[-2:]
    assert whole.arguments[whole.arguments.index("-b:v") + 1] == after.arguments[after.arguments.index("-b:v") + 1]
