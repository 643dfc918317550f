"""The peers: installed into folders of their own, skipped loudly where they can't be had."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
GIFSKI = "gifski@1.7.1"
"""The newest that npm has with a binary inside. AGPL: measured beside us, never part of us."""
INSTALL_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Peers:
    """What was found: interpreters with each MoviePy, the gifski binary; None where it is missing."""

    moviepy2: Path | None
    moviepy1: Path | None
    gifski: Path | None
    skipped: tuple[str, ...]


def install(folder: Path, say: Callable[[str], None]) -> Peers:
    """Install what is missing below `folder`; what can't be had is named, with the reason."""
    skipped: list[str] = []

    def attempt(name: str, make: Callable[[], Path]) -> Path | None:
        try:
            return make()
        except (OSError, subprocess.SubprocessError, LookupError) as error:
            skipped.append(f"{name}: {_reason(error)}")
            say(f"SKIPPED {skipped[-1]}")
            return None

    return Peers(
        moviepy2=attempt("moviepy 2.2.1", lambda: _venv(folder / "bench-venv", HERE.parent / "requirements.txt", "import moviepy")),
        moviepy1=attempt(
            "moviepy 1.0.3", lambda: _venv(folder / "bench-moviepy1", HERE.parent / "requirements-moviepy1.txt", "import moviepy.editor")
        ),
        gifski=attempt("gifski", lambda: _gifski(folder / "bench-node")),
        skipped=tuple(skipped),
    )


def _venv(folder: Path, requirements: Path, check: str) -> Path:
    python = folder / "bin" / "python"
    stamp = folder / "requirements.txt"
    if not (stamp.exists() and stamp.read_text() == requirements.read_text()):
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)])
        _run([str(python), "-c", check])
        stamp.write_text(requirements.read_text())
    return python


def _gifski(folder: Path) -> Path:
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise LookupError(f"its package has no binary for {platform.system()} on {platform.machine()}")
    binary = folder / "node_modules" / "gifski" / "bin" / "debian" / "gifski"
    if not binary.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise LookupError("npm is not installed")
        folder.mkdir(parents=True, exist_ok=True)
        _run([npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", GIFSKI])
    _run([str(binary), "--version"])
    return binary


def _run(argv: list[str]) -> None:
    subprocess.run(argv, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)


def _reason(error: Exception) -> str:
    output = error.stderr if isinstance(error, subprocess.CalledProcessError) else ""
    lines = [line for line in (output or "").splitlines() if line.strip()]
    return lines[-1][:200] if lines else str(error)[:200]
