"""Signing in without a page, and signing up."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate
from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed

from converter.audit.address import client_network
from converter.engine.errors import MediaError
from converter.runtime import services as runtime

from . import totp
from .ratelimit import limit


def check(request: HttpRequest, name: str, password: str, code: str = "") -> Any:
    """The active user whom name, password and (where there is an authenticator) code belong to.

    Raises `AuthenticationFailed`, `Throttled`; a lockout becomes 429 on the way out.
    """
    limit_tries(request)
    user = authenticate(request, username=name, password=password)
    if user is None:
        raise AuthenticationFailed("Name and password do not belong together, or the account is closed.")
    if totp.device_of(user) is not None and totp.accepts(user, code.strip()) is None:
        raise AuthenticationFailed("code: this account needs the current code of its authenticator.")
    return user


def limit_tries(request: HttpRequest) -> None:
    """Count one try to sign in or up. Raises `Throttled`."""
    limit(request, "sign_in", client_network(request))


def require_sign_up() -> None:
    """Raises `MediaError("not_allowed")` where visitors may make no accounts."""
    if not runtime.get("sign_up"):
        raise MediaError("not_allowed", "Sign-up is closed here; ask whoever runs this site for an account.")
