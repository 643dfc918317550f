"""Owners as staff see them; accounts themselves are managed under Users."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice

from . import keys
from .models import ApiKey, Owner

# Its pages show the secret; `manage.py totp` sets one up and takes it away.
admin.site.unregister(TOTPDevice)


@admin.register(Owner)
class OwnerAdmin(admin.ModelAdmin):
    """To read only: an owner leaves with its things, by retention."""

    list_display = ["__str__", "user", "created_at"]
    list_filter = [("user", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["id", "user__username"]
    date_hierarchy = "created_at"
    fields = ["id", "user", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiKey)
class ApiKeyAdmin(OwnerAdmin):
    """Everybody's personal tokens, to look at and to revoke."""

    list_display = ["name", "hint", "owner", "created_at", "expires_at", "last_used_at", "revoked_at"]
    list_filter = ["created_at", ("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["owner__user"]
    search_fields = ["name", "hint", "owner__user__username"]
    fields = ["owner", "name", "hint", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at"]
    actions = ["revoke"]

    @admin.action(description="Revoke the chosen tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """End them at once, audited."""
        self.message_user(request, f"{sum(keys.revoke(key) for key in queryset)} tokens were revoked.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whoever may delete tokens by Django's permissions may end them."""
        return request.user.has_perm("owners.delete_apikey")
