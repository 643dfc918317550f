"""The ASGI entry point: Django's handler, with bodies that go to our disk and never beyond a limit.

A form with a file is handed on while it arrives (`converter/uploads/streaming.py`): it is written
once, and a request that its headers refuse is never read. Every other body is gathered first.
"""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
import time
import uuid
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO, Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from converter.engine.errors import MediaError
from converter.uploads.streaming import LINGER_BYTES, LINGER_SECONDS, StreamedBody

IN_MEMORY = 64 * 1024
"""Bodies up to this many bytes never touch the disk."""
WRITE_SIZE = 1024 * 1024
"""Bytes gathered before a thread writes them, so that the event loop never waits for the disk."""
MULTIPART_ROOM = 1024 * 1024
"""Bytes that a form needs around the file in it."""
UPLOAD_PATHS = ("/api/v1/uploads/", "/")
"""Where files arrive; the last one is the page's own form."""

PIECE = b"application/offset+octet-stream"
"""The type of a body in the tus protocol."""

Scope = dict[str, Any]


@dataclass(frozen=True)
class Limit:
    """The most bytes that a request's body may have: `told` to people, and what a form may need around a file."""

    told: int
    room: int = 0

    @property
    def read(self) -> int:
        """The most bytes that are read."""
        return self.told + self.room

    @classmethod
    def of(cls, scope: Scope) -> Limit:
        """That of this request's address and method."""
        path: str = scope["path"]
        upload = (scope["method"] == "POST" and path == UPLOAD_PATHS[1]) or (
            scope["method"] in ("POST", "PATCH") and path.startswith(UPLOAD_PATHS[0])
        )
        return cls(settings.MAX_UPLOAD_BYTES, MULTIPART_ROOM) if upload else cls(settings.MAX_BODY_BYTES)

    def refusal(self) -> MediaError:
        """The error, with the limit in a unit that people read."""
        value, unit = float(self.told), "bytes"
        for size, name in ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")):
            if value >= size:
                value, unit = value / size, name
                break
        return MediaError("too_large", f"The request is too large: at most {value:g} {unit} are accepted here.")


def declared_length(scope: Scope) -> int:
    """The Content-Length, 0 when there is none (a chunked body is counted while it comes)."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def is_form(scope: Scope) -> bool:
    """Whether the body is a form with files."""
    return any(name == b"content-type" and value.startswith(b"multipart/form-data") for name, value in scope["headers"])


def is_piece(scope: Scope) -> bool:
    """Whether the body is a part of a resumable upload: what arrived of it counts, also when the rest never comes."""
    return (b"content-type", PIECE) in ((name, value) for name, value in scope["headers"]) and scope["path"].startswith(UPLOAD_PATHS[0])


class Body:
    """A request body on its way in: in memory while small, then in a nameless file beside the uploads."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.size = 0
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(settings.INCOMING_DIR))  # noqa: SIM115 (the request owns it)
        self._gathered: list[bytes] = []
        self._waiting = 0

    async def add(self, chunk: bytes) -> None:
        """Take a chunk. Raises `MediaError` (too_large, disk_full)."""
        self.size += len(chunk)
        if self.size > self.limit.read:
            raise self.limit.refusal()
        self._gathered.append(chunk)
        self._waiting += len(chunk)
        if self._waiting >= WRITE_SIZE:
            await asyncio.to_thread(self._write)

    async def finish(self) -> IO[bytes]:
        """The complete body, at its beginning. Raises `MediaError("disk_full")`."""
        if self.size <= IN_MEMORY:
            self._write()
        else:
            await asyncio.to_thread(self._write)
        self.file.seek(0)
        return self.file

    def _write(self) -> None:
        try:
            for chunk in self._gathered:
                self.file.write(chunk)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise MediaError("disk_full", log=str(error)) from error
            raise
        self._gathered, self._waiting = [], 0


_idle: list[ThreadPoolExecutor] = []
"""Executors of one thread each; the one used last is taken first. There are as many as there were requests at the same time."""


