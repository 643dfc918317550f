"""`manage.py faults`: break a private Cutroom on purpose, with seeds, and check that nothing was lost, doubled or left."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError

from converter.faults import stack as stacks
from converter.faults.postgres import SAFE, Server, url_of

HOME = "CUTROOM_FAULTS_HOME"
"""Set in the environment of the second start, which has private settings."""

OWN_DISK = "CUTROOM_FAULTS_DISK"
"""1 when that directory is a file system of its own."""

MEGABYTES = 600
"""Size of the private file system."""

ONCE = ("tokens", "names", "disk", "locked", "broker", "busy", "clock", "repeat", "postgres", "poison")
"""Scenarios that need fewer seeds than kills: what they do hardly differs from one to the next."""


class Command(BaseCommand):
    """Starts web, workers, scheduler and Redis in a private directory, and ends them however it ends itself."""

    help = "kill -9, SIGSTOP, full disks, lost brokers, locked databases, wrong clocks and races against a private Cutroom; seeds are printed."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seeds", type=int, default=20, help="how many random kills (default 20); the other scenarios run once per 50")
        parser.add_argument("--seed", type=int, help="begin with this seed (default: another one each time)")
        parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
        parser.add_argument("--only", metavar="NAME", help="these scenarios, between commas: kill, tool, probe, sleep, redis, " + ", ".join(ONCE))
        parser.add_argument("--log", type=Path, metavar="FILE", help="keep what the processes write")
        parser.add_argument("--seconds", type=float, default=60.0, help="how long the broker is gone; a database is locked half as long")

    def handle(self, *args: Any, seeds: int, seed: int | None, database: str, log: Path | None, **options: Any) -> None:
        """Run the scenarios. Raises `CommandError` when something did not hold."""
        if HOME not in os.environ:
            _again(database)
        signal.signal(signal.SIGTERM, _interrupted)
        home = Path(os.environ[HOME])
        postgres: Server | None = None
        try:
            own_disk = os.environ[OWN_DISK] == "1"
            if database == "postgresql":
                postgres = Server(_postgres_home(home), SAFE)
                postgres.start()
            self._run(own_disk, postgres, seeds, random.SystemRandom().randrange(10**9) if seed is None else seed, options)
        except KeyboardInterrupt:
            raise CommandError("interrupted; everything that was started has ended") from None
        finally:
            if log is not None and (home / "log").exists():
                shutil.copy(home / "log", log)
            if postgres is not None:
                postgres.stop()
                shutil.rmtree(postgres.home, ignore_errors=True)
            stacks.unmount(home)
            shutil.rmtree(home, ignore_errors=True)

    def _run(self, own_disk: bool, postgres: Server | None, seeds: int, first: int, options: dict[str, Any]) -> None:
        from converter.faults import world as worlds

        plan = _plan(seeds, first, options["only"].split(",") if options["only"] else None)
        self.stdout.write(f"{len(plan)} scenarios on {'PostgreSQL' if postgres else 'SQLite'}; the first seed is {first}.")
        stack = stacks.Stack(Path(os.environ[HOME]))
        failed = 0
        try:
            stack.wait()
            world = worlds.make(stack, postgres, own_disk, options["seconds"])
            for name, seed in plan:
                if not self._one(world, name, seed):
                    failed += 1
                    world = worlds.make(stack, postgres, own_disk, options["seconds"])
            self.stdout.write(f"{len(plan) - failed} of {len(plan)} scenarios held.")
        finally:
            stack.stop()
        if failed:
            raise CommandError(f"{failed} scenarios did not hold")

    def _one(self, world: Any, name: str, seed: int) -> bool:
        began = time.monotonic()
        try:
            note = _scenarios()[name](world, random.Random(seed))  # noqa: S311 (repeatable on purpose)
            wrong = world.violations()
        except Exception as failure:  # noqa: BLE001 (scenario boundary: whatever happened is told with its seed, and the next one begins)
            note, wrong = "stuck", [str(failure) if isinstance(failure, stacks.Stuck) else repr(failure)]
        self.stdout.write(f"{'ok  ' if not wrong else 'FAIL'} {name:8} seed {seed:<10} {time.monotonic() - began:5.1f} s  {note}")
        for sentence in wrong:
            self.stdout.write(f"     {sentence}")
        self.stdout.flush()
        return not wrong


def _scenarios() -> dict[str, Any]:
    from converter.faults import kills, outages, races

    found: list[Any] = [kills.kill, kills.tool, kills.probe, kills.sleep, kills.poison, outages.redis, races.tokens, races.names]
    found += [outages.disk, outages.locked, outages.broker, outages.busy, outages.clock, outages.repeat, outages.postgres]
    return {scenario.__name__: scenario for scenario in found}


def _plan(seeds: int, first: int, only: list[str] | None) -> list[tuple[str, int]]:
    """Which scenarios with which seeds. Raises `CommandError` for a name that there is not."""
    if unknown := set(only or ()) - set(_scenarios()):
        raise CommandError(f"{', '.join(sorted(unknown))}: there is no such scenario; there are {', '.join(_scenarios())}.")
    plan = []
    for name in only or _scenarios():
        count = seeds if name == "kill" else max(1, seeds // 50 if name in ONCE else seeds // 10)
        plan += [(name, first + i) for i in range(count)]
    return plan


def _again(database: str) -> NoReturn:
    """Start this command once more in an environment of its own, so that its settings point to a private directory."""
    home = Path(tempfile.mkdtemp(prefix="cutroom-faults-"))
    home.chmod(0o711)  # PostgreSQL, which runs as nobody for root, has its home within
    dropped = ("REDIS_URL", "DATABASE_URL", "SECRET_KEY", "ALLOWED_HOSTS", "HTTPS", "TRUSTED_PROXIES", "DEBUG", "HOST")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    private = {
        HOME: str(home),
        OWN_DISK: str(int(stacks.private_mount(home, MEGABYTES))),
        "CUTROOM_DOTENV": "0",
        "CUTROOM_MODE": "embedded",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "VAR_DIR": str(home / "var"),
        "MEDIA_ROOT": str(home / "media"),
        "PORT": str(stacks.free_port()),
        "LOG_LEVEL": "ERROR",
        "MIN_FREE_BYTES": "1",
        "JOB_LEASE_SECONDS": "3",
        "JOB_HEARTBEAT_SECONDS": "0.5",
        "JOB_MAX_LOSSES": "5",
        "UPLOAD_RATE": "1000000/hour",
        "GUEST_RATE": "1000000/hour",
    }
    if database == "postgresql":
        private["DATABASE_URL"] = url_of(_postgres_home(home))
    os.execve(sys.executable, [sys.executable, *sys.argv], {**kept, **private})  # noqa: S606 (our own arguments)


def _postgres_home(home: Path) -> Path:
    """Where PostgreSQL lives: beside the private file system, so that a full disk is not its own."""
    directory = home.with_name(home.name.replace("faults", "pg"))
    directory.mkdir(exist_ok=True)
    return directory


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
