"""Other processes: what they have used so far (0 where there is no /proc), whether they are dead, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """CPU seconds (user + system)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


def peak_memory(pid: int | str) -> int:
    """Peak resident bytes; `pid` may be `"self"`."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return 0
    return 0


def oom_kills() -> int:
    """How many processes the kernel has killed for memory since it started, whosever; -1 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    except (OSError, ValueError, IndexError, StopIteration):
        return -1


def exited(pid: int) -> bool:
    """Whether the child is dead; leaves it to be reaped, so that its number stays ours."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def kill_group(pid: int) -> None:
    """Kill a process group, if there is one any more."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
