"""Owners as staff see them; accounts themselves are managed under Users."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from .models import Owner


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

    def has_change_permission(self, request: HttpRequest, obj: Owner | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Owner | None = None) -> bool:
        return False
