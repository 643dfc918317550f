"""The shared cache: one pool of connections for a whole process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.core.cache import caches
from redis.connection import DefaultParser

from config.cache import SharedPool


def pool() -> Any:
    """That of a cache object of this thread's own, after it was used."""
    cache = caches.create_connection("default")
    cache.set("shared", "yes", 60)
    return cache._cache.get_client().connection_pool


def test_threads_share_connections() -> None:
    with ThreadPoolExecutor(1) as other:
        assert other.submit(pool).result() is pool()
    assert caches["default"].get("shared") == "yes"


def test_each_address_has_a_pool_of_its_own() -> None:
    here = str(settings.CACHES["default"]["LOCATION"])
    first, same, other = (SharedPool.from_url(url, parser_class=DefaultParser) for url in (here, here, "redis://127.0.0.1:1/9"))
    assert first is same and first is not other
    assert (other.connection_kwargs["port"], other.connection_kwargs["db"]) == (1, 9)
