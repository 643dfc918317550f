"""Marks, stand-ins and closer filmstrips of real clips: made beside the requests, once, for their owner only."""

from __future__ import annotations

import io
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from PIL import Image

from converter.engine import run
from converter.engine.errors import MediaError
from converter.owners.models import Owner
from converter.uploads import making, previews, services, storage
from converter.uploads.making import Pending
from converter.uploads.models import Upload

pytestmark = pytest.mark.django_db
PATIENCE = 240.0


def until(ask: Callable[[], Path | Pending]) -> Path:
    """Ask until it is there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = ask()
        if isinstance(found, Path):
            return found
        assert time.monotonic() < deadline, f"still {found}"
        time.sleep(0.02)


def settled() -> None:
    """Wait until no thread makes anything any more."""
    deadline = time.monotonic() + PATIENCE
    while any(thread.name.startswith("make ") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Begin without what tests of other rooms, in whose requests marks are begun too, left to be told; and leave nothing."""
    settled()
    making._under_way.clear()
    yield
    settled()
    making._under_way.clear()


@pytest.fixture
def upload(guest: Owner, media_root: Path, media_dir: Path) -> Upload:
    return services.receive(guest, "friday.mp4", [(media_dir / "friday_480p_audio_first.mp4").read_bytes()])


def made(tmp_path: Path, name: str, *options: str) -> bytes:
    """A clip from ffmpeg's own pictures and tones."""
    import imageio_ffmpeg

    path = tmp_path / name
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *options, str(path)], check=True)
    return path.read_bytes()


def times(path: Path, *, keys: bool = False) -> list[float]:
    """When each picture, or each keyframe, is shown, in seconds from the first."""
    import av

    with av.open(str(path)) as container:
        shown = [frame for frame in container.decode(video=0) if frame.pts is not None and (frame.key_frame or not keys)]
        found = sorted(float(frame.pts * frame.time_base) for frame in shown if frame.pts is not None and frame.time_base is not None)
    return [time - found[0] for time in found]


