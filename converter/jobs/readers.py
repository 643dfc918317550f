"""What jobs tell, read once for all who watch in this process: one connection waits, however many look on.

Each event loop has one listener. It waits for the streams of all jobs that are watched at the same time, keeps the latest of
each, and hands them on. A connection for each who watches costs more to open than all that is ever said on it.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings

from . import events
from .events import KEPT, Event, key

BLOCK_SECONDS = 10.0
"""How long the listener waits at a time; somebody new interrupts it."""
CANCEL_SECONDS = 0.1
BELL_SECONDS = 60
"""How long the key that interrupts it outlives its last use."""

BEGINNING = "0-0"
Id = tuple[int, ...]


class Reader:
    """One who watches a job, on the connection that all share. To be made on the event loop, and closed by `close`.

    Every method but `close` raises `redis.RedisError` when Redis is away.
    """

    def __init__(self, job_id: uuid.UUID) -> None:
        self._key = key(job_id)
        self._listener = _Listener.here()
        self._listener.readers += 1
        self._tape: _Tape | None = None

    async def last_id(self) -> str:
        """The id of the newest entry, or the beginning of an empty stream: what comes later will be told by `after`."""
        if self._key not in self._listener.tapes:
            newest: Any = await self._listener.client.xrevrange(self._key, count=1)
            return self._join(str(newest[0][0]) if newest else BEGINNING).cursor
        return self._join(BEGINNING).cursor

    async def has(self, event_id: str) -> bool:
        """Whether that very entry is still there, so that everything after it is too."""
        return bool(await self._listener.client.xrange(self._key, event_id, event_id, count=1))

    async def after(self, event_id: str, seconds: float) -> list[Event]:
        """The entries after `event_id`; waits up to `seconds` for the first."""
        since, new = _number(event_id), self._tape is None
        tape = self._join(event_id)
        if new or since < tape.since:
            older: Any = await self._listener.client.xrange(self._key, f"({event_id}", count=KEPT)
            if older:
                return [_event(*entry) for entry in older]
        news = tape.news
        if not (found := tape.after(since)) and self._listener.error is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await news.wait()
            found = tape.after(since)
        if self._listener.error is not None and not found:
            raise self._listener.error
        return found

    async def close(self) -> None:
        """Leave. The last one closes the connection."""
        if self._tape is not None:
            self._listener.leave(self._key, self._tape)
            self._tape = None
        self._listener.readers -= 1
        if not self._listener.readers:
            await self._listener.end()

    def _join(self, at: str) -> _Tape:
        if self._tape is None:
            self._tape = self._listener.join(self._key, at)
        return self._tape


class _Tape:
    """The latest of one job: all that came after `since`, up to `cursor`."""

    def __init__(self, at: str) -> None:
        self.cursor, self.since = at, _number(at)
        self.watchers = 0
        self.news = asyncio.Event()
        self._entries: deque[tuple[Id, Event]] = deque()

    def add(self, entries: list[tuple[str, dict[str, str]]]) -> None:
        """Take in what was read after `cursor`, and wake all who wait."""
        for entry_id, fields in entries:
            self._entries.append((_number(entry_id), _event(entry_id, fields)))
            self.cursor = entry_id
        while len(self._entries) > KEPT:
            self.since = self._entries.popleft()[0]
        self.wake()

    def wake(self) -> None:
        """End everybody's waiting; the next one waits for something new."""
        self.news.set()
        self.news = asyncio.Event()

    def after(self, since: Id) -> list[Event]:
        """What is known to have come after `since`."""
        return [event for number, event in self._entries if number > since]


class _Listener:
    """Who waits for Redis on one event loop."""

    def __init__(self) -> None:
        self.client = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=events.TIMEOUT_SECONDS, socket_timeout=BLOCK_SECONDS + 2, decode_responses=True
        )
        self.readers = 0
        self.tapes: dict[str, _Tape] = {}
        self.error: Exception | None = None
        self._bell, self._heard, self._rung = f"bell:{uuid.uuid4().hex}", BEGINNING, False
        self._over = False
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    def here(cls) -> _Listener:
        """That of this event loop; a new one after an outage."""
        loop = asyncio.get_running_loop()
        found = _listeners.get(loop)
        if found is None or found.error is not None:
            found = _listeners[loop] = cls()
        return found

    def join(self, name: str, at: str) -> _Tape:
        """One more for a job's stream; the first one has it read from `at` on."""
        tape = self.tapes.get(name)
        if tape is None:
            tape = self.tapes[name] = _Tape(at)
            if not self._tasks:
                self._start(self._listen)
            elif not self._rung:
                self._rung = True
                self._start(self._ring)
        tape.watchers += 1
        return tape

    def leave(self, name: str, tape: _Tape) -> None:
        """One less."""
        tape.watchers -= 1
        if not tape.watchers:
            del self.tapes[name]

    async def end(self) -> None:
        """Close everything; whoever comes now begins anew."""
        loop = asyncio.get_running_loop()
        if _listeners.get(loop) is self:
            del _listeners[loop]
        self._over = True
        while waiting := {task for task in self._tasks if not task.done()}:
            # More than once: under Python 3.11 a wish to end that comes together with an answer from Redis is lost within its client.
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting, timeout=CANCEL_SECONDS)
        await self.client.aclose()

    def _start(self, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.get_running_loop().create_task(self._watched(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watched(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 (task boundary: whoever waits raises it)
            self.error = error
            for tape in self.tapes.values():
                tape.wake()

    async def _listen(self) -> None:
        while not self._over:
            # From here on whoever joins rings: a stream that this question leaves out must not wait for its end.
            self._rung = False
            wanted: dict[Any, Any] = {self._bell: self._heard, **{name: tape.cursor for name, tape in self.tapes.items()}}
            found: Any = await self.client.xread(wanted, count=KEPT, block=int(BLOCK_SECONDS * 1000))
            for name, entries in found:
                if name == self._bell:
                    self._heard = entries[-1][0]
                elif (tape := self.tapes.get(name)) is not None and tape.cursor == wanted[name]:
                    tape.add(entries)  # else it was begun anew meanwhile, and is asked about next

    async def _ring(self) -> None:
        async with self.client.pipeline(transaction=False) as pipe:
            pipe.xadd(self._bell, {"": ""}, maxlen=1, approximate=False)
            pipe.expire(self._bell, BELL_SECONDS)
            await pipe.execute()


_listeners: WeakKeyDictionary[asyncio.AbstractEventLoop, _Listener] = WeakKeyDictionary()


def _number(event_id: str) -> Id:
    return tuple(int(part) for part in event_id.split("-"))


def _event(entry_id: str, fields: dict[str, str]) -> Event:
    return Event(entry_id, fields["name"], json.loads(fields["data"]))
