from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "converter.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from converter.owners import adoption

        from .models import Job
        from .services import adopt

        adoption.moves(Job, adopt)
