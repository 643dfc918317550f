"""Exports and their grants as an operator sees them: to look at, not to edit. Tokens are nowhere."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from .models import Export, Grant
from .selectors import with_expiry
from .services import remove_bytes


class ReadOnly:
    """What the pipeline writes is not typed in by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never: rows are the memory of what was made."""
        return False


class GrantInline(ReadOnly, admin.TabularInline):
    """The receipts of an export."""

    model = Grant
    extra = 0
    fields = readonly_fields = ("id", "created_at", "expires_at", "used_at", "bytes_sent", "completed_at")


@admin.register(Export)
class ExportAdmin(ReadOnly, admin.ModelAdmin):
    """Everything that was published."""

    list_display = ("name", "operation", "owner", "size", "created_at", "expires", "removed_at")
    list_filter = ("job__operation", "mime", "created_at", ("removed_at", admin.EmptyFieldListFilter))
    list_select_related = ("owner__user", "job")
    search_fields = ("name", "=id", "=sha256", "=job__id")
    date_hierarchy = "created_at"
    inlines = (GrantInline,)
    actions = ("remove_files",)
    readonly_fields = ("expires",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Export]:
        """With what `expires` shows, asked once."""
        return with_expiry(super().get_queryset(request))

    @admin.display(ordering="job__operation")
    def operation(self, export: Export) -> str:
        """What made it."""
        return export.job.operation

    @admin.display(description="expires")
    def expires(self, export: Export) -> Any:
        """When its bytes go, by the settings as they are now."""
        return export.expires_at

    @admin.action(description="Remove the files of the chosen exports (rows and recipes stay)", permissions=["remove"])
    def remove_files(self, request: HttpRequest, queryset: QuerySet[Export]) -> None:
        """Take the bytes away now, audited."""
        removed = sum(remove_bytes(export, "operator") for export in queryset)
        self.message_user(request, f"{removed} files were removed.")

    def has_remove_permission(self, request: HttpRequest) -> bool:
        """Whoever may delete exports by Django's permissions may remove their bytes."""
        return request.user.has_perm("exports.delete_export")
