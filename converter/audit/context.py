"""Who acts, and for which request or job: what audit entries and log lines carry without being told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the request that is being served; empty outside of one."""

job_id: ContextVar[str] = ContextVar("job_id", default="")
"""Id of the job that is being run; empty outside of one."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `user alice`, `guest 1a2b3c4d`, `anonymous`, or a part of the system (`worker 1`).

    `address` is the client's network address, empty for the system's own parts. An empty
    `request_id` stands for the one in force.
    """

    name: str
    address: str = ""
    request_id: str = ""


SYSTEM = Actor("system")
"""Acts where nobody was named: schedules, management commands, shells."""

_actor: ContextVar[Actor] = ContextVar("actor", default=SYSTEM)


def current_actor() -> Actor:
    """The actor in force, with the request id in force."""
    actor = _actor.get()
    return actor if actor.request_id else replace(actor, request_id=request_id.get())


@contextmanager
def use_actor(actor: Actor) -> Iterator[Actor]:
    """Let `actor` act within the block, also in async code and the threads that it calls."""
    token = _actor.set(actor)
    try:
        yield actor
    finally:
        _actor.reset(token)


def name_actor(name: str) -> None:
    """Give the actor of this request its name, once it is known (a guest's row was made). The system keeps its own."""
    actor = _actor.get()
    if actor is not SYSTEM:
        _actor.set(replace(actor, name=name))


@contextmanager
def use_job(value: str, request: str = "") -> Iterator[None]:
    """Put a job's id, and the id of the request that asked for it, on what happens within the block."""
    job_token, request_token = job_id.set(value), request_id.set(request or request_id.get())
    try:
        yield
    finally:
        request_id.reset(request_token)
        job_id.reset(job_token)
