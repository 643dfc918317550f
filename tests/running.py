"""A whole running Cutroom on a private directory, for the tests that need the real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 240.0
"""Seconds to wait for what must come; they cost nothing where it does."""
NAMES = {"valkey": "redis", "redis-server": "redis", "gunicorn": "web", "media@": "media", "control@": "control"}


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.05)


class Cutroom:
    """A running Cutroom on a private directory; `extra` are further variables of its environment."""

    def __init__(self, directory: Path, port: int, **extra: str) -> None:
        self.directory = directory
        self.port = port
        self.extra = extra
        self.log = (directory / "log").open("w")
        self.process = subprocess.Popen([sys.executable, "-m", "config.supervisor"], cwd=ROOT, env=self.environment(), stderr=self.log)

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
        return {
            **kept,
            "CUTROOM_DOTENV": "0",
            "LOG_LEVEL": "INFO",
            "PORT": str(self.port),
            "VAR_DIR": str(self.directory / "var"),
            "MEDIA_ROOT": str(self.directory / "media"),
            **self.extra,
            **more,
        }

    def children(self) -> dict[str, psutil.Process]:
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self.process.pid).children():
            try:
                words = " ".join(child.cmdline())
            except psutil.Error:
                continue
            found |= {name: child for mark, name in NAMES.items() if mark in words}
        return found

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def ready(self) -> bool:
        status, _ = self.get("/health/ready/")
        return status == 200

    def second(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "config.supervisor"],
            cwd=ROOT,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def text(self) -> str:
        """What it has written so far."""
        return (self.directory / "log").read_text()

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.log.close()


_reserved: list[socket.socket] = []


def free_port() -> int:
    """A port that nobody else gets until this process ends: the kernel hands a bound one to nobody, but a server may still listen on it."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    _reserved.append(reserved)
    return int(reserved.getsockname()[1])


@contextmanager
def web_server(media_root: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """gunicorn with its ASGI worker, as in production, on this test's database and files: its port and its process."""
    port = free_port()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url(),
        "REDIS_URL": str(settings.CACHES["default"]["LOCATION"]).partition("?")[0],
        "MEDIA_ROOT": str(media_root),
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }
    command = [sys.executable, "-m", "gunicorn", "config.asgi:application", "-c", str(ROOT / "gunicorn.conf.py")]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        until(lambda: process.poll() is not None or listens(port), "the server's start")
        assert process.poll() is None, "the server did not start"
        yield port, process
    finally:
        process.terminate()
        process.wait(PATIENCE)


def living(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; one that is dead and only waits for init to take note of it, which some machines' never does, is over."""
    left = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                left.append(process)
    return left


def listens(port: int) -> bool:
    """Whether somebody takes connections on a port of this machine."""
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def database_url() -> str:
    """The test's own database, for another process."""
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{at['NAME']}"
    place = f"{quote(at['USER'] or '')}:{quote(at['PASSWORD'] or '')}@{quote(at['HOST'] or '', safe='')}:{at['PORT'] or ''}"
    return f"postgres://{place}/{at['NAME']}"
