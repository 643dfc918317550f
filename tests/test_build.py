"""build.sh finds a Python, says in one line what is missing, and does nothing twice."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BASH = shutil.which("bash") or "/bin/bash"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """build.sh and the requirements alone, and a PATH with nothing but the tools that every system has."""
    for file in ("build.sh", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / file, tmp_path / file)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "cat", "cksum", "dirname", "env", "find", "flock", "mkdir", "rm", "sort", "sleep", "id", "grep"):
        if found := shutil.which(tool):
            (tools / tool).symlink_to(found)
    return tmp_path


def program(clone: Path, name: str, text: str) -> None:
    path = clone / "bin" / name
    path.unlink(missing_ok=True)  # it may be a link to the machine's own, and root may write through that
    path.write_text(f"#!{BASH}\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def build(clone: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(clone / "bin"), "HOME": str(clone), **variables}
    return subprocess.run([BASH, "build.sh", *arguments], cwd=clone, env=environment, capture_output=True, text=True, check=False)


def test_without_python_it_says_so_in_one_line(clone: Path) -> None:
    done = build(clone)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "build.sh: Python 3.11 or newer is needed and is not on PATH; install it, or name it: PYTHON=/path/to/python3 ./build.sh"
    ]


def test_an_old_python_and_a_dead_shim_are_passed_over(clone: Path) -> None:
    program(clone, "python3", "exit 1")
    program(clone, "python3.13", "exit 127")
    program(clone, "python3.11", 'case "$*" in *version_info*) exit 0 ;; *) exit 1 ;; esac')
    done = build(clone)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "bin/python3.11 cannot make a virtual environment; install its venv module" in line
    assert not (clone / ".venv").exists()


def test_unknown_commands_are_refused(clone: Path) -> None:
    done = build(clone, "deploy")
    assert done.returncode == 1
    assert done.stderr.startswith("build.sh: unknown command “deploy”")


def test_a_failed_installation_is_tried_again_and_not_taken_for_done(clone: Path) -> None:
    """The stamp is written only after everything was installed."""
    fake_venv(clone, pip="exit 1")
    program(clone, "sleep", "exit 0")
    assert not (clone / "bin" / "sleep").is_symlink(), "else it was the machine's own that was written"
    done = build(clone)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "build.sh: requirements.txt could not be installed; the lines above say why"
    assert "try 3 of 3" in done.stderr
    assert not list((clone / ".venv").glob(".installed-*"))


def test_the_second_time_nothing_is_done(clone: Path) -> None:
    fake_venv(clone, pip=f"echo pip >>{clone}/log", manage=f"echo $2 >>{clone}/log; mkdir -p staticfiles")
    assert build(clone).returncode == 0
    assert (clone / "log").read_text().split() == ["pip", "collectstatic", "migrate"]
    assert build(clone).returncode == 0
    assert (clone / "log").read_text().split() == ["pip", "collectstatic", "migrate", "migrate"]
    with (clone / "requirements.txt").open("a") as file:
        file.write("\n# changed\n")
    assert build(clone).returncode == 0
    assert (clone / "log").read_text().split().count("pip") == 2


def test_folders_are_those_that_the_site_reads(clone: Path) -> None:
    """From the environment, then from .env: else the stylesheet's stamp and the GIF encoder are sought where nobody puts them."""
    (clone / "config").mkdir()
    shutil.copy(ROOT / "config" / "env.py", clone / "config" / "env.py")
    (clone / ".env").write_text("STATIC_ROOT=shown here\nGIF_KERNELS=never\n")
    fake_venv(clone, pip="exit 0", manage=f'[ "$2" != collectstatic ] || {{ echo collected >>{clone}/log; mkdir -p "shown here"; }}')
    python = clone / ".venv" / "bin" / "python"
    read, warm = f'"-c import sys; from config"*) exec {sys.executable} "$@"', f'"-m converter.engine.gif.warm") echo "$3" >>{clone}/log'
    python.write_text(f'{python.read_text()}case "$1 $2" in {read} ;; {warm} ;; esac\n')
    for _ in range(2):
        done = build(clone, GIF_KERNELS=str(clone / "kernels"))
        assert done.returncode == 0, done.stderr
    assert (clone / "log").read_text().splitlines() == ["collected", f"{clone}/kernels", f"{clone}/kernels"]
    assert (clone / "shown here" / ".collected").is_file() and not (clone / "staticfiles").exists()


def test_a_failing_step_of_test_is_named_and_ends_it(clone: Path) -> None:
    fake_venv(clone, pip="exit 0", manage="mkdir -p staticfiles")
    program(clone, "chromium", "exit 0")
    for tool, code in (("ruff", 0), ("mypy", 1), ("lint-imports", 0)):
        path = clone / ".venv" / "bin" / tool
        path.write_text(f"#!{BASH}\nexit {code}\n")
        path.chmod(0o755)
    done = build(clone, "test")
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("==")] == ["== ruff check", "== ruff format", "== mypy"]
    assert done.stderr.splitlines()[-1] == "build.sh: failed: mypy"


def fake_venv(clone: Path, *, pip: str, manage: str = "exit 0") -> None:
    """A .venv whose Python only tells pip from manage.py."""
    (clone / "static").mkdir()
    (clone / ".venv" / "bin").mkdir(parents=True)
    python = clone / ".venv" / "bin" / "python"
    python.write_text(f'#!{BASH}\ncase "$1 $2" in "-m pip") {pip} ;; "manage.py "*) {manage} ;; esac\n')
    python.chmod(0o755)


def test_ci_runs_the_same() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec ./build.sh test"
    assert subprocess.run([BASH, "-n", ROOT / "build.sh"], check=False).returncode == 0
    assert sys.version_info >= (3, 11)
