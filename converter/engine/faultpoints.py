"""Named points at which `manage.py faults` may break a process: before and after each write, rename, commit, publish and enqueue.

Without CUTROOM_FAULTS in the environment, which only that command sets, a point is a call of an empty function. With it, it names
a directory: whoever passes the point that its file `armed` names (`role point passes action nonce`) takes the file away, so that one
process alone does it, and then does the action to itself; `wait` waits there until its mark is gone. A point that is not in the table
below is refused by a test.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

WEB, WORKER, CONTROL = "web", "media", "control"
"""The processes, as the supervisor calls them."""

POINTS: dict[str, tuple[str, ...]] = {
    "upload.file": (WEB,),
    "upload.row": (WEB,),
    "upload.begun": (WEB,),
    "upload.write": (WEB,),
    "upload.written": (WEB,),
    "upload.sync": (WEB,),
    "upload.synced": (WEB,),
    "upload.checking": (WEB,),
    "upload.checked": (WEB,),
    "upload.ready-row": (WEB,),
    "upload.ready": (WEB,),
    "file.rename": (WEB, WORKER),
    "file.renamed": (WEB, WORKER),
    "job.row": (WEB,),
    "enqueue": (WEB, CONTROL),
    "enqueued": (WEB, CONTROL),
    "enqueue.noted": (WEB, CONTROL),
    "grant.row": (WEB,),
    "grant.used": (WEB,),
    "state.row": (WEB, WORKER, CONTROL),
    "state.committed": (WEB, WORKER, CONTROL),
    "attempt.claimed": (WORKER,),
    "attempt.directory": (WORKER,),
    "tool.started": (WORKER,),
    "attempt.made": (WORKER,),
    "export.row": (WORKER,),
    "export.committed": (WORKER,),
    "attempt.ended": (WORKER,),
    "audit.seal": (WEB, WORKER),
    "audit.sealed": (WEB, WORKER),
    "sweep.begun": (CONTROL,),
    "sweep.reaped": (CONTROL,),
}
"""Every point with the processes that pass it."""

_passes: Counter[str] = Counter()
_lock = threading.Lock()


def _nothing(point: str) -> None:
    """Pass a point while nobody breaks anything."""


def _look(point: str) -> None:
    armed = Path(os.environ["CUTROOM_FAULTS"]) / "armed"
    try:
        text = armed.read_text()
        role, wanted, passes, action, _ = text.split()
    except (FileNotFoundError, ValueError):
        return
    if wanted != point or role != os.environ.get("CUTROOM_ROLE"):
        return
    with _lock:
        _passes[text] += 1
        if _passes[text] < int(passes):
            return
    try:
        armed.rename(armed.with_name(f"fired-{os.getpid()}"))
    except FileNotFoundError:  # another was first
        return
    _act(action, armed.with_name(f"fired-{os.getpid()}"))


def _act(action: str, mark: Path) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "kill-group":
        os.killpg(0, signal.SIGKILL)
    elif action == "wait":
        while mark.exists():
            time.sleep(0.005)
    else:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


reach = _look if os.environ.get("CUTROOM_FAULTS") else _nothing
"""Pass a point by its name."""
