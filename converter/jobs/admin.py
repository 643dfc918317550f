"""Jobs in the admin: to look at. What changes them is added above, where jobs can be enqueued."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from converter.engine.timecode import format_time

from .models import Job, JobInput


class JobInputInline(admin.TabularInline):
    """A job's uploads, in order."""

    model = JobInput
    extra = 0
    can_delete = False
    fields = readonly_fields = ("position", "upload")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class JobAdmin(admin.ModelAdmin):
    """Nothing is edited by hand: a row changes only through its state machine."""

    list_display = (
        "short_id",
        "operation",
        "preset",
        "status",
        "priority",
        "percent",
        "attempt",
        "owner",
        "created_at",
        "took",
        "cpu_seconds",
        "error_code",
    )
    list_filter = ["status", "operation", "error_code", "created_at"]
    search_fields = ["id", "owner__user__username", "request_id", "worker", "inputs__name"]
    date_hierarchy = "created_at"
    list_select_related = ["owner__user"]
    list_per_page = 50
    show_full_result_count = False
    inlines = [JobInputInline]

    @admin.display(description="job")
    def short_id(self, job: Job) -> str:
        return str(job.pk)[:8]

    @admin.display(description="progress", ordering="progress")
    def percent(self, job: Job) -> str:
        return f"{job.progress:.0f} %"

    @admin.display(description="took")
    def took(self, job: Job) -> str:
        return format_time((job.finished_at - job.started_at).total_seconds()) if job.finished_at and job.started_at else ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False