def test_marks_are_the_ones_that_are_there(guest: Owner, media_root: Path, tmp_path: Path) -> None:
    picture = "color=red:s=160x90:r=25:d=2[a];color=blue:s=160x90:r=25:d=2[b];[a][b]concat=n=2"
    sound = "sine=440:d=4,volume=0:enable='between(t,1,3)'"
    data = made(tmp_path, "two.mp4", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-g", "25", "-bf", "0", "-shortest")
    upload = services.receive(guest, "two.mp4", [data])
    found = json.loads(until(lambda: previews.markers(upload)).read_text())
    assert len(found["keyframes"]) >= 4 and found["keyframes"] == pytest.approx(times(tmp_path / "two.mp4", keys=True), abs=0.002)
    assert found["scenes"] == pytest.approx([2], abs=0.05)
    assert [edge for silence in found["silences"] for edge in silence] == pytest.approx([1, 3], abs=0.1)


def test_the_search_gives_way_to_the_page(upload: Upload, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.WORKER_NICE = 7
    seen: list[int] = []
    real = previews.answer
    monkeypatch.setattr(previews, "answer", lambda bench, question: seen.append(bench.limits.nice) or real(bench, question))
    until(lambda: previews.markers(upload))
    assert seen == [7] * len(previews.sought(upload.media)) and storage.limits().nice == 0


def test_scenes_are_not_sought_where_that_takes_long(upload: Upload) -> None:
    media = upload.media
    assert previews.sought(media) == ["keyframes", "silences", "scenes"]
    assert previews.sought(replace(media, duration=36_000.0)) == ["keyframes", "silences"]


def test_over_the_api_with_what_is_found_so_far(
    send: Callable[..., Any], api: Any, stranger: Any, media_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    real = previews.answer

    def slowly(bench: Any, question: Any) -> Any:
        if question.wanted == {"silences"}:
            begun.set()
            go_on.wait()
        return real(bench, question)

    monkeypatch.setattr(previews, "answer", slowly)
    sent = send((media_dir / "friday_480p_audio_first.mp4").read_bytes()).json()
    url = f"/api/v1/uploads/{sent['id']}/markers.json"
    assert stranger.get(url).status_code == 404
    first = api.get(url)
    assert (first.status_code, first["Retry-After"], first["Cache-Control"]) == (202, "1", "no-store")
    begun.wait()
    so_far = api.get(url).json()
    assert so_far["keyframes"] and so_far["scenes"] is None and so_far["silences"] is None and 0 < so_far["progress"] < 100
    go_on.set()
    settled()
    whole = api.get(url)
    assert whole.status_code == 200 and set(json.loads(b"".join(whole.streaming_content))) == {"keyframes", "scenes", "silences"}
    assert api.get(url, headers={"If-None-Match": whole["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.avi", ("-c:v", "mpeg4", "-c:a", "libmp3lame")),
        ("b.mkv", ("-c:v", "libx265", "-x265-params", "log-level=none:bframes=3", "-c:a", "flac")),
        ("c.mov", ("-c:v", "prores_ks", "-c:a", "pcm_s16le")),
    ],
)
def test_a_stand_in_has_the_same_frames_at_the_same_times(
    guest: Owner, media_root: Path, tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    sources = ("-f", "lavfi", "-i", "testsrc=s=320x180:r=30000/1001:d=1.5", "-f", "lavfi", "-i", "sine=440:d=1.5")
    data = made(tmp_path, name, *sources, *options)
    upload = services.receive(guest, name, [data])
    shown = times(until(lambda: previews.stand_in(upload)))
    wanted = times(tmp_path / name)
    assert len(shown) == len(wanted) == 45
    assert shown == pytest.approx(wanted, abs=0.0015)


def test_one_work_for_many_questions_and_for_the_same_bytes(upload: Upload, guest: Owner, media_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began, go_on, count = threading.Event(), threading.Event(), [0]
    real = run.execute

    def counted(*arguments: Any, **options: Any) -> Any:
        count[0] += 1
        began.set()
        go_on.wait()
        return real(*arguments, **options)

    monkeypatch.setattr(previews.run, "execute", counted)
    assert all(isinstance(previews.stand_in(upload), Pending) for _ in range(3))
    began.wait()
    assert isinstance(previews.stand_in(upload), Pending)
    go_on.set()
    first = until(lambda: previews.stand_in(upload))
    again = services.receive(guest, "copy.mp4", [(media_dir / "friday_480p_audio_first.mp4").read_bytes()])
    second = previews.stand_in(again)
    assert isinstance(second, Path) and second != first and second.samefile(first) and count == [1]
    settled()
    assert [path.name for path in first.parent.iterdir()] == [first.name]
    storage.remove_derived(upload.pk)
    assert not first.exists() and second.exists()


def test_a_beginning_that_fails_keeps_no_right(upload: Upload, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a database that is away for a moment nor a lack of threads may keep everybody waiting for ever."""

    def fail(*_: object) -> bool:
        raise OperationalError

    turns = threading.Semaphore(1)
    with monkeypatch.context() as broken, pytest.raises(OperationalError):
        broken.setattr(making, "_linked", fail)
        making.ask(upload, "x", _touch, turns)
    with monkeypatch.context() as broken, pytest.raises(OperationalError):
        broken.setattr(threading.Thread, "start", fail)
        making.ask(upload, "x", _touch, turns)
    assert not making._under_way
    assert until(lambda: making.ask(upload, "x", _touch, turns)).read_text() == "made"


def _touch(work: Path, pending: Pending) -> Path:
    (work / "x").write_text("made")
    return work / "x"


def test_a_fault_of_the_media_is_remembered_and_one_of_ours_is_not(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = iter(["corrupt_media", "tool_failed"])

    def fail(*arguments: Any, **options: Any) -> Any:
        raise MediaError(next(ends), "It ended so.")

    monkeypatch.setattr(previews.run, "execute", fail)
    assert isinstance(previews.stand_in(upload), Pending)
    settled()
    for _ in range(2):
        with pytest.raises(MediaError) as error:
            previews.stand_in(upload)
        assert (error.value.code.name, error.value.detail) == ("corrupt_media", "It ended so.")
    storage.derived(upload.pk).joinpath(f"preview-{previews.VERSION}.mp4.failed").unlink()
    assert isinstance(previews.stand_in(upload), Pending)
    settled()
    with pytest.raises(MediaError) as error:
        previews.stand_in(upload)
    assert error.value.code.name == "tool_failed"
    monkeypatch.undo()
    assert until(lambda: previews.stand_in(upload)).stat().st_size > 0


def test_a_closer_filmstrip_shows_its_part(send: Callable[..., Any], api: Any, tmp_path: Path, media_root: Path) -> None:
    red, blue = "color=red:s=160x90:r=25:d=4", "color=blue:s=160x90:r=25:d=4"
    data = made(tmp_path, "two.mp4", "-f", "lavfi", "-i", f"{red}[a];{blue}[b];[a][b]concat=n=2", "-g", "250", "-pix_fmt", "yuv420p")
    url = send(data).json()["filmstrip_url"]
    for part, expected in ((0, (255, 0, 0)), (1, (255, 0, 0)), (2, (0, 0, 255)), (3, (0, 0, 255))):
        answer = api.get(f"{url}?of=4&part={part}")
        with Image.open(io.BytesIO(b"".join(answer.streaming_content))) as picture:
            strip = picture.convert("RGB")
        for tile in (0, 10, 19):
            seen = strip.getpixel((int((tile + 0.5) * strip.width / 20), 36))
            assert all(abs(a - b) < 40 for a, b in zip(seen, expected, strict=True)), (part, tile, seen)  # type: ignore[arg-type]
    for query in ("of=3&part=0", "of=4&part=4", "of=512&part=0", "of=x", "part=-1"):
        refused = api.get(f"{url}?{query}")
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_parameter")
