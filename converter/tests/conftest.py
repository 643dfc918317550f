"""Real uploads of real clips, and real workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings

from config.supervisor import programs
from converter.engine.ffmpeg import find_ffmpeg
from converter.jobs.models import Job
from converter.owners.models import Owner
from converter.owners.services import new_guest
from converter.uploads.models import Upload
from converter.uploads.services import receive
from tests.running import PATIENCE, database_url

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def owner() -> Owner:
    return new_guest()[0]


@pytest.fixture
def clip(media_dir: Path, media_root: Path, owner: Owner) -> Callable[..., Upload]:
    """Take one of the real clips in: `clip("flower_540p_5s.mp4")`."""

    def take(name: str = "flower_540p_5s.mp4", of: Owner | None = None) -> Upload:
        return receive(of or owner, name, [(media_dir / name).read_bytes()])

    return take


@pytest.fixture(scope="session")
def endless(tmp_path_factory: pytest.TempPathFactory, media_dir: Path) -> Path:
    """Seven minutes of film: no machine encodes them while a test, held up by anything, looks away."""
    made = tmp_path_factory.mktemp("endless") / "talk.mp4"
    often = ["-stream_loop", "9", "-i", str(media_dir / "talk_720p_speech.mp4"), "-c", "copy"]
    subprocess.run([find_ffmpeg().path, "-v", "error", "-nostdin", *often, str(made)], check=True)
    return made


@pytest.fixture
def long_clip(endless: Path, media_root: Path, owner: Owner) -> Upload:
    """It as an upload."""
    return receive(owner, endless.name, [endless.read_bytes()])


class Workers:
    """Real media workers on the test's database, Redis and MEDIA_ROOT, each a process group of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        spec = programs.media()
        short = {"JOB_LEASE_SECONDS": "2", "JOB_HEARTBEAT_SECONDS": "0.5", "WORKER_CONCURRENCY": "2"}
        ours = {
            "CUTROOM_DOTENV": "0",
            "VAR_DIR": str(settings.VAR_DIR),
            "MEDIA_ROOT": str(self.root),
            "DATABASE_URL": database_url(),
            "LOG_LEVEL": "INFO",
        }
        env = {**os.environ, **spec.environment, **ours, **short, **environment}
        with (self.root / "worker.log").open("ab") as log:
            worker = subprocess.Popen(spec.command, env=env, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        self.started.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes], number: signal.Signals = signal.SIGKILL) -> None:
        os.killpg(worker.pid, number)

    def stop(self) -> None:
        for worker in self.started:
            if worker.poll() is None:
                self.kill(worker)
            worker.wait()

    def log(self) -> str:
        path = self.root / "worker.log"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def workers(media_root: Path) -> Iterator[Workers]:
    workers = Workers(media_root)
    yield workers
    workers.stop()
    sys.stderr.write(workers.log())  # shown when the test failed


def wait_for(what: Callable[[], Any], seconds: float = PATIENCE, *, step: float = 0.1, also: Callable[[], Any] | None = None) -> Any:
    """Wait until `what` gives something true; `also` is called in between (a sweep)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        if also:
            also()
        time.sleep(step)
    raise AssertionError(f"waited {seconds:g} s in vain; jobs: {list(Job.objects.values_list('status', 'progress', 'attempt', 'error_code'))}")


def tools(root: Path) -> list[psutil.Process]:
    """Media tools at work beneath `root`, whoever their parent is by now."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(root) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def files(root: Path, below: str) -> list[Path]:
    return sorted(Path(place) / name for place, _, names in os.walk(root / below) for name in names)
