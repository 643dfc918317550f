"""A whole embedded set (web, worker, scheduler, Redis) on a free port with its own data, for measuring and for tests."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from .clips import ROOT
from .measure import CommandError, tree

READY_SECONDS = 90.0
STOP_SECONDS = 30.0
BLOCK = 1 << 20


@dataclass(slots=True)
class Server:
    """A running set. `folder` holds its database, its media and its log; all of it is the caller's to remove."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, folder: Path, **environment: str) -> Self:
        """Start everything on an empty database; returns when `/health/ready/` says so. Raises `CommandError`."""
        port = free_port()
        env = {
            **os.environ,
            "CUTROOM_MODE": "embedded",
            "CUTROOM_DOTENV": "0",
            "VAR_DIR": str(folder / "var"),
            "MEDIA_ROOT": str(folder / "media"),
            "HOST": "127.0.0.1",
            "PORT": str(port),
            **environment,
        }
        env.pop("DJANGO_SETTINGS_MODULE", None)
        if not (ROOT / "staticfiles" / "staticfiles.json").exists():
            collect()
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "config.supervisor"], cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        server = cls(folder, port, process)
        try:
            server._wait_ready()
        except BaseException:
            server.stop()
            raise
        return server

    def _wait_ready(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise CommandError(f"the server ended by itself:\n{self.log()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.request("GET", "/health/ready/")[0] == 200:
                    return
            time.sleep(0.2)
        raise CommandError(f"the server was not ready within {READY_SECONDS:g} s:\n{self.log()}")

    def stop(self) -> None:
        """Stop all of it as an operator would. Raises `CommandError` when a process is left behind (it is killed)."""
        family = tree(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        _, alive = psutil.wait_procs(family, timeout=3)
        names = []
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                names.append(" ".join(process.cmdline()[:6]))
                process.kill()
        if names:
            raise CommandError(f"left behind after stopping: {'; '.join(names)}")

    def log(self) -> str:
        """The last of what it printed."""
        return (self.folder / "server.log").read_text(errors="replace")[-3000:]

    @property
    def address(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def processes(self, part: str = "") -> list[psutil.Process]:
        """Its processes, or those whose command line holds `part`."""
        found = []
        for process in tree(self.process.pid):
            with contextlib.suppress(psutil.Error):
                if not part or part in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def request(
        self, method: str, path: str, body: bytes | Iterator[bytes] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        """One exchange: status, body as it came over the wire, headers (names in lower case)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read(), {name.lower(): value for name, value in response.getheaders()}
        finally:
            connection.close()

    def guest(self) -> Client:
        """A client with a fresh anonymous owner."""
        return Client(self, json.loads(self.request("POST", "/api/v1/auth/guest/")[1])["token"])


@dataclass(frozen=True, slots=True)
class Client:
    """The few calls of the API that a measurement needs."""

    server: Server
    token: str

    def call(self, method: str, path: str, data: Any = None) -> Any:
        """A JSON exchange below `/api/v1/`. Raises `CommandError` for an error status."""
        body = None if data is None else json.dumps(data).encode()
        status, answer, _ = self.server.request(method, f"/api/v1/{path}", body, self._headers({"Content-Type": "application/json"}))
        return _read(status, answer, path)

    def upload(self, source: Path) -> Any:
        """Send a file, block by block, and return the upload."""
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{source.name}"\r\n\r\n'.encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        size = len(head) + source.stat().st_size + len(tail)
        headers = self._headers({"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(size)})
        status, answer, _ = self.server.request("POST", "/api/v1/uploads/", _blocks(head, source, tail), headers)
        return _read(status, answer, "uploads/")

    def wait(self, job: str, seconds: float = 600) -> Any:
        """Follow the job's events until it has ended; the finished job."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            state = self._follow(job)
            if state["status"] in ("succeeded", "failed", "cancelled"):
                return state
        raise CommandError(f"the job had not ended after {seconds:g} s")

    def _follow(self, job: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            connection.request("GET", f"/api/v1/jobs/{job}/events/", headers=self._headers({"Accept": "text/event-stream"}))
            event, state = "", {"status": "queued"}
            for raw in connection.getresponse():
                line = raw.decode().rstrip("\r\n")
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:") and event == "state":
                    state = json.loads(line[5:])
                    if state["status"] in ("succeeded", "failed", "cancelled"):
                        break
            return state
        finally:
            connection.close()

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **more}


def collect() -> None:
    """Collect the static files as they are now. Raises `CommandError`."""
    argv = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(f"manage.py collectstatic: {done.stderr[-2000:]}")


def free_port() -> int:
    """A TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _blocks(head: bytes, source: Path, tail: bytes) -> Iterator[bytes]:
    yield head
    with source.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
    yield tail


def _read(status: int, answer: bytes, path: str) -> Any:
    if status >= 400:
        raise CommandError(f"{path} answered {status}: {answer[:300].decode(errors='replace')}")
    return json.loads(answer)


@contextlib.contextmanager
def running(folder: Path, **environment: str) -> Iterator[Server]:
    """A server for the length of a block."""
    folder.mkdir(parents=True, exist_ok=True)
    server = Server.start(folder, **environment)
    try:
        yield server
    finally:
        server.stop()
