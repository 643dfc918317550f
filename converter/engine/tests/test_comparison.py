"""Laying a result over its source: the right frames, an honest likeness, and no comparison where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from converter.engine import comparison
from converter.engine.probe import inspect
from converter.engine.run import execute
from converter.engine.workbench import Source


def opened(path: Path) -> Source:
    return Source(path, inspect(path, path.name))


def made(source: Source, work: Path, operation: str, **params: Any) -> Source:
    work.mkdir()
    result = execute(operation, [source], params, work=work)
    return Source(result.path, result.media)


@pytest.fixture
def flower(media_dir: Path) -> Source:
    return opened(media_dir / "flower_540p_5s.mp4")


def test_a_good_copy_is_closer_than_a_bad_one(flower: Source, tmp_path: Path) -> None:
    found = []
    for crf in (16, 45):
        params = {"crf": crf, "start": 1.2, "duration": 2.0}
        result = made(flower, tmp_path / f"work{crf}", "compress", **params)
        where = comparison.align(flower.media, result.media, "compress", params)
        assert where is not None and where.start == 1.2 and abs(where.seconds - 2.0) < 0.1
        (target := tmp_path / f"pairs{crf}").mkdir()
        done = comparison.compare(flower, result, where, target)
        assert len(done.moments) == len(done.pairs) == comparison.PAIRS and sorted(p.name for p in target.iterdir()) == ["0.jpg", "1.jpg", "2.jpg"]
        found.append(done)
    good, bad = found
    # A frame beside the right one would already cost more than this (the clip moves).
    assert good.ssim > 0.97 and good.ssim > bad.ssim + 0.03
    assert good.words != bad.words
    with Image.open(good.pairs[1]) as pair:
        width, height = pair.size
        left, right = pair.crop((0, 0, width // 2, height)), pair.crop((width // 2, 0, width, height))
        assert sum(ImageStat.Stat(ImageChops.difference(left, right)).mean) / 3 < 4


def test_speed_is_followed(flower: Source, tmp_path: Path) -> None:
    params = {"start": 0.5, "duration": 3.0, "speed": 2.0, "mode": "exact"}
    result = made(flower, tmp_path / "work", "trim", **params)
    where = comparison.align(flower.media, result.media, "trim", params)
    assert where is not None and where.speed == 2.0
    assert comparison.compare(flower, result, where, tmp_path).ssim > 0.9


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("compress", {"crop": "1:1"}),
        ("gif", {"reverse": True}),
        ("gif", {"pingpong": True}),
        ("trim", {"mode": "copy"}),
        ("trim", {"ranges": ["0-1", "2-3"]}),
        ("audio", {}),
        ("pipeline", {}),
    ],
)
def test_what_does_not_lie_over_its_source_is_not_compared(flower: Source, operation: str, params: dict[str, Any]) -> None:
    assert comparison.align(flower.media, flower.media, operation, params) is None


def test_a_still_picture_is_compared_once(tmp_path: Path) -> None:
    Image.radial_gradient("L").resize((300, 200)).convert("RGB").save(tmp_path / "a.png")
    source = opened(tmp_path / "a.png")
    result = made(source, tmp_path / "work", "image", format="jpeg", quality=90)
    where = comparison.align(source.media, result.media, "image", {"format": "jpeg"})
    assert where is not None
    done = comparison.compare(source, result, where, tmp_path)
    assert len(done.pairs) == 1 and done.ssim > 0.95


@pytest.mark.parametrize(("ssim", "words"), [(1.0, "the same to the eye"), (0.98, "very close"), (0.5, "rough")])
def test_words(ssim: float, words: str) -> None:
    assert comparison.in_words(ssim) == words
