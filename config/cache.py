"""The shared cache's connections, kept by the process instead of by each request."""

from __future__ import annotations

from functools import cache
from typing import Any

import redis


class SharedPool(redis.ConnectionPool):
    """One pool for each address and process.

    Django keeps a cache object for each thread of control, and with it a pool: under ASGI every request opened a connection
    of its own, which took longer than what was then said on it.
    """

    @classmethod
    @cache
    def from_url(cls, url: str, **options: Any) -> SharedPool:
        """The pool for an address; the same options give the same one."""
        return super().from_url(url, **options)
