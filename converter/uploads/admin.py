"""Uploads as staff see them: to read, and to delete the way everybody does."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from converter.engine.errors import MediaError

from . import resumable
from .models import Upload


@admin.register(Upload)
class UploadAdmin(admin.ModelAdmin):
    """Found by name, hash, owner and time."""

    list_display = ["name", "owner", "status", "kind", "size", "created_at", "removed_at"]
    list_filter = ["status", ("removed_at", admin.EmptyFieldListFilter), "created_at"]
    list_select_related = ["owner", "owner__user"]
    search_fields = ["id", "name", "sha256", "owner__id", "owner__user__username"]
    date_hierarchy = "created_at"
    list_per_page = 50
    show_full_result_count = False
    actions = ["give_up"]

    @admin.display(description="kind")
    def kind(self, upload: Upload) -> str:
        """Video, animation, audio or image."""
        return str(upload.media_data.get("kind", ""))

    @admin.action(description="Delete the bytes of the selected uploads", permissions=["delete"])
    def give_up(self, request: HttpRequest, queryset: QuerySet[Upload]) -> None:
        """Delete each one that no unfinished job needs."""
        done = 0
        for upload in queryset.filter(removed_at__isnull=True):
            try:
                resumable.give_up(upload)
                done += 1
            except MediaError as error:
                self.message_user(request, f"{upload.name}: {error.detail}", messages.ERROR)
        self.message_user(request, f"{done} deleted.", messages.SUCCESS)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's own bulk deletion would leave files without rows."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def delete_model(self, request: HttpRequest, obj: Upload) -> None:
        """The one deletion there is."""
        try:
            resumable.give_up(obj)
        except MediaError as error:
            self.message_user(request, error.detail, messages.ERROR)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        return False
