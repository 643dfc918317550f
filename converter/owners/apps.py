from django.apps import AppConfig


class OwnersConfig(AppConfig):
    name = "converter.owners"
    label = "owners"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import signals

        signals.connect()
