"""One maker at a time for a file, across threads and processes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def held(target: Path, *, wait: bool = True) -> int | None:
    """A descriptor that holds the right to make `target`; None where somebody else has it and `wait` is false.

    It is a lock on a hidden file beside it, which goes with `free`; the kernel frees it when a holder dies.
    """
    lock = _beside(target)
    while True:
        lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue  # the directory was taken away in between
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            # A holder before us took the file away: whoever comes now would lock another one.
            if lock.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        except FileNotFoundError:
            pass
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.close(descriptor)


def free(target: Path, descriptor: int) -> None:
    """Give the right back, and the directory where nothing is left in it."""
    lock = _beside(target)
    lock.unlink(missing_ok=True)
    os.close(descriptor)
    with suppress(OSError):
        lock.parent.rmdir()


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Wait for the right to make `target`, and have it."""
    descriptor = held(target)
    assert descriptor is not None  # noqa: S101 (it waited)
    try:
        yield
    finally:
        free(target, descriptor)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.lock")
