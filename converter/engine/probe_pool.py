"""The warm probe, seen from outside: one waiting process per process of ours, started when first needed.

Nothing here judges a file. `ask` returns an answer, or None where the warm way gave none: then the
caller asks in the old way, in a process started for this one file, whose end says what is wrong.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from .limits import Limits
from .sandbox import Policy, spawn

HERE = Path(__file__).resolve().parent
IDLE_SECONDS = 60.0
"""How long it waits for the next file before its memory (35 MB of its own) is given back."""
MOST_REQUESTS = 1000
"""Files after which a fresh one takes over."""
AT_ONCE = 4
"""Files that are read at the same time."""
START_SECONDS = 20.0
FORK_SECONDS = 10.0
RETRY_SECONDS = 60.0
"""How long nothing is tried after a start that failed."""
MAX_ANSWER = 8 << 20
_MODULES = (
    "probe_zygote.py",
    "probe_child.py",
    "probe_copies.py",
    "probe_packets.py",
    "probe_pictures.py",
    "probe_structure.py",
    "sandbox/launch.py",
    "sandbox/syscalls.py",
)


class TooSlow(Exception):
    """A file kept its reader busy beyond the wall clock."""


class _Child:
    """One waiting process. It is started, watched and ended by a thread of its own.

    The kernel kills a child when the thread that made it ends, and threads of a web server come and go.
    """

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.ours: socket.socket | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._change = threading.Condition()
        self._active = self._served = 0
        self._used = time.monotonic()
        self._over = False
        threading.Thread(target=self._keep, name="probe", daemon=True).start()
        self.ready.wait(START_SECONDS)

    def enter(self) -> bool:
        """Take a place for one request; False where it no longer takes any."""
        with self._change:
            if self._over or self.ours is None or self._served >= MOST_REQUESTS:
                return False
            self._active, self._served = self._active + 1, self._served + 1
            return True

    def leave(self, *, broken: bool = False) -> None:
        """Give the place back; `broken` ends it and every copy of it now."""
        with self._change:
            self._active, self._used = self._active - 1, time.monotonic()
            self._over = self._over or broken
            self._change.notify_all()
        if broken and self.process is not None:
            _kill_group(self.process)

    def rest(self) -> None:
        """End now, unless somebody is asking."""
        with self._change:
            self._over = self._over or self._active == 0
            self._change.notify_all()

    def _keep(self) -> None:
        theirs = None
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            scripts = tuple(HERE / name for name in _MODULES)
            policy = Policy(None, keep=(theirs.fileno(),), readable=scripts, python=True, forks=True, file_bytes=0)
            self.process = spawn([sys.executable, "-I", "-B", str(scripts[0]), str(theirs.fileno())], policy)
            theirs.close()
            ours.settimeout(START_SECONDS)
            if ours.recv(1):
                ours.settimeout(FORK_SECONDS)
                self.ours, self._used = ours, time.monotonic()
        except OSError:
            # No such sockets, no process, or no answer: the old way remains.
            pass
        finally:
            if theirs is not None:
                theirs.close()
            self.ready.set()
        if self.ours is not None:
            self._wait(self.ours)
        self._end()

    def _wait(self, ours: socket.socket) -> None:
        hangup = select.poll()
        hangup.register(ours, select.POLLHUP)
        with self._change:
            while not self._over and not hangup.poll(0):
                rest = self._used + IDLE_SECONDS - time.monotonic()
                if self._active == 0 and (rest <= 0 or self._served >= MOST_REQUESTS):
                    break
                self._change.wait(max(0.1, rest) if self._active == 0 else IDLE_SECONDS)
            self._over = True
            while self._active and self._change.wait(IDLE_SECONDS):
                pass

    def _end(self) -> None:
        if self.ours is not None:
            self.ours.close()
        if self.process is not None:
            _kill_group(self.process)
            self.process.wait()


class Pool:
    """The waiting process of this process. For any number of threads."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._child: _Child | None = None
        self._failed = -RETRY_SECONDS

    def after_fork(self) -> None:
        """In a forked process: what was inherited belongs to the parent."""
        inherited = self._child
        self._forget()
        if inherited is not None and inherited.ours is not None:
            # Held open here it would never tell its process that the parent is gone.
            inherited.ours.close()
        if inherited is not None and inherited.process is not None:
            inherited.process.returncode = 0

    def ask(self, script: str, argument: str, descriptor: int, limits: Limits) -> dict[str, Any] | None:
        """What the reader `script` says of the file; None where there is no answer.

        Raises `TooSlow` where the file used up `limits.wall_seconds` or `limits.cpu_seconds`.
        """
        if sys.platform != "linux":
            return None
        with self._places:
            child = self._take()
            if child is None or child.ours is None:
                return None
            begun, broken = time.monotonic(), True
            try:
                with open(_send(child.ours, script, argument, descriptor, limits), "rb", buffering=0) as answers:
                    data = _collect(answers.fileno(), _wall(limits))
                broken = False
            except OSError:
                return None
            finally:
                child.leave(broken=broken)
        answer = _parse(data)
        if answer is None and time.monotonic() - begun > min(limits.cpu_seconds, _wall(limits)) - 0.5:
            raise TooSlow
        return answer

    def rest(self) -> None:
        """Give the waiting process's memory back, unless it is at work; the next file starts another (0.1 CPU s)."""
        child = self._child
        if child is not None:
            child.rest()

    def pid(self) -> int | None:
        """The number of the waiting process, where there is one; for measurements and tests."""
        child = self._child
        return child.process.pid if child is not None and child.process is not None and child.ours is not None else None

    def _take(self) -> _Child | None:
        with self._lock:
            if self._child is not None and self._child.enter():
                return self._child
            if time.monotonic() - self._failed < RETRY_SECONDS:
                return None
            self._child = _Child()
            if self._child.enter():
                return self._child
            self._child, self._failed = None, time.monotonic()
            return None


def _send(ours: socket.socket, script: str, argument: str, descriptor: int, limits: Limits) -> int:
    """Hand a file over and return the descriptor to read the answer from."""
    message = {"script": script, "argument": argument, "memory": limits.memory_bytes, "cpu": limits.cpu_seconds, "wall": _wall(limits)}
    read, write = os.pipe()
    try:
        socket.send_fds(ours, [json.dumps(message).encode()], [descriptor, write])
    except OSError:
        os.close(read)
        raise
    finally:
        os.close(write)
    return read


def _wall(limits: Limits) -> int:
    return max(1, round(limits.wall_seconds))


def _collect(descriptor: int, wall: float) -> bytes:
    """Everything up to the end. Raises `TimeoutError` where no copy came to life, `TooSlow` where one does not end."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    pieces: list[bytes] = []
    size, deadline = 0, time.monotonic() + FORK_SECONDS
    while size <= MAX_ANSWER:
        rest = deadline - time.monotonic()
        if rest <= 0 or not poll.poll(rest * 1000):
            raise TooSlow if pieces else TimeoutError
        data = os.read(descriptor, 1 << 16)
        if not data:
            return b"".join(pieces)
        if not pieces:
            # Its own alarm rings first; this is for one that does not hear it.
            deadline = time.monotonic() + wall + 1
        pieces.append(data)
        size += len(data)
    raise TooSlow


def _parse(data: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(data[1:])
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


pool = Pool()
os.register_at_fork(after_in_child=pool.after_fork)
