"""Intake by the real web server: large files at constant memory, broken lines, refusals before the body."""

from __future__ import annotations

import http.client
import json
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from converter.owners.services import new_guest
from converter.uploads.models import Upload
from tests.running import PATIENCE, until, web_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[3]
MB = 1024 * 1024
HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="long.wav"\r\nContent-Type: audio/wav\r\n\r\n'
TAIL = b"\r\n--x--\r\n"


class Server:
    """gunicorn with its ASGI worker, as in production, on this test's database and files."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port, self.process = port, process
        self.token = new_guest()[1]

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def headers(self, length: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(length)}

    def memory(self) -> int:
        """Resident bytes of the master and its workers; what runs in the sandbox is not theirs."""
        master = psutil.Process(self.process.pid)
        return sum(process.memory_info().rss for process in (master, *master.children()))


@pytest.fixture
def server(media_root: Path) -> Iterator[Server]:
    with web_server(media_root) as (port, process):
        yield Server(port, process)


def wav(size: int) -> bytes:
    """The head of a sound of `size` bytes of silence."""
    form = struct.pack("<IHHIIHH", 16, 1, 2, 48_000, 192_000, 4, 16)
    return b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + form + b"data" + struct.pack("<I", size)


def send(server: Server, size: int) -> tuple[int, Any]:
    """Upload a silence of `size` bytes, piece by piece."""
    head = HEAD + wav(size)
    line = server.connect()
    line.putrequest("POST", "/api/v1/uploads/")
    for key, value in server.headers(len(head) + size + len(TAIL)).items():
        line.putheader(key, value)
    line.endheaders(head)
    zeros = bytes(MB)
    for start in range(0, size, MB):
        line.send(zeros[: min(MB, size - start)])
    line.send(TAIL)
    response = line.getresponse()
    try:
        return response.status, json.loads(response.read())
    finally:
        line.close()


def test_a_large_upload_and_download_at_constant_memory(server: Server, left: Callable[[], list[str]]) -> None:
    status, body = send(server, MB)
    assert status == 201
    before = server.memory()
    size = 200 * MB
    status, body = send(server, size)
    assert status == 201 and body["size"] == size + 44 and body["media"]["duration"] == pytest.approx(size / 192_000)
    assert server.memory() - before <= 32 * MB
    line = server.connect()
    line.request("GET", body["content_url"], headers={"Authorization": f"Bearer {server.token}", "Range": f"bytes={size - 100 * MB}-"})
    response = line.getresponse()
    got = 0
    while chunk := response.read(MB):
        got += len(chunk)
    assert (response.status, got) == (206, 100 * MB + 44)
    assert server.memory() - before <= 40 * MB
    assert sorted(upload.path for upload in Upload.objects.all()) == left()


def test_a_line_that_breaks_leaves_nothing(server: Server, left: Callable[[], list[str]]) -> None:
    line = server.connect()
    line.putrequest("POST", "/api/v1/uploads/")
    for key, value in server.headers(50 * MB).items():
        line.putheader(key, value)
    line.endheaders(HEAD + wav(49 * MB))
    for _ in range(20):
        line.send(bytes(MB))
    line.close()
    until(lambda: left() == [], "the end of what had come")
    assert not Upload.objects.exists()
    assert send(server, MB)[0] == 201  # and the server goes on


def test_who_is_not_allowed_is_told_without_being_read(server: Server, left: Callable[[], list[str]]) -> None:
    server.token = "x" * 43
    line = server.connect()
    line.request("POST", "/api/v1/uploads/", headers=server.headers(500 * MB), body=HEAD)  # and the rest is never sent
    response = line.getresponse()
    assert response.status == 401 and json.loads(response.read())["code"] == "not_allowed"
    assert left() == []
    line.close()


def test_a_file_beyond_the_limit_is_refused_from_its_length(server: Server, left: Callable[[], list[str]]) -> None:
    line = server.connect()
    line.request("POST", "/api/v1/uploads/", headers=server.headers(5 * 1024**3), body=HEAD)
    response = line.getresponse()
    assert response.status == 413 and json.loads(response.read())["code"] == "too_large"
    assert left() == []
    line.close()


def test_a_form_in_chunks_without_a_length(server: Server) -> None:
    form = HEAD + wav(MB) + bytes(MB) + TAIL
    line = server.connect()
    headers = {key: value for key, value in server.headers(0).items() if key != "Content-Length"}
    line.request("POST", "/api/v1/uploads/", iter([form[:1000], form[1000:]]), headers, encode_chunked=True)
    response = line.getresponse()
    assert (response.status, json.loads(response.read())["size"]) == (201, len(wav(MB)) + MB)
    line.close()
