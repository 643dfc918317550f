"""Many at once over HTTP: for one link, and with one name."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TypeVar

from converter.exports.models import Export, Grant
from converter.uploads.models import Upload

from .client import Answer
from .kills import succeeded
from .stack import Stuck
from .world import World

CLIENTS, ROUNDS = 100, 20
T = TypeVar("T")


def tokens(world: World, dice: Random) -> str:
    """A hundred clients want one link at the same moment, twenty times: each time exactly one gets the file."""
    job_id = world.client.submit(world.client.upload(world.clips["small"]))
    world.settle()
    export = Export.objects.get(job=uuid.UUID(job_id))
    for i in range(ROUNDS):
        link = world.client.insist("POST", f"/api/v1/exports/{export.pk}/grants/").json()
        place = "/" + link["url"].split("/", 3)[3]
        answers = together(CLIENTS, lambda n, place=place: world.client.call("POST", place, User_Agent=f"client {n}"))  # type: ignore[misc]
        won = [answer for answer in answers if answer.status == 200]
        if len(won) != 1 or len(won[0].body) != export.size:
            raise Stuck(f"round {i + 1}: {len(won)} of {CLIENTS} got the file: {dict(Counter(answer.status for answer in answers))}")
        if others := {answer.status for answer in answers} - {200, 409, 410}:
            raise Stuck(f"round {i + 1}: others were answered by {others}")
    if Grant.objects.filter(export=export).exclude(used_at=None).count() != ROUNDS:
        raise Stuck("not every link was used")
    return f"{CLIENTS} clients × {ROUNDS} rounds, one winner each"


def names(world: World, dice: Random) -> str:
    """A hundred uploads of one name at once, and a job of each at once: all are taken, none is another's."""
    data = world.clips["small"]
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="same.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
    body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
    send = lambda n: world.client.call("POST", "/api/v1/uploads/", body, patience=300, Content_Type=f"multipart/form-data; boundary={boundary}")  # noqa: E731
    ids = [str(answer.json()["id"]) for answer in _all(201, together(CLIENTS, send))]
    if len(set(Upload.objects.filter(pk__in=ids).values_list("path", flat=True))) != CLIENTS:
        raise Stuck("two uploads of one name have one file")
    work = {"operation": "trim", "params": {"start": 0.2, "duration": 0.5, "mode": "copy"}}
    asked = together(CLIENTS, lambda n: world.client.call("POST", "/api/v1/jobs/", {"upload": ids[n], **work}, patience=300))
    jobs = [str(answer.json()["id"]) for answer in _all(201, asked)]
    world.settle()
    for job_id in jobs:
        succeeded(job_id)
    if len(set(Export.objects.filter(job__in=[uuid.UUID(job_id) for job_id in jobs]).values_list("path", flat=True))) != CLIENTS:
        raise Stuck("two jobs have one result")
    return f"{CLIENTS} uploads and jobs of one name"


def together(count: int, act: Callable[[int], T]) -> list[T]:
    """What `act` gave in `count` threads that all begin at the same moment."""
    ready = threading.Barrier(count)
    results: dict[int, T] = {}

    def one(n: int) -> None:
        ready.wait()
        results[n] = act(n)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[n] for n in range(count)]


def _all(status: int, answers: list[Answer]) -> list[Answer]:
    if wrong := Counter(answer.status for answer in answers if answer.status != status):
        raise Stuck(f"of {len(answers)} at once some were answered by {dict(wrong)}")
    return answers