@asynccontextmanager
async def one_thread() -> AsyncGenerator[None]:
    """What is not asynchronous in a request runs in one thread, as Django wants it, but in one that has served others before.

    Django starts a thread for each request and waits, on the event loop, for its end: under load that took a third of the loop's time.
    """
    executor = _idle.pop() if _idle else ThreadPoolExecutor(1, "request")
    try:
        async with ThreadSensitiveContext(executor=executor):
            yield
    finally:
        # By the thread itself: a request that was broken off may leave it at work, and nobody gets it before that is over.
        executor.submit(_give_back, executor)


def _give_back(executor: ThreadPoolExecutor) -> None:
    """Free a thread, in that thread, with its database connections: Django closes them with the response, and a broken-off request has none."""
    try:
        for connection in connections.all(initialized_only=True):
            connection.close()
    finally:
        _idle.append(executor)


class Handler(ASGIHandler):
    """Django's handler; it refuses a body that is too large before or while it is read.

    A request passes all middleware and its view in one thread. Django would have each of them that is not written for the event
    loop go there and back by itself, two dozen times a request: under load each waits its turn for the loop and for Python's lock.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        """The chain that a thread goes through as a whole."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """The response of the chain; an asynchronous view is awaited on the event loop, and so is what it streams."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """One request, in a thread that has served others before."""
        if scope["type"] != "http":
            raise ValueError(f"Only HTTP is answered here, and this is {scope['type']}.")
        async with one_thread():
            await self.handle(scope, receive, send)

    async def handle(self, scope: Scope, receive: Any, send: Any) -> None:
        """Stream a form, or read the body ourselves and let Django go on with the file."""
        limit = Limit.of(scope)
        if is_piece(scope) or (is_form(scope) and IN_MEMORY < declared_length(scope) <= limit.read):
            stream = StreamedBody(receive, limit.read)
            await super().handle(scope, stream, send)
            await stream.drain()
            return
        body = Body(limit)
        try:
            if declared_length(scope) > limit.read:
                raise limit.refusal()
            await self._read(body, receive)
            file = await body.finish()
        except RequestAborted:
            body.file.close()
        except MediaError as error:
            body.file.close()
            await self._refuse(error, scope, receive, send)
        else:
            if is_form(scope) and not declared_length(scope):
                # Sent in chunks (a pipe); Django takes a form without a length for an empty one.
                scope = {**scope, "headers": [*scope["headers"], (b"content-length", str(body.size).encode())]}
            await super().handle(scope, _Read(file, receive), send)

    async def read_body(self, receive: Any) -> Any:
        """What Django asks for first: the file that is already there, or the stream."""
        return receive if isinstance(receive, StreamedBody) else receive.file

    @staticmethod
    async def _read(body: Body, receive: Any) -> None:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestAborted
            if chunk := message.get("body"):
                await body.add(chunk)
            more = message.get("more_body", False)

    async def _refuse(self, error: MediaError, scope: Scope, receive: Any, send: Any) -> None:
        """Answer at once, then read on for a moment what the client is still sending."""
        await self.send_response(refusal(error, scope), send)
        read, deadline = 0, time.monotonic() + LINGER_SECONDS
        while read < LINGER_BYTES and (left := deadline - time.monotonic()) > 0:
            try:
                message = await asyncio.wait_for(receive(), left)
            except TimeoutError:
                break
            read += len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                break


class _Read:
    """`receive` after the body: it carries the file to `read_body`, and from then on only tells of a disconnect."""

    def __init__(self, file: IO[bytes], receive: Any) -> None:
        self.file = file
        self.receive = receive

    async def __call__(self) -> Any:
        return await self.receive()


def refusal(error: MediaError, scope: Scope) -> HttpResponse:
    """A problem for programs, the sentence alone for a browser that sent a form."""
    from converter.problems import problem_response

    accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    if b"text/html" in accept:
        response = HttpResponse(f"{error.detail} {error.code.hint}", content_type="text/plain; charset=utf-8", status=error.code.status)
    else:
        response = problem_response(error)
    response["Connection"] = "close"
    response["X-Request-ID"] = uuid.uuid4().hex
    response["Content-Length"] = str(len(response.content))
    return response


django.setup(set_prefix=False)
application = Handler()
