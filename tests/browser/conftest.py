"""A whole running Cutroom, and a real Chromium that looks at it and tells on every page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from tests.running import free_port

from .line import Line

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 240.0
"""Seconds to wait for what must come; they cost nothing where it does, and a busy machine may need them."""
PLAIN = "plain.test"
"""A name of the server under test that browsers do not trust without HTTPS, unlike 127.0.0.1."""
ARGUMENTS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", f"--host-resolver-rules=MAP {PLAIN} 127.0.0.1"]
MAX_UPLOAD_BYTES = 2 * 1024**3
"""The limit of the server under test: its default."""


expect.set_options(timeout=PATIENCE * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them share one server: they run in one process, and are marked as what they are."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.xdist_group("browser"))


class Site(str):
    """The address of a running Cutroom, and the environment that its commands need."""

    environment: dict[str, str]

    def manage(self, *words: str) -> None:
        """Run one of its commands."""
        subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment, check=True, stdout=subprocess.DEVNULL)


@dataclass
class Watch:
    """What a page did that it must not do; `expected` names the failures that a test provokes."""

    host: str
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def on(self, page: Page) -> None:
        """Listen to everything that the page asks for and complains about."""
        page.on("request", lambda request: self._asked(request.url))
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self.complaints.append(f"{page.url}: {message.text}") if message.type in ("error", "warning") else None)

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("blob", "data") and parts.netloc != self.host:
            self.foreign.append(url)

    def check(self) -> None:
        """Nothing left the host, and the console stayed silent but for what was expected."""
        assert self.foreign == []
        assert [text for text in self.complaints if not any(known in text for known in self.expected)] == []


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium from PATH, else Playwright's own; without either the browser tests are skipped, loudly."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=program, args=ARGUMENTS, timeout=PATIENCE * 1000)
        except Error as error:
            reason = (
                f"NO BROWSER: the page is not tested. Put a Chromium on PATH, or run `playwright install chromium`. ({str(error).splitlines()[0]})"
            )
            warnings.warn(reason, stacklevel=1)
            pytest.skip(reason)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The address of a real Cutroom (web, workers, Redis) on private directories."""
    directory = tmp_path_factory.mktemp("cutroom")
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")}
    places = {"VAR_DIR": "var", "MEDIA_ROOT": "media", "STATIC_ROOT": "static"}
    environment = {**kept, **{name: str(directory / place) for name, place in places.items()}}
    environment |= {"CUTROOM_DOTENV": "0", "PORT": str(port), "MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES), "LOG_LEVEL": "WARNING"}
    environment |= {"ALLOWED_HOSTS": f"127.0.0.1,localhost,{PLAIN}"}
    subprocess.run([sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"], cwd=ROOT, env=environment, check=True)
    with (directory / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "config.supervisor"], cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait(process, f"http://127.0.0.1:{port}/health/ready/", directory / "log")
            address = Site(f"http://127.0.0.1:{port}")
            address.environment = environment
            yield address
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, f"Cutroom did not start: {log.read_text()[-2000:]}"
            time.sleep(0.1)


Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Visit]:
    """Open pages as new visitors: `visit("/", width=390, scheme="dark")`, or as the one of another page: `like=page`; `at` is another
    address of the server.

    Afterwards every page must have behaved.
    """
    contexts: list[BrowserContext] = []
    watches: list[Watch] = []

    def open_page(
        path: str = "/",
        *,
        width: int = 1440,
        height: int = 900,
        scheme: str = "light",
        scripts: bool = True,
        like: Page | None = None,
        at: str = "",
    ) -> Page:
        phone = width < 500
        context = browser.new_context(
            base_url=at or site, viewport={"width": width, "height": height}, color_scheme=scheme,  # type: ignore[arg-type]
            is_mobile=phone, has_touch=phone, java_script_enabled=scripts, accept_downloads=True, reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        if like is not None:
            context.add_cookies(like.context.cookies())  # type: ignore[arg-type]
        watch = Watch(urlsplit(at or site).netloc)
        watches.append(watch)
        page = context.new_page()
        page.watch = watch  # type: ignore[attr-defined]
        watch.on(page)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")  # what a handler finds closed would be told to whoever comes next
        context.close()
    for watch in watches:
        watch.check()


@pytest.fixture
def line(site: str) -> Iterator[Line]:
    """A line to the server that can be held and cut: `visit("/", at=f"http://127.0.0.1:{line.port}")`. Ask for it before `visit`."""
    line = Line(urlsplit(site).port or 80)
    yield line
    line.close()


@pytest.fixture(scope="session")
def clips(media_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Short clips from real ones: `car` (3 s), `talk` (4 s, with sound), `mpeg` (a codec no browser plays), `broken`, `sound`, `still`."""
    import imageio_ffmpeg

    target = tmp_path_factory.mktemp("clips")
    tool = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"]
    h264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    made: dict[str, tuple[str, tuple[str, ...]]] = {
        "car.mp4": ("car_432p_12fps.mp4", ("-t", "3", "-vf", "scale=384:-2", *h264, "-an")),
        "talk.mp4": ("talk_720p_speech.mp4", ("-ss", "3", "-t", "4", "-vf", "scale=640:-2", *h264, "-c:a", "aac")),
        "mpeg.avi": ("car_432p_12fps.mp4", ("-t", "3", "-vf", "scale=384:-2", "-c:v", "mpeg4", "-an")),
        "sound.mp3": ("talk_720p_speech.mp4", ("-t", "3", "-vn", "-c:a", "libmp3lame")),
        "still.png": ("car_432p_12fps.mp4", ("-frames:v", "1", "-update", "1")),
    }
    for name, (source, options) in made.items():
        subprocess.run([*tool, "-i", str(media_dir / source), *options, str(target / name)], check=True)
    (target / "broken.mp4").write_bytes((target / "talk.mp4").read_bytes()[:40_000])
    (target / "page.mp4").write_text("<!doctype html><title>not a clip</title>")
    with (target / "huge.mp4").open("wb") as huge:
        huge.truncate(MAX_UPLOAD_BYTES + 1)
    found = {path.stem: path for path in target.iterdir()}
    return {**found, "flower": media_dir / "flower_540p_5s.mp4", "bunny": media_dir / "bunny_1080p_24fps_aac51.mp4"}
