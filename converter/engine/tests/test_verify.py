from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from converter.engine.errors import MediaError
from converter.engine.operations.base import Expectation
from converter.engine.probe import inspect
from converter.engine.tests.making import clip, ffmpeg
from converter.engine.verify import verify
from converter.engine.workbench import Source, Workbench

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


BLACK = "color=black:s=160x90:r=25:d=3"
DIM = "color=0x1a1a1a:s=160x90:r=25:d=3,drawbox=x=40:y=30:w=30:h=20:color=0x303030:t=fill"
CREDITS = "color=black:s=160x90:r=25:d=3,drawbox=x=20:y=40:w=120:h=6:color=white:t=fill"
FILM = "testsrc2=s=160x90:r=25:d=3,eq=brightness=0.25:contrast=0.6"
TONE, NOTHING, WHISPER, PAUSE = "sine=d=3", "anullsrc=d=3", "sine=d=3,volume=-50dB", "sine=d=3,volume='gte(t,1)':eval=frame"


def made(path: Path, picture: str | None, sound: str | None) -> Path:
    inputs = [word for chain in (picture, sound) if chain for word in ("-f", "lavfi", "-i", chain)]
    ffmpeg(*inputs, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", str(path))
    return path


def outcome(tmp_path: Path, source: tuple[str | None, str | None], result: tuple[str | None, str | None], **more: Any) -> str:
    """What the checks say of a result; nothing where they are content."""
    before, after = made(tmp_path / "source.mp4", *source), made(tmp_path / "result.mp4", *result)
    work = tmp_path / "work"
    work.mkdir()
    bench = Workbench(work, (Source(before, inspect(before)),))
    video, audio = result[0] is not None, result[1] is not None
    container = "mp4" if video else "m4a"
    try:
        verify(after, Expectation("video" if video else "audio", inspect(after).container or container, video=video, audio=audio, **more), bench)
    except MediaError as error:
        assert error.code.name == "tool_failed"
        return error.detail
    return ""


@pytest.mark.parametrize(
    ("source", "result", "more", "words"),
    [
        ((FILM, TONE), (BLACK, TONE), {}, ("black",)),
        ((FILM, TONE), (FILM, NOTHING), {}, ("silent",)),
        ((FILM, TONE), (BLACK, NOTHING), {}, ("black", "silent")),
        ((FILM, TONE), (None, NOTHING), {}, ("silent",)),
        ((CREDITS, TONE), (BLACK, TONE), {}, ("black",)),
        ((FILM, TONE), (BLACK, NOTHING), {"present": False}, ()),
        ((BLACK, NOTHING), (BLACK, NOTHING), {}, ()),
        ((FILM, TONE), (DIM, WHISPER), {}, ()),
        ((FILM, TONE), (CREDITS, PAUSE), {}, ()),
        ((CREDITS, TONE), (BLACK, TONE), {"cropped": True}, ()),
        (("color=0x101010:s=160x90:r=25:d=3", WHISPER), (BLACK, WHISPER), {}, ()),
    ],
)
def test_black_and_silent_only_where_the_source_is(
    tmp_path: Path, source: tuple[str, str], result: tuple[str | None, str | None], more: dict[str, bool], words: tuple[str, ...]
) -> None:
    said = outcome(tmp_path, source, result, **more)
    assert all(word in said for word in words)
    assert bool(said) == bool(words)


def test_a_part_of_a_film_may_be_black_and_silent(tmp_path: Path) -> None:
    fading = ("color=white:s=160x90:r=25:d=3,fade=in:d=2:st=1", PAUSE)
    assert outcome(tmp_path, fading, (BLACK.replace("d=3", "d=0.6"), NOTHING.replace("d=3", "d=0.6"))) == ""


def test_nothing_is_looked_at_twice_when_something_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from converter.engine import verify as module

    monkeypatch.setattr(module, "lost", lambda *_, **__: pytest.fail("the source was looked at"))
    assert outcome(tmp_path, (FILM, TONE), (FILM, TONE)) == ""


COPIED = Expectation("video", "mp4", 320, 180, audio=True, copied=True)


def test_a_copy_is_checked_packet_by_packet(result: Path) -> None:
    whole, sampled = Workbench(result.parent), Workbench(result.parent)
    verify(result, replace(COPIED, copied=False), whole)
    assert verify(result, COPIED, sampled).duration == pytest.approx(5.055, abs=0.1)


@pytest.mark.parametrize("filling", [b"\0", b"\x55", b"\xa5", b"\xff"])
@pytest.mark.parametrize("place", [0.3, 0.5, 0.8])
def test_what_is_broken_in_a_copy_is_found(result: Path, place: float, filling: bytes) -> None:
    data = bytearray(result.read_bytes())
    begin = int(len(data) * place)
    data[begin : begin + len(data) // 10] = filling * (len(data) // 10)
    result.write_bytes(data)
    with pytest.raises(MediaError, match="damaged within the part") as caught:
        verify(result, COPIED)
    assert caught.value.code.name == "corrupt_media"


def test_units_of_a_packet() -> None:
    from converter.engine.probe_structure import length_size, units

    slice_, long = b"\x00\x00\x00\x03\x41\x9a\x01", b"\x00\x00\x00\x06\x65\x88\x00\x00\x03\x01"
    assert units(slice_, 4, "h264") and units(slice_ + long, 4, "h264")
    for broken in (
        b"",
        slice_[:-1],
        slice_ + b"\x00",
        b"\x00\x00\x00\x03\xc1\x9a\x01",
        b"\x00\x00\x00\x08\x41\x9a\x00\x00\x00\x01\x01\x01",
        bytes(40),
    ):
        assert not units(broken, 4, "h264")
    assert length_size("h264", b"\x01\x64\x00\x1f\xff\xe1\x00") == 4 and length_size("h264", b"\x00\x00\x00\x01\x67") == 0
