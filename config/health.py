"""/health/ (this process answers) and /health/ready/ (everything that it leans on does, each by name)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from config import confinement
from config.worker_steps import sign_key
from converter.engine import ffmpeg, files, sandbox
from converter.engine.errors import MediaError

log = logging.getLogger(__name__)


class NotReady(Exception):
    """What is missing, in one sentence without secrets."""


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Every part by name, `ok` or a sentence; 503 when one is missing."""
    parts = {name: _outcome(name, check) for name, check in CHECKS.items()}
    sound = all(part["ok"] for part in parts.values())
    return JsonResponse(
        {"status": "ok" if sound else "not ready", "checks": parts}, status=200 if sound else 503, headers={"Cache-Control": "no-store"}
    )


def _outcome(name: str, check: Callable[[], str]) -> dict[str, object]:
    try:
        return {"ok": True, "detail": check()}
    except NotReady as reason:
        return {"ok": False, "detail": str(reason)}
    except (DatabaseError, redis.RedisError, OSError) as error:
        log.warning("%s is not ready: %s", name, error)
        return {"ok": False, "detail": f"The {name} does not answer."}


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return f"{connection.display_name} answers."


def _migrations() -> str:
    if missing := _missing_migrations():
        raise NotReady(f"{missing} migrations are not applied; run: manage.py migrate.")
    return "All applied."


def _missing_migrations() -> int:
    """How many are to be applied; once there are none, this process does not look again."""
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing == 0:
        globals()["_missing_migrations"] = lambda: 0
    return missing


def _broker() -> str:
    with _client() as client:
        client.ping()
    return "The Redis-protocol server answers."


def _worker() -> str:
    with _client() as client:
        silent = [queue for queue in ("media", "control") if next(client.scan_iter(sign_key(queue, "*"), count=1000), None) is None]
    if silent:
        raise NotReady(f"No worker for {' and '.join(silent)} has given a sign of life lately.")
    return "The media and the control worker live."


def _disk() -> str:
    free = files.free_bytes(settings.MEDIA_ROOT)
    if free < settings.MIN_FREE_BYTES:
        raise NotReady(f"Only {free // 1024**2} MiB are free for media; at least {settings.MIN_FREE_BYTES // 1024**2} MiB are wanted.")
    return f"{free // 1024**2} MiB are free for media."


def _ffmpeg() -> str:
    try:
        tool = ffmpeg.find_ffmpeg(settings.FFMPEG_BINARY)
        ffmpeg.check(tool)
    except MediaError as error:
        raise NotReady(error.detail) from error
    return f"ffmpeg {tool.version}."


def _sandbox() -> str:
    return confinement.WORDS[_sandbox_level()]


@cache
def _sandbox_level() -> sandbox.Level:
    return sandbox.level()


def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=settings.REDIS_SECONDS, socket_connect_timeout=settings.REDIS_SECONDS)


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker,
    "worker": _worker,
    "disk": _disk,
    "ffmpeg": _ffmpeg,
    "sandbox": _sandbox,
}
