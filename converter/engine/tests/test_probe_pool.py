"""The warm probe: the same answers as a process of its own, whatever happens to it."""

from __future__ import annotations

import json
import os
import platform
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from converter.engine import probe, probe_pool
from converter.engine.errors import MediaError
from converter.engine.limits import Limits
from converter.engine.probe_pool import Pool, TooSlow
from converter.engine.sandbox import Policy, level, syscalls
from converter.engine.sniff import identify
from converter.engine.tests.formats import MADE, make
from converter.engine.tests.making import clip, soon

pytestmark = pytest.mark.skipif(level() == "rlimits", reason="THE WARM PROBE IS NOT TRIED: this kernel has no seccomp")

ROOMY = Limits(memory_bytes=2 << 30, cpu_seconds=60, wall_seconds=60, file_bytes=0)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    fresh = Pool()
    monkeypatch.setattr(probe, "pool", fresh)
    # How long a start takes on a machine that has other things to do decides nothing that is tried here.
    monkeypatch.setattr(probe_pool, "START_SECONDS", 120.0)
    monkeypatch.setattr(probe_pool, "FORK_SECONDS", 120.0)
    monkeypatch.setattr(probe_pool, "IDLE_SECONDS", 900.0)
    yield fresh
    child = fresh._child
    if child is not None and child.process is not None:
        child.process.kill()
        fresh.rest()  # so that its thread looks, and reaps it
        assert soon(lambda: child.process is not None and child.process.returncode is not None)


def ask(pool: Pool, path: Path, limits: Limits = ROOMY) -> dict[str, Any] | None:
    request = probe._request(identify(path, path.name), Limits())
    with path.open("rb") as file:
        return pool.ask("probe_child.py", request, file.fileno(), limits)


def copies(pid: int) -> list[psutil.Process]:
    try:
        return [p for p in psutil.Process(pid).children() if p.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess:  # it, or one of them, has just gone
        return copies(pid) if psutil.pid_exists(pid) else []


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "many.mkv", "a.avi", "a.ts", "a.wav", "moving.gif", "p.png", "fragments.mp4"])
def test_it_says_what_a_process_of_its_own_says(media_dir: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert name in MADE
    path = make(media_dir, name)
    warm = probe.inspect(path, name)
    assert pool.pid() is not None
    monkeypatch.setattr(pool, "ask", lambda *_: None)
    assert probe.inspect(path, name) == warm


def test_one_process_serves_many_threads(media_dir: Path, pool: Pool) -> None:
    names = ["a.mp4", "a.mkv", "a.avi", "moving.gif"] * 8
    paths = [make(media_dir, name) for name in names]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda path: probe.inspect(path, path.name), paths))
    assert [a.container for a in answers] == ["mp4", "matroska", "avi", "gif"] * 8
    pid = pool.pid()
    assert pid is not None

    def reaped() -> bool:
        if not psutil.Process(pid).children():
            return True
        # Told of an end in the very moment in which it begins to wait, Python sees to it at the next request.
        assert ask(pool, paths[0]) is not None
        return False

    assert soon(reaped), "copies are not reaped"


def test_it_has_one_thread(media_dir: Path, pool: Pool) -> None:
    # Copies are made without Python's care for other threads.
    assert ask(pool, make(media_dir, "a.mp4")) is not None
    pid = pool.pid()
    assert pid is not None
    assert psutil.Process(pid).num_threads() == 1


def test_threads_that_end_do_not_end_it(media_dir: Path, pool: Pool) -> None:
    path = make(media_dir, "a.mp4")
    pids: list[int | None] = []

    def work() -> None:
        ask(pool, path)
        pids.append(pool.pid())

    for _ in range(3):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(set(pids)) == 1
    assert pids[0] is not None


def test_at_rest_it_holds_nothing_and_comes_again(media_dir: Path, pool: Pool) -> None:
    path = make(media_dir, "a.mp4")
    assert ask(pool, path) is not None
    first = pool.pid()
    assert first is not None
    pool.rest()
    assert soon(lambda: not psutil.pid_exists(first))
    assert ask(pool, path) is not None
    assert pool.pid() not in (None, first)


