"""What django-axes asks us: whose sign-in fails, and what somebody is told who failed too often."""

from __future__ import annotations

import math
from typing import Any

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.crypto import salted_hmac

from converter.audit import services as audit
from converter.audit.address import client_address
from converter.audit.context import Actor, current_actor
from converter.problems import is_api, problem_response


class LockoutBackend(AxesStandaloneBackend):  # type: ignore[misc]
    """django-axes', which has nothing to say where there is no request (a shell, a test's client)."""

    def authenticate(self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any) -> None:
        """Refuses by raising; never signs anybody in."""
        if request is not None:
            super().authenticate(request, username=username, password=password, **kwargs)


def address(request: HttpRequest) -> str:
    """The address that failures are counted by."""
    return client_address(request) or "127.0.0.1"


def username(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """The name that failures are counted by. One that nobody has is kept as a digest: people type passwords into the wrong field."""
    model = get_user_model()
    raw = (credentials or {}).get(model.USERNAME_FIELD) or (request.POST.get("username") if request is not None else "") or ""
    name = model.normalize_username(str(raw)[:1000])
    if model._default_manager.filter(**{model.USERNAME_FIELD: name}).exists():
        return name
    return "unknown-" + salted_hmac("converter.owners.lockout", name, algorithm="sha256").hexdigest()[:16]


def shown(name: str, ip: str, agent: str, path: str, request: HttpRequest) -> str:
    """How the log speaks of a client."""
    return ip


def refused(request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None) -> HttpResponse:
    """429, as a problem or a page."""
    actor = Actor("anonymous", client_address(request), current_actor().request_id)
    audit.record("user.locked_out", ("user", "", username(request, credentials)), actor=actor)
    headers = {"Retry-After": str(math.ceil(settings.AXES_COOLOFF_TIME.total_seconds()))}
    if is_api(request):
        return problem_response("rate_limited", headers=headers)
    return HttpResponse(render_to_string("429.html", {}, request), status=429, headers=headers)
