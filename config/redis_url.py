"""Where the Redis-protocol server is, in the spellings that its clients want. Standard library only."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

BROKER, CACHE, EVENTS = 0, 1, 2
"""The databases of the one server."""

LONGEST_SOCKET_PATH = 100
"""Bytes; the kernel takes 107 and the server appends a suffix while it starts."""


def socket_path(var_dir: Path) -> Path:
    """The embedded server's unix socket: in `var_dir`, or in a private temporary directory when that path is too long.

    The name depends on `var_dir` alone, so every process finds the same one. Raises `PermissionError`
    when somebody else owns the temporary directory.
    """
    path = var_dir / "redis" / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(var_dir)).hexdigest()[:16]
    private = Path(tempfile.gettempdir()) / f"cutroom-{os.getuid()}-{digest}"
    private.mkdir(mode=0o700, exist_ok=True)
    found = private.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{private} is not a private directory of this user; remove it, or set VAR_DIR to a shorter path.")
    return private / "redis.sock"


def embedded_url(var_dir: Path) -> str:
    """The embedded server's address."""
    return f"unix://{socket_path(var_dir)}"


def database_url(url: str, offset: int) -> str:
    """The address of one database for redis-py and Django: that of `url`, counted up by `offset`."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db={_unix_database(parts.query) + offset}"
    return urlunsplit(parts._replace(path=f"/{_tcp_database(parts.path) + offset}"))


def broker_url(url: str) -> str:
    """The address of the broker's database in Celery's spelling."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"redis+socket://{parts.path}?virtual_host={_unix_database(parts.query) + BROKER}"
    return database_url(url, BROKER)


def _unix_database(query: str) -> int:
    return int(parse_qs(query).get("db", ["0"])[0])


def _tcp_database(path: str) -> int:
    return int(path.strip("/") or 0)
