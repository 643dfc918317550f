"""What a job tells while it works: one short Redis stream per job, for whoever watches.

Streams and not PUBLISH, because an entry has an id: a browser that reconnects with Last-Event-ID
goes on exactly where it was. Events are a convenience; the row is the truth, so an outage of Redis
is logged once and breaks nothing.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
import redis.asyncio
from django.conf import settings

logger = logging.getLogger(__name__)

KEPT = 200
"""Entries kept per stream, about."""

LIFE_SECONDS = 24 * 3600
TIMEOUT_SECONDS = 0.5
PAUSE_SECONDS = 5.0
"""After a failure nothing is tried for so long: a job must not wait for Redis at every step."""

_away_until = 0.0
_logged = False


@dataclass(frozen=True, slots=True)
class Event:
    """One entry: `name` is `state` or `progress`."""

    id: str
    name: str
    data: dict[str, Any]


def key(job_id: uuid.UUID) -> str:
    """The stream of a job."""
    return f"job:{job_id}"


def publish(job_id: uuid.UUID, name: str, data: Mapping[str, Any]) -> None:
    """Append an event; never raises for a Redis that is away."""
    global _away_until, _logged
    if time.monotonic() < _away_until:
        return
    try:
        with _client().pipeline(transaction=False) as pipe:
            pipe.xadd(key(job_id), {"name": name, "data": json.dumps(data)}, maxlen=KEPT, approximate=True)
            pipe.expire(key(job_id), LIFE_SECONDS)
            pipe.execute()
    except redis.RedisError as error:
        _away_until = time.monotonic() + PAUSE_SECONDS
        if not _logged:
            _logged = True
            logger.warning("progress events are not sent while Redis is away: %s", error)
        return
    if _logged:
        _logged = False
        logger.info("progress events are sent again")


class Reader:
    """Reads one job's stream without blocking the event loop; a connection of its own, closed by `close`.

    `wait` is the longest that `after` will be asked to wait, in seconds. Every method but `close`
    raises `redis.RedisError` when Redis is away.
    """

    def __init__(self, job_id: uuid.UUID, *, wait: float) -> None:
        self._key = key(job_id)
        self._client = redis.asyncio.Redis.from_url(
            settings.REDIS_URL,
            socket_connect_timeout=TIMEOUT_SECONDS,
            socket_timeout=wait + 2,
            decode_responses=True,
            single_connection_client=True,
        )

    async def last_id(self) -> str:
        """The id of the newest entry, or the beginning of an empty stream."""
        newest = await self._client.xrevrange(self._key, count=1)
        return str(newest[0][0]) if newest else "0-0"

    async def has(self, event_id: str) -> bool:
        """Whether that very entry is still there, so that everything after it is too."""
        return bool(await self._client.xrange(self._key, event_id, event_id, count=1))

    async def after(self, event_id: str, seconds: float) -> list[Event]:
        """The entries after `event_id`; waits up to `seconds` for the first."""
        found: Any = await self._client.xread({self._key: event_id}, count=KEPT, block=max(1, int(seconds * 1000)))
        return [Event(entry_id, fields["name"], json.loads(fields["data"])) for _, entries in found for entry_id, fields in entries]

    async def close(self) -> None:
        """Give the connection back."""
        await self._client.aclose()


@cache
def _client() -> redis.Redis:
    # The pool notices a fork by itself; no retries, because PAUSE_SECONDS stands for them.
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=None)
