"""Who acts, across threads and tasks, and where requests come from."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import RequestFactory

from converter.audit import context
from converter.audit.address import client_address, client_network


def test_actor_defaults_to_the_system_and_comes_back() -> None:
    assert context.current_actor().name == "system"
    with context.use_actor(context.Actor("user alice", "1.2.3.4")):
        context.name_actor("user bob")
        assert context.current_actor() == context.Actor("user bob", "1.2.3.4")
    assert context.current_actor().name == "system"


def test_job_and_request_stand_on_what_happens_within() -> None:
    with context.use_job("job-1", "request-1"):
        assert context.job_id.get() == "job-1"
        assert context.current_actor().request_id == "request-1"
    assert (context.job_id.get(), context.request_id.get()) == ("", "")


def test_actors_of_parallel_tasks_do_not_mix() -> None:
    async def act(name: str) -> str:
        with context.use_actor(context.Actor(name)):
            await asyncio.sleep(0.01)
            await sync_to_async(context.name_actor)(f"{name}!")
            await asyncio.sleep(0.01)
            return context.current_actor().name

    async def both() -> list[str]:
        return list(await asyncio.gather(act("a"), act("b")))

    assert async_to_sync(both)() == ["a!", "b!"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("9.9.9.9", "", "9.9.9.9"),
        ("9.9.9.9", "1.1.1.1", "9.9.9.9"),  # an untrusted peer may write what it likes
        ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"),  # only the hop that our proxy saw counts
        ("10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("10.0.0.1", "1.1.1.1:4711", "1.1.1.1"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "<script>", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("", "1.1.1.1", "1.1.1.1"),
        ("::ffff:9.9.9.9", "", "9.9.9.9"),
    ],
)
def test_forwarded_for_is_believed_from_trusted_proxies_only(settings, peer: str, forwarded: str, expected: str) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "unix"]
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == expected


def test_a_local_socket_is_not_trusted_unasked(settings) -> None:
    settings.TRUSTED_PROXIES = []
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="", HTTP_X_FORWARDED_FOR="1.1.1.1")) == ""


def test_limits_count_ipv6_by_its_network() -> None:
    assert client_network(RequestFactory().get("/", REMOTE_ADDR="2001:db8::1:2")) == "2001:db8::/64"
    assert client_network(RequestFactory().get("/", REMOTE_ADDR="1.2.3.4")) == "1.2.3.4"
    assert client_network(RequestFactory().get("/", REMOTE_ADDR="")) == "local"
