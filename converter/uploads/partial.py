"""A file that arrives in pieces: its bytes on the disk are the truth about how far it got.

`incoming/<token>` holds the bytes, `incoming/<token>.lock` says who writes. A complete file is renamed to the
place that its row names from the beginning (`uploads/ab/<token>`), so that a crash at any point is
understood from what lies where.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from converter.engine.errors import MediaError
from converter.engine.faultpoints import reach
from converter.engine.files import fsync_dir

from . import storage

CHUNK = 256 * 1024
EVICT_SECONDS = 5.0
"""How long a newcomer waits for whoever writes to notice that he is no longer wanted."""
_POLL_SECONDS = 0.05
_CLAIM_BYTES = 16
DIGESTS = ("sha1", "sha256")

Read = Callable[[int], bytes | None]
"""The next bytes of a body; empty at its end, None while nothing comes. Raises `OSError` when the sender is gone."""


class Busy(MediaError):
    """Somebody else writes and does not let go."""

    def __init__(self) -> None:
        super().__init__("conflict", "Another request is still writing to this upload; try again in a moment.")


class WrongChecksum(Exception):
    """What arrived is not what was sent; none of it was kept."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """A digest that a piece must have: `name` is one of `DIGESTS`."""

    name: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Hold:
    """The right to write, for as long as nobody else asks for it."""

    descriptor: int
    seen: bytes

    def wanted(self) -> bool:
        """Whether a newcomer asked to go on instead: a client that comes back has given its last request up."""
        return os.pread(self.descriptor, _CLAIM_BYTES, 0) != self.seen


def begin(token: str) -> None:
    """Make an empty file. Raises `MediaError("disk_full")`."""
    try:
        os.close(os.open(path_of(token), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        fsync_dir(storage.incoming())
    except OSError as error:
        raise storage.coded(error) from error


def path_of(token: str) -> Path:
    """Where the bytes are until all of them have come."""
    return storage.incoming() / token


def size_of(token: str) -> int:
    """How many bytes there are. Raises `MediaError("gone")` when the file was cleaned up."""
    try:
        return path_of(token).stat().st_size
    except FileNotFoundError:
        raise MediaError("gone", "The unfinished upload was cleaned up; begin again.", field="upload") from None


def remove(token: str) -> None:
    """Take the bytes and the lock away; harmless when repeated."""
    path_of(token).unlink(missing_ok=True)
    _lock_of(token).unlink(missing_ok=True)


@contextmanager
def held(token: str, patience: float | None = None) -> Iterator[Hold]:
    """Be the only one who writes. Whoever does now is asked to stop; a dead process has let go already.

    The lock belongs to the open file, so the kernel frees it when its holder dies. Raises `Busy`.
    """
    descriptor = os.open(_lock_of(token), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, EVICT_SECONDS if patience is None else patience)
        yield Hold(descriptor, os.pread(descriptor, _CLAIM_BYTES, 0))
    finally:
        os.close(descriptor)


def append(token: str, offset: int, most: int, read: Read, hold: Hold, checksum: Checksum | None = None) -> int:
    """Write a body at the end, and return the new size, fsynced. `most` is the size that the whole may come to.

    A sender who leaves in the middle loses nothing of what arrived, except under a checksum that can then not be
    held against it. Raises `MediaError`: `conflict` when `offset` is not the size, `too_large`, `disk_full`;
    `WrongChecksum`, `Busy`.
    """
    with path_of(token).open("r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size != offset:
            raise MediaError("conflict", f"The upload has {size} bytes; go on from there, not from {offset}.", field="Upload-Offset")
        digest = hashlib.new(checksum.name, usedforsecurity=False) if checksum else None
        try:
            whole = _copy(read, file.fileno(), most - size, hold, digest.update if digest else lambda chunk: None)
        except MediaError as error:
            # Under a checksum a part proves nothing; beyond the promised size nothing is what it seems.
            _settle(file.fileno(), size if checksum or error.code.name == "too_large" else None)
            raise
        if checksum and digest and (not whole or not secrets.compare_digest(digest.digest(), checksum.digest)):
            _settle(file.fileno(), size)
            if whole:
                raise WrongChecksum
        else:
            _settle(file.fileno(), None)
        return os.fstat(file.fileno()).st_size


def _copy(read: Read, target: int, room: int, hold: Hold, note: Callable[[bytes], object]) -> bool:
    """Copy a body; False when it broke off or somebody else is to go on. Raises `MediaError`: `too_large`, `disk_full`."""
    while True:
        try:
            chunk = read(CHUNK)
        except OSError:
            return False
        if hold.wanted():
            return False
        if chunk is None:
            continue
        if not chunk:
            return True
        if len(chunk) > room:
            raise MediaError("too_large", "More bytes were sent than Upload-Length says.", field="Upload-Length")
        room -= len(chunk)
        _write(target, chunk)
        note(chunk)


def _write(target: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    try:
        while rest:
            reach("upload.write")
            rest = rest[os.write(target, rest) :]
            reach("upload.written")
    except OSError as error:
        raise storage.coded(error) from error


def _settle(descriptor: int, size: int | None) -> None:
    """Make what is there, or the first `size` bytes of it, survive a power cut."""
    if size is not None:
        os.ftruncate(descriptor, size)
    reach("upload.sync")
    os.fsync(descriptor)
    reach("upload.synced")


def _acquire(descriptor: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    claimed = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Busy from None
        else:
            # A sweep must not think it forgotten: whoever came after would make, and hold, another one.
            os.utime(descriptor)
            return
        if not claimed:
            os.pwrite(descriptor, base64.b64encode(secrets.token_bytes(12)), 0)
            claimed = True
        time.sleep(_POLL_SECONDS)


def _lock_of(token: str) -> Path:
    return storage.incoming() / f"{token}.lock"
