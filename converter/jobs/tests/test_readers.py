"""All who watch share one connection, and nobody misses or waits for anything because of the others."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis
from asgiref.sync import sync_to_async
from django.conf import settings

from converter.jobs import events, readers
from converter.jobs.readers import Reader

LONG = 600.0
"""Nothing here waits so long: what comes ends the waiting."""


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_away_until", 0.0)
    monkeypatch.setattr(readers, "BLOCK_SECONDS", LONG)


@asynccontextmanager
async def reading(job: uuid.UUID) -> AsyncIterator[Reader]:
    reader = Reader(job)
    try:
        yield reader
    finally:
        await reader.close()


async def tell(job: uuid.UUID, *numbers: int) -> None:
    for number in numbers:
        await sync_to_async(events.publish)(job, "progress", {"progress": number})


async def numbers(reader: Reader, last: str, count: int) -> list[int]:
    found: list[events.Event] = []
    while len(found) < count:
        found += await asyncio.wait_for(reader.after(found[-1].id if found else last, LONG), 240)
    return [event.data["progress"] for event in found]


async def test_who_comes_while_the_others_wait_is_told_at_once_and_so_are_they() -> None:
    jobs = [uuid.uuid4() for _ in range(3)]
    async with reading(jobs[0]) as first, reading(jobs[1]) as second, reading(jobs[2]) as third, reading(jobs[2]) as fourth:
        waiting = [asyncio.ensure_future(numbers(first, await first.last_id(), 1))]
        for reader in (second, third, fourth):
            waiting.append(asyncio.ensure_future(numbers(reader, await reader.last_id(), 1)))
        for n, job in enumerate(jobs):
            await tell(job, n)
        assert await asyncio.gather(*waiting) == [[0], [1], [2], [2]]
        assert {reader._listener for reader in (first, second, third, fourth)} == {readers._listeners[asyncio.get_running_loop()]}
    assert asyncio.get_running_loop() not in readers._listeners


async def test_who_comes_back_gets_all_it_missed_also_what_the_others_have_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "KEPT", 3)
    job = uuid.uuid4()
    async with reading(job) as steady:
        begin = await steady.last_id()
        await tell(job, *range(8))
        assert await numbers(steady, begin, 8) == list(range(8))
        async with reading(job) as late:
            assert await numbers(late, begin, 8) == list(range(8))
            entries = await steady.after(begin, LONG)
            assert await late.has(entries[1].id) and not await late.has("1-1")
            assert await numbers(late, entries[1].id, 6) == list(range(2, 8))


async def test_whoever_waits_learns_that_redis_went_away() -> None:
    job = uuid.uuid4()
    async with reading(job) as reader:
        last = await reader.last_id()
        waiting = asyncio.ensure_future(reader.after(last, LONG))
        failure = redis.ConnectionError("away")

        async def broken() -> None:
            raise failure

        reader._listener._start(broken)
        with pytest.raises(redis.ConnectionError):
            await asyncio.wait_for(waiting, 240)
        with pytest.raises(redis.ConnectionError):
            await reader.after(last, LONG)
        async with reading(job) as fresh:
            assert fresh._listener is not reader._listener
            await tell(job, 7)
            assert await numbers(fresh, last, 1) == [7]
    assert settings.REDIS_URL and not readers._listeners.get(asyncio.get_running_loop())
