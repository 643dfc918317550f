"""Run one program with as little power as this kernel lets us take from it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True, slots=True)
class Policy:
    """What a sandboxed program may use: everything else is denied."""

    work: Path | None
    """Private directory: current directory, and the only place it may write. None: it may write nowhere."""
    keep: tuple[int, ...] = ()
    """Descriptors it inherits, under the same numbers."""
    readable: tuple[Path, ...] = ()
    """Further files and directories it may read (fonts, a script)."""
    python: bool = False
    """It is this interpreter: let it read its own libraries."""
    memory_bytes: int = 4 << 30
    cpu_seconds: int = 12 * 3600
    file_bytes: int = 16 << 30


def spawn(
    argv: Sequence[str], policy: Policy, *, stdout: int | IO[bytes] = subprocess.DEVNULL, stderr: int | IO[bytes] = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start `argv` (an absolute path first) under `policy`, in a session of its own, without standard input."""
    return subprocess.Popen(
        list(argv),
        cwd=policy.work or "/",
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        pass_fds=policy.keep,
        start_new_session=True,
        env={},
    )
