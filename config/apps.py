"""The project itself as an application: it makes the Celery application the one that tasks are sent with."""

from __future__ import annotations

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """In every process that sets Django up, so that a web process sends to our broker as well."""

    name = "config"
    verbose_name = "Cutroom"

    def ready(self) -> None:
        """Load the Celery application."""
        from config import celery  # noqa: F401
