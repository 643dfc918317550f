from django.apps import AppConfig
from django.conf import settings


def hand_settings_over() -> None:
    """Hand the engine, which knows no Django, its settings."""
    from converter.engine.config import configure
    from converter.uploads.storage import limits

    configure(
        ffmpeg_binary=settings.FFMPEG_BINARY,
        threads=settings.FFMPEG_THREADS,
        limits=limits(),
        kernel_cache=settings.GIF_KERNELS,
        gif_cores=settings.GIF_CORES,
        strict_sandbox=settings.SANDBOX == "strict",
        analysis_cache=settings.VAR_DIR / "analysis",
    )


class ConverterConfig(AppConfig):
    name = "converter"
    label = "converter"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        hand_settings_over()
