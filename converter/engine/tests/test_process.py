"""Supervision, with real children that behave badly."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from converter.engine import process
from converter.engine.errors import MediaError
from converter.engine.ffmpeg import find_ffmpeg
from converter.engine.limits import Limits
from converter.engine.process import PROGRESS, Outcome, Tick
from converter.engine.procfs import cpu_seconds, oom_kills
from converter.engine.sandbox import Policy
from converter.engine.tests.making import soon

LIMITS = Limits(wall_seconds=240, stall_seconds=120, cpu_seconds=240, memory_bytes=1 << 30, file_bytes=50 << 20)


PUT = "import os, sys, time\ndef put(fd, data):\n while data: data = data[os.write(fd, data):]\n"
"""What every child knows: a write to a pipe ends early where the writer is stopped meanwhile."""


def python(code: str, work: Path, limits: Limits = LIMITS, **more: object) -> Outcome:
    return process.run([sys.executable, "-I", "-c", PUT + code], Policy(work, python=True), limits, **more)  # type: ignore[arg-type]


def failing(code: str, work: Path, limits: Limits = LIMITS, **more: object) -> MediaError:
    with pytest.raises(MediaError) as caught:
        python(code, work, limits, **more)
    return caught.value


@pytest.fixture(autouse=True)
def _nothing_stays_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every child that a test starts was reaped when it ends. Others (Redis, the warm probe of an earlier test) come and go."""
    real, mine, own = process.spawn, threading.get_ident(), set[int]()

    def spawn(*arguments: Any, **more: Any) -> subprocess.Popen[bytes]:
        child = real(*arguments, **more)
        if threading.get_ident() == mine:
            own.add(child.pid)
        return child

    monkeypatch.setattr(process, "spawn", spawn)
    yield
    # One that does not die within two seconds, on a machine that stands still, is reaped by a thread.
    assert soon(lambda: not own & {child.pid for child in psutil.Process().children()})


def test_costs_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = process.peak_memory

    def look(pid: int | str) -> int:
        found = looked(pid)
        if pid != "self" and found >= 120 << 20:
            (tmp_path / "seen").touch()
        return found

    # It lasts until somebody has looked: where this process was once larger, nothing else tells how large the child was.
    monkeypatch.setattr(process, "peak_memory", look)
    child = "b = bytearray(120 << 20)\nb[::4096] = b'x' * len(b[::4096])\nt = time.process_time()\nwhile time.process_time() - t < 0.4: pass"
    outcome = python(f"{child}\nwhile not os.path.exists('seen'): time.sleep(0.01)", tmp_path)
    assert 0.4 <= outcome.metrics.cpu_seconds < 10
    assert 120 << 20 <= outcome.metrics.peak_memory < 400 << 20
    assert outcome.metrics.wall_seconds > 0
    total = outcome.metrics + outcome.metrics
    assert total.cpu_seconds == pytest.approx(2 * outcome.metrics.cpu_seconds)
    assert total.peak_memory == outcome.metrics.peak_memory


def test_a_large_parent_is_not_taken_for_the_child(tmp_path: Path) -> None:
    ballast = bytearray(400 << 20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    assert python("time.sleep(0.6)", tmp_path).metrics.peak_memory < 200 << 20


def test_floods_on_both_pipes_neither_block_nor_pile_up(tmp_path: Path) -> None:
    received = 0

    def count(data: bytes) -> None:
        nonlocal received
        received += len(data)

    outcome = python("for _ in range(300):\n put(2, b'e' * 65536)\n put(1, b'o' * 65536)", tmp_path, on_output=count)
    assert received == 300 * 65536
    assert len(outcome.tail) == 4096


def test_the_last_words_are_kept_whole(tmp_path: Path) -> None:
    error = failing("put(2, b'a' * 100000 + b'THE END\\xff'); sys.exit(3)", tmp_path)
    assert error.code.name == "tool_failed"
    assert "exit 3" in error.log
    assert "THE END" in error.log
    assert "THE END" not in error.detail


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ("av_interleaved_write_frame(): No space left on device", 1, "disk_full"),
        ("Error writing trailer: File too large", 0, "disk_full"),
        ("Cannot allocate memory", 1, "out_of_memory"),
        ("Error submitting packet to decoder: Cannot allocate memory", 0, "out_of_memory"),
        ("moov atom not found", 1, "corrupt_media"),
        ("Invalid data found when processing input", 1, "corrupt_media"),
        ("Codec (xyz) not on whitelist 'a,b'", 1, "unsupported_media"),
        ("Error parsing filterchain", 1, "tool_failed"),
        ("", 9, "tool_failed"),
    ],
)
def test_why_it_failed(tmp_path: Path, words: str, status: int, code: str) -> None:
    assert failing(f"os.write(2, {words.encode()!r}); sys.exit({status})", tmp_path).code.name == code


