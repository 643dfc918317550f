"""Request bodies that are read while they arrive, by whoever parses them, in its own thread.

Django's ASGI handler copies a whole body to a temporary file before it asks who sent it, and the
parser then copies the file out of that. With this stream a form goes to `incoming/` once, a
request that is refused by its headers is never read, and a slow disk slows the sender down.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from converter.engine.errors import MediaError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

LINGER_BYTES, LINGER_SECONDS = 32 * 1024 * 1024, 5.0
"""How much of a body that nobody wanted is still taken: a client that is cut off while it sends never sees the answer."""


class StreamedBody(io.RawIOBase):
    """A request's body as a file for the thread that serves it, fed by the event loop that made it.

    It also stands in for ASGI's `receive`: called, it waits until the body is through and then for
    the client to leave. Reading raises `OSError` when the client breaks off, and
    `MediaError("too_large")` beyond `most` bytes.
    """

    def __init__(self, receive: Receive, most: int) -> None:
        super().__init__()
        self.most = most
        self.size = 0
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._complete = asyncio.Event()
        self._broken = False
        self._rest = memoryview(b"")
        self._coming: Future[bytes] | None = None
        self.patience: float | None = None
        """Seconds that a read waits before it says None, "nothing yet"; by default it waits for ever."""

    async def __call__(self) -> Message:
        """`receive` for those who wait for a disconnect after the body."""
        await self._complete.wait()
        return await self._receive()

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Fill `buffer` with what is there, at least one byte unless the body is through; None when `patience` is over."""
        target = memoryview(buffer).cast("B")
        if not self._rest:
            chunk = self._wait()
            if chunk is None:
                return None
            self._rest = memoryview(chunk)
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Nothing is held; Django closes its stream before the rest was drained."""

    async def drain(self) -> None:
        """After the response: take a little more of a body that was not read, so that the answer is seen."""
        deadline, most = time.monotonic() + LINGER_SECONDS, self.size + LINGER_BYTES
        if self._coming is not None:
            # A reader that lost its patience left a question open; two must not be asked at once.
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.wrap_future(self._coming), LINGER_SECONDS)
        while not self._complete.is_set() and not self._broken and self.size < most and (left := deadline - time.monotonic()) > 0:
            try:
                await asyncio.wait_for(self._next(), left)
            except TimeoutError:
                return

    def _wait(self) -> bytes | None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is self._loop:
            raise RuntimeError("a streamed body can't be read in the event loop that feeds it")
        coming = self._coming or asyncio.run_coroutine_threadsafe(self._next(), self._loop)
        try:
            chunk = coming.result(self.patience)
        except TimeoutError:
            # What comes while nobody waits is not lost: the next read asks the same question again.
            self._coming = coming
            return None
        self._coming = None
        if self.size > self.most:
            raise MediaError("too_large", "The request is larger than may be sent here.")
        return chunk

    async def _next(self) -> bytes:
        """The next bytes; empty at the end. Raises `OSError` when there is no end."""
        while not self._complete.is_set():
            if self._broken:
                break
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._broken = True
                break
            if not message.get("more_body", False):
                self._complete.set()
            chunk: bytes = message.get("body", b"")
            self.size += len(chunk)
            if chunk:
                return chunk
        if self._broken:
            raise ConnectionResetError("the client left before the end of the body")
        return b""
