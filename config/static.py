"""Static files: hashed names in a manifest, compressed once, served by WhiteNoise also under ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import IO, Any

from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

CHUNK = 256 * 1024


class ManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed names when collected; plain names before that (a fresh clone, a management command)."""

    manifest_strict = False
    # Our modules import each other by hashed names too, so that no page mixes versions; packages' scripts stay as they are.
    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = ("js/*.js", HashedFilesMixin._js_module_import_aggregation_patterns[1])  # type: ignore[attr-defined]


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise, whose answers are read chunk by chunk under ASGI, where Django would read a plain file whole into memory."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponseBase:
        """The file's response; asynchronous when the request is."""
        if not isinstance(request, ASGIRequest):
            plain: HttpResponseBase = WhiteNoiseMiddleware.serve(static_file, request)
            return plain
        found = static_file.get_response(request.method, request.META)
        response = StreamingHttpResponse(_chunks(found.file), status=int(found.status))
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        return response


async def _chunks(file: IO[bytes] | None) -> AsyncIterator[bytes]:
    if file is None:
        return
    with file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
