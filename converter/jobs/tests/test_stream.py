"""Following a job: exact resumption, the end, Redis away, and nothing left open."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import aclosing
from types import SimpleNamespace

import pytest
import redis
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.db import connections

from converter.engine.errors import MediaError
from converter.jobs import events, looks, readers, services, stream
from converter.jobs.models import Job
from converter.jobs.states import JobStatus
from converter.owners.services import new_guest
from tests.running import PATIENCE

from . import make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh_publisher(monkeypatch):
    """Without what an earlier test's outage left, the pause before the next try; and no stream ends before its test does."""
    monkeypatch.setattr(stream, "LIFE_SECONDS", 3600.0)
    monkeypatch.setattr(events, "_away_until", 0.0)
    monkeypatch.setattr(events, "_logged", False)
    yield
    asyncio.run(sync_to_async(connections.close_all)())  # those of the thread that async code calls the database in


@pytest.fixture
def claim():
    return make.claimed()


@pytest.fixture
def redis_away(monkeypatch):
    monkeypatch.setattr(settings, "REDIS_URL", "unix:///nowhere/redis.sock?db=2")
    events._client.cache_clear()
    yield
    events._client.cache_clear()


def progress(claim, percent: float) -> None:
    events.publish(claim.job_id, "progress", {"progress": percent, "stage": "encoding", "eta_seconds": 1.5})


def parse(message: str) -> dict:
    fields = dict(line.split(": ", 1) for line in message.strip().splitlines() if not line.startswith(":"))
    return {**fields, "data": json.loads(fields["data"])} if "data" in fields else fields


async def take(messages, count: int) -> list[dict]:
    found: list[dict] = []
    while len(found) < count:
        message = parse(await asyncio.wait_for(anext(messages), PATIENCE))
        if "event" in message:
            found.append(message)
    return found


async def rest(messages) -> list[dict]:
    return [found async for message in messages if "event" in (found := parse(message))]


def open_readers() -> int:
    """Connections that wait for events."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        return len([one for one in client.client_list() if one["cmd"] == "xread"])


async def test_it_begins_with_the_whole_job_and_ends_with_its_end(claim):
    async with aclosing(stream.follow(claim.job_id)) as messages:
        assert (await anext(messages)) == "retry: 1000\n\n"
        [state] = await take(messages, 1)
        assert state["event"] == "state" and state["data"]["status"] == "running" and state["data"]["id"] == str(claim.job_id)
        await sync_to_async(progress)(claim, 40)
        [told] = await take(messages, 1)
        assert (told["event"], told["data"]) == ("progress", {"progress": 40, "stage": "encoding", "eta_seconds": 1.5})
        await sync_to_async(services.fail)(claim, MediaError("no_audio"))
        end = await rest(messages)
    assert [one["data"]["status"] for one in end] == ["failed"] and end[0]["data"]["error"]["code"] == "no_audio"


async def test_last_event_id_goes_on_exactly_there(claim):
    for percent in (10, 20, 30):
        await sync_to_async(progress)(claim, percent)
    async with aclosing(stream.follow(claim.job_id)) as messages:
        [state] = await take(messages, 1)
        await sync_to_async(progress)(claim, 40)
        [fortieth] = await take(messages, 1)
    for percent in (50, 60):
        await sync_to_async(progress)(claim, percent)
    async with aclosing(stream.follow(claim.job_id, fortieth["id"])) as messages:
        assert [one["data"]["progress"] for one in await take(messages, 2)] == [50, 60]
    async with aclosing(stream.follow(claim.job_id, state["id"])) as messages:
        assert [one["data"]["progress"] for one in await take(messages, 3)] == [40, 50, 60]
        await sync_to_async(services.cancel)(claim.job_id)
        assert [one["event"] for one in await rest(messages)] == ["state"]


@pytest.mark.parametrize("last", ["1-1", "99999999999999-0"])
async def test_an_id_that_is_not_there_any_more_begins_with_the_state(claim, last):
    await sync_to_async(progress)(claim, 10)
    async with aclosing(stream.follow(claim.job_id, last)) as messages:
        [state] = await take(messages, 1)
    assert state["event"] == "state"


async def test_who_comes_back_after_the_end_is_told_and_let_go(claim):
    await sync_to_async(progress)(claim, 10)
    async with aclosing(stream.follow(claim.job_id)) as messages:
        [state] = await take(messages, 1)
    await sync_to_async(progress)(claim, 20)
    await sync_to_async(services.cancel)(claim.job_id)
    for last, told in ((state["id"], ["progress", "state"]), ("", ["state"])):
        found = await rest(stream.follow(claim.job_id, last))
        assert [one["event"] for one in found] == told and found[-1]["data"]["status"] == "cancelled"
    assert [one["event"] for one in await rest(stream.follow(claim.job_id, found[-1]["id"]))] == ["state"]


async def test_an_event_that_was_never_sent_is_made_up_for(claim, monkeypatch):
    monkeypatch.setattr(stream, "PING_SECONDS", 0.2)
    async with aclosing(stream.follow(claim.job_id)) as messages:
        await take(messages, 1)
        await Job.objects.filter(pk=claim.job_id).aupdate(status=JobStatus.CANCELLED)
        assert [one["data"]["status"] for one in await rest(messages)] == ["cancelled"]


@pytest.mark.parametrize("redis_is_there", [True, False])
async def test_a_waiting_job_hears_that_its_place_is_another(request, monkeypatch, redis_is_there):
    monkeypatch.setattr(stream, "PLACE_SECONDS" if redis_is_there else "POLL_SECONDS", 0.05)
    if not redis_is_there:
        request.getfixturevalue("redis_away")
    owner = await sync_to_async(make.owner)()
    first, second = [await sync_to_async(make.job)(owner) for _ in range(2)]
    async with aclosing(stream.follow(second.pk)) as messages:
        [state] = await take(messages, 1)
        assert (state["event"], state["data"]["queue_position"]) == ("state", 1)
        await sync_to_async(services.cancel)(first.pk)
        [told] = await take(messages, 1)
        assert (told["event"], told["data"]["queue_position"]) == ("progress", 0)


async def test_many_who_watch_one_job_read_its_row_once_for_each_thing_that_happens(claim, monkeypatch):
    read, reads = looks.snapshot, []
    for served in ("FRESH_SECONDS", "CALM_SECONDS"):
        monkeypatch.setattr(looks, served, 3600)
    monkeypatch.setattr(looks, "snapshot", lambda job_id: reads.append(job_id) or read(job_id))
    before = await asyncio.gather(*(looks.look(claim.job_id, "5-0") for _ in range(50)), looks.look(claim.job_id, ""))
    assert len(reads) == 1 and len(set(map(id, before))) == 1
    after = await looks.look(claim.job_id, "10-0")
    assert len(reads) == 2 and after is not before[0], "an event that the first look may not have seen"
    assert await looks.look(claim.job_id, "9-3") is after
    monkeypatch.setattr(looks, "FRESH_SECONDS", -1)
    await looks.look(claim.job_id, "9-3")
    assert len(reads) == 3, "too old"


async def test_whoever_leaves_takes_nothing_from_the_others(claim, monkeypatch):
    monkeypatch.setattr(looks, "FRESH_SECONDS", 3600)
    first = asyncio.ensure_future(looks.look(claim.job_id, ""))
    second = asyncio.ensure_future(looks.look(claim.job_id, ""))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).status == "running" and first.cancelled()


async def test_a_quiet_stream_pings_and_ends_itself(claim, monkeypatch):
    monkeypatch.setattr(stream, "PING_SECONDS", 0.05)
    looks = itertools.count()  # its clock: a fifth of its life at each look, however long one takes
    monkeypatch.setattr(stream, "time", SimpleNamespace(monotonic=lambda: next(looks) * stream.LIFE_SECONDS / 5))
    messages = [message async for message in stream.follow(claim.job_id)]
    assert messages[0].startswith("retry") and "event: state" in messages[1] and set(messages[2:]) == {": ping\n\n"} and len(messages) > 3


async def test_with_redis_away_the_row_is_read(claim, redis_away, monkeypatch):
    monkeypatch.setattr(stream, "POLL_SECONDS", 0.05)
    async with aclosing(stream.follow(claim.job_id)) as messages:
        [state] = await take(messages, 1)
        assert state["event"] == "state" and "id" not in state
        await sync_to_async(services.heartbeat)(claim, 30, "encoding", 2.0)
        [told] = await take(messages, 1)
        assert (told["event"], told["data"]["progress"]) == ("progress", 30)
        await sync_to_async(services.fail)(claim, MediaError("no_video"))
        assert [one["data"]["status"] for one in await rest(messages)] == ["failed"]


def test_publishing_to_a_redis_that_is_away_is_told_once_and_harms_nothing(claim, redis_away, caplog, monkeypatch):
    monkeypatch.setattr(events, "PAUSE_SECONDS", 0.0)
    for percent in range(5):
        progress(claim, percent)
    assert services.fail(claim, MediaError("no_video")).status == "failed"
    assert len([record for record in caplog.records if record.name == events.__name__]) == 1


def test_streams_stay_short_and_do_not_live_for_ever(claim):
    for percent in range(1000):
        progress(claim, percent / 10)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert client.xlen(events.key(claim.job_id)) < 400 and 0 < client.ttl(events.key(claim.job_id)) <= events.LIFE_SECONDS


async def test_nothing_stays_open_when_a_client_goes_away(client):
    """Through the real ASGI handler: headers, then the disconnect of a browser that closed the page."""
    from config.asgi import application

    owner, token = await sync_to_async(new_guest)()
    job = await sync_to_async(make.job)(owner)
    path = f"/api/v1/jobs/{job.pk}/events/"
    headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode()), (b"accept", b"text/event-stream")]
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "query_string": b"", "headers": headers}
    browsers = [ApplicationCommunicator(application, scope) for _ in range(5)]
    for browser in browsers:
        await browser.send_input({"type": "http.request"})
        start = await browser.receive_output(PATIENCE)
        sent = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        assert start["status"] == 200 and sent["content-type"] == "text/event-stream"
        assert sent["x-accel-buffering"] == "no" and "no-store" in sent["cache-control"]
        text = b""
        while b"event: state" not in text:
            text += (await browser.receive_output(PATIENCE))["body"]
    assert readers._listeners[asyncio.get_running_loop()].readers == len(browsers)
    async with asyncio.timeout(PATIENCE):
        while not (waiting := await sync_to_async(open_readers)()):  # the question may still be on its way to Redis
            await asyncio.sleep(0.05)
    assert waiting == 1, "one for all"
    for browser in browsers:
        await browser.send_input({"type": "http.disconnect"})
        await browser.wait(PATIENCE)
    async with asyncio.timeout(PATIENCE):
        while await sync_to_async(open_readers)():
            await asyncio.sleep(0.05)
    assert asyncio.get_running_loop() not in readers._listeners
