"""Bodies go to our disk, never beyond a limit, and the answer always arrives."""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.core.handlers.asgi import ASGIRequest

from config import asgi

MIB = 1024 * 1024


def scope(path: str, *, method: str = "POST", length: int | None = None, accept: bytes = b"*/*") -> dict[str, Any]:
    headers = [(b"host", b"localhost"), (b"accept", accept), (b"content-type", b"application/octet-stream")]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    return {"type": "http", "http_version": "1.1", "method": method, "path": path, "query_string": b"", "headers": headers, "scheme": "http"}


async def talk(asked: dict[str, Any], chunks: Iterable[bytes] = (b"",)) -> tuple[int, dict[bytes, bytes], bytes]:
    """Send a request chunk by chunk and collect the whole answer."""
    communicator = ApplicationCommunicator(asgi.application, asked)
    parts = list(chunks)
    for index, part in enumerate(parts):
        await communicator.send_input({"type": "http.request", "body": part, "more_body": index < len(parts) - 1})
    start = await communicator.receive_output(90)
    body, more = b"", True
    while more:
        message = await communicator.receive_output(90)
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await communicator.wait(90)
    return start["status"], dict(start["headers"]), body


async def test_a_declared_length_above_the_limit_is_refused_before_anything_is_read() -> None:
    status, headers, body = await talk(scope("/api/v1/jobs/", length=3 * MIB))
    problem = json.loads(body)
    assert status == problem["status"] == 413
    assert headers[b"Content-Type"] == b"application/problem+json"
    assert problem["code"] == "too_large"
    assert problem["detail"] == "The request is too large: at most 2 MiB are accepted here."


async def test_a_body_without_a_length_is_counted_while_it_comes() -> None:
    status, _, body = await talk(scope("/api/v1/jobs/"), [b"x" * MIB] * 4)
    assert status == 413
    assert json.loads(body)["code"] == "too_large"


async def test_uploads_have_their_own_limit(settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 5 * MIB
    for path in asgi.UPLOAD_PATHS:
        assert asgi.Limit.of(scope(path)).read == 5 * MIB + asgi.MULTIPART_ROOM
        assert asgi.Limit.of(scope(path, method="PUT")).read == settings.MAX_BODY_BYTES
    status, _, body = await talk(scope("/api/v1/uploads/", length=7 * MIB))
    assert status == 413
    assert "at most 5 MiB" in json.loads(body)["detail"]


async def test_a_browser_that_sent_a_form_gets_a_sentence(settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = MIB
    status, headers, body = await talk(scope("/", length=9 * MIB, accept=b"text/html,*/*"))
    assert status == 413
    assert headers[b"Content-Type"].startswith(b"text/plain")
    assert b"at most 1 MiB" in body


async def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    class Full:
        write = full

        def close(self) -> None:
            pass

    monkeypatch.setattr(asgi.tempfile, "SpooledTemporaryFile", lambda **_: Full())
    status, _, body = await talk(scope("/api/v1/uploads/"), [b"x" * MIB] * 2)
    assert status == 507
    assert json.loads(body)["code"] == "disk_full"


@pytest.mark.parametrize("size", [0, 1, asgi.IN_MEMORY + 1, 5 * MIB + 3])
async def test_a_body_arrives_whole(size: int, settings: Any, tmp_path: Path) -> None:
    settings.INCOMING_DIR = tmp_path
    body = asgi.Body(asgi.Limit(10 * MIB))
    sent = bytes(i % 251 for i in range(size))
    for at in range(0, size, 70_000):
        await body.add(sent[at : at + 70_000])
    file = await body.finish()
    assert file.read() == sent
    assert list(tmp_path.iterdir()) == [], "the file has no name: nothing is left behind by a crash"
    file.close()


async def test_a_client_that_goes_away_leaves_nothing(settings: Any, tmp_path: Path) -> None:
    settings.INCOMING_DIR = tmp_path
    communicator = ApplicationCommunicator(asgi.application, scope("/api/v1/uploads/"))
    await communicator.send_input({"type": "http.request", "body": b"x" * MIB, "more_body": True})
    await communicator.send_input({"type": "http.disconnect"})
    await communicator.wait(90)
    assert communicator.output_queue.empty()
    assert list(tmp_path.iterdir()) == []


async def test_static_files_come_in_chunks(tmp_path: Path, settings: Any) -> None:
    from config.static import CHUNK, StaticFilesMiddleware

    (tmp_path / "big.js").write_bytes(b"y" * (CHUNK * 2 + 1))
    settings.STATIC_ROOT = tmp_path
    middleware = StaticFilesMiddleware(lambda request: None)
    request = ASGIRequest(scope("/static/big.js", method="GET"), None)  # type: ignore[arg-type]
    response = middleware(request)
    assert response.is_async
    sizes = [len(part) async for part in _parts(response)]
    assert sizes == [CHUNK, CHUNK, 1]
    assert "Access-Control-Allow-Origin" not in response


async def _parts(response: Any) -> AsyncIterator[bytes]:
    async for part in response:
        yield part
    await asyncio.sleep(0)


def test_a_thread_that_a_broken_request_left_at_work_is_nobody_elses() -> None:
    begun, go = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert go.wait(90)

    async def left() -> asyncio.Task[None]:
        async with asgi.one_thread():
            task = asyncio.create_task(sync_to_async(work)())
            assert await asyncio.to_thread(begun.wait, 90)
        return task

    async def both() -> None:
        task = await left()
        try:
            async with asgi.one_thread():
                await asyncio.wait_for(sync_to_async(threading.get_ident)(), 90)
        finally:
            go.set()
            await task

    asyncio.run(both())


def test_a_thread_comes_back_without_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: queue.Queue[int] = queue.Queue()

    class Connection:
        def close(self) -> None:
            closed.put(threading.get_ident())

    monkeypatch.setattr(asgi, "connections", SimpleNamespace(all=lambda initialized_only: [Connection()]))

    async def broken_off() -> int:
        async with asgi.one_thread():
            return await sync_to_async(threading.get_ident)()

    # No response is closed here, which is when Django would have closed them: a pool of sixteen ran dry after sixteen such requests.
    worker = asyncio.run(broken_off())
    while closed.get(timeout=90) != worker:
        pass  # a thread of the test before, which is freed only now
