"""A whole running Cutroom on a private directory, for the tests that need the real processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 90.0
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
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as response:
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
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.log.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
