"""The trail as staff see it: to read, never to change."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from .models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):
    """Entries are found by actor, object, request or time."""

    list_display = ["at", "actor", "address", "action", "target_type", "target", "sequence"]
    list_filter = ["action", "target_type", "at"]
    search_fields = ["actor", "address", "target", "target_id", "request_id"]
    date_hierarchy = "at"
    list_per_page = 50
    show_full_result_count = False
    ordering = ["-id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False
