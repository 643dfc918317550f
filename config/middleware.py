"""What every request passes: its id, and the headers that Django and django-csp do not set."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.db import connections
from django.http import HttpRequest, HttpResponseBase

from config.policies import PERMISSIONS_POLICY
from converter.audit import context
from converter.audit.address import from_trusted_proxy

_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")
_NO_DOCUMENTS = ("text/css", "text/javascript")
"""Whatever is shown of these runs nothing: a policy for documents would be a tenth of the first page's bytes."""
Respond = Callable[[HttpRequest], HttpResponseBase]


class RequestIdMiddleware:
    """Give the request an id, put it on every log line and audit entry, and send it back.

    A sane `X-Request-ID` from outside is kept, so that a proxy's log and ours can be read together.
    """

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _SANE.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        token = context.request_id.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            context.request_id.reset(token)
        response["X-Request-ID"] = request_id
        return response


class ProxyMiddleware:
    """Forget what somebody who is no trusted proxy says about the way the request came."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "HTTP_X_FORWARDED_PROTO" in request.META and not from_trusted_proxy(request):
            del request.META["HTTP_X_FORWARDED_PROTO"]
        return self.get_response(request)


class HeadersMiddleware:
    """Set the headers that keep other sites away from our responses."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not response.headers.get("Content-Type", "").startswith(_NO_DOCUMENTS):
            response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class ConnectionMiddleware:
    """Give the database connection back before an asynchronous stream begins.

    Django closes connections when a response is closed, which for a live stream or a long download
    is minutes later; a pool of connections would run dry.
    """

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.streaming and getattr(response, "is_async", False):
            for connection in connections.all(initialized_only=True):
                if not connection.in_atomic_block:
                    connection.close()
        return response
