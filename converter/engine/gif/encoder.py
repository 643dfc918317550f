"""The parent's side of our own encoder: is it compiled for this machine, and how is it started.

Imports neither numpy nor numba, because web and worker processes import this.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from converter.engine.config import current

KERNEL = Path(__file__).resolve().parent / "kernel"
STAMP = "stamp.json"
NOT_COMPILED, NO_PICTURE, TOO_SMALL = 3, 4, 5
"""Exit statuses of `kernel/child.py`."""
PROFILES: Mapping[str, str] = {
    "fast": "Fast: about as large as other tools make it",
    "balanced": "Balanced: clearly smaller, as good to look at",
    "best": "Best: every detail, larger",
}
_PACKAGES = ("numba", "llvmlite", "numpy")
_CPU = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Request:
    """One GIF to be written: pixels, a delay in hundredths of a second for each frame, and how.

    `loop` is the loop extension's number (None leaves it out); `repeat` plays the pictures again until
    every delay has a frame.
    """

    width: int
    height: int
    delays: tuple[int, ...]
    loop: int | None
    profile: str
    colours: int
    dither: str
    repeat: bool
    output: str
    most: int = 0
    """Bytes that the file may have; 0 is any number."""
    weights: str = ""
    """A file of the work directory with the bytes that a survey's frames took; needed with `most`."""
    survey: bool = False
    """Write such a file instead of a GIF."""
    part: tuple[bool, bool] = (True, True)
    """Whether it has the beginning of the GIF, and its end: parts make one GIF as they are, one after the other."""

    def argv(self, descriptor: int, *, compiling: bool = False) -> list[str]:
        """How the child is started, to read raw bgr0 pictures from `descriptor`."""
        request: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        request |= {"descriptor": descriptor, "compile": compiling}
        return [sys.executable, "-I", "-B", str(KERNEL / "child.py"), json.dumps(request)]


def environment(folder: Path) -> tuple[tuple[str, str], ...]:
    """What the child needs to find its machine code in `folder`, and to stay at one thread."""
    return (("NUMBA_CACHE_DIR", str(folder)), ("OPENBLAS_NUM_THREADS", "1"), ("OMP_NUM_THREADS", "1"))


def readable() -> tuple[Path, ...]:
    """What the child may read beside its libraries: its own code, and which processor this is."""
    return (KERNEL, _CPU)


def lend(folder: Path) -> None:
    """Copy the machine code (1 MB) to `folder`, inside a job's own directory.

    Numba insists on a cache that it may write to; whatever a child does to its copy dies with the job.
    """
    shutil.copytree(current().kernel_cache, folder)


def ready() -> bool:
    """Whether the encoder was compiled for exactly this code, these libraries and this processor."""
    try:
        return (current().kernel_cache / STAMP).read_text() == stamp()
    except OSError:
        return False


def name(cores: int) -> str:
    """What made a GIF, for its recipe: the same on as many cores makes the same bytes."""
    return f"kernel, numba {version('numba')}, {cores} core{'s' * (cores > 1)}"


@cache
def stamp() -> str:
    """Everything that the machine code depends on; an empty JSON list where a library is missing."""
    try:
        packages = [version(package) for package in _PACKAGES]
    except PackageNotFoundError:
        return "[]"
    code = hashlib.sha256()
    for path in sorted(KERNEL.glob("*.py")):
        code.update(path.read_bytes())
    return json.dumps([code.hexdigest(), str(KERNEL), platform.python_version(), platform.machine(), *packages, _processor()])


def _processor() -> str:
    """The processor's model and abilities, as the kernel names them."""
    try:
        lines = _CPU.read_text().splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "flags", "Features", "CPU part")
    return hashlib.sha256("\n".join(sorted({line for line in lines if line.startswith(wanted)})).encode()).hexdigest()
