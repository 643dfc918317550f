from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from converter.engine import probe, process, run
from converter.engine.errors import MediaError
from converter.engine.limits import Limits
from converter.engine.operations import get
from converter.engine.run import Progress, Source
from converter.engine.tests.formats import make
from converter.engine.tests.making import clip

TINY = {"start": 0.5, "duration": 1, "width": 160, "height": 90, "fps": 10}


def source(path: Path) -> Source:
    return Source(path, probe.inspect(path, path.name))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What was seen of the tools' memory while they ran. Beside a process that was once larger, nothing else tells how large a tool was, and
    one that is over before anybody can look has no peak."""
    found, look = list[int](), process.peak_memory

    def noted(pid: int | str) -> int:
        size = look(pid)
        if pid != "self":
            found.append(size)
        return size

    monkeypatch.setattr(process, "peak_memory", noted)
    return found


def test_a_result_says_everything_about_itself(media_dir: Path, tmp_path: Path, looks: list[int]) -> None:
    seen: list[Progress] = []
    item = source(clip(media_dir, "small.mp4"))
    before = hashlib.sha256(item.path.read_bytes()).hexdigest()
    result = run.execute("gif", [item], TINY, work=tmp_path, progress=seen.append)
    data = result.path.read_bytes()
    assert result.path.parent == tmp_path
    assert (result.size, result.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (result.media.kind, result.media.duration, result.media.videos[0].frames) == ("animation", 1.0, 10)
    assert result.plan == run.plan("gif", [item.media], TINY)
    assert result.tools["ffmpeg"]
    assert result.tools["operation"] == f"gif {get('gif').version}"
    assert result.metrics.cpu_seconds > 0
    assert result.metrics.wall_seconds > 0
    assert result.metrics.peak_memory > 1 << 20 or not any(looks)
    assert [item.fraction for item in seen] == sorted(item.fraction for item in seen)
    assert (seen[-1].fraction, seen[-1].stage) == (1.0, "done")
    assert all(item.fraction < 1 for item in seen[:-1])
    assert hashlib.sha256(item.path.read_bytes()).hexdigest() == before


def test_planning_runs_nothing(media_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    media = probe.inspect(clip(media_dir, "small.mp4"))

    def refuse(*args: object, **more: object) -> None:
        raise AssertionError

    monkeypatch.setattr("subprocess.Popen.__init__", refuse)
    planned = run.plan("gif", [media], {}, preset="chrome-background")
    assert (planned.expects.frames, planned.expects.duration) == (144, 6.0)


@pytest.mark.parametrize("number", [0, 2])
def test_the_number_of_files(media_dir: Path, number: int) -> None:
    media = probe.inspect(clip(media_dir, "small.mp4"))
    with pytest.raises(MediaError) as caught:
        run.plan("gif", [media] * number, TINY)
    assert (caught.value.code.name, caught.value.field) == ("bad_parameter", "upload")


@pytest.mark.parametrize("name", ["a.wav", "p.png"])
def test_what_an_operation_does_not_take(media_dir: Path, name: str) -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("gif", [probe.inspect(make(media_dir, name))], TINY)
    assert caught.value.users


@pytest.mark.parametrize(
    ("params", "code"), [({"start": 99}, "start_past_end"), ({"nonsense": 1}, "bad_parameter"), ({"fps": "nan"}, "bad_parameter")]
)
def test_bad_parameters_leave_nothing(media_dir: Path, tmp_path: Path, params: dict[str, object], code: str) -> None:
    with pytest.raises(MediaError) as caught:
        run.execute("gif", [source(clip(media_dir, "small.mp4"))], params, work=tmp_path)
    assert caught.value.code.name == code
    assert list(tmp_path.iterdir()) == []


def test_unknown_operations_and_presets(media_dir: Path) -> None:
    media = probe.inspect(clip(media_dir, "small.mp4"))
    for operation, preset in (("nonsense", None), ("gif", "nonsense")):
        with pytest.raises(MediaError, match="known are"):
            run.plan(operation, [media], {}, preset=preset)


def test_a_stop_between_the_steps(media_dir: Path, tmp_path: Path) -> None:
    last = ""

    def note(progress: Progress) -> None:
        nonlocal last
        last = progress.stage

    with pytest.raises(MediaError) as caught:
        run.execute("gif", [source(clip(media_dir, "small.mp4"))], TINY, work=tmp_path, progress=note, stop=lambda: last == "checking")
    assert caught.value.code.name == "cancelled"


def test_no_room_is_said_before_the_work(media_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "free_bytes", lambda path: 1000)
    with pytest.raises(MediaError) as caught:
        run.execute("gif", [source(clip(media_dir, "small.mp4"))], TINY, work=tmp_path)
    assert caught.value.code.name == "disk_full"
    assert list(tmp_path.iterdir()) == []


def test_limits_reach_the_tools(media_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        run.execute("gif", [source(clip(media_dir, "small.mp4"))], TINY, work=tmp_path, limits=Limits(file_bytes=2000))
    assert caught.value.code.name == "disk_full"


def test_a_failure_says_what_it_cost(media_dir: Path, tmp_path: Path, looks: list[int]) -> None:
    source = tmp_path / "broken.mkv"
    raw = bytearray(make(media_dir, "a.mkv").read_bytes())
    raw[len(raw) // 3 : 2 * len(raw) // 3] = bytes(len(raw) // 3)
    source.write_bytes(raw)
    media = probe.inspect(make(media_dir, "a.mkv"))
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(MediaError) as caught:
        run.execute("compress", [run.Source(source, media)], {"crf": 30}, work=work)
    assert caught.value.code.name == "corrupt_media"
    assert caught.value.spent.cpu_seconds > 0
    assert caught.value.spent.peak_memory > 1_000_000 or not any(looks)
