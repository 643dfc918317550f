"""The processes that make up one Cutroom, as data."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from config import env, redis_server, redis_url
from config.supervisor.child import Spec

_PYTHON = [sys.executable, "-W", "ignore:You're running the worker"]
# Fewer malloc arenas: each thread would otherwise keep tens of megabytes of its own.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "config.settings"}


def redis(var_dir: Path) -> Spec | None:
    """The embedded Redis-protocol server; None when no program for it can be found."""
    binary = redis_server.find_server()
    if binary is None:
        return None
    return Spec("redis", redis_server.command(binary, var_dir / "redis", redis_url.socket_path(var_dir)))


def web(descriptor: int) -> Spec:
    """The web server on an open listening socket: connections wait in it while the server restarts."""
    command = [*_PYTHON, "-m", "gunicorn", "config.asgi:application", "-c", str(env.BASE_DIR / "gunicorn.conf.py"), "--bind", f"fd://{descriptor}"]
    return Spec("web", command, {**_ENVIRONMENT, "CUTROOM_ROLE": "web"}, fds=(descriptor,))


def _worker(name: str, concurrency: int) -> Spec:
    options = ["--queues", name, "--hostname", f"{name}@%h", "--concurrency", str(concurrency), "--pool", "threads"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return Spec(name, [*_PYTHON, "-m", "celery", "--quiet", "--app", "config", "worker", *options, *quiet], {**_ENVIRONMENT, "CUTROOM_ROLE": name})


def media() -> Spec:
    """The worker that runs jobs. Threads are enough: every tool is a process of its own, in its sandbox."""
    return _worker("media", env.integer("WORKER_CONCURRENCY", 2, low=1, high=64))


def control() -> Spec:
    """The scheduler and the worker of its short tasks, in one process that no encode can occupy."""
    return _worker("control", 2)


def migrate() -> list[str]:
    """The command that brings the database to the present models."""
    return [*_PYTHON, str(env.BASE_DIR / "manage.py"), "migrate", "--noinput", "--verbosity", "0"]


def environment() -> dict[str, str]:
    """The environment of a one-off command."""
    return {**os.environ, **_ENVIRONMENT}
