"""Several exports as one ZIP, written while it is sent: no temporary file, constant memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import PurePath
from zipfile import ZIP_STORED

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from zipstream import ZipStream

from converter.audit import services as audit
from converter.engine.errors import MediaError
from converter.uploads.delivery import content_disposition

from .models import Export

NAME = "cutroom.zip"


def bundle(request: HttpRequest, rows: Sequence[Export]) -> StreamingHttpResponse:
    """Answer with a ZIP of the exports' files; media don't shrink, so they are stored as they are.

    Raises `MediaError`: `bad_parameter` for none, `gone` when no bytes of them are left.
    """
    if not rows:
        raise MediaError("bad_parameter", "Choose at least one file to pack.", field="ids")
    kept = [row for row in rows if not row.gone and row.file.is_file()]
    if not kept:
        raise MediaError("gone", "These files were cleaned up; make them again first.")
    stream = ZipStream(compress_type=ZIP_STORED, sized=True)
    for row, name in zip(kept, names(kept), strict=True):
        stream.add_path(row.file, name)
    audit.record("export.bundled", kept[0], exports=[str(row.pk) for row in kept], size=len(stream))
    chunks = iter(stream)
    response = StreamingHttpResponse(_async(chunks) if isinstance(request, ASGIRequest) else chunks, content_type="application/zip")
    response.headers["Content-Length"] = str(len(stream))
    response.headers["Content-Disposition"] = content_disposition(NAME, attachment=True)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def names(rows: Sequence[Export]) -> list[str]:
    """A name for each file that no other has, whatever the case: the second `film.mp4` is `film (2).mp4`."""
    taken: set[str] = set()
    found = []
    for row in rows:
        path, count = PurePath(row.name.replace("/", "_").replace("\\", "_")), 1
        name = path.name
        while name.casefold() in taken:
            count += 1
            name = f"{path.stem} ({count}){path.suffix}"
        taken.add(name.casefold())
        found.append(name)
    return found


async def _async(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk
