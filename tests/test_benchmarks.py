"""The benchmark measures what it says, and every row has the one shape."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import rows
from benchmarks.measure import CommandError, Contender, Peak, race, run
from benchmarks.report import Report
from benchmarks.table import Table

BURN = "import time; until = time.process_time() + {}\nwhile time.process_time() < until: pass"


def test_every_row_has_the_one_shape() -> None:
    known = rows.all_rows()
    assert {"gif", "compress", "trim", "idle", "upload", "overhead", "page"} <= known.keys()
    for row in known.values():
        assert isinstance(row.TITLE, str) and callable(row.run)


WAIT = "while not pathlib.Path({!r}).exists(): time.sleep(0.02)\n"


class Looks:
    """The samples of memory that were taken since the measured command said `held`; `seen` is there after three."""

    def __init__(self, directory: Path) -> None:
        self.held, self.seen, self.count = directory / "held", directory / "seen", 0
        self._noted = Peak.see

    def see(self, peak: Peak, first: int, beneath: int) -> None:
        self._noted(peak, first, beneath)
        self.count += self.held.exists()
        if self.count == 3:  # the first of them may have begun before
            self.seen.touch()


@pytest.fixture
def looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Looks:
    made = Looks(tmp_path)
    monkeypatch.setattr(Peak, "see", lambda *sample: made.see(*sample))
    return made


def test_the_cpu_of_a_whole_tree_is_counted(tmp_path: Path, looks: Looks) -> None:
    told = tmp_path / "told"
    parent = (
        f"import pathlib, resource, subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {BURN.format(0.3)!r}])\n{BURN.format(0.1)}\n"
        f"pathlib.Path({str(looks.held)!r}).touch()\n{WAIT.format(str(looks.seen))}"
        "used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]\n"
        f"pathlib.Path({str(told)!r}).write_text(str(sum(each.ru_utime + each.ru_stime for each in used)))"
    )
    usage = run([sys.executable, "-c", parent], log=tmp_path / "log")
    # As much as it says itself, and what its end takes: how long two Pythons need to start is the machine's affair.
    assert 0.4 <= float(told.read_text()) <= usage.cpu + 0.02 < float(told.read_text()) + 2
    assert usage.memory > 5_000_000


def test_the_memory_of_a_whole_tree_is_seen_at_once(tmp_path: Path, looks: Looks) -> None:
    hold = "import sys; kept = b'x' * 60_000_000; print('held', flush=True); sys.stdin.read()"
    parent = (
        "import pathlib, subprocess, sys, time\n"
        f"children = [subprocess.Popen([sys.executable, '-c', {hold!r}], stdin=-1, stdout=-1) for _ in range(2)]\n"
        f"[child.stdout.readline() for child in children]\npathlib.Path({str(looks.held)!r}).touch()\n"
        f"{WAIT.format(str(looks.seen))}"
        "[child.communicate() for child in children]"
    )
    assert run([sys.executable, "-c", parent], log=tmp_path / "log").memory > 115_000_000


def test_a_failure_says_why(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such thing"):
        run([sys.executable, "-c", "import sys; sys.exit('no such thing')"], log=tmp_path / "log")


def test_a_contender_that_fails_is_left_out_loudly(tmp_path: Path) -> None:
    said: list[str] = []
    works = Contender("works", ([sys.executable, "-c", "pass"],))
    breaks = Contender("breaks", ([sys.executable, "-c", "raise SystemExit(3)"],))
    found = race([breaks, works], 2, log=tmp_path / "log", say=said.append)
    assert found.keys() == {"works"}
    assert sum("FAILED breaks" in line for line in said) == 1


def test_targets_are_held_against_what_was_measured() -> None:
    table = Table("Speed", {"way": ("way", ""), "cpu": ("CPU s", ".1f")})
    table.add(way="ours", cpu=1.25)
    table.target("at most 2", 1.25, 2)
    table.target("at least 2", 1.25, 2, at_least=True)
    table.target("unknown", None, 2)
    assert [target.met for target in table.targets] == [True, False, None]
    text = Report({"python": "3"}, [table], {"page": "it broke\nlong story"}).markdown()
    assert "| ours | 1.2 |" in text and "1 of 3 met" in text
    assert "**MISS**: Speed: at least 2" in text and "**BROKEN**: page: it broke\n" in text
    with pytest.raises(KeyError, match="no column for speed"):
        table.add(speed=1)


@pytest.mark.parametrize(("arguments", "why"), [(["--only", "nothing"], "no row is called nothing"), (["--clips", "/nowhere"], "is not a folder")])
def test_wrong_usage_is_one_line(arguments: list[str], why: str) -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks", *arguments], capture_output=True, text=True, env=os.environ)
    assert done.returncode == 2
    assert why in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_load_run_says_plainly_what_did_not_hold() -> None:
    from benchmarks import load

    found = {"failures": [], "uploads": 9, "pages": [("/", 200, 40.0)] * 99 + [("/", 200, 499.0)], "memory": [200.0] * 6 + [240.0] * 3}
    assert load.missed(found) == []
    late = {**found, "pages": [("/", 200, 40.0)] * 98 + [("/", 200, 501.0)] * 2}
    assert load.missed(late) == ["the 99th percentile of a page was 501 ms"]
    bad = {**found, "failures": ["upload: x"], "uploads": 0, "pages": [("/", 503, 40.0)], "memory": [200.0] * 6 + [260.0] * 3}
    assert load.missed(bad) == ["1 uploads, streams or jobs failed", "no upload was finished", "a page was not answered by 200", "memory grew"]
