from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from converter.engine.errors import MediaError
from converter.engine.operations.base import Expectation
from converter.engine.tests.making import clip, ffmpeg
from converter.engine.verify import verify
from converter.engine.workbench import Workbench

RIGHT = Expectation("video", "mp4", 320, 180, frames=150, duration=5.055, audio=True)


@pytest.fixture
def result(media_dir: Path, tmp_path: Path) -> Path:
    path = tmp_path / "result.mp4"
    path.write_bytes(clip(media_dir, "small.mp4").read_bytes())
    return path


def test_what_was_promised_passes(result: Path) -> None:
    bench = Workbench(result.parent)
    assert verify(result, RIGHT, bench).duration == pytest.approx(5.055, abs=0.1)
    assert bench.metrics.cpu_seconds > 0


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"kind": "audio", "video": False}, "has a picture"),
        ({"container": "mov"}, "instead of mov"),
        ({"width": 322}, "320 pixels wide instead of 322"),
        ({"height": 182}, "high"),
        ({"frames": 149}, "150 frames instead of 149"),
        ({"duration": 4.9}, "instead of 4.900 s"),
        ({"audio": False}, "has sound"),
    ],
)
def test_every_difference_is_named(result: Path, changes: dict[str, object], word: str) -> None:
    with pytest.raises(MediaError, match=word) as caught:
        verify(result, replace(RIGHT, **changes))  # type: ignore[arg-type]
    assert caught.value.code.name == "tool_failed"


def test_too_many_bytes(result: Path) -> None:
    with pytest.raises(MediaError) as caught:
        verify(result, replace(RIGHT, max_size=1000))
    assert caught.value.code.name == "target_unreachable"
    verify(result, replace(RIGHT, max_size=result.stat().st_size))


@pytest.mark.parametrize("damage", ["empty", "missing", "link", "truncated", "text", "destroyed"])
def test_what_cannot_be_read_back(result: Path, damage: str) -> None:
    data = bytearray(result.read_bytes())
    if damage == "destroyed":
        data[len(data) // 3 : len(data) // 2] = b"\xa5" * (len(data) // 2 - len(data) // 3)
    result.write_bytes({"empty": b"", "truncated": bytes(data[: len(data) // 2]), "text": b"<html>"}.get(damage, bytes(data)))
    if damage == "missing":
        result.unlink()
    if damage == "link":
        result.rename(result.with_name("elsewhere"))
        result.symlink_to(result.with_name("elsewhere"))
    with pytest.raises(MediaError) as caught:
        verify(result, RIGHT)
    assert caught.value.code.name == "tool_failed"


def test_long_results_are_sampled(media_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    ffmpeg("-stream_loop", "150", "-i", str(clip(media_dir, "small.mp4")), "-an", "-c", "copy", str(path))
    media = verify(path, Expectation("video", "mp4", 320, 180, duration=755.8, tolerance=5))
    assert media.duration is not None
    assert media.duration > 600
    data = bytearray(path.read_bytes())
    data[-40_000:] = b"\xa5" * 40_000
    index_first = tmp_path / "broken.mp4"
    ffmpeg("-i", str(path), "-c", "copy", "-movflags", "+faststart", str(index_first))
    data = bytearray(index_first.read_bytes())
    data[-40_000:] = b"\xa5" * 40_000
    index_first.write_bytes(data)
    with pytest.raises(MediaError):
        verify(index_first, Expectation("video", "mp4", 320, 180))


def test_cancelling_reaches_the_checks(result: Path) -> None:
    with pytest.raises(MediaError) as caught:
        verify(result, RIGHT, Workbench(result.parent, stop=lambda: True))
    assert caught.value.code.name == "cancelled"
