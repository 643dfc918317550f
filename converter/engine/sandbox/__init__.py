"""Run one program with as little power as this kernel lets us take from it.

`spawn` starts `launch` in a process of its own, which gives everything up and then becomes the
program: no shell, no code between fork and exec in a threaded parent.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Literal

from converter.engine.config import current

Level = Literal["landlock", "seccomp", "rlimits"]
STRICT: Level = "landlock"
"""The rung below which nothing runs where the configuration is strict."""

_LAUNCHER = Path(__file__).resolve().parent / "launch.py"
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store")
_LOADER = ("/etc/ld.so.cache",)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")


@dataclass(frozen=True, slots=True)
class Policy:
    """What a sandboxed program may use: everything else is denied."""

    work: Path | None
    """Private directory: current directory, and the only place it may write. None: it may write nowhere."""
    keep: tuple[int, ...] = ()
    """Descriptors it inherits, under the same numbers."""
    readable: tuple[Path, ...] = ()
    """Further files and directories it may read (fonts, a script)."""
    python: bool = False
    """It is this interpreter: let it read its own libraries."""
    forks: bool = False
    """It may make copies of itself and be handed descriptors through one that it inherits."""
    memory_bytes: int = 4 << 30
    cpu_seconds: int = 12 * 3600
    file_bytes: int = 16 << 30
    nice: int = 0
    """How far it gives way to whoever starts it, 0 to 19 (nice(2))."""


def spawn(
    argv: Sequence[str], policy: Policy, *, stdout: int | IO[bytes] = subprocess.DEVNULL, stderr: int | IO[bytes] = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start `argv` (an absolute path first) under `policy`, in a session of its own, without standard input.

    It is killed when the *thread* that called this ends, so that thread has to wait for it.
    Raises `OSError` when no process can be made. Where the sandbox can't be built, the process
    ends with status 125 and the tool never runs.
    """
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), *_options(argv[0], policy), "--", *argv]
    # The launcher comes from us, and the tool's arguments are a list that no shell reads.
    return subprocess.Popen(  # noqa: S603
        launcher, cwd=policy.work or "/", stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, pass_fds=policy.keep, start_new_session=True, env={}
    )


@cache
def level() -> Level:
    """The strongest protection that really works here, found by trying it."""
    command = [sys.executable, "-I", "-S", str(_LAUNCHER), *_options("", Policy(None)), "--"]
    done = subprocess.run(command, capture_output=True, env={}, check=False, timeout=240, stdin=subprocess.DEVNULL)  # noqa: S603
    answers: dict[bytes, Level] = {b"landlock": "landlock", b"seccomp": "seccomp"}
    return answers.get(done.stdout, "rlimits")


def _options(program: str, policy: Policy) -> list[str]:
    options = [f"--parent={os.getpid()}", f"--memory={policy.memory_bytes}", f"--cpu={policy.cpu_seconds}", f"--file={policy.file_bytes}"]
    options += [f"--nice={policy.nice}"] if policy.nice else []
    options += [f"--least={STRICT}"] if program and current().strict_sandbox else []
    options += [*(f"--keep={number}" for number in policy.keep), *(("--forks",) if policy.forks else ())]
    options += [f"--execute={path}" for path in (*_programs(program), *_LIBRARIES)]
    options += [f"--read={path}" for path in (*_LOADER, *policy.readable, *(_interpreter() if policy.python else ()))]
    options += [f"--device={path}" for path in _DEVICES]
    # One arena per thread would reserve more address space than the limit allows on a machine with many cores.
    options += ["--env=LANG=C.UTF-8", "--env=PATH=/usr/bin:/bin", "--env=MALLOC_ARENA_MAX=2"]
    if policy.work is not None:
        options += [f"--write={policy.work}", f"--env=HOME={policy.work}", f"--env=TMPDIR={policy.work}"]
    return options


@cache
def _programs(program: str) -> tuple[str, ...]:
    """The program, what its name points to, and the libraries that are installed beside it."""
    if not program:
        return ()
    path, real = Path(program), Path(program).resolve()
    beside = real.parent.parent / "lib"
    own = (str(beside),) if real.parent.name == "bin" and beside.is_dir() else ()
    return (str(path), str(real), *own)


@cache
def _interpreter() -> tuple[str, ...]:
    """Where this interpreter's own code lies; nothing else of its prefix, which may be a whole home."""
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    library = sysconfig.get_config_var("LIBDIR")
    environment = Path(sys.prefix) / "pyvenv.cfg"
    return tuple(dict.fromkeys(str(path) for path in (*paths, library, environment) if path))