def test_at_work_it_does_not_rest(media_dir: Path, pool: Pool) -> None:
    assert ask(pool, make(media_dir, "a.mp4")) is not None
    child = pool._child
    assert child is not None
    assert child.enter()
    pool.rest()
    assert child.enter(), "somebody asks, so it stays and takes more"
    child.leave()
    child.leave()
    pool.rest()
    assert not child.enter()


def test_killed_between_files_it_is_started_again(media_dir: Path, pool: Pool) -> None:
    path = make(media_dir, "a.mp4")
    assert ask(pool, path) is not None
    first = pool.pid()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert probe.inspect(path, "a.mp4").duration == pytest.approx(2, abs=0.15)
    assert soon(lambda: ask(pool, path) is not None and pool.pid() != first)


def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str) -> None:
    """Make the copies run `body` instead of reading a picture file."""
    for name in ("probe_zygote.py", "probe_child.py", "probe_copies.py", "probe_packets.py", "probe_structure.py"):
        (tmp_path / name).write_text((probe_pool.HERE / name).read_text())
    (tmp_path / "sandbox").mkdir()
    for name in ("launch.py", "syscalls.py"):
        (tmp_path / "sandbox" / name).write_text((probe_pool.HERE / "sandbox" / name).read_text())
    (tmp_path / "probe_pictures.py").write_text(f"import os, sys, time, signal, socket, resource\ndef main(descriptor, container):\n{body}\n")
    monkeypatch.setattr(probe_pool, "HERE", tmp_path)


def picture(pool: Pool, path: Path, limits: Limits = ROOMY) -> dict[str, Any] | None:
    with path.open("rb") as file:
        return pool.ask("probe_pictures.py", "gif", file.fileno(), limits)


