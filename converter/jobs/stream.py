"""A job's events as they happen, for `EventSource` (text/event-stream)."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing

import redis
from django.http import StreamingHttpResponse

from .looks import Snapshot, as_json, look, release, snapshot
from .readers import Reader

logger = logging.getLogger(__name__)

CONTENT_TYPE = "text/event-stream"

LIFE_SECONDS = 25.0
"""A stream ends itself after so long and the browser comes back: no connection lives for ever."""
SPREAD = 0.4
"""So much of that is left to chance: those who came together (a server began anew) must not come back together for ever."""

PING_SECONDS = 10.0
POLL_SECONDS = 1.0
PLACE_SECONDS = 3.0
"""How often a waiting job's place in the queue is looked up."""
RETRY_MILLISECONDS = 1000

_ID = re.compile(r"\d{1,20}-\d{1,20}")


def response(job_id: uuid.UUID, last_event_id: str) -> StreamingHttpResponse:
    """Follow a job. `last_event_id` is what the browser saw last, or empty; nonsense counts as empty."""
    last = last_event_id if _ID.fullmatch(last_event_id) else ""
    stream = StreamingHttpResponse(follow(job_id, last), content_type=CONTENT_TYPE)
    stream["Cache-Control"] = "no-store"
    stream["X-Accel-Buffering"] = "no"
    release()  # the stream outlives what this thread needs the database for
    return stream


async def follow(job_id: uuid.UUID, last: str = "") -> AsyncGenerator[str]:
    """The text of the stream: from Redis, or from the row once a second while Redis is away."""
    until = time.monotonic() + LIFE_SECONDS * (1 - SPREAD * random.random())  # noqa: S311 (no secret)
    yield f"retry: {RETRY_MILLISECONDS}\n\n"
    try:
        async with aclosing(_from_redis(job_id, last, until)) as messages:
            async for message in messages:
                yield message
    except redis.RedisError as error:
        logger.info("job events are read from the database while Redis is away: %s", error)
    else:
        return
    async with aclosing(_from_rows(job_id, until)) as messages:
        async for message in messages:
            yield message


async def _from_redis(job_id: uuid.UUID, last: str, until: float) -> AsyncGenerator[str]:
    reader = Reader(job_id)
    try:
        resumed = bool(last) and await reader.has(last)
        if not resumed:
            last = await reader.last_id()  # asked before the row is read, so that nothing falls between the two
        now = await look(job_id, last)
        shown, place = "", now.place
        if not resumed:
            yield _message("state", now.json, last)
            shown = now.status
        while not (now.over and shown == now.status) and (left := until - time.monotonic()) > 0:
            longest = PING_SECONDS if now.place is None else PLACE_SECONDS
            found = await reader.after(last, 0.001 if now.over else min(longest, left))
            for event in found:
                last = event.id
                if event.name == "progress":
                    yield _message("progress", as_json(event.data), last)
            changed = any(event.name == "state" for event in found)
            if found and not changed:
                continue
            # The row, and not the event, says what the state is: an event may come late or never have been sent.
            now = await look(job_id, last, calm=not changed)
            if changed or now.status != shown:
                yield _message("state", now.json, last)
            else:
                yield _message("progress", as_json(now.progress)) if now.place != place else ": ping\n\n"
            shown, place = now.status, now.place
    finally:
        await reader.close()


async def _from_rows(job_id: uuid.UUID, until: float) -> AsyncGenerator[str]:
    before: Snapshot | None = None
    pinged = time.monotonic()
    while True:
        now = await snapshot(job_id)
        if before is None or now.status != before.status:
            yield _message("state", now.json)
        elif now.progress != before.progress:
            yield _message("progress", as_json(now.progress))
        if now.over or time.monotonic() >= until:
            return
        if time.monotonic() - pinged >= PING_SECONDS:
            pinged = time.monotonic()
            yield ": ping\n\n"
        before = now
        await asyncio.sleep(POLL_SECONDS)


def _message(name: str, data: str, event_id: str = "") -> str:
    return (f"id: {event_id}\n" if event_id else "") + f"event: {name}\ndata: {data}\n\n"
