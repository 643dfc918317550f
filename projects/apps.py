from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "projects"
    label = "projects"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep what clips are cut from: the pipeline knows nothing of projects, so they tell it."""
        from converter.maintenance import retention_guard

        from .selectors import without_clips

        retention_guard(without_clips)
