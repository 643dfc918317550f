"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from pathlib import Path

from .errors import MediaError
from .faultpoints import reach

CHUNK = 1 << 20


def fsync_file(path: Path) -> None:
    """Put a file's bytes on the disk."""
    _fsync(path, os.O_RDONLY)


def fsync_dir(path: Path) -> None:
    """Put a directory's entries on the disk."""
    _fsync(path, os.O_RDONLY | os.O_DIRECTORY)


def publish(source: Path, target: Path) -> None:
    """Move a finished file to its place in one step that survives a power cut.

    An existing target is replaced. Raises `MediaError("internal")` when the two lie on different file
    systems, where a rename is not atomic, and `MediaError("disk_full")` when there is no room for the entry.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fsync_file(source)
    try:
        reach("file.rename")
        source.rename(target)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise MediaError("internal", log=f"{source} and {target} lie on different file systems") from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MediaError("disk_full", log=str(error)) from error
        raise
    reach("file.renamed")
    fsync_dir(target.parent)
    if source.parent != target.parent:
        fsync_dir(source.parent)


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def private_dir(root: Path) -> Path:
    """Make a directory with an unguessable name beneath `root`, for this user only."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = root / secrets.token_hex(16)
    path.mkdir(mode=0o700)
    return path


def free_bytes(path: Path) -> int:
    """Bytes that may still be written on the file system of `path`."""
    return shutil.disk_usage(path).free


def changed_at(path: Path) -> float:
    """When a file's bytes or entry last changed, in seconds since the epoch: a rename counts. Raises `FileNotFoundError`."""
    status = path.lstat()
    return max(status.st_mtime, status.st_ctime)


def _fsync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
