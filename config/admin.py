"""The admin: our sign-in form, its limits, and a second factor where one is asked for."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from rest_framework.exceptions import Throttled


class CutroomAdminConfig(AdminConfig):
    """Django's admin on our site."""

    default_site = "config.admin.CutroomAdminSite"


class CutroomAdminSite(admin.AdminSite):
    """Staff alone, and with their authenticator where they have one or `ADMIN_TOTP` asks for it."""

    site_header = site_title = "Cutroom"
    login_template = "accounts/admin_sign_in.html"

    @property
    def login_form(self) -> Any:  # type: ignore[override]
        """Imported late: forms need the models."""
        from converter.owners.forms import SignInForm

        return SignInForm

    def has_permission(self, request: HttpRequest) -> bool:
        """Django's own answer, and the second factor."""
        from converter.owners import totp

        return super().has_permission(request) and totp.satisfied(request.user)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Counted by address like every sign-in."""
        from converter.owners import accounts
        from converter.owners.ratelimit import retry_after

        try:
            if request.method == "POST":
                accounts.limit_tries(request)
        except Throttled as throttled:
            headers = {"Retry-After": retry_after(throttled)}
            return HttpResponse(render_to_string("429.html", {}, request), status=429, headers=headers)
        return super().login(request, extra_context)
