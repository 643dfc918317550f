"""The parent's side of our own encoder: is it compiled for this machine, and how is it started.

Imports neither numpy nor numba, because web and worker processes import this.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from converter.engine.config import current

KERNEL = Path(__file__).resolve().parent / "kernel"
COMPILED = KERNEL.parent / "compiled"
STAMP, LIBRARY = "stamp.json", "gif.so"
NOT_COMPILED, NO_PICTURE, TOO_SMALL = 3, 4, 5
"""Exit statuses of `kernel/child.py`."""
PROFILES: Mapping[str, str] = {
    "fast": "Fast: about as large as other tools make it",
    "balanced": "Balanced: clearly smaller, as good to look at",
    "best": "Best: every detail, larger",
}
_PACKAGES = ("numba", "llvmlite")
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
    threads: int = 1
    """Threads that may draw it, 1 or 2; the bytes are the same."""

    def argv(self, descriptor: int) -> list[str]:
        """How the child is started, to read raw bgr0 pictures from `descriptor`."""
        request: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        request |= {"descriptor": descriptor, "library": str(library())}
        # -S: nothing that was installed is needed, and looking for it would take longer than anything else at the start.
        return [sys.executable, "-I", "-S", "-B", str(KERNEL / "child.py"), json.dumps(request)]


def library() -> Path:
    """The shared library that the child calls."""
    return current().kernel_cache / LIBRARY


def readable() -> tuple[Path, ...]:
    """What the child may read beside its interpreter: its own code and the library."""
    return (KERNEL, library())


def ready() -> bool:
    """Whether the encoder was compiled for exactly this code, these libraries and this processor."""
    try:
        return (current().kernel_cache / STAMP).read_text() == stamp() and library().is_file()
    except OSError:
        return False


def name() -> str:
    """What made a GIF, for its recipe."""
    return f"kernel, numba {version('numba')}"


@cache
def stamp() -> str:
    """Everything that the library depends on; an empty JSON list where a library is missing."""
    try:
        packages = [version(package) for package in _PACKAGES]
    except PackageNotFoundError:
        return "[]"
    code = hashlib.sha256()
    for path in (*sorted(KERNEL.glob("*.py")), *sorted(COMPILED.glob("*.py"))):
        code.update(path.read_bytes())
    return json.dumps([code.hexdigest(), platform.python_version(), platform.machine(), *packages, _processor()])


def _processor() -> str:
    """The processor's model and abilities, as the kernel names them."""
    try:
        lines = _CPU.read_text().splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "flags", "Features", "CPU part")
    return hashlib.sha256("\n".join(sorted({line for line in lines if line.startswith(wanted)})).encode()).hexdigest()
