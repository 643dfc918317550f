"""One command runs everything, keeps it alive, and leaves nothing behind: with the real processes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.running import PATIENCE, Cutroom, free_port, living, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("supervisor")]


@pytest.fixture(scope="module")
def cutroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cutroom]:
    running = Cutroom(tmp_path_factory.mktemp("run"), free_port())
    try:
        until(running.ready, "being ready")
        yield running
    finally:
        running.stop()


def test_it_says_where_it_is_and_every_part_is_ready(cutroom: Cutroom) -> None:
    # It asks the site itself, and we may have been told before it was.
    until(lambda: f"Cutroom runs on http://127.0.0.1:{cutroom.port}" in cutroom.text(), "its saying where it runs")
    while not (answer := cutroom.get("/health/ready/")[1]):  # on a slow machine it may not come in time
        continue
    checks = json.loads(answer)["checks"]
    assert set(checks) == {"database", "migrations", "broker", "worker", "disk", "ffmpeg", "sandbox"}
    assert set(cutroom.children()) == {"redis", "web", "media", "control"}


def test_a_second_one_is_refused_with_one_line(cutroom: Cutroom) -> None:
    again = cutroom.second()
    assert again.returncode == 1
    (line,) = again.stderr.splitlines()
    assert line.startswith(f"cutroom: Cutroom already runs on {cutroom.directory / 'var'} (process {cutroom.process.pid})")


def test_a_taken_port_is_told_in_one_line(cutroom: Cutroom, tmp_path: Path) -> None:
    other = cutroom.second(VAR_DIR=str(tmp_path))
    assert other.returncode == 1
    (line,) = other.stderr.splitlines()
    assert line == (
        f"cutroom: cannot listen on 127.0.0.1 port {cutroom.port}: Address already in use; "
        f"set PORT to another one, for example PORT={cutroom.port + 1}."
    )


def test_redis_is_private_and_writes_everything_down(cutroom: Cutroom) -> None:
    server = cutroom.children()["redis"]
    assert [c for c in server.net_connections("inet") if c.status == psutil.CONN_LISTEN] == []
    directory = cutroom.directory / "var" / "redis"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "appendonlydir").is_dir() or (directory / "appendonly.aof").is_file()


@pytest.mark.parametrize("name", ["redis", "web", "media", "control"])
def test_a_killed_process_group_comes_back(cutroom: Cutroom, name: str) -> None:
    until(lambda: len(cutroom.children()) == 4, "everything running")
    killed = cutroom.children()[name]
    os.killpg(os.getpgid(killed.pid), signal.SIGKILL)
    until(lambda: cutroom.children().get(name, killed).pid != killed.pid, f"{name} coming back")
    until(cutroom.ready, "being ready again")
    until(lambda: len(cutroom.children()) == 4, "everything running again")


def test_ctrl_c_stops_everything(tmp_path: Path) -> None:
    running = Cutroom(tmp_path, free_port())
    until(running.ready, "being ready")
    family = psutil.Process(running.process.pid).children(recursive=True)
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(PATIENCE) == 0
    until(lambda: not living(family), "the end of all that it had started")
    assert running.text().endswith("Cutroom has stopped.\n")
    assert running.get("/health/")[0] == 0


def test_kill_9_of_the_supervisor_leaves_nothing(tmp_path: Path) -> None:
    running = Cutroom(tmp_path, free_port())
    until(running.ready, "being ready")
    family = psutil.Process(running.process.pid).children(recursive=True)
    running.process.kill()
    running.process.wait()
    until(lambda: not living(family), "the end of all that it had started")
    again = Cutroom(tmp_path, running.port)
    until(again.ready, "being ready after the crash")
    again.process.terminate()
    assert again.process.wait(PATIENCE) == 0


def test_a_site_that_does_not_load_ends_with_the_reason(tmp_path: Path) -> None:
    probe = Cutroom.__new__(Cutroom)
    probe.directory, probe.port, probe.extra = tmp_path, free_port(), {}
    done = probe.second(MAX_UPLOAD_BYTES="lots")
    assert done.returncode == 1
    assert "MAX_UPLOAD_BYTES='lots' is not valid" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("cutroom: the database could not be brought up to date")
