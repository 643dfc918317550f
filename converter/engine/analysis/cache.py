"""What was measured once of the same bytes is not measured again.

One small JSON file per question, named by the content's SHA-256, the question and the version of the
answer. Files appear whole or not at all, so any number of processes may share the directory; two that ask
at the same time both measure, and the later answer replaces an equal one. The oldest go when there are too many.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from converter.engine.config import current
from converter.engine.files import hash_file

VERSION = 1
"""Raised when the same bytes and question begin to give another answer."""
MOST_FILES = 2000
MOST_BYTES = 256 << 20
_SWEEP = 64
"""One in so many writes looks whether there are too many."""


def cached(path: Path, question: Mapping[str, Any], make: Callable[[], dict[str, Any]], *, directory: Path | None = None) -> dict[str, Any]:
    """The stored answer for the bytes at `path`, or what `make()` returns, which is then stored.

    `directory` is the configured one (`EngineConfig.analysis_cache`) unless given; without any, nothing is
    stored. A broken or unwritable store costs time, never an answer.
    """
    directory = directory or current().analysis_cache
    if directory is None:
        return make()
    target = directory / key(hash_file(path), question)
    stored = _read(target)
    if stored is not None:
        return stored
    answer = make()
    with contextlib.suppress(OSError):
        _write(target, answer)
        if secrets.randbelow(_SWEEP) == 0:
            sweep(directory)
    return answer


def key(content: str, question: Mapping[str, Any]) -> str:
    """The file name for a content hash and a question."""
    asked = json.dumps([VERSION, question], sort_keys=True, separators=(",", ":"))
    return f"{content}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}.json"


def sweep(directory: Path, most_files: int = MOST_FILES, most_bytes: int = MOST_BYTES) -> int:
    """Remove the least recently used beyond the bounds; how many went."""
    found = []
    for path in directory.glob("*.json"):
        with contextlib.suppress(FileNotFoundError):
            about = path.stat()
            found.append((about.st_mtime, about.st_size, path))
    kept = size = removed = 0
    for _, bytes_, path in sorted(found, reverse=True):
        kept, size = kept + 1, size + bytes_
        if kept > most_files or size > most_bytes:
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _read(path: Path) -> dict[str, Any] | None:
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
        # Used just now: it goes last.
        os.utime(path)
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def _write(target: Path, answer: dict[str, Any]) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = target.with_name(f".{secrets.token_hex(8)}")
    try:
        part.write_text(json.dumps(answer, separators=(",", ":")), encoding="utf-8")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
