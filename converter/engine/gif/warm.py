"""Compile the GIF encoder for this machine: `python -m converter.engine.gif.warm [FOLDER]`.

build.sh runs it. Does nothing when the library is already right. Exit status 0 when the encoder is ready,
1 when it can't be made here (numba has no wheel for the machine, say): GIFs are then made by ffmpeg.
No compiler and no linker is needed: Numba's LLVM makes the object, and `compiled.link` a shared library of it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from converter.engine.config import configure, current

from . import encoder

SIDE = 48
FRAMES = 3
_SECONDS = 600


def warm(folder: Path) -> bool:
    """Bring `folder` up to date; whether the encoder can be used."""
    configure(kernel_cache=folder)
    if encoder.ready():
        return True
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Another process may read the old one: a new folder takes its place at once.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="kernels-") as scratch:
        fresh = Path(scratch) / "fresh"
        fresh.mkdir()
        try:
            _compile(fresh / encoder.LIBRARY)
            _try(fresh, Path(scratch))
        except (OSError, subprocess.SubprocessError) as error:
            output = error.stderr.decode(errors="replace") if isinstance(error, subprocess.CalledProcessError) else str(error)
            sys.stderr.write(f"The GIF encoder could not be compiled; ffmpeg will make GIFs instead.\n{output[-1000:]}\n")
            return False
        finally:
            configure(kernel_cache=folder)
        (fresh / encoder.STAMP).write_text(encoder.stamp())
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        fresh.rename(folder)
    return encoder.ready()


def _compile(target: Path) -> None:
    """Write the library, in a process of its own: Numba's 200 MB go with it, and so does whatever might go wrong in it."""
    argv = [sys.executable, "-m", "converter.engine.gif.compiled", str(target)]
    root = Path(__file__).resolve().parents[3]
    subprocess.run(argv, cwd=root, capture_output=True, check=True, timeout=_SECONDS)  # noqa: S603


def _try(folder: Path, scratch: Path) -> None:
    """Draw a few small pictures with it: a library that can't be loaded, or ends in a fault, is found out here and not by a job."""
    configure(kernel_cache=folder)
    picture = bytes(n * n * 7 & 255 for n in range(4 * SIDE * SIDE))
    pictures = b"".join(picture[turn * 256 :] + picture[: turn * 256] for turn in range(FRAMES))
    for profile in encoder.PROFILES:
        request = encoder.Request(SIDE, SIDE, (4,) * FRAMES, 0, profile, 256, "normal", False, str(scratch / "warm.gif"))
        subprocess.run(request.argv(0), input=pictures, env={}, capture_output=True, check=True, timeout=_SECONDS)  # noqa: S603


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else current().kernel_cache
    sys.exit(0 if warm(target.resolve()) else 1)
