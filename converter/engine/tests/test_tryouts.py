"""Fitting under a size: different ways to spend the bytes, predicted from real samples, or refused with the nearest size."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.engine import run, tryouts
from converter.engine.errors import MediaError
from converter.engine.probe import inspect
from converter.engine.tests import making


def test_there_are_different_ways_to_spend_the_bytes() -> None:
    found = tryouts.candidates("compress", making.media(), {}, "discord-10mb", 3)
    assert [one.name for one in found] == ["full", "calm", "small"]
    assert len({(one.width, one.height, one.fps) for one in found}) == 3
    full, calm, small = found
    assert calm.fps == pytest.approx(full.fps / 2) and small.height < full.height and small.fps == full.fps
    assert all(one.most == 3_000_000 and one.params["target_mb"] == 3 for one in found)


def test_a_slow_small_clip_has_fewer_ways() -> None:
    slow = making.media(picture=making.video(width=160, height=90, fps=12.0))
    assert "calm" not in [one.name for one in tryouts.candidates("compress", slow, {}, "", 1)]


def test_a_gif_keeps_its_proportions() -> None:
    found = tryouts.candidates("gif", making.media(), {"duration": 2}, "chrome-background", 5)
    assert [(one.name, one.width, one.height, one.fps) for one in found] == [
        ("full", 1280, 720, 24.0), ("calm", 1280, 720, 12.0), ("small", 853, 480, 24.0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "media", "megabytes", "code", "words"),
    [
        ("compress", making.media(), 0.02, "target_unreachable", "MB would work"),
        ("trim", making.media(), 5, "bad_parameter", "can't be told a size"),
        ("compress", making.media(kind="audio", container="mp3", mime="audio/mpeg"), 5, "no_video", "moving pictures"),
    ],
)
def test_what_cannot_be_tried_says_why(operation: str, media: object, megabytes: float, code: str, words: str) -> None:
    with pytest.raises(MediaError) as caught:
        tryouts.candidates(operation, media, {}, "", megabytes)  # type: ignore[arg-type]
    assert caught.value.code.name == code and words in caught.value.detail


@pytest.mark.slow
def test_a_prediction_comes_true(media_dir: Path, tmp_path: Path) -> None:
    path = media_dir / "car_432p_12fps.mp4"
    source = run.Source(path, inspect(path, path.name))
    params = {"start": 2, "duration": 6, "width": 240}
    planned = tryouts.candidates("gif", source.media, params, "", 0.4)[0]
    made, sample = tryouts.sample("gif", source, planned, "", work=tmp_path, stop=lambda: False)
    result = making.execute("gif", [path], made.params, tmp_path)
    assert result.size <= 400_000
    assert sample.predicted == pytest.approx(result.size, rel=0.5)


@pytest.mark.slow
def test_a_gif_that_can_not_be_that_small_names_the_nearest_size(tmp_path: Path) -> None:
    path = tmp_path / "noise.mkv"  # of which nothing can be left out
    making.ffmpeg("-f", "lavfi", "-i", "nullsrc=s=1280x720:r=12,geq=random(1)*255:random(1)*255:random(1)*255", "-t", "2", "-c:v", "ffv1", str(path))
    source = run.Source(path, inspect(path, path.name))
    planned = tryouts.candidates("gif", source.media, {"duration": 2, "width": 1280, "fps": 12}, "", 0.01)[0]
    with pytest.raises(MediaError) as caught:
        tryouts.sample("gif", source, planned, "", work=tmp_path, stop=lambda: False)
    assert caught.value.code.name == "target_unreachable" and "MB would work" in caught.value.detail
