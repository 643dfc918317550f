"""The real processes on a private directory: started, watched, broken, and ended with whoever started them."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 240.0
"""Longest wait for something that must happen; it costs nothing where it does."""

PARTS = {"valkey": "redis", "redis-server": "redis", "gunicorn": "web", "media@": "media", "control@": "control"}
_PR_SET_PDEATHSIG = 1
_SHIFTED = """
import sys, time, datetime
from django.utils import timezone
shift = float(sys.argv[1]); real = time.time; now = timezone.now
time.time = lambda: real() + shift
timezone.now = lambda: now() + datetime.timedelta(seconds=shift)
from celery.__main__ import main
sys.argv = ["celery", *sys.argv[2:]]
main()
"""
"""A worker whose own clock is wrong by so many seconds."""


class Stuck(Exception):
    """Something that must happen did not."""


def until(condition: Callable[[], object], what: str, *, meanwhile: Callable[[], object] | None = None, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for a condition; `meanwhile` is done between two looks. Raises `Stuck`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Stuck(f"{what} did not happen within {seconds:g} s")
        if meanwhile:
            meanwhile()
        time.sleep(0.05)


class Stack:
    """Supervisor, web, workers and Redis beneath `directory`, told by this process's environment where everything is."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.faults = directory / "faults"
        self.faults.mkdir(exist_ok=True)
        self.port = int(os.environ["PORT"])
        self.helpers: list[subprocess.Popen[bytes]] = []
        self.process = self._spawn([sys.executable, "-m", "config.supervisor"])

    def _spawn(self, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
        env = {**os.environ, "CUTROOM_FAULTS": str(self.faults), "LOG_LEVEL": "INFO", **environment}
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent)  # noqa: S603

    def wait(self) -> None:
        """Until every part is there and the site answers. Raises `Stuck`."""
        until(lambda: set(self.parts()) == set(PARTS.values()), "all processes running")
        until(self.answers, "an answer of the site")

    def answers(self) -> bool:
        """Whether somebody takes connections and sends a status line."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as line:
            line.sendall(b"GET /health/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return line.recv(64).startswith(b"HTTP/1.1 200")
        return False

    def parts(self) -> dict[str, psutil.Process]:
        """The supervised processes by name."""
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):
                words = " ".join(child.cmdline())
                if child.status() != psutil.STATUS_ZOMBIE:
                    found |= {name: child for mark, name in PARTS.items() if mark in words}
        return found

    def kill(self, name: str) -> None:
        """kill -9 of a part with its whole process group."""
        with suppress(ProcessLookupError):
            os.killpg(self.part(name).pid, signal.SIGKILL)

    def part(self, name: str) -> psutil.Process:
        """A part, once it is there. Raises `Stuck`."""
        until(lambda: name in self.parts(), f"{name} running")
        return self.parts()[name]

    @contextmanager
    def without(self, name: str, *, forget: bool = False) -> Iterator[None]:
        """A part is gone and not started again for a while; `forget` takes Redis's data away too."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            self.kill(name)
            if forget:
                shutil.rmtree(Path(os.environ["VAR_DIR"]) / "redis", ignore_errors=True)
                (Path(os.environ["VAR_DIR"]) / "redis").mkdir(mode=0o700)
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def worker(self, shift: float = 0.0) -> subprocess.Popen[bytes]:
        """A media worker more, whose clock is `shift` seconds off; end it with `end`."""
        options = ["--app", "config", "worker", "--queues", "media", "--hostname", f"extra{len(self.helpers)}@%h", "--pool", "threads"]
        quiet = ["--concurrency", "1", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        command = [sys.executable, "-c", _SHIFTED, str(shift), "--quiet", *options, *quiet]
        self.helpers.append(self._spawn(command, DJANGO_SETTINGS_MODULE="config.settings"))
        return self.helpers[-1]

    def end(self, worker: subprocess.Popen[bytes]) -> None:
        """Stop a worker of `worker`."""
        worker.kill()
        worker.wait()

    def arm(self, role: str, point: str, passes: int, action: str, nonce: str) -> None:
        """Let the process that passes `point` for that time do `action` to itself."""
        self.disarm()
        fresh = self.faults / "new"
        fresh.write_text(f"{role} {point} {passes} {action} {nonce}")
        fresh.rename(self.faults / "armed")

    def fired(self) -> int | None:
        """The process that did what was armed; None as long as none did."""
        found = next(self.faults.glob("fired-*"), None)
        return int(found.name.partition("-")[2]) if found else None

    def disarm(self) -> None:
        """Forget what was armed or done."""
        for path in self.faults.iterdir():
            path.unlink(missing_ok=True)

    def tools(self) -> list[psutil.Process]:
        """Media tools at work, whoever their parent is by now."""
        found = []
        root = Path(os.environ["MEDIA_ROOT"])
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if Path(process.cwd()).is_relative_to(root) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def stop(self) -> None:
        """End everything."""
        for helper in self.helpers:
            self.end(helper)
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid).children(recursive=True)
            for process in [psutil.Process(self.process.pid), *family]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self.process.wait()
            psutil.wait_procs(family, timeout=20)


def stands_still(pid: int) -> bool:
    """Whether every thread of a process that was sent SIGSTOP has come to a stop, or it is no more: the signal is on its way for a moment."""
    states = set()
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):
            states.add(task.read_text().rpartition(")")[2].split()[0])
    return states <= {"T", "t", "Z", "X"}


def free_port() -> int:
    """A port of the loopback address that nobody else gets until this process ends: bound here, a server may still listen on it."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    bound.set_inheritable(True)  # the harness becomes another program before the server starts
    port = int(bound.getsockname()[1])
    bound.detach()
    return port


def private_mount(directory: Path, megabytes: int) -> bool:
    """Put a small file system of its own on `directory`, seen by this process and its children only. False where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_namespace, private = 0x00020000, 0x4000 | (1 << 18)  # CLONE_NEWNS; MS_REC | MS_PRIVATE
    if libc.unshare(new_namespace) or libc.mount(b"none", b"/", None, private, None):
        return False
    return not libc.mount(b"tmpfs", os.fsencode(directory), b"tmpfs", 0, f"size={megabytes}m,mode=0711".encode())


def unmount(directory: Path) -> None:
    """Take what `private_mount` put there away, if it is there."""
    ctypes.CDLL(None).umount2(os.fsencode(directory), 2)  # MNT_DETACH


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
