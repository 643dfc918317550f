from django.apps import AppConfig
from django.conf import settings


class ConverterConfig(AppConfig):
    name = "converter"
    label = "converter"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hand the engine, which knows no Django, its settings."""
        from converter.engine.config import configure
        from converter.engine.limits import Limits

        limits = Limits(
            max_bytes=settings.MAX_UPLOAD_BYTES,
            max_seconds=settings.MAX_MEDIA_SECONDS,
            max_pixels=settings.MAX_PIXELS,
            max_streams=settings.MAX_STREAMS,
            max_frames=settings.MAX_FRAMES,
            memory_bytes=settings.SANDBOX_MEMORY_BYTES,
            wall_seconds=settings.JOB_MAX_SECONDS,
            stall_seconds=settings.JOB_STALL_SECONDS,
        )
        configure(ffmpeg_binary=settings.FFMPEG_BINARY, threads=settings.FFMPEG_THREADS, limits=limits, kernel_cache=settings.GIF_KERNELS)
