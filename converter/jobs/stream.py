"""A job's events as they happen, for `EventSource` (text/event-stream)."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import redis
from asgiref.sync import sync_to_async
from django.db import connection
from django.http import StreamingHttpResponse
from rest_framework.renderers import JSONRenderer

from . import events, selectors
from .api import JobSerializer
from .models import Job
from .states import TERMINAL

logger = logging.getLogger(__name__)

CONTENT_TYPE = "text/event-stream"

LIFE_SECONDS = 25.0
"""A stream ends itself after so long and the browser comes back: no connection lives for ever."""

PING_SECONDS = 10.0
POLL_SECONDS = 1.0
PLACE_SECONDS = 3.0
"""How often a waiting job's place in the queue is looked up."""
RETRY_MILLISECONDS = 1000

_ID = re.compile(r"\d{1,20}-\d{1,20}")


@dataclass(frozen=True, slots=True)
class _Snapshot:
    status: str
    progress: dict[str, Any]
    json: str

    @property
    def over(self) -> bool:
        return self.status in TERMINAL

    @property
    def place(self) -> int | None:
        """How many jobs stand before it; None once it does not wait."""
        place: int | None = self.progress["queue_position"]
        return place


def response(job: Job, last_event_id: str) -> StreamingHttpResponse:
    """Follow `job`. `last_event_id` is what the browser saw last, or empty; nonsense counts as empty."""
    last = last_event_id if _ID.fullmatch(last_event_id) else ""
    stream = StreamingHttpResponse(follow(job.pk, last), content_type=CONTENT_TYPE)
    stream["Cache-Control"] = "no-store"
    stream["X-Accel-Buffering"] = "no"
    _release()  # the stream outlives what this thread needs the database for
    return stream


async def follow(job_id: uuid.UUID, last: str = "") -> AsyncGenerator[str]:
    """The text of the stream: from Redis, or from the row once a second while Redis is away."""
    until = time.monotonic() + LIFE_SECONDS
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
    reader = events.Reader(job_id, wait=PING_SECONDS)
    try:
        resumed = bool(last) and await reader.has(last)
        if not resumed:
            last = await reader.last_id()  # asked before the row is read, so that nothing falls between the two
        now = await _snapshot(job_id)
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
                    yield _message("progress", _json(event.data), last)
            changed = any(event.name == "state" for event in found)
            if found and not changed:
                continue
            # The row, and not the event, says what the state is: an event may come late or never have been sent.
            now = await _snapshot(job_id)
            if changed or now.status != shown:
                yield _message("state", now.json, last)
            else:
                yield _message("progress", _json(now.progress)) if now.place != place else ": ping\n\n"
            shown, place = now.status, now.place
    finally:
        await reader.close()


async def _from_rows(job_id: uuid.UUID, until: float) -> AsyncGenerator[str]:
    before: _Snapshot | None = None
    pinged = time.monotonic()
    while True:
        now = await _snapshot(job_id)
        if before is None or now.status != before.status:
            yield _message("state", now.json)
        elif now.progress != before.progress:
            yield _message("progress", _json(now.progress))
        if now.over or time.monotonic() >= until:
            return
        if time.monotonic() - pinged >= PING_SECONDS:
            pinged = time.monotonic()
            yield ": ping\n\n"
        before = now
        await asyncio.sleep(POLL_SECONDS)


@sync_to_async
def _snapshot(job_id: uuid.UUID) -> _Snapshot:
    try:
        job = selectors.visible().get(pk=job_id)
        data = JobSerializer(job).data
    finally:
        _release()
    progress = {name: data[name] for name in ("progress", "stage", "eta_seconds", "queue_position")}
    return _Snapshot(job.status, progress, _json(data))


def _message(name: str, data: str, event_id: str = "") -> str:
    return (f"id: {event_id}\n" if event_id else "") + f"event: {name}\ndata: {data}\n\n"


def _json(data: Any) -> str:
    return str(JSONRenderer().render(data), "utf-8")


def _release() -> None:
    """Close this thread's connection, so that a hundred people who watch do not hold a hundred of them."""
    if not connection.in_atomic_block:
        connection.close()
