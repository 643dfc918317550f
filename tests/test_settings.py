"""The settings hold what they promise: refusals in production, a kept key, and no variable that nobody explains."""

from __future__ import annotations

import ast
import os
import re
import secrets
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GOOD = {"SECRET_KEY": secrets.token_urlsafe(64), "ALLOWED_HOSTS": "cutroom.example", "CUTROOM_MODE": "production"}


def load(tmp_path: Path, code: str = "print('loaded')", **variables: str) -> subprocess.CompletedProcess[str]:
    """Load the real settings in a fresh process with nothing but `variables`."""
    environment = {
        "PATH": os.environ["PATH"],
        "CUTROOM_DOTENV": "0",
        "VAR_DIR": str(tmp_path / "var"),
        "MEDIA_ROOT": str(tmp_path / "media"),
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-c", f"from config import settings; {code}"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_production_starts_when_all_is_given(tmp_path: Path) -> None:
    done = load(tmp_path, "print(settings.SESSION_COOKIE_SECURE, settings.DEBUG)", **GOOD)
    assert done.stdout.split() == ["True", "False"], done.stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": secrets.token_urlsafe(30)}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": "ab" * 40}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": "django-insecure-" + secrets.token_urlsafe(64)}, "SECRET_KEY is a well-known example"),
        ({"DEBUG": "true"}, "DEBUG is on"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is not set"),
        ({"ALLOWED_HOSTS": "good.example,*"}, "ALLOWED_HOSTS is not set or allows every host"),
        ({"CUTROOM_MODE": "prod"}, "one of embedded, production"),
        ({"PORT": "eighty"}, "PORT='eighty' is not valid"),
        ({"MAX_UPLOAD_BYTES": "lots"}, "MAX_UPLOAD_BYTES='lots' is not valid"),
        ({"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL is not a valid address"),
        ({"REDIS_URL": "amqp://x"}, "REDIS_URL is not a valid address"),
        ({"TRUSTED_PROXIES": "nginx"}, "TRUSTED_PROXIES='nginx' is not valid"),
        ({"GUEST_RATE": "often"}, "GUEST_RATE='often' is not valid"),
        ({"JOB_HEARTBEAT_SECONDS": "10"}, "JOB_HEARTBEAT_SECONDS=10 is too long"),
    ],
)
def test_what_is_not_right_is_refused_by_name(tmp_path: Path, change: dict[str, str], sentence: str) -> None:
    done = load(tmp_path, **{**GOOD, **change})
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "loaded" not in done.stdout


def test_static_files_may_be_read_by_whoever_serves_them(tmp_path: Path) -> None:
    """An image is built by root and run by somebody else; what users send stays private all the same."""
    code = (
        "import django; django.setup(); from django.core.files.base import ContentFile; from django.core.files.storage import storages; "
        "[storages[name].save('a/b.css', ContentFile(b'x')) for name in ('staticfiles', 'default')]"
    )
    done = load(tmp_path, code, STATIC_ROOT=str(tmp_path / "static"), DJANGO_SETTINGS_MODULE="config.settings")
    assert done.returncode == 0, done.stderr
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "static").rglob("*")}
    assert modes == {"a": 0o755, "b.css": 0o644}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "media" / "a").rglob("*")} == {0o600}


def test_embedded_makes_one_key_and_keeps_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        keys = {done.stdout for done in pool.map(lambda _: load(tmp_path, "print(settings.SECRET_KEY)"), range(4))}
    assert len(keys) == 1
    kept = tmp_path / "var" / "secret_key"
    assert kept.read_text() == keys.pop().strip()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.iterdir()] == ["secret_key"]


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    from config import redis_url

    deep = tmp_path / ("d" * 60) / ("e" * 60)
    path = redis_url.socket_path(deep)
    assert len(os.fsencode(path)) <= redis_url.LONGEST_SOCKET_PATH
    assert path == redis_url.socket_path(deep)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.parent.chmod(0o755)
    with pytest.raises(PermissionError):
        redis_url.socket_path(deep)
    path.parent.rmdir()


def test_redis_addresses() -> None:
    from config import redis_url

    assert redis_url.database_url("redis://:pw@h:6379/3", 2) == "redis://:pw@h:6379/5"
    assert redis_url.database_url("redis://h", 1) == "redis://h/1"
    assert redis_url.database_url("unix:///a/b.sock", 1) == "unix:///a/b.sock?db=1"
    assert redis_url.broker_url("unix:///a/b.sock") == "redis+socket:///a/b.sock?virtual_host=0"
    assert redis_url.broker_url("rediss://h:1/4") == "rediss://h:1/4"


def read_variables() -> set[str]:
    """The names of all variables that our own code reads through `config.env`."""
    names = set()
    for file in [*ROOT.glob("config/**/*.py"), ROOT / "gunicorn.conf.py"]:
        if "tests" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="env")), args=[ast.Constant(value=str() as name), *_]):
                    names.add(name)
    return names


def test_every_variable_is_explained_and_every_explained_one_is_read() -> None:
    explained = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert explained == read_variables()


def test_the_example_as_it_is_gives_the_defaults(tmp_path: Path) -> None:
    """Copied unchanged, .env.example changes nothing."""
    show = "print({n: repr(getattr(settings, n)) for n in dir(settings) if n.isupper() and n not in ('SECRET_KEY',)})"
    written = dict(re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    with_example = load(tmp_path, show, **{**written, "VAR_DIR": str(tmp_path / "var"), "MEDIA_ROOT": str(tmp_path / "media")})
    assert with_example.stdout == load(tmp_path, show).stdout
    assert with_example.stdout


def test_nobody_reads_the_environment_behind_the_settings() -> None:
    """`os.environ` is for what is not configuration; each place that uses it stands here."""
    known = {"config/env.py", "config/celery.py", "config/asgi.py", "config/wsgi.py", "config/supervisor/child.py", "config/supervisor/programs.py"}
    known |= {"converter/engine/smartcut/child.py"}  # a library that listens to a variable only
    # The harness that breaks a private Cutroom: its one switch, and what it hands to the processes that it starts.
    known |= {"converter/engine/faultpoints.py", "converter/management/commands/faults.py"}
    known |= {f"converter/faults/{name}.py" for name in ("outages", "postgres", "stack", "world")}
    found = {
        str(file.relative_to(ROOT))
        for part in ("config", "converter", "projects")
        for file in (ROOT / part).rglob("*.py")
        if "tests" not in file.parts and re.search(r"os\.environ|getenv|decouple", file.read_text())
    }
    assert found <= known


@pytest.mark.slow
def test_deployment_checks_are_clean(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "CUTROOM_DOTENV": "0", "VAR_DIR": str(tmp_path / "v"), "MEDIA_ROOT": str(tmp_path / "m"), **GOOD}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
