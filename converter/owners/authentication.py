"""Who may use the API: guests by token, browsers by cookie, users by session."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.request import Request

from . import schema  # noqa: F401  (it registers itself with drf-spectacular)
from .bearers import Credential
from .services import UNSAFE, api_owner, bearer_token, cookie_token, resolve_owner

__all__ = ["OwnerAuthentication", "api_owner"]

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class OwnerAuthentication(BaseAuthentication):
    """`Authorization: Bearer` with a guest's, an access or a personal token, else the session or the browser's cookie with CSRF enforced.

    Everything is decided from the headers: nobody without credentials makes us read a body.
    `request.user` stays anonymous for guests; `api_owner(request)` says whom a request acts for.
    """

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser | AnonymousUser, Any] | None:
        """User and token owner; None for an anonymous read. Raises `AuthenticationFailed`, `NotAuthenticated`, `PermissionDenied`."""
        plain = request._request
        token = bearer_token(plain)
        if token is not None:
            if not hasattr(plain, "credential"):
                plain.owner = resolve_owner(plain)  # type: ignore[attr-defined]
            if lacking := getattr(plain, "lacks_scope", None):
                raise PermissionDenied(f"This token may not do that; it would need {lacking}.")
            credential: Credential | None = plain.credential  # type: ignore[attr-defined]
            if credential is None:
                raise AuthenticationFailed("The Bearer token is not known, or not good any more.")
            return credential.user or AnonymousUser(), credential
        user = getattr(plain, "user", None)
        signed_in = user is not None and user.is_active
        if signed_in or cookie_token(plain):
            if plain.method in UNSAFE:
                enforce_csrf(plain)
            return (user, None) if user is not None and signed_in else (AnonymousUser(), None)
        if plain.method in UNSAFE:
            raise NotAuthenticated("This needs to know whose it is, and the request came without credentials.")
        return None

    def authenticate_header(self, request: Request) -> str:
        """Makes REST framework answer 401, not 403."""
        return 'Bearer realm="api"'


class _HeaderCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        raise PermissionDenied(f"CSRF failed: {reason}")


def enforce_csrf(request: HttpRequest) -> None:
    """Django's own CSRF check, with the token taken from the X-CSRFToken header alone.

    For a POST Django would first look into the form, that is, read the whole body, however large,
    before it knows whether to answer. Raises `PermissionDenied`.
    """
    shadow = copy.copy(request)
    shadow.method = "PUT"
    check = _HeaderCheck(lambda _: HttpResponse())
    check.process_request(shadow)
    check.process_view(shadow, HttpResponse, (), {})
