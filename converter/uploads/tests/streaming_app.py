"""The site's ASGI application with forms read as streams."""

from __future__ import annotations

from typing import Any

from django.core.handlers.asgi import ASGIHandler

from config import asgi
from converter.uploads.streaming import StreamedBody


class Handler(asgi.Handler):
    """Hands a form on before it has arrived."""

    async def handle(self, scope: asgi.Scope, receive: Any, send: Any) -> None:
        limit = asgi.Limit.of(scope)
        form = any(name == b"content-type" and value.startswith(b"multipart/form-data") for name, value in scope["headers"])
        if not form or not asgi.IN_MEMORY < asgi.declared_length(scope) <= limit.read:
            return await super().handle(scope, receive, send)
        body = StreamedBody(receive, limit.read)
        await ASGIHandler.handle(self, scope, body, send)
        await body.drain()

    async def read_body(self, receive: Any) -> Any:
        return receive if isinstance(receive, StreamedBody) else await super().read_body(receive)


application = Handler()