@pytest.mark.parametrize(("number", "code"), [(9, "tool_failed"), (11, "tool_failed"), (6, "tool_failed")])
def test_death_by_signal(tmp_path: Path, number: int, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "oom_kills", lambda: 7)
    assert failing(f"os.kill(os.getpid(), {number})", tmp_path).code.name == code


@pytest.mark.parametrize("counts", [(7, 8), (-1, -1)])
def test_a_kill_by_the_kernel_is_a_lack_of_memory_and_so_is_one_where_it_does_not_say(
    tmp_path: Path, counts: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    told, mine = iter(counts), threading.get_ident()
    monkeypatch.setattr(process, "oom_kills", lambda: next(told) if threading.get_ident() == mine else -1)
    assert failing("os.kill(os.getpid(), 9)", tmp_path).code.name == "out_of_memory"


def test_the_kernel_s_count_is_read() -> None:
    assert oom_kills() >= -1


def test_memory_limit(tmp_path: Path) -> None:
    assert failing("bytearray(4 << 30)", tmp_path).code.name == "out_of_memory"


def test_cpu_limit(tmp_path: Path) -> None:
    assert failing("while True: pass", tmp_path, replace(LIMITS, cpu_seconds=1)).code.name == "timed_out"


def test_wall_limit(tmp_path: Path) -> None:
    assert failing("while True: print('x', file=sys.stderr); time.sleep(0.01)", tmp_path, replace(LIMITS, wall_seconds=0.6)).code.name == "timed_out"


def test_a_sleeper_stalls(tmp_path: Path) -> None:
    assert failing("time.sleep(600)", tmp_path, replace(LIMITS, stall_seconds=0.6)).code.name == "stalled"


def test_words_on_stderr_are_no_progress(tmp_path: Path) -> None:
    assert failing("while True: print('x', file=sys.stderr); time.sleep(0.05)", tmp_path, replace(LIMITS, stall_seconds=0.6)).code.name == "stalled"


def by(clock: Callable[[], float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the supervision go by this clock, so that a machine which stands still for a moment changes no verdict."""
    monkeypatch.setattr(process, "time", SimpleNamespace(monotonic=clock, sleep=time.sleep))


def test_output_is_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = 0
    by(lambda: 3.0 * pieces, monkeypatch)

    def heard(data: bytes) -> None:
        nonlocal pieces
        assert data == b"x"
        pieces += 1
        (tmp_path / f"heard{pieces}").touch()

    child = "for n in range(1, 9):\n os.write(1, b'x')\n while not os.path.exists(f'heard{n}'): time.sleep(0.01)"
    python(child, tmp_path, replace(LIMITS, stall_seconds=4), on_output=heard)
    assert pieces == 8


def test_one_that_only_computes_has_longer_but_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, started, used = process.spawn, list[int](), 0.0

    def spawn(*arguments: Any, **more: Any) -> subprocess.Popen[bytes]:
        child = real(*arguments, **more)
        started.append(child.pid)
        return child

    def spent() -> float:
        """Seconds that the children have computed: all that the supervision sees pass."""
        nonlocal used
        used = max(used, sum(map(cpu_seconds, started[-1:])))
        return used

    monkeypatch.setattr(process, "spawn", spawn)
    by(spent, monkeypatch)
    busy = "t = time.process_time()\nwhile time.process_time() - t < {}: pass"
    python(busy.format(1.5), tmp_path, replace(LIMITS, stall_seconds=0.5))
    used = 0.0
    started.clear()
    assert failing(busy.format(60), tmp_path, replace(LIMITS, stall_seconds=0.1)).code.name == "stalled"


@pytest.mark.parametrize(
    "code", ["time.sleep(600)", "while True: pass", "while True: os.write(2, b'x' * 65536)", "os.close(1); os.close(2); time.sleep(600)"]
)
def test_stop_kills_and_reaps(tmp_path: Path, code: str) -> None:
    started = time.monotonic()
    error = failing(code, tmp_path, stop=lambda: time.monotonic() - started > 0.3)
    assert error.code.name == "cancelled"


def test_stop_before_the_start_starts_nothing(tmp_path: Path) -> None:
    assert failing("open('started', 'w')", tmp_path, stop=lambda: True).code.name == "cancelled"
    assert not (tmp_path / "started").exists()


def test_a_fault_of_the_listener_kills_the_tool(tmp_path: Path) -> None:
    def fail(data: bytes) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        python("os.write(1, b'x'); time.sleep(600)", tmp_path, on_output=fail)


def test_no_descriptor_is_lost(tmp_path: Path) -> None:
    def descriptors() -> set[tuple[str, str]]:
        found = set()
        for path in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # the one that looks, and what other threads close
                found.add((path.name, str(path.readlink())))
        return found

    before = descriptors()
    python("pass", tmp_path, on_output=lambda data: None)
    failing("sys.exit(1)", tmp_path)
    with pytest.raises(MediaError):
        process.run(["/bin/true"], Policy(tmp_path / "missing"), LIMITS)
    # What an earlier test left to a thread may still be closed or opened; a pipe of ours that is lost stays.
    assert soon(lambda: not descriptors() - before)


def test_progress_of_ffmpeg(tmp_path: Path) -> None:
    ticks: list[Tick] = []
    argv = [
        *(str(find_ffmpeg().path), "-nostdin", "-nostats", "-v", "error", "-progress", PROGRESS, "-stats_period", "0.05"),
        *("-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25:d=6", "-c:v", "libx264", "-preset", "veryfast", "out.mp4"),
    ]
    outcome = process.run(argv, Policy(tmp_path), LIMITS, on_tick=ticks.append)
    assert len(ticks) > 1
    assert [tick.seconds for tick in ticks] == sorted(tick.seconds for tick in ticks)
    assert outcome.last == ticks[-1]
    assert outcome.last.frames == 150
    assert outcome.last.seconds == pytest.approx(6, abs=0.1)
    assert outcome.last.size == (tmp_path / "out.mp4").stat().st_size


def test_progress_that_is_not_known_yet(tmp_path: Path) -> None:
    ticks: list[Tick] = []
    words = (
        "out_time_us=N/A\nframe=0\ntotal_size=N/A\nprogress=continue\n"
        "out_time_us=-40000\nframe=3\nprogress=continue\nframe=2\nout_time_us=9\nprogress=end\n"
    )
    argv = [sys.executable, "-I", "-c", f"import os, sys; os.write(int(sys.argv[1].split(':')[1]), {words.encode()!r})", PROGRESS]
    process.run(argv, Policy(tmp_path, python=True), LIMITS, on_tick=ticks.append)
    assert ticks == [Tick(0.0, 3, 0), Tick(9e-6, 3, 0)]


def test_a_full_file_limit_is_a_full_disk(tmp_path: Path) -> None:
    argv = [
        str(find_ffmpeg().path),
        "-nostdin",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=640x480:d=10",
        "-c:v",
        "rawvideo",
        "-f",
        "rawvideo",
        "out.raw",
    ]
    with pytest.raises(MediaError) as caught:
        process.run(argv, Policy(tmp_path), replace(LIMITS, file_bytes=1 << 20))
    assert caught.value.code.name == "disk_full"


def test_what_nobody_waits_for_gives_way(tmp_path: Path) -> None:
    argv = [sys.executable, "-I", "-c", "import os; print(os.getpriority(os.PRIO_PROCESS, 0))"]
    said: list[bytes] = []
    own = os.getpriority(os.PRIO_PROCESS, 0)
    for nice in (0, 7):
        process.run(argv, Policy(tmp_path, python=True), replace(LIMITS, nice=nice), on_output=said.append)
        assert int(b"".join(said)) == min(own + nice, 19)
        said.clear()
