"""Derived files that take longer than a request should: made beside the requests, which ask until they are there.

Whoever asks first begins the work in a thread of the web process; everybody else, in any process, is told that it goes
on. When a process dies, the next question begins anew. What the media is at fault for is remembered beside the file.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converter.engine import files
from converter.engine.errors import CODES, MediaError

from . import storage
from .locks import free, held
from .models import Upload, UploadStatus

logger = logging.getLogger(__name__)
_REMEMBERED = ".failed"


@dataclass(slots=True)
class Pending:
    """Work that is under way: `progress` is 0 to 1, `found` what there is already."""

    progress: float = 0.0
    found: dict[str, Any] = field(default_factory=dict)
    error: MediaError | None = None


Make = Callable[[Path, Pending], Path]
"""Given a private directory and where to tell the progress: the finished file, which lies in the directory."""

_under_way: dict[Path, Pending] = {}
_guard = threading.Lock()


def ask(upload: Upload, name: str, make: Make, turns: threading.Semaphore) -> Path | Pending:
    """The file `name` derived from the upload, or how far it is; begins the work when nobody does it.

    `turns` bounds how many of its kind this process makes at a time. The same bytes of another upload serve too. Raises
    `MediaError` with what the work ended in; a fault of ours is told once, and the next question tries again.
    """
    target = storage.derived(upload.pk) / name
    if target.exists():
        return target
    with _guard:
        pending = _under_way.get(target)
        if pending is not None:
            if pending.error is None:
                return pending
            del _under_way[target]
            raise pending.error
        _raise_remembered(target)
        lock = held(target, wait=False)
        if lock is None:
            return Pending()
        pending = Pending()
        begun = threading.Thread(target=_work, args=(upload.file, target, make, pending, turns, lock), name=f"make {name}", daemon=True)
        try:
            if target.exists() or _linked(upload, target):
                return target
            begun.start()
            _under_way[target] = pending
            return pending
        finally:
            if begun.ident is None:  # nobody else gives the right back
                free(target, lock)


def _work(source: Path, target: Path, make: Make, pending: Pending, turns: threading.Semaphore, lock: int) -> None:
    error: MediaError | None = None
    directory = target.parent / f".{secrets.token_hex(8)}"
    try:
        with turns:
            directory.mkdir(mode=0o700, parents=True)
            made = make(directory, pending)
            if not source.exists():
                raise MediaError("gone")
            files.publish(made, target)
    except MediaError as problem:
        error = problem
    except OSError as problem:
        error = storage.coded(problem)
    except Exception:  # the thread's own boundary
        logger.exception("making %s failed", target.name)
        error = MediaError("internal")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        with _guard:
            if error is None:
                _under_way.pop(target, None)
            else:
                pending.error = error
                _remember(target, error)
            free(target, lock)


def _linked(upload: Upload, target: Path) -> bool:
    """Whether another upload of the same bytes had the file: then it has a second name now."""
    twins = Upload.objects.filter(sha256=upload.sha256, status=UploadStatus.READY, removed_at=None).exclude(pk=upload.pk)
    for twin in twins.values_list("pk", flat=True)[:20]:
        try:
            os.link(storage.derived(twin) / target.name, target)
        except OSError:
            continue
        return True
    return False


def _remember(target: Path, error: MediaError) -> None:
    """Keep what the media is at fault for; what was our fault may go well the next time."""
    if not error.users or error.code.name == "gone" or not target.parent.is_dir():
        return
    try:
        target.with_name(target.name + _REMEMBERED).write_text(json.dumps({"code": error.code.name, "detail": error.detail}), encoding="utf-8")
    except OSError as problem:
        logger.warning("the failure of %s could not be kept: %s", target.name, problem)


def _raise_remembered(target: Path) -> None:
    path = target.with_name(target.name + _REMEMBERED)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return
    if kept.get("code") in CODES:
        raise MediaError(kept["code"], kept.get("detail", ""))
