"""What was learned, to look at and to forget."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .models import LearnedEstimate


@admin.register(LearnedEstimate)
class LearnedEstimateAdmin(admin.ModelAdmin):
    """Rows are written by finished jobs only; deleting one returns to what is shipped."""

    list_display = ["name", "jobs", "spread", "updated_at"]
    readonly_fields = ["name", "jobs", "data", "updated_at"]

    @admin.display(description="usual error")
    def spread(self, row: LearnedEstimate) -> str:
        """How far predictions were off, as a factor."""
        from .selectors import read

        model = read(row.name, row.data)
        return "" if model is None else f"± {100 * model.spread:.0f} %"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only jobs teach."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Numbers that nobody can judge by eye are not edited."""
        return False
