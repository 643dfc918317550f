"""What crashes left on the disk: files without rows, and directories in which nobody works any more."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings

from converter.engine import files
from converter.exports import retention as exports
from converter.exports.models import Export
from converter.jobs.models import Job
from converter.jobs.states import JobStatus
from converter.runtime import services as runtime
from converter.uploads.models import Upload

AT_ONCE = 500
"""Rows that one statement asks for: SQLite takes only so many variables."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that goes: `kind` is `upload`, `export`, `temporary` or `orphan`; `size` in bytes."""

    kind: str
    name: str
    reason: str
    size: int = 0


Doomed = Iterator[tuple[Item, Callable[[], Any]]]
"""What goes, and how; False when it stayed after all."""


def doomed(grace: timedelta) -> Doomed:
    """Everything that nobody claims. What is younger than `grace` is left alone: its other half may be on the way."""
    yield from _orphans(grace)
    yield from _temporary()
    yield from _work_dirs(grace)
    yield from _derived(grace)


def _orphans(grace: timedelta) -> Doomed:
    found = list(_old_files(root("uploads"), grace.total_seconds()))
    claimed = set(Upload.objects.filter(removed_at=None).values_list("path", flat=True)) if found else set()
    for path in found:
        if path.relative_to(settings.MEDIA_ROOT).as_posix() not in claimed:
            yield _file("orphan", path, "no upload has it"), partial(path.unlink, missing_ok=True)
    for path in exports.orphans(grace):
        yield _file("orphan", path, "no export has it"), partial(path.unlink, missing_ok=True)


def _temporary() -> Doomed:
    hours = runtime.get("temp_retention_hours")
    for path in (*_listed(root("incoming")), *_listed(root("tryouts"))):
        if _age(path) > hours * 3600:
            item, remove = (_tree, shutil.rmtree) if path.is_dir() else (_file, partial(Path.unlink, missing_ok=True))
            yield item("temporary", path, f"was not finished in {hours:g} hours"), partial(remove, path)


def _work_dirs(grace: timedelta) -> Doomed:
    """Directories of attempts that nobody works on any more: the row says so, or nothing is known and they are old."""
    for path in _listed(root("work")):
        job_id, _, fence = path.name.partition("-")
        key = _uuid(job_id)
        if key is not None and fence.isdecimal():
            held = Job.objects.filter(pk=key, fence=int(fence), status=JobStatus.RUNNING).exists()
        else:
            held = _age(path) <= grace.total_seconds()
        if not held:
            yield _tree("temporary", path, "its attempt is over"), partial(shutil.rmtree, path)


def _derived(grace: timedelta) -> Doomed:
    old = [path for path in _listed(root("derived")) if _age(path) > grace.total_seconds()]
    for first in range(0, len(old), AT_ONCE):
        named = {path: _uuid(path.name) for path in old[first : first + AT_ONCE]}
        keys = {key for key in named.values() if key is not None}
        kept = {pk for rows in (Upload.objects, Export.objects) for pk in rows.filter(pk__in=keys, removed_at=None).values_list("pk", flat=True)}
        for path, key in named.items():
            if key not in kept:
                yield _tree("temporary", path, "its upload is gone"), partial(shutil.rmtree, path)


def root(name: str) -> Path:
    """A room beneath MEDIA_ROOT."""
    return Path(settings.MEDIA_ROOT) / name


def _listed(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else []


def _old_files(directory: Path, seconds: float) -> Iterator[Path]:
    for path in sorted(_beneath(directory)):
        if _age(path) > seconds:
            yield path


def _beneath(directory: Path) -> Iterator[Path]:
    """The files in it and below, as many as there still are: others take directories away at the same time, each its own."""
    for place, _, names in os.walk(directory):
        yield from (Path(place) / name for name in names)


def _age(path: Path) -> float:
    """Seconds since the last change, of which a rename is one; 0 for a path that has just gone."""
    try:
        return time.time() - files.changed_at(path)
    except FileNotFoundError:
        return 0.0


def _file(kind: str, path: Path, reason: str) -> Item:
    return Item(kind, path.relative_to(settings.MEDIA_ROOT).as_posix(), reason, _size(path))


def _tree(kind: str, path: Path, reason: str) -> Item:
    return Item(kind, path.relative_to(settings.MEDIA_ROOT).as_posix(), reason, sum(_size(file) for file in _beneath(path)))


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
