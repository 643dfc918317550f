"""A try that nobody wants any more stops and leaves nothing; each owner has one at a time.

Every wait is for something the other side must reach: an event it sets, a lock it frees, a thread's end.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from converter.engine import tryouts
from converter.engine.errors import MediaError
from converter.engine.probe import inspect
from converter.engine.run import Source
from converter.tryouts import work as kinds
from converter.tryouts.services import attempt, watch

OWNER = uuid.UUID(int=7)


class Held:
    """A try that goes on until it is no longer wanted, and says when it began and ended."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()
        self.directory = Path()

    def __call__(self, directory: Path, stop: Callable[[], bool], tell: Callable[[dict[str, Any]], None]) -> None:
        self.directory = directory
        (directory / "half").write_bytes(b"half a sample")
        self.begun.set()
        pause = threading.Event()
        while not stop():
            pause.wait(0.01)
        self.ended.set()
        raise MediaError("cancelled")


def left(root: Path) -> list[str]:
    """Every file beneath MEDIA_ROOT's places for tries."""
    return sorted(str(path.relative_to(root)) for place in ("work", "tryouts") for path in (root / place).rglob("*"))


def begin(owner: uuid.UUID, work: Any, stop: threading.Event, told: list[dict[str, Any]]) -> threading.Thread:
    thread = threading.Thread(target=attempt, args=(owner, work, stop, told.append))
    thread.start()
    return thread


def test_a_try_nobody_wants_any_more_stops_and_leaves_nothing(media_root: Path) -> None:
    held, stop, told = Held(), threading.Event(), list[dict[str, Any]]()
    thread = begin(OWNER, held, stop, told)
    held.begun.wait()
    assert (held.directory / "half").exists()
    stop.set()
    thread.join()
    assert held.ended.is_set() and left(media_root) == []
    assert [event.get("code") or event["event"] for event in told] == ["started", "cancelled"]


def test_one_that_is_over_before_it_began_makes_nothing(media_root: Path) -> None:
    first, second, told = Held(), Held(), list[dict[str, Any]]()
    stop_first, stop_second = threading.Event(), threading.Event()
    stop_second.set()
    thread = begin(OWNER, first, stop_first, [])
    first.begun.wait()
    attempt(OWNER, second, stop_second, told.append)  # disturbs no one, since it is not wanted itself
    assert not second.begun.is_set() and not first.ended.is_set()
    stop_first.set()
    thread.join()
    assert told[-1]["code"] == "cancelled" and left(media_root) == []


def test_a_newer_one_of_the_same_owner_takes_the_place(media_root: Path) -> None:
    first, second, other = Held(), Held(), Held()
    stops = [threading.Event() for _ in range(3)]
    told: list[dict[str, Any]] = []
    threads = [begin(OWNER, first, stops[0], told), begin(uuid.UUID(int=8), other, stops[2], [])]
    first.begun.wait()
    other.begun.wait()
    threads.append(begin(OWNER, second, stops[1], []))
    second.begun.wait()  # it can begin only when the first has let go
    assert first.ended.is_set() and not first.directory.exists()
    assert not other.ended.is_set()
    for stop in stops:
        stop.set()
    for thread in threads:
        thread.join()
    assert told[-1]["code"] == "cancelled" and left(media_root) == []


def test_what_breaks_is_told_and_leaves_nothing(media_root: Path) -> None:
    def broken(directory: Path, stop: Any, tell: Any) -> None:
        (directory / "half").write_bytes(b"x")
        raise RuntimeError("a bug")

    told: list[dict[str, Any]] = []
    attempt(OWNER, broken, threading.Event(), told.append)
    assert told[-1]["code"] == "internal" and "a bug" not in str(told) and left(media_root) == []


def test_closing_the_stream_ends_the_work(media_root: Path) -> None:
    held = Held()

    async def look_and_go() -> list[dict[str, Any]]:
        events = watch(OWNER, held)
        seen = [await anext(events)]
        await asyncio.to_thread(held.begun.wait)
        await events.aclose()
        return seen

    assert asyncio.run(look_and_go()) == [{"event": "started"}]
    assert held.ended.is_set() and left(media_root) == []


def test_a_real_encoding_stops_in_the_middle(media_root: Path, media_dir: Path) -> None:
    source = Source(media_dir / "flower_540p_5s.mp4", inspect(media_dir / "flower_540p_5s.mp4", "flower.mp4"))
    found = tryouts.candidates("compress", source.media, {}, "", 0.3)
    stop, told = threading.Event(), list[dict[str, Any]]()

    def tell(event: dict[str, Any]) -> None:
        told.append(event)
        if event["event"] == "candidates":
            stop.set()  # before the first tool starts; the engine must see it at its first look

    attempt(OWNER, kinds.fitting("compress", "", source, found), stop, tell)
    assert [event.get("code") or event["event"] for event in told] == ["started", "candidates", "cancelled"]
    assert left(media_root) == []
