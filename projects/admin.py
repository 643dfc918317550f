"""Projects as an operator sees them: to look at; their owners edit them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .models import Clip, Project, Render


class ReadOnly:
    """Changes go through the services, where they are checked and audited."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never."""
        return False


class ClipInline(ReadOnly, admin.TabularInline):
    """The clips in their order."""

    model = Clip
    extra = 0
    fields = readonly_fields = ("position", "upload", "start", "end")


class RenderInline(ReadOnly, admin.TabularInline):
    """What was composed from it."""

    model = Render
    extra = 0
    fields = readonly_fields = ("job", "status", "created_at")

    @admin.display
    def status(self, render: Render) -> str:
        """The state of its job."""
        return render.job.get_status_display()


@admin.register(Project)
class ProjectAdmin(ReadOnly, admin.ModelAdmin):
    """Everybody's projects."""

    list_display = ("name", "owner", "width", "height", "fps", "updated_at")
    list_select_related = ("owner__user",)
    search_fields = ("name", "=id")
    date_hierarchy = "created_at"
    inlines = (ClipInline, RenderInline)
