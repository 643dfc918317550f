"""Refusals in the trail: who was not let in, or not let do something."""

from __future__ import annotations

import json
import logging

from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase
from redis.exceptions import RedisError

from . import services
from .address import client_network

logger = logging.getLogger(__name__)

ALWAYS = frozenset({401, 403, 429})
THINGS = frozenset({404, 410})
"""Counted where the address names a thing: it is somebody else's, or gone."""

CHANGES = frozenset({409, 413, 415, 423})
"""Counted where something was to be changed."""

EACH = 50
WINDOW_SECONDS = 600
"""So many refusals of one kind from one address are written down one by one in this time, then the 64th, the 128th, and so on,
with their number: the trail tells of a flood and is not flooded itself."""


def note(request: HttpRequest, response: HttpResponseBase) -> None:
    """Write a refusal down. A trail that cannot be written is logged, and the answer goes out all the same."""
    if not _counts(request, response.status_code):
        return
    seen = _seen(f"refused:{client_network(request)}:{response.status_code}")
    if seen > EACH and seen & (seen - 1):
        return
    match = request.resolver_match
    route = (match.view_name if match else "") or "unknown"
    try:
        services.record(
            "request.refused",
            ("route", route[:40], request.path),
            method=request.method,
            status=response.status_code,
            code=_code(response),
            seen=seen,
        )
    except DatabaseError:
        logger.exception("a refusal could not be written to the trail")


def _counts(request: HttpRequest, status: int) -> bool:
    if status in ALWAYS:
        return True
    if status in THINGS:
        return request.resolver_match is not None and bool(request.resolver_match.kwargs)
    return status in CHANGES and request.method not in ("GET", "HEAD", "OPTIONS")


def _seen(key: str) -> int:
    try:
        cache.add(key, 0, WINDOW_SECONDS)
        return int(cache.incr(key))
    except (RedisError, ValueError):  # away, or ended between the two
        return 1


def _code(response: HttpResponseBase) -> str:
    if response.headers.get("Content-Type") != "application/problem+json":
        return ""
    return str(json.loads(getattr(response, "content", b"{}")).get("code", ""))
