"""The documentation tells the truth: its tables are current, its links lead somewhere, its examples run."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest
from django.core.management import get_commands
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from converter.engine import operations
from converter.engine.probe import inspect
from converter.engine.run import Source, execute
from converter.faults.stack import stands_still
from tests.running import PATIENCE, Cutroom, until

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
_LINK = re.compile(r"""(?:!?\[[^\]]*\]\(|src="|srcset=")([^)\s"]+)""")
_ROUTE = re.compile(r"`(?:GET |POST |PATCH |DELETE )?((?:[a-z]+/)(?:[{}a-z0-9./]*))`")


def _block(page: Path, name: str) -> str:
    """The fenced block that follows a mark."""
    match = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", page.read_text(), re.DOTALL)
    assert match, f"{page.name} has lost its {name}"
    return match[1]


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _generator():  # type: ignore[no-untyped-def]
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_parts_are_current() -> None:
    stale = [path.name for path, text in _generator().documents().items() if path.read_text() != text]
    assert not stale, "run: python docs/generate.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} points at {link}"
        if anchor:
            assert anchor in _anchors(target), f"{page.name} points at {link}"


def test_the_documented_routes_exist() -> None:
    table = (ROOT / "docs" / "api.md").read_text().split("## Routes")[1].split("##")[0]
    routes = _ROUTE.findall(table)
    assert len(routes) > 15
    for route in routes:
        try:
            resolve("/api/v1/" + route.replace("{id}", str(uuid.uuid4())).replace("{number}", "0"))
        except Resolver404:
            pytest.fail(f"docs/api.md names {route}, which is no route")


def test_the_commands_that_are_named_exist() -> None:
    named = {name for page in PAGES for name in re.findall(r"manage\.py (\w+)", page.read_text())}
    assert named <= get_commands().keys()


def test_every_route_of_the_api_is_documented() -> None:
    table = (ROOT / "docs" / "api.md").read_text().split("## Routes")[1].split("##")[0]
    documented = {"/api/v1/" + route for route in _ROUTE.findall(table)}
    missing = {route for route in _api_routes(get_resolver().url_patterns) if route not in documented}
    assert not missing


def _api_routes(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[str]:
    for pattern in patterns:
        named = re.sub(r"<int:(\w+)>", r"{\1}", str(pattern.pattern))
        path = prefix + re.sub(r"\(\?P<\w+>[^)]*\)|<[^>]+>", "{id}", named).strip("^$")
        if isinstance(pattern, URLResolver):
            yield from _api_routes(pattern.url_patterns, path)
        elif path.startswith("/api/v1/"):
            yield path


@pytest.mark.parametrize("line", re.findall(r"manage\.py convert (.+)", (ROOT / "README.md").read_text()))
def test_the_command_lines_of_the_readme_are_understood(line: str, tmp_path: Path) -> None:
    words = shlex.split(line)
    flags = {words[i][2:].replace("-", "_"): words[i + 1] for i in range(2, len(words), 2)}
    operation, preset = operations.get(flags.pop("operation")), flags.pop("preset", None)
    operation.read(flags, preset)
    done = subprocess.run([sys.executable, str(ROOT / "manage.py"), "convert", *words], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (2, f"not_found: {words[0]} does not exist.")


@pytest.fixture
def mute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example of CONTRIBUTING.md, dropped into the registry as a contributor would."""
    (tmp_path / "mute.py").write_text(_block(ROOT / "CONTRIBUTING.md", "example operation"))
    with monkeypatch.context() as registered:
        registered.setattr(operations, "__path__", [*operations.__path__, str(tmp_path)])
        operations.all_operations.cache_clear()
        yield
    operations.all_operations.cache_clear()  # only now, or somebody might gather it once more
    sys.modules.pop(f"{operations.__name__}.mute", None)


def test_the_example_operation_works_as_it_stands(mute: None, media_dir: Path, tmp_path: Path) -> None:
    clip = media_dir / "flower_540p_5s.mp4"
    source = Source(clip, inspect(clip, clip.name))
    work = tmp_path / "work"
    work.mkdir()
    result = execute("mute", [source], {}, work=work, preset="private")
    assert source.media.audio is not None and result.media.audio is None
    assert result.media.video is not None and source.media.video is not None
    assert (result.media.video.width, result.media.video.height) == (source.media.video.width, source.media.video.height)


@contextmanager
def asleep(site: Cutroom) -> Iterator[psutil.Process]:
    """The site's media worker, stopped."""
    worker = site.children()["media"]
    with closing(sqlite3.connect(site.directory / "var" / "db.sqlite3", timeout=PATIENCE, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")  # outside of its own writes: it would keep the lock
        worker.suspend()
        until(lambda: stands_still(worker.pid), "its standing still")
        database.execute("ROLLBACK")
    try:
        yield worker
    finally:
        worker.resume()


@pytest.mark.slow
def test_the_walk_through_of_the_readme_runs(site: Cutroom, media_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").symlink_to(media_dir / "flower_540p_5s.mp4")
    if shutil.which("curl") is None:
        (tmp_path / "curl").write_text(f"#!{sys.executable}\n{(ROOT / 'tests' / 'curl.py').read_text()}")
        (tmp_path / "curl").chmod(0o755)
    code = _block(ROOT / "README.md", "walk-through").replace("http://127.0.0.1:8000", f"http://127.0.0.1:{site.port}")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:{tmp_path}"
    with (tmp_path / "said").open("w") as said, (tmp_path / "wrong").open("w") as wrong, asleep(site) as worker:
        walk = subprocess.Popen(["bash", "-eu", "-c", code], cwd=tmp_path, stdout=said, stderr=wrong, env={"PATH": path, "HOME": str(tmp_path)})
        try:
            # The worker begins only when somebody watches: a quick one would be through before.
            until(lambda: walk.poll() is not None or "event: state" in (tmp_path / "said").read_text(), "the stream")
            worker.resume()
            walk.wait(900)
        finally:
            walk.kill()
            walk.wait()
    told = (tmp_path / "said").read_text()
    assert walk.returncode == 0, (tmp_path / "wrong").read_text() + site.text()[-3000:]
    assert told.splitlines()[-3:] == ["succeeded", "200", "410"]
    assert "event: state" in told
    info = inspect(tmp_path / "background.gif", "background.gif")
    assert info.video is not None
    assert (info.container, info.video.width, info.video.height, info.video.frames, info.loop) == ("gif", 1280, 720, 144, 0)
    assert info.duration == pytest.approx(6.0, abs=0.001)
