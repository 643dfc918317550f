"""Delivery by the real web server: many at once, transfers that break, files larger than memory should see."""

from __future__ import annotations

import hashlib
import http.client
import random
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from converter.exports.models import Grant
from tests.running import PATIENCE, until, web_server

from . import make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[3]
MB = 1024 * 1024


class Server:
    """gunicorn with its ASGI worker, as in production, on this test's database and files."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port, self.process = port, process

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def connect_narrowly(self) -> http.client.HTTPConnection:
        """A line on which little is under way at once, whatever this machine's buffers are: what is not read is not sent."""
        line = self.connect()
        line.sock = socket.socket()
        line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MB // 4)
        line.sock.settimeout(line.timeout)
        line.sock.connect(("127.0.0.1", self.port))
        return line

    def post(self, token: str, **headers: str) -> tuple[int, bytes]:
        connection = self.connect()
        connection.request("POST", f"/download/{token}/", headers={"Accept": "*/*", "User-Agent": "test", **headers})
        response = connection.getresponse()
        try:
            return response.status, response.read()
        finally:
            connection.close()

    def memory(self) -> int:
        """Resident bytes of the master and its workers."""
        master = psutil.Process(self.process.pid)
        return sum(process.memory_info().rss for process in (master, *master.children()))


@pytest.fixture
def server(media_root) -> Iterator[Server]:
    with web_server(media_root) as (port, process):
        yield Server(port, process)


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)


def test_of_a_hundred_at_once_exactly_one_gets_the_file(server):
    data = noise(2 * MB)
    _, token = make.grant(make.export(data=data))
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: server.post(token), range(100)))
    assert sorted(status for status, _ in answers) == [200] + [410] * 99
    assert [body for status, body in answers if status == 200] == [data]
    until(lambda: Grant.objects.get().completed_at is not None, "the receipt")
    assert Grant.objects.get().bytes_sent == len(data)


def test_a_transfer_that_broke_goes_on_where_it_broke(server):
    data = noise(40 * MB)
    _, token = make.grant(make.export(data=data))
    http_connection = server.connect_narrowly()
    http_connection.request("POST", f"/download/{token}/", headers={"Accept": "*/*", "User-Agent": "test"})
    response = http_connection.getresponse()
    got = response.read(3 * MB)
    response.close()
    http_connection.close()
    until(lambda: Grant.objects.get().busy_until is None, "the end of the broken transfer")
    grant = Grant.objects.get()
    assert grant.completed_at is None and len(got) <= grant.bytes_sent < len(data)

    assert server.post(token)[0] == 410
    assert server.post(token, **{"User-Agent": "stranger", "Range": f"bytes={len(got)}-"})[0] == 410
    status, rest = server.post(token, Range=f"bytes={len(got)}-")
    assert status == 206
    assert hashlib.sha256(got + rest).digest() == hashlib.sha256(data).digest()
    until(lambda: Grant.objects.get().completed_at is not None, "the receipt")
    assert server.post(token, Range=f"bytes={len(got)}-")[0] == 410


def test_a_transfer_whose_server_was_killed_goes_on(server):
    data = noise(40 * MB)
    _, token = make.grant(make.export(data=data))
    http_connection = server.connect_narrowly()
    http_connection.request("POST", f"/download/{token}/", headers={"Accept": "*/*", "User-Agent": "test"})
    response = http_connection.getresponse()
    got = response.read(12 * MB)
    for worker in psutil.Process(server.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it went with the one that was killed before it
            worker.kill()
    http_connection.close()
    grant = Grant.objects.get()
    assert grant.busy_until is not None, "nobody could say that it ended"
    assert grant.bytes_sent + 16 * MB >= len(got)
    Grant.objects.update(busy_until=make.ago(seconds=1))  # instead of waiting for the lease

    def resumed() -> bool:
        try:
            status, rest = server.post(token, Range=f"bytes={len(got)}-")
        except (OSError, http.client.HTTPException):
            return False  # the next worker is still starting
        return status == 206 and got + rest == data

    until(resumed, "the rest from the next worker")


def test_memory_does_not_grow_with_the_file(server):
    size = 300 * MB
    _, token = make.grant(make.export(sparse=size))
    # Whatever is loaded at the first request, and at the first transfer.
    assert server.post("x" * 43)[0] == 404 and server.post(make.grant(make.export(sparse=2 * MB))[1])[0] == 200
    before, peak, done, looked = server.memory(), 0, threading.Event(), threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, server.memory())
            looked.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert looked.wait(PATIENCE)
    http_connection = server.connect()
    http_connection.request("POST", f"/download/{token}/", headers={"Accept": "*/*"})
    response = http_connection.getresponse()
    received = 0
    while part := response.read(MB):
        received += len(part)
    done.set()
    watcher.join()
    http_connection.close()
    assert received == size
    assert peak - before < 40 * MB, f"{(peak - before) / MB:.0f} MB more"
