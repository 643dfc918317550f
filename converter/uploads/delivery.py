"""Sending files: byte ranges, conditional requests, constant memory, under ASGI and WSGI alike.

Django's own `FileResponse` has no ranges, and under ASGI it is read into memory whole.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import re
import stat
import time
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import quote

from django.core.handlers.asgi import ASGIRequest
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request

from converter.engine.errors import MediaError

CHUNK = 256 * 1024
"""Bytes read at a time, and about what one transfer holds in memory."""

REPORT_BYTES = 8 * 1024 * 1024
REPORT_SECONDS = 5.0
"""How far a transfer goes before it says so: whichever comes first."""

CACHE = "private, max-age=3600"
INLINE_POLICY = "sandbox; default-src 'none'"

OnSent = Callable[[int, bool], None]
"""Called with the position in the file up to which bytes were handed to the server (so a resumed
transfer begins at its start), and whether that was its end: now and then during the transfer, and
once when it is over, however it ended. May use the database; runs outside of the event loop."""

R = TypeVar("R", bound=HttpResponseBase)

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


def media_response(
    request: HttpRequest | Request,
    path: Path,
    *,
    mime: str,
    name: str,
    attachment: bool,
    etag: str,
    on_sent: OnSent | None = None,
    cache: str = CACHE,
) -> HttpResponseBase:
    """The file at `path`, or the part of it that was asked for.

    Answers 200, 206, 304 (`If-None-Match`) or 416; one range, also `-500` and `500-`, under
    `If-Range`; HEAD without a body. Several ranges at once are answered whole. `etag` is any text
    that changes with the bytes, without quotes. Raises `MediaError("gone")` when there is no file.
    """
    plain = request._request if isinstance(request, Request) else request
    file, size = _open(path)
    tag = f'"{etag}"'
    headers = _headers(mime=mime, name=name, attachment=attachment, tag=tag, cache=cache)
    part = _part(plain, tag, size)
    if _not_modified(plain, tag) or part is None or plain.method == "HEAD":
        file.close()
        return _bodyless(plain, tag, size, part, headers)
    file.seek(part.start)
    transfer = _Transfer(file, part.start, part.length, size, on_sent)
    response = _MediaResponse(transfer, asynchronous=isinstance(plain, ASGIRequest))
    response.status_code = 206 if part.partial else 200
    if part.partial:
        headers["Content-Range"] = f"bytes {part.start}-{part.start + part.length - 1}/{size}"
    headers["Content-Length"] = str(part.length)
    return _with(response, headers)


@dataclass(frozen=True, slots=True)
class _Part:
    start: int
    length: int
    partial: bool


class _Transfer:
    """One file on its way out."""

    def __init__(self, file: BinaryIO, start: int, length: int, size: int, on_sent: OnSent | None) -> None:
        self.file = file
        self.position = start
        self.end = start + length
        self.size = size
        self.on_sent = on_sent
        # The trail's actor must be known after the middlewares are through, when the body is sent.
        self.context = contextvars.copy_context()
        self.reported_bytes = start
        self.reported_at = time.monotonic()

    def read(self) -> bytes:
        return self.file.read(min(CHUNK, self.end - self.position))

    def sent(self, count: int) -> bool:
        """Count a chunk that the server has taken; True when it is time to report."""
        self.position += count
        if self.on_sent is None or self.position >= self.end:
            return False
        return self.position - self.reported_bytes >= REPORT_BYTES or time.monotonic() - self.reported_at >= REPORT_SECONDS

    def report(self) -> None:
        self.reported_bytes, self.reported_at = self.position, time.monotonic()
        if self.on_sent is not None:
            self.context.copy().run(self.on_sent, self.position, self.position >= self.size)

    def report_from_thread(self) -> None:
        # A client that left takes the request's own thread with it, so reports have one, and a
        # connection, of their own.
        try:
            self.report()
        finally:
            connections.close_all()

    def chunks(self) -> Iterator[bytes]:
        try:
            while self.position < self.end and (chunk := self.read()):
                yield chunk
                if self.sent(len(chunk)):
                    self.report()
        finally:
            self.file.close()
            self.report()

    async def achunks(self) -> AsyncIterator[bytes]:
        try:
            while self.position < self.end and (chunk := await asyncio.to_thread(self.read)):
                yield chunk
                if self.sent(len(chunk)):
                    await asyncio.to_thread(self.report_from_thread)
        finally:
            self.file.close()
            if self.on_sent is not None:
                await asyncio.shield(asyncio.to_thread(self.report_from_thread))


class _MediaResponse(StreamingHttpResponse):
    def __init__(self, transfer: _Transfer, *, asynchronous: bool) -> None:
        super().__init__(transfer.achunks() if asynchronous else transfer.chunks())
        closers: list[Callable[[], None]] = self._resource_closers  # type: ignore[attr-defined]  # as FileResponse does
        closers.append(transfer.file.close)


def _open(path: Path) -> tuple[BinaryIO, int]:
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb")
    except OSError as error:
        raise MediaError("gone", "The file was cleaned up.", log=str(error)) from error
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise MediaError("gone", "The file was cleaned up.", log=f"{path} is not a regular file")
    return file, status.st_size


def _part(request: HttpRequest, tag: str, size: int) -> _Part | None:
    """What to send; None when the range that was asked for lies outside of the file."""
    whole = _Part(0, size, False)
    asked = request.headers.get("Range", "")
    condition = request.headers.get("If-Range", "")
    # Ranges are defined for GET. A tag of ours is strong; a date is never one of ours.
    if not asked or request.method != "GET" or (condition and condition.strip() != tag):
        return whole
    match = _RANGE.fullmatch(asked.replace(" ", ""))
    if match is None or match.groups() == ("", ""):
        return whole
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        return _Part(size - length, length, True) if length else None
    start, end = int(first), min(int(last) if last else size - 1, size - 1)
    if last and int(last) < start:
        return whole
    return _Part(start, end - start + 1, True) if start < size else None


def _not_modified(request: HttpRequest, tag: str) -> bool:
    known = [value.strip().removeprefix("W/") for value in request.headers.get("If-None-Match", "").split(",")]
    return tag in known or "*" in known


def _bodyless(request: HttpRequest, tag: str, size: int, part: _Part | None, headers: dict[str, str]) -> HttpResponse:
    if _not_modified(request, tag):
        kept = {name: headers[name] for name in ("ETag", "Cache-Control", "X-Content-Type-Options")}
        response = HttpResponse(status=304)
        del response.headers["Content-Type"]
        return _with(response, kept)
    if part is None:
        return _with(HttpResponse(status=416), {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"})
    return _with(HttpResponse(), {**headers, "Content-Length": str(size)})


def _headers(*, mime: str, name: str, attachment: bool, tag: str, cache: str) -> dict[str, str]:
    headers = {
        "Content-Type": mime,
        "Content-Disposition": content_disposition(name, attachment=attachment),
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Cache-Control": cache,
        "X-Content-Type-Options": "nosniff",
    }
    # Whatever is inside, opened in a tab it has no origin, no script and no other resource.
    return headers if attachment else {**headers, "Content-Security-Policy": INLINE_POLICY}


def content_disposition(name: str, *, attachment: bool) -> str:
    """RFC 6266: the name in ASCII for old programs, and in full by RFC 5987 where that differs."""
    kind = "attachment" if attachment else "inline"
    name = "".join(character for character in name if unicodedata.category(character) not in ("Cc", "Cs")) or "file"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r'[\\"%]', "_", plain).strip(" .") or "file"
    shown = f'{kind}; filename="{plain}"'
    return shown if plain == name else f"{shown}; filename*=utf-8''{quote(name, safe='')}"


def _with(response: R, headers: dict[str, str]) -> R:
    for key, value in headers.items():
        response.headers[key] = value
    patch_vary_headers(response, ["Cookie", "Authorization"])
    return response
