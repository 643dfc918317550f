"""Results that hold other results: a ZIP of several files, a PDF of pages, a JSON report.

They are made by our own code from files that were verified one by one, so what is checked here is
that the wrapping is whole.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import MediaError
from .media import Media
from .operations.base import Expectation

WRAPPERS = frozenset({"document", "archive", "data"})
MIMES: Mapping[str, str] = {"zip": "application/zip", "pdf": "application/pdf", "json": "application/json"}
MAX_DATA = 64 << 20
"""Bytes of a report; a larger one is no longer something to be read at once."""
_DATE = (1980, 1, 1, 0, 0, 0)
"""ZIP's earliest date for every member, so that the same files give the same archive."""
_TAIL = 1024


def pack(members: Sequence[tuple[str, Path]], target: Path) -> None:
    """Write a ZIP of `members` (name inside, file) to `target`, in their order, byte for byte the same each time.

    Nothing is compressed, because media hardly shrinks. Memory does not grow with the files.
    Raises `MediaError("internal")` for names that are not plain or not unique.
    """
    names = [name for name, _ in members]
    if len({name.casefold() for name in names}) != len(names) or any(not _plain(name) for name in names):
        raise MediaError("internal", log=f"names in an archive: {names[:20]}")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, path in members:
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o644 << 16
            # The size decides before the first byte whether the entry needs 64-bit fields.
            entry.file_size = path.stat().st_size
            with path.open("rb") as source, archive.open(entry, "w") as inside:
                shutil.copyfileobj(source, inside, 1 << 20)


def write_data(value: Any, target: Path) -> None:
    """Write a JSON report (UTF-8, keys in their order). Raises `MediaError("internal")` for what JSON can't say."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1)
    except ValueError as error:
        raise MediaError("internal", log=f"a report with a number that is none: {error}") from error
    target.write_text(text + "\n", encoding="utf-8")


def check_wrapper(path: Path, expects: Expectation) -> Media:
    """Read a wrapped result back. Raises `MediaError("tool_failed")` where it is not whole."""
    check = {"archive": _check_archive, "document": _check_document, "data": _check_data}[expects.kind]
    try:
        check(path, expects)
    except (ValueError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise MediaError("tool_failed", "The result can't be read back.", log=f"{path.name}: {error}") from error
    return Media(expects.kind, expects.container, "", MIMES[expects.container], path.stat().st_size, expects.duration)


def _check_archive(path: Path, expects: Expectation) -> None:
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
        names = tuple(archive.namelist())
    if damaged is not None:
        raise ValueError(f"{damaged} is damaged")
    if not names or (expects.members is not None and names != expects.members):
        raise ValueError(f"{len(names)} members: {names[:20]}")


def _check_document(path: Path, expects: Expectation) -> None:
    with path.open("rb") as file:
        head = file.read(5)
        file.seek(max(0, path.stat().st_size - _TAIL))
        tail = file.read()
    if head != b"%PDF-" or b"%%EOF" not in tail:
        raise ValueError("not a whole PDF")


def _check_data(path: Path, expects: Expectation) -> None:
    if path.stat().st_size > MAX_DATA:
        raise ValueError("the report is too long")
    json.loads(path.read_text(encoding="utf-8"))


def _plain(name: str) -> bool:
    return bool(name) and not name.startswith("/") and "\\" not in name and ".." not in name.split("/") and name.isprintable()
