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


@cache
def _client() -> redis.Redis:
    # The pool notices a fork by itself; no retries, because PAUSE_SECONDS stands for them.
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=None)
