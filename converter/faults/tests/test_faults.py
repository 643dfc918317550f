"""The fault harness: its points are where it says, it costs nothing when off, it ends what it started, and a few seeds hold."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from converter.engine import faultpoints
from converter.faults import stack
from converter.management.commands import faults
from tests.running import living

ROOT = Path(__file__).resolve().parents[3]
CODE = [path for top in ("config", "converter", "projects") for path in (ROOT / top).rglob("*.py") if "tests" not in path.parts]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", "faults", *arguments]


def test_every_point_in_the_code_is_in_the_table_and_the_other_way_round():
    found = {point for path in CODE for point in re.findall(r'\breach\("([^"]+)"\)', path.read_text())}
    assert found == set(faultpoints.POINTS)


def test_points_do_nothing_unless_the_harness_runs():
    assert faultpoints.reach is faultpoints._nothing and "CUTROOM_FAULTS" not in os.environ


def test_what_is_armed_happens_once_to_whom_it_is_meant_for(tmp_path, monkeypatch):
    monkeypatch.setenv("CUTROOM_FAULTS", str(tmp_path))
    monkeypatch.setenv("CUTROOM_ROLE", "web")
    faultpoints._look("upload.write")
    for armed in ("media upload.write 1 full a", "web upload.row 1 full b", "nonsense"):
        (tmp_path / "armed").write_text(armed)
        faultpoints._look("upload.write")
    (tmp_path / "armed").write_text("web upload.write 2 full c")
    faultpoints._look("upload.write")
    with pytest.raises(OSError, match="No space left") as full:
        faultpoints._look("upload.write")
    assert full.value.errno == errno.ENOSPC
    faultpoints._look("upload.write")
    assert [path.name for path in tmp_path.iterdir()] == [f"fired-{os.getpid()}"]


def test_seeds_make_the_plan():
    plan = faults._plan(200, 7, None)
    assert [seed for name, seed in plan if name == "kill"] == list(range(7, 207))
    assert {name: sum(1 for other, _ in plan if other == name) for name, _ in plan} == {
        **dict.fromkeys(faults._scenarios(), 4),
        **dict.fromkeys(("tool", "probe", "sleep", "redis"), 20),
        "kill": 200,
    }
    with pytest.raises(faults.CommandError, match="there is no such scenario"):
        faults._plan(1, 1, ["nothing"])


@pytest.mark.slow
def test_a_few_seeds_hold(tmp_path):
    done = subprocess.run(
        command("--seeds", "2", "--seed", "100", "--only", "kill,sleep,repeat", "--log", str(tmp_path / "log")),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr + (tmp_path / "log").read_text()[-6000:]
    assert done.stdout.splitlines()[-1] == "4 of 4 scenarios held."


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_everything_that_it_started_ends_with_it(number, tmp_path):
    running = subprocess.Popen(command("--seeds", "1000"), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert running.stdout is not None and "scenarios on SQLite" in running.stdout.readline()
        me = psutil.Process(running.pid)
        stack.until(lambda: len(me.children(recursive=True)) >= 5, "the processes' start")
        family = me.children(recursive=True)
        running.send_signal(number)
        running.wait(stack.PATIENCE_SECONDS)
    finally:
        running.kill()
        running.wait()
    stack.until(lambda: not living(family), "the end of all that it had started")