@pytest.mark.parametrize(
    "body", ["    os.kill(os.getpid(), signal.SIGSEGV)", "    os._exit(0)", "    raise SystemError", "    os.write(1, b'x')\n    return []"]
)
def test_a_reader_that_crashes_takes_nothing_with_it(media_dir: Path, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    slow(monkeypatch, tmp_path, body)
    path = make(media_dir, "moving.gif")
    assert picture(pool, path) is None
    pid = pool.pid()
    assert ask(pool, make(media_dir, "a.mp4")) is not None
    assert pool.pid() == pid
    # Judged by a process of its own, the file turns out to be fine.
    monkeypatch.undo()
    assert probe.inspect(path, "moving.gif").kind == "animation"


@pytest.mark.parametrize(
    "body",
    [
        "    while True: pass",
        "    time.sleep(60)",
        "    signal.alarm(0)\n    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\n    time.sleep(60)",
        "    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n    while True: pass",
    ],
)
def test_a_reader_that_does_not_end_is_ended(media_dir: Path, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    slow(monkeypatch, tmp_path, body)
    path = make(media_dir, "moving.gif")
    assert ask(pool, make(media_dir, "a.mp4")) is not None
    pid = pool.pid()
    assert pid is not None
    with pytest.raises(TooSlow):
        picture(pool, path, replace(ROOMY, wall_seconds=1))
    assert soon(lambda: not psutil.pid_exists(pid) or not copies(pid))
    assert ask(pool, make(media_dir, "a.mp4")) is not None or soon(lambda: ask(pool, make(media_dir, "a.mp4")) is not None)
    monkeypatch.setattr(probe, "WALL_SECONDS", 1)
    with pytest.raises(MediaError) as caught:
        probe.inspect(path, "moving.gif")
    assert caught.value.code.name == "corrupt_media"


def test_stopped_or_killed_in_the_middle(media_dir: Path, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(monkeypatch, tmp_path, "    time.sleep(60)")
    path, film = make(media_dir, "moving.gif"), make(media_dir, "a.mp4")
    assert ask(pool, film) is not None
    collect, stopped = probe_pool._collect, threading.Event()

    def impatient(descriptor: int, wall: float) -> bytes:
        assert stopped.wait(240)
        monkeypatch.setattr(probe_pool, "FORK_SECONDS", 1.0)
        return collect(descriptor, 1.0)

    for accident in (signal.SIGKILL, signal.SIGSTOP):
        stopped.clear()
        assert soon(lambda: ask(pool, film) is not None)
        pid = pool.pid()
        assert pid is not None
        assert soon(lambda pid=pid: not copies(pid))  # type: ignore[misc]
        if accident == signal.SIGSTOP:  # patience ends soon after the accident, not before it
            monkeypatch.setattr(probe_pool, "_collect", impatient)
        with ThreadPoolExecutor(1) as threads:
            answer = threads.submit(picture, pool, path)
            assert soon(lambda pid=pid: bool(copies(pid)))  # type: ignore[misc]
            copies(pid)[0].send_signal(accident)
            stopped.set()
            if accident == signal.SIGKILL:
                assert answer.result() is None
                assert pool.pid() == pid
            else:
                # Stopped before it said that it lives, it never came to life; after that, it is too slow.
                with suppress(TooSlow):
                    assert answer.result() is None
                assert soon(lambda pid=pid: not psutil.pid_exists(pid))  # type: ignore[misc]


def test_a_waiting_process_that_stands_still_is_replaced(media_dir: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(media_dir, "a.mp4")
    assert ask(pool, path) is not None
    pid = pool.pid()
    assert pid is not None
    monkeypatch.setattr(probe_pool, "FORK_SECONDS", 0.5)
    os.kill(pid, signal.SIGSTOP)
    assert probe.inspect(path, "a.mp4").kind == "video"
    assert soon(lambda: not psutil.pid_exists(pid))
    monkeypatch.undo()
    assert soon(lambda: ask(pool, path) is not None)


ATTEMPTS = """
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    def attempt(action):
        try:
            action()
        except BaseException as problem:
            return type(problem).__name__
        return "done"
    def hear():
        # recvmsg on any descriptor: refused before it is looked at.
        if libc.recvmsg(0, None, 0) < 0:
            raise OSError(ctypes.get_errno(), "")
    return {
        "fork": attempt(os.fork),
        "socket": attempt(socket.socket),
        "pair": attempt(socket.socketpair),
        "recvmsg": attempt(hear),
        "leave the group": attempt(lambda: os.setpgid(0, 0)),
        "new session": attempt(os.setsid),
        "read": attempt(lambda: open("/etc/passwd").read()),
        "signal the parent": attempt(lambda: os.kill(os.getppid(), 0)),
        "raise limits": attempt(lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 45, 1 << 45))),
        "memory": attempt(lambda: bytearray(3 << 30)),
        "prctl": libc.prctl(1, 0, 0, 0, 0),
        "descriptors": [n for n in range(3, 200) if n != descriptor and attempt(lambda: os.fstat(n)) == "done"],
        "limits": [resource.getrlimit(r)[0] for r in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE)],
    }
"""


@pytest.mark.skipif(level() != "landlock", reason="this kernel has no Landlock: files are not fenced")
def test_what_a_copy_may_not_do(media_dir: Path, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow(monkeypatch, tmp_path, ATTEMPTS)
    answers = picture(pool, make(media_dir, "moving.gif"))
    assert answers is not None
    assert answers.pop("memory") == "MemoryError"
    assert answers.pop("raise limits") in ("ValueError", "PermissionError")
    assert len(answers.pop("descriptors")) == 1
    assert answers.pop("limits") == [ROOMY.memory_bytes, ROOMY.cpu_seconds, 0]
    assert answers.pop("prctl") == -1
    assert {key: value for key, value in answers.items() if value != "PermissionError"} == {}


def test_no_state_passes_from_file_to_file(media_dir: Path, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "    import json\n    seen = getattr(json, 'seen', 0)\n    json.seen = seen + 1\n    return {'seen': seen, 'pid': os.getpid()}"
    slow(monkeypatch, tmp_path, body)
    path = make(media_dir, "moving.gif")
    answers = [picture(pool, path) for _ in range(3)]
    assert [a and a["seen"] for a in answers] == [0, 0, 0]
    assert len({a["pid"] for a in answers if a}) == 3


def test_it_ends_when_idle_and_is_replaced_when_old(media_dir: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_pool, "MOST_REQUESTS", 3)
    path = make(media_dir, "a.mp4")
    pids = []
    for _ in range(6):
        assert ask(pool, path) is not None
        pids.append(pool.pid())
    assert len(set(pids)) == 2
    assert soon(lambda: not psutil.pid_exists(pids[0] or 0))
    pool._child = None
    assert ask(pool, path) is not None
    last = pool.pid()
    assert last is not None
    # Only now: one that is not asked within its patience after its start has gone before anybody could ask.
    with monkeypatch.context() as patch:
        patch.setattr(probe_pool, "IDLE_SECONDS", 0.2)
        assert ask(pool, path) is not None
        assert pool.pid() == last
        assert soon(lambda: not psutil.pid_exists(last))
    assert ask(pool, path) is not None
    assert pool.pid() not in (None, last)


def test_a_forked_server_starts_its_own(media_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(media_dir, "a.mp4")
    # Meanwhile ours is neither too old nor too long at rest, whatever earlier tests asked of it, and theirs may take its time to start.
    for name, value in (("MOST_REQUESTS", 10**9), ("IDLE_SECONDS", 900.0), ("START_SECONDS", 120.0), ("FORK_SECONDS", 120.0)):
        monkeypatch.setattr(probe_pool, name, value)
    probe_pool.pool._failed = -probe_pool.RETRY_SECONDS
    assert probe.inspect(path, "a.mp4").duration
    ours = probe_pool.pool.pid()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            media = probe.inspect(path, "a.mp4")
            os.write(write, json.dumps([probe_pool.pool.pid(), media.duration]).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answers:
        theirs, duration = json.loads(answers.read())
    os.waitpid(child, 0)
    assert duration == pytest.approx(2, abs=0.15)
    assert theirs is not None and theirs != ours
    # It ended with the process that had it (of which some machines' init takes no note); ours is as it was.
    assert soon(lambda: theirs not in {p.pid for p in psutil.process_iter(["status"]) if p.info["status"] != psutil.STATUS_ZOMBIE})
    assert probe.inspect(path, "a.mp4").duration
    assert probe_pool.pool.pid() == ours


def test_without_it_the_old_way_remains(media_dir: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(probe_pool, "spawn", refuse)
    assert probe.inspect(make(media_dir, "a.mp4"), "a.mp4").kind == "video"
    assert pool.pid() is None


def _open_files(pid: object) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def test_descriptors_do_not_leak(media_dir: Path, pool: Pool) -> None:
    path = make(media_dir, "a.mp4")
    assert ask(pool, path) is not None
    before = _open_files("self")
    for _ in range(20):
        assert ask(pool, path) is not None
    # The end of an earlier pool may still close some; a leak would be twenty.
    assert soon(lambda: _open_files("self") <= before)
    pid = pool.pid()
    # Between the end of a copy and the next request it closes what it was handed.
    assert soon(lambda: _open_files(pid) <= 5)


def test_the_filter_for_copies_refuses_more() -> None:
    machine = platform.machine()
    plain, waiting = (len(syscalls.program(machine, 1, forks=forks)) for forks in (False, True))
    assert waiting < plain
    numbers = lambda pid: {k for operation, _, _, k in syscalls.program(machine, pid) if operation == 0x15}  # noqa: E731
    # Only its own number is no exception any more.
    assert numbers(77_777) - numbers(None) == {77_777}
    assert len(numbers(None)) > len(numbers(77_777))
    assert Policy(None).forks is False


def test_small_clips_and_long_ones_have_the_frames_that_a_walk_counts(media_dir: Path) -> None:
    for name, frames in (("small.mp4", 150), ("rotated.mp4", 150), ("fast.mp4", 120)):
        video = probe.inspect(clip(media_dir, name), name).video
        assert video is not None
        assert video.frames == frames
