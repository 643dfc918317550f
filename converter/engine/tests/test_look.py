"""A look at a film for estimates: what it shows, what it never does, and what estimates make of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from converter.engine import learning, probe, run
from converter.engine.errors import MediaError
from converter.engine.look import look
from converter.engine.look_child import MOMENTS
from converter.engine.media import Media
from converter.engine.seen import Heard, Look, Moment, Rates
from converter.engine.tests import making
from converter.engine.tests.making import FLOWER, clip
from converter.engine.workbench import Source


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine sees the same: what takes too long would be no look at all, and no fault."""
    monkeypatch.setattr("converter.engine.look.CPU_SECONDS", 600)
    monkeypatch.setattr("converter.engine.look.WALL_SECONDS", 600)


def seen(path: Path, work: Path) -> Look | None:
    return look(Source(path, probe.inspect(path, path.name)), work)


def moment(**values: float) -> Moment:
    usual = {
        "time": 0.0,
        "seconds": 0.4,
        "key": 1.0,
        "inter": 0.05,
        "small_key": 1.3,
        "small_inter": 0.08,
        "detail": 5.0,
        "change": 0.1,
        "drawn": 0.3,
    }
    return Moment(**{**usual, **values})


def test_what_is_there_is_seen_and_heard(media_dir: Path, tmp_path: Path) -> None:
    flower = seen(clip(media_dir, FLOWER), tmp_path)
    still, noise = seen(clip(media_dir, "red.mp4"), tmp_path), seen(clip(media_dir, "noise.mp4"), tmp_path)
    assert flower is not None and still is not None and noise is not None
    assert 1 <= len(flower.moments) <= MOMENTS and len(flower.sounds) == MOMENTS
    assert [one.time for one in flower.moments] == sorted({one.time for one in flower.moments})
    assert still.sounds == () and still.moments[0].change == 0
    for name in ("inter", "detail", "drawn"):
        assert getattr(noise.moments[0], name) > 5 * getattr(still.moments[0], name)
    assert list(tmp_path.iterdir()) == []
    assert Look.from_dict(json.loads(json.dumps(flower.as_dict()))) == flower
    media = replace(making.media(), look=flower)
    assert Media.from_dict(json.loads(json.dumps(media.as_dict()))) == media


@pytest.mark.parametrize("name", ["sound.wav", "vp8.webm", "offset.ts", "rotated.mp4", "late_picture.mp4", "moving.gif", "see_through.mov"])
def test_every_kind_of_source(media_dir: Path, tmp_path: Path, name: str) -> None:
    found = seen(clip(media_dir, name), tmp_path)
    assert found is not None
    assert bool(found.moments) == (name != "sound.wav")


def test_a_picture_and_damage_are_no_fault(media_dir: Path, tmp_path: Path) -> None:
    source = probe.inspect(clip(media_dir, FLOWER))
    assert look(Source(clip(media_dir, FLOWER), replace(source, kind="image", duration=None)), tmp_path) is None
    other = tmp_path / "other.mp4"
    other.write_bytes(b"no film at all" * 1000)
    assert look(Source(other, source), tmp_path) is None
    with pytest.raises(MediaError) as caught:
        look(Source(tmp_path / "gone.mp4", source), tmp_path)
    assert caught.value.code.name == "gone"


@pytest.mark.parametrize("broken", [{}, {"moments": [{}], "sounds": []}, {"moments": [], "sounds": [{"time": 0, "lossy": -1, "lossless": 1}]}])
def test_what_is_no_look_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Look.from_dict(broken)


def test_near_moments_count_most_and_follow_the_sources_bytes() -> None:
    found = Look((moment(time=1.0, inter=0.01), moment(time=21.0, inter=0.16)))
    assert found.mean("inter", 0, 2) < found.mean("inter", 10, 12) < found.mean("inter", 20, 22)
    rates = Rates((1000,) * 5 + (16000,) * 5, 30.0)
    alike = Look((moment(time=1.0), moment(time=2.0)))
    assert alike.mean("inter", 20, 25, rates) > alike.mean("inter", 0, 5, rates) + 1
    assert Rates((), 0.0).within(0, 5) == 1.0


def test_silence_is_no_usual_sound() -> None:
    heard = Look((), (Heard(1.0, 130_000, 3.0), Heard(20.0, 2_500, 0.01)))
    loud, quiet = heard.heard("lossy", 0, 3), heard.heard("lossy", 18, 22)
    assert loud is not None and quiet is not None and loud > 5 * quiet
    assert Look().heard("lossy", 0, 1) is None


def test_what_was_seen_tells_clips_apart() -> None:
    # The same probe of both; only a look can tell that one needs eight times the bits.
    book, params = learning.Book(), {"crf": 23, "max_height": 360}
    calm, busy = (replace(making.media(), look=Look((moment(inter=bits, key=20 * bits),), (Heard(0, 128_000, 3),))) for bits in (0.01, 0.08))
    plan = run.plan("compress", [calm], params)
    for _ in range(8):
        book.learn(plan, (calm,), 700_000, 4.0)
        book.learn(plan, (busy,), 2_300_000, 6.0)
    said = [learning.likely(book.refine(plan, (media,))) for media in (calm, busy, making.media())]
    assert said[0] < said[2] < said[1]
    assert said[1] > 2 * said[0]


def test_who_names_a_size_gets_it() -> None:
    plan = run.plan("compress", [making.media()], {"target_mb": 2})
    assert learning.likely(plan) == 2_000_000
