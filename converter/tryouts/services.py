"""Work that a web process does for somebody who watches, and for nobody else: bounded, one at a time for each owner, gone without a trace.

A try runs in a thread of a small pool, because the event loop must never wait; its tools run in the sandbox. It ends
when its watcher goes (`stop` is set), or when the same owner begins another one, also in another process: the newcomer
writes its own mark into a file that the holder looks at, and waits for the kernel's lock on it.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import secrets
import shutil
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from converter.engine.errors import MediaError

logger = logging.getLogger(__name__)

AT_ONCE = 2
"""Tries of one web process at the same time; more wait."""
_POLL_SECONDS = 0.05
_MARK_BYTES = 16

Event = dict[str, Any]
Stop = Callable[[], bool]
Work = Callable[[Path, Stop, Callable[[Event], None]], None]
"""Does a try in a private directory, asks whether to stop, tells what it found. Raises `MediaError`."""

_pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="tryout")


def attempt(owner: uuid.UUID, work: Work, stop: threading.Event, tell: Callable[[Event], None]) -> None:
    """Do one try in this thread; whatever happens, its directory is gone afterwards. A failure is told, not raised."""
    try:
        with _alone(owner, stop) as wanted, _workplace() as directory:
            tell({"event": "started"})
            work(directory, lambda: not wanted(), tell)
        tell({"event": "done"})
    except MediaError as problem:
        tell({"event": "problem", "code": problem.code.name, "detail": problem.detail, "field": problem.field})
    except Exception:  # the thread's own boundary
        logger.exception("a try failed")
        tell({"event": "problem", "code": "internal", "detail": MediaError("internal").detail, "field": None})


async def watch(owner: uuid.UUID, work: Work) -> AsyncGenerator[Event]:
    """What a try tells, as it happens. Closing this ends the try; when it is closed, nothing of it is left."""
    loop, events, stop = asyncio.get_running_loop(), asyncio.Queue[Event | None](), threading.Event()

    def tell(event: Event | None) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event)

    def run() -> None:
        attempt(owner, work, stop, tell)
        tell(None)

    job = _pool.submit(run)
    try:
        while (event := await events.get()) is not None:
            yield event
    finally:
        stop.set()
        if not job.cancel():
            # Also when this task is cancelled once more: the thread ends by itself, it is only no longer waited for.
            await asyncio.shield(asyncio.wrap_future(job))


@contextmanager
def _alone(owner: uuid.UUID, stop: threading.Event) -> Iterator[Stop]:
    """Take the owner's place from whoever has it. Yields whether this try is still wanted. Raises `MediaError("cancelled")`."""
    path = Path(settings.MEDIA_ROOT) / "tryouts" / f"{owner.hex}.lock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = secrets.token_bytes(_MARK_BYTES)
    descriptor = _take(path, mark, stop)

    def wanted() -> bool:
        return not stop.is_set() and os.pread(descriptor, _MARK_BYTES, 0) == mark

    try:
        yield wanted
    finally:
        # Whoever waits for the lock finds then that it holds a file without a name, and begins again.
        path.unlink(missing_ok=True)
        os.close(descriptor)  # and with it the lock


def _take(path: Path, mark: bytes, stop: threading.Event) -> int:
    """An open, locked descriptor of the file that has this name now, with our mark in it."""
    while not stop.is_set():
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.pwrite(descriptor, mark, 0)
        while not _locked(descriptor):
            if stop.is_set() or os.pread(descriptor, _MARK_BYTES, 0) != mark:
                os.close(descriptor)
                raise MediaError("cancelled")
            time.sleep(_POLL_SECONDS)
        if _named(path) == os.fstat(descriptor).st_ino:
            return descriptor
        os.close(descriptor)
    raise MediaError("cancelled")


def _named(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _workplace() -> Iterator[Path]:
    """A private directory among the workers' own, so that the sweep finds it after a crash."""
    directory = Path(settings.MEDIA_ROOT) / "work" / f"try-{secrets.token_hex(16)}"
    directory.mkdir(mode=0o700, parents=True)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)
