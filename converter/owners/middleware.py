"""Every request learns whose it is, and everything it changes says so in the trail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from converter.audit import refusals
from converter.audit.address import client_address
from converter.audit.context import Actor, use_actor

from .services import COOKIE, actor_name, aresolve_owner, cookie_token, resolve_owner
from .tokens import new_token

UNOWNED = ("/health/", "/static/", "/api/schema/", "/api/docs/")
"""Nothing under these is anybody's: they answer without asking the database who asks."""


class OwnerMiddleware:
    """Sets `request.owner` (an `Owner`, or None before the first mutation), binds the trail's actor
    with the client's address, and gives each browser its cookie with the first page it gets.

    Works in both modes without a thread hop under ASGI. It costs one look-up by unique key, and
    that only when the request carries credentials.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._acall(request)
        request.owner, name = None, "anonymous"  # type: ignore[attr-defined]
        if not _unowned(request):
            request.owner = owner = resolve_owner(request)  # type: ignore[attr-defined]
            name = _named(request, actor_name(owner, getattr(request, "user", None)))
        with use_actor(Actor(name, client_address(request))):
            response = self.get_response(request)
            refusals.note(request, response)
            return _with_cookie(request, response)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        request.owner, name = None, "anonymous"  # type: ignore[attr-defined]
        if not _unowned(request):
            request.owner = owner = await aresolve_owner(request)  # type: ignore[attr-defined]
            name = _named(request, actor_name(owner, None if owner else await request.auser()))
        with use_actor(Actor(name, client_address(request))):
            response = await self.get_response(request)
            await sync_to_async(refusals.note)(request, response)
            return _with_cookie(request, response)


def _named(request: HttpRequest, name: str) -> str:
    """A personal token acts under its own name, too."""
    key = getattr(getattr(request, "credential", None), "key", None)
    return name if key is None else f"{name}, token {key}"


def _unowned(request: HttpRequest) -> bool:
    return request.path.startswith(UNOWNED)


def _with_cookie(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    token = getattr(request, "new_owner_token", None)
    if token is None and _is_page(request, response) and not cookie_token(request):
        token = new_token()
    if token is not None:
        lifetime: timedelta = getattr(settings, "GUEST_LIFETIME", timedelta(days=365))
        secure = settings.SESSION_COOKIE_SECURE
        response.set_cookie(COOKIE, token, max_age=lifetime, path="/", httponly=True, secure=secure, samesite="Lax")
    return response


def _is_page(request: HttpRequest, response: HttpResponseBase) -> bool:
    """A page that a person looks at; never the admin, where everybody has an account."""
    if request.method != "GET" or response.status_code != 200 or _unowned(request) or request.path.startswith(("/api/", "/admin/")):
        return False
    return response.headers.get("Content-Type", "").startswith("text/html")
