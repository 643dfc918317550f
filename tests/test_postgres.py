"""With DATABASE_URL the same code uses PostgreSQL: what leans on the database is tested again on a real one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres

ROOT = Path(__file__).resolve().parent.parent
AGAIN = ("converter/jobs", "converter/exports", "converter/audit", "converter/owners", "converter/quotas", "projects", "config/tests/test_web.py")
"""Where transactions, locks, constraints and JSON matter."""

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    with postgres.server() as url:
        yield url


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True, check=False)


def test_the_same_tests_pass(database_url: str) -> None:
    done = run(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow and not browser and not postgres",
        *AGAIN,
        CUTROOM_TEST_DATABASE_URL=database_url,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout.splitlines()[-1]


def test_settings_take_the_pool_and_the_checks_are_clean(database_url: str, tmp_path: Path) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from django.db import connection\n"
        "call_command('migrate', verbosity=0); call_command('check', databases=['default'])\n"
        "connection.ensure_connection()\n"
        "print(connection.vendor, connection.pool is not None)\n"
    )
    environment = {"DATABASE_URL": database_url, "CUTROOM_DOTENV": "0", "VAR_DIR": str(tmp_path / "var"), "MEDIA_ROOT": str(tmp_path / "media")}
    done = run("-c", code, DJANGO_SETTINGS_MODULE="config.settings", **environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "postgresql True"
