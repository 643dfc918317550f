"""Compile the GIF encoder for this machine: `python -m converter.engine.gif.warm [FOLDER]`.

build.sh runs it. Does nothing when the cache is already right. Exit status 0 when the encoder is ready,
1 when it can't be compiled here (numba has no wheel for the machine, say): GIFs are then made by ffmpeg.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from converter.engine.config import configure, current

from . import encoder

SIDE = 48
FRAMES = 6
_SECONDS = 600


def warm(folder: Path) -> bool:
    """Bring `folder` up to date; whether the encoder can be used."""
    configure(kernel_cache=folder)
    if encoder.ready():
        return True
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Another process may read the old one: a new folder takes its place at once.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="kernels-") as scratch:
        fresh = Path(scratch) / "cache"
        fresh.mkdir()
        try:
            for profile in encoder.PROFILES:
                for dither in ("normal", "none"):
                    _compile(Path(scratch), fresh, profile, dither)
        except (OSError, subprocess.SubprocessError) as error:
            output = error.stderr.decode(errors="replace") if isinstance(error, subprocess.CalledProcessError) else str(error)
            sys.stderr.write(f"The GIF encoder could not be compiled; ffmpeg will make GIFs instead.\n{output[-1000:]}\n")
            return False
        (fresh / encoder.STAMP).write_text(encoder.stamp())
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        fresh.rename(folder)
    return encoder.ready()


def _compile(scratch: Path, cache: Path, profile: str, dither: str) -> None:
    """Draw some noise that moves, which uses every function with the types of real work."""
    picture = os.urandom(4 * SIDE * SIDE)
    pictures = b"".join(picture[turn * 256 :] + picture[: turn * 256] for turn in range(FRAMES - 1)) + bytes(4 * SIDE * SIDE)
    request = encoder.Request(SIDE, SIDE, (4,) * (FRAMES + 2), 0, profile, 256, dither, True, str(scratch / "warm.gif"))
    # Our own code on our own noise: nothing of a user is near, and nothing of this process's environment is needed.
    env = {"PATH": os.defpath, "HOME": str(scratch), "TMPDIR": str(scratch), **dict(encoder.environment(cache))}
    subprocess.run(request.argv(0, compiling=True), input=pictures, env=env, capture_output=True, check=True, timeout=_SECONDS)  # noqa: S603


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else current().kernel_cache
    sys.exit(0 if warm(target.resolve()) else 1)
