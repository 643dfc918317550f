"""Each rung of the sandbox's ladder by itself, on a kernel that really answers as one without the rungs above it."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from converter.engine import sandbox
from converter.engine.sandbox import launch
from converter.engine.tests import lesser
from converter.engine.tests.test_sandbox import CHILD, NUMBERS

ROOT = Path(__file__).resolve().parents[3]
MISSING = {"landlock": "", "seccomp": "landlock", "rlimits": "landlock,seccomp"}
"""What the kernel lacks where a rung is the highest."""
SYSTEM_CALLS = ("connect", "udp", "unix socket", "pair", "fork", "ptrace", "new name space", "keyring", "io_uring", "link")
FILES = ("read the secret", "list the root", "climb out", "write outside")

pytestmark = pytest.mark.skipif(sandbox.level() != "landlock", reason="THE LADDER IS NOT TRIED: this kernel lacks a rung to take away")

ASK = """
import json, os, socket, subprocess, sys
from pathlib import Path
from converter.engine import sandbox
from converter.engine.config import configure
from converter.engine.sandbox import Policy
given = json.loads(sys.argv[1])
configure(strict_sandbox=given["strict"])
work = Path(given["work"])
with Path(given["secret"]).open("rb") as kept:
    given["descriptor"] = kept.fileno()
    bounds = {"memory_bytes": 1 << 30, "cpu_seconds": 60, "file_bytes": 1 << 20}
    policy = Policy(work, keep=(kept.fileno(),), readable=(Path(given["child"]),), python=True, **bounds)
    child = sandbox.spawn([sys.executable, "-I", given["child"], json.dumps(given)], policy, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = child.communicate()
print(json.dumps({"level": sandbox.level(), "status": child.returncode, "answers": json.loads(out or b"{}"), "errors": err.decode()}))
"""


def on_kernel(missing: str, argv: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
    """Run `argv` where the kernel lacks `missing`."""
    before = [sys.executable, lesser.__file__, missing] if missing else []
    return subprocess.run([*before, *argv], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300, **more)


def tried(tmp_path: Path, rung: str, *, strict: bool = False) -> dict[str, Any]:
    work, secret, child = tmp_path / "work", tmp_path / "secret.txt", tmp_path / "child.py"
    work.mkdir()
    secret.write_text("secret")
    # What would do harm, or double the child, is only tried where a wall stands before it.
    left_out = ('"signal', '"become', '"truncate', '"run a', '"hard', *(('"fork', '"ptrace', '"new name', '"keyring') if rung == "rlimits" else ()))
    harmless = [line for line in CHILD.splitlines() if not line.strip().startswith(left_out)]
    child.write_text("\n".join(harmless))
    given = {"secret": str(secret), "child": str(child), "work": str(work), "outside": str(tmp_path / "outside"), "port": 9, "strict": strict}
    done = on_kernel(MISSING[rung], [sys.executable, "-c", ASK, json.dumps(given | NUMBERS[platform.machine()])])
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("rung", launch.RUNGS)
def test_each_rung_holds_what_those_below_it_hold(tmp_path: Path, rung: str) -> None:
    found = tried(tmp_path, rung)
    assert (found["level"], found["status"]) == (rung, 0), found["errors"]
    answers = found["answers"]
    assert answers["memory"] == "MemoryError"
    assert answers["large file"] == "OSError"
    assert answers["more memory allowed"] in ("ValueError", "PermissionError")
    assert (answers["descriptors"], answers["umask"], answers["leader"]) == ([], 0o077, True)
    assert set(answers["environment"]) <= {"HOME", "LANG", "LC_CTYPE", "MALLOC_ARENA_MAX", "PATH", "TMPDIR"}
    assert (answers["own file"], answers["thread"]) == ("done", "done")
    if rung != "rlimits":
        assert {name: answers[name] for name in SYSTEM_CALLS} == dict.fromkeys(SYSTEM_CALLS, "PermissionError")
    if rung == "landlock":
        assert {name: answers[name] for name in FILES} == dict.fromkeys(FILES, "PermissionError")
    else:
        assert answers["climb out"] == "done", "without Landlock files are not fenced, and this test must see it"


@pytest.mark.parametrize("rung", ["rlimits", "seccomp"])
def test_where_strict_no_tool_starts_below_landlock(tmp_path: Path, rung: str) -> None:
    found = tried(tmp_path, rung, strict=True)
    assert (found["status"], found["answers"]) == (launch.FAILED, {})
    assert f"only {rung} holds here, and landlock is demanded" in found["errors"]


def test_strict_changes_nothing_where_landlock_holds(tmp_path: Path) -> None:
    assert tried(tmp_path, "landlock", strict=True)["status"] == 0


@pytest.mark.parametrize("rung", launch.RUNGS)
def test_strict_starts_only_with_landlock(tmp_path: Path, rung: str) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "CUTROOM_DOTENV": "0",
        "SANDBOX": "strict",
        "VAR_DIR": str(tmp_path / "var"),
        "MEDIA_ROOT": str(tmp_path / "m"),
    }
    settings = on_kernel(MISSING[rung], [sys.executable, "-c", "from config import settings; print(settings.SANDBOX)"], env=environment)
    if rung == "landlock":
        assert settings.stdout.strip() == "strict", settings.stderr
        return
    sentence = (
        f"SANDBOX=strict needs Landlock (Linux 5.13 or newer, not switched off), but here only {rung} holds: use such a kernel, or SANDBOX=auto."
    )
    assert settings.stderr.strip().endswith(sentence)
    supervisor = on_kernel(MISSING[rung], [sys.executable, "-m", "config.supervisor"], env=environment)
    assert (supervisor.returncode, supervisor.stdout, supervisor.stderr.strip()) == (1, "", f"cutroom: {sentence}")
