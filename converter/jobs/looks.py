"""A job's row as those who watch it are shown it: read once for all of them in this process, not once for each."""

from __future__ import annotations

import asyncio
import uuid
from contextvars import Context
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import connection
from rest_framework.renderers import JSONRenderer

from . import selectors
from .api import JobSerializer
from .states import TERMINAL

FRESH_SECONDS = 1.0
"""How long a look serves others. What an event said is never older than the event: see `look`."""
CALM_SECONDS = 3.0
"""How long it serves those who only ask whether anything changed that nobody told of, such as a job's place in the queue."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job at one moment."""

    status: str
    progress: dict[str, Any]
    json: str

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in TERMINAL

    @property
    def place(self) -> int | None:
        """How many jobs stand before it; None once it does not wait."""
        place: int | None = self.progress["queue_position"]
        return place


@dataclass(frozen=True, slots=True)
class _Look:
    seen: tuple[int, ...]
    begun: float
    task: asyncio.Task[Snapshot]


_looks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[uuid.UUID, _Look]] = WeakKeyDictionary()


async def look(job_id: uuid.UUID, last: str, *, calm: bool = False) -> Snapshot:
    """The job for somebody whose last event is `last`, and who is `calm` when nothing says that it changed. Raises `Job.DoesNotExist`.

    Another's look will do if it is fresh and whoever began it had seen that event, too: an event is sent after its change was
    committed, so the row that was read has it.
    """
    loop, fresh = asyncio.get_running_loop(), CALM_SECONDS if calm else FRESH_SECONDS
    ours, seen = _looks.setdefault(loop, {}), _number(last)
    found = ours.get(job_id)
    if found is None or found.seen < seen or loop.time() - found.begun > fresh:
        # In no request's context: the one that begins it may end before the others have their answer.
        found = ours[job_id] = _Look(seen, loop.time(), loop.create_task(snapshot(job_id), context=Context()))
        loop.call_later(CALM_SECONDS, _forget, ours, job_id, found)
    return await asyncio.shield(found.task)  # whoever leaves takes nothing from the others


@sync_to_async
def snapshot(job_id: uuid.UUID) -> Snapshot:
    """Read the row now. Raises `Job.DoesNotExist`."""
    try:
        job = selectors.visible().get(pk=job_id)
        data = JobSerializer(job).data
    finally:
        release()
    progress = {name: data[name] for name in ("progress", "stage", "eta_seconds", "queue_position")}
    return Snapshot(job.status, progress, as_json(data))


def as_json(data: Any) -> str:
    """As the API writes it."""
    return str(JSONRenderer().render(data), "utf-8")


def release() -> None:
    """Close this thread's connection, so that a hundred people who watch do not hold a hundred of them."""
    if not connection.in_atomic_block:
        connection.close()


def _number(event_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in event_id.split("-")) if event_id else (0, 0)


def _forget(ours: dict[uuid.UUID, _Look], job_id: uuid.UUID, found: _Look) -> None:
    if ours.get(job_id) is found:
        del ours[job_id]
    if found.task.done() and not found.task.cancelled():
        found.task.exception()  # looked at, also when nobody waits for it any more
