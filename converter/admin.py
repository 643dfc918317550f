"""Admin actions that need the whole pipeline: they call the same services as the site and the API."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from converter import services
from converter.engine.errors import MediaError
from converter.jobs import turns
from converter.jobs.admin import JobAdmin
from converter.jobs.models import Job
from converter.jobs.services import prioritise


@admin.register(Job)
class OperatedJobAdmin(JobAdmin):
    """Jobs, with what an operator may do about them."""

    actions = ["cancel", "retry", "first", "last"]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Rows are read-only here; the right to change jobs is the right to operate them."""
        return bool(request.user.has_perm("jobs.change_job"))

    @admin.action(description="Cancel the chosen jobs", permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, services.cancel, "cancelled")

    @admin.action(description="Try the chosen jobs again", permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, services.retry, "queued again")

    @admin.action(description="Take the chosen jobs before all others", permissions=["operate"])
    def first(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, lambda job: prioritise(job.pk, turns.HIGHEST), "now before all others")

    @admin.action(description="Take the chosen jobs after all others", permissions=["operate"])
    def last(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self._each(request, queryset, lambda job: prioritise(job.pk, turns.LOWEST), "now after all others")

    def _each(self, request: HttpRequest, jobs: QuerySet[Job], act: Callable[[Job], Job], done: str) -> None:
        count = 0
        for job in jobs:
            try:
                act(job)
            except MediaError as refusal:
                self.message_user(request, f"{job}: {refusal.detail}", messages.WARNING)
            else:
                count += 1
        if count:
            self.message_user(request, f"{count} {done}.", messages.SUCCESS)
