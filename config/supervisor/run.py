"""The supervisor's life: take the lock and the port, start everything in order, watch, stop."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from config import confinement, env, redis_server, redis_url
from config.supervisor import programs
from config.supervisor.child import Child, Spec
from config.supervisor.probe import answers

log = logging.getLogger("cutroom.supervisor")

START_SECONDS = 240.0
"""A slow machine needs long; whoever can't start at all ends by itself, and is not waited for."""
STOP_SECONDS = 8.0
GIVE_UP_AFTER = 4
"""Failures in a row of one process before the site has ever answered."""


class CannotRun(Exception):
    """Why Cutroom cannot run here, as one line."""


class Supervisor:
    """Owns the children; everything happens in its one thread."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.stopping = False
        self.impatient = False
        self.answered = False
        self._wakeup, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _on_stop(self, *_: object) -> None:
        self.impatient = self.stopping
        self.stopping = True

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until the next signal (a child that ended, or Ctrl-C)."""
        if self._selector.select(seconds):
            os.read(self._wakeup, 512)

    def add(self, spec: Spec) -> Child:
        """Start a process and keep it alive from now on."""
        child = Child(spec)
        self.children.append(child)
        child.start()
        return child

    def tend(self) -> float:
        """Collect what ended and start what is due; returns seconds until something is due. Raises `CannotRun`."""
        now = time.monotonic()
        for child in self.children:
            child.reap()
            if not self.answered and child.failures >= GIVE_UP_AFTER:
                raise CannotRun(f"{child.spec.name} did not start {child.failures} times in a row; the lines above say why")
            if not child.running and child.due <= now and not self.stopping:
                child.start()
        return min((child.due - now for child in self.children if not child.running), default=3600.0)

    def wait_for(self, ready: Callable[[], bool], what: str) -> bool:
        """Tend until `ready`; False when asked to stop meanwhile. Raises `CannotRun` after `START_SECONDS`."""
        deadline = time.monotonic() + START_SECONDS
        while not self.stopping:
            if ready():
                return True
            if time.monotonic() > deadline:
                raise CannotRun(f"{what} did not answer within {START_SECONDS:g} s")
            self.tend()
            self.sleep(0.05)
        return False

    def watch(self) -> None:
        """Keep everything running until asked to stop."""
        while not self.stopping:
            self.sleep(max(0.0, self.tend()))

    def stop(self) -> None:
        """Stop all: first those who use Redis, then Redis. Whoever takes too long is killed with its group."""
        self.stopping = True
        redis = [child for child in self.children if child.spec.name == "redis"]
        for group in ([child for child in self.children if child not in redis], redis):
            for child in group:
                child.ask_to_stop()
            deadline = time.monotonic() + STOP_SECONDS
            while any(child.running for child in group) and time.monotonic() < deadline and not self.impatient:
                self.sleep(0.1)
                for child in group:
                    child.reap()
            for child in group:
                child.kill()


def take_lock(var_dir: Path) -> IO[str]:
    """The lock that makes this the only Cutroom on `var_dir`; held until the file is closed. Raises `CannotRun`."""
    var_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (var_dir / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        raise CannotRun(
            f"Cutroom already runs on {var_dir} (process {file.read().strip() or 'unknown'}); stop it first, or set another VAR_DIR"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def listen(host: str, port: int) -> socket.socket:
    """The site's listening socket. Raises `CannotRun` when the address is taken or is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        hint = (
            f"set PORT to another one, for example PORT={port + 1}"
            if error.errno == errno.EADDRINUSE
            else "set HOST and PORT to an address of this machine"
        )
        raise CannotRun(f"cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}; {hint}") from None


def start_redis(supervisor: Supervisor, var_dir: Path) -> bool:
    """Start the embedded server and wait until it has loaded its data. Raises `CannotRun`."""
    path = redis_url.socket_path(var_dir)
    spec = programs.redis(var_dir)
    if spec is None:
        raise CannotRun("no Redis-protocol server found: install valkey or redis, or run ./build.sh again, or set REDIS_URL")
    if redis_server.answers(path):
        raise CannotRun(f"another server answers on {path}; stop it first")
    supervisor.add(spec)
    return supervisor.wait_for(lambda: redis_server.answers(path), "the Redis-protocol server")


def start(supervisor: Supervisor, listener: socket.socket, var_dir: Path, host: str, port: int) -> None:
    """Bring everything up in order and say where it is. Raises `CannotRun`."""
    schemes = ("redis", "rediss", "unix")
    if not env.url("REDIS_URL", schemes=schemes) and not start_redis(supervisor, var_dir):
        return
    if subprocess.run(programs.migrate(), env=programs.environment(), check=False).returncode:  # noqa: S603 (our own arguments)
        if supervisor.stopping:
            return
        raise CannotRun("the database could not be brought up to date; the lines above say why")
    for spec in (programs.web(listener.fileno()), programs.media(), programs.control()):
        supervisor.add(spec)
    if supervisor.wait_for(lambda: answers(host, port), "the site"):
        supervisor.answered = True
        shown = f"[{host}]" if ":" in host else host
        log.info("Cutroom runs on http://%s:%d (Ctrl-C stops it)", shown, port)


def main() -> int:
    """Run until stopped; 0 after a stop that was asked for, 1 with one line when it cannot run."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    confinement.mode()
    var_dir = env.path("VAR_DIR", env.BASE_DIR / "var")
    host, port = env.text("HOST", "127.0.0.1"), env.integer("PORT", 8000, low=1, high=65535)
    try:
        lock = take_lock(var_dir)
        listener = listen(host, port)
    except CannotRun as reason:
        log.error("cutroom: %s.", reason)
        return 1
    supervisor = Supervisor()
    try:
        start(supervisor, listener, var_dir, host, port)
        supervisor.watch()
    except CannotRun as reason:
        log.error("cutroom: %s.", reason)
        return 1
    finally:
        listener.close()
        supervisor.stop()
        lock.close()
    log.info("Cutroom has stopped.")
    return 0
