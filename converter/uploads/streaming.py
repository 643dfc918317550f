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

    async def __call__(self) -> Message:
        """`receive` for those who wait for a disconnect after the body."""
        await self._complete.wait()
        return await self._receive()

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what is there, at least one byte unless the body is through."""
        target = memoryview(buffer).cast("B")
        if not self._rest:
            self._rest = memoryview(self._wait())
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Nothing is held; Django closes its stream before the rest was drained."""

    async def drain(self) -> None:
        """After the response: take a little more of a body that was not read, so that the answer is seen."""
        deadline, most = time.monotonic() + LINGER_SECONDS, self.size + LINGER_BYTES
        while not self._complete.is_set() and not self._broken and self.size < most and (left := deadline - time.monotonic()) > 0:
            try:
                await asyncio.wait_for(self._next(), left)
            except TimeoutError:
                return

    def _wait(self) -> bytes:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is self._loop:
            raise RuntimeError("a streamed body can't be read in the event loop that feeds it")
        chunk = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
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
