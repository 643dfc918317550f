"""Give up power, then become the tool: runs as `python -I -S launch.py OPTIONS -- PROGRAM ARGUMENTS`.

Stands alone beside `syscalls`: it is started anew for every tool, so it imports little and fast.
Whatever this kernel offers is used, in this order: death with the parent, resource limits,
capabilities, no-new-privileges, Landlock, seccomp. What it lacks is left out; `level()` says so.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable

if not __package__:
    # -I takes the script's directory off the path; only this one neighbour is wanted.
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib costs 3 ms here
    import syscalls
else:
    from . import syscalls

FAILED = 125
"""Exit status where the sandbox could not be built and the tool was not started."""

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT = 1, 38, 22, 24, 47
_SECCOMP_MODE_FILTER = 2
_SIGKILL = 9
_CAP_DAC_READ_SEARCH, _CAP_LAST = 2, 63
_CAPABILITY_VERSION_3 = 0x20080522

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(6))
_MAKE_DIR, _MAKE_REG, _REFER, _TRUNCATE, _IOCTL_DEV = 1 << 7, 1 << 8, 1 << 13, 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_WORK = _READ_FILE | _WRITE_FILE | _READ_DIR | _REMOVE_FILE | _REMOVE_DIR | _MAKE_DIR | _MAKE_REG | _REFER | _TRUNCATE
_READ = _READ_FILE | _READ_DIR
_TCP = 1 | 2
_SCOPES = 1 | 2
"""Abstract sockets and signals stay inside."""

_NOFILE = 256
RUNGS = ("rlimits", "seccomp", "landlock")
"""The ladder from below; each holds what those before it hold."""


class _Filter(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_uint16), ("filter", ctypes.POINTER(_Filter)))


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, *arguments: int) -> int:
    padded = (*arguments, 0, 0, 0, 0)[:4]
    return int(_libc.prctl(option, *(ctypes.c_ulong(argument) for argument in padded)))


def die_with(parent: int) -> None:
    """Be killed when the parent ends; end now if it already has."""
    _prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if os.getppid() != parent:
        os._exit(FAILED)


def limit(*, memory: int, cpu: int, file: int | None = None) -> None:
    """Set resource limits: bytes of address space, CPU seconds, bytes of a written file.

    Without `file` only the first two, for a process that inherits the rest.
    """
    limits = [(resource.RLIMIT_AS, memory, memory), (resource.RLIMIT_CPU, cpu, cpu + 5)]
    if file is not None:
        limits += [(resource.RLIMIT_FSIZE, file, file), (resource.RLIMIT_NOFILE, _NOFILE, _NOFILE), (resource.RLIMIT_CORE, 0, 0)]
    for what, soft, hard in limits:
        _, highest = resource.getrlimit(what)
        if highest != resource.RLIM_INFINITY:
            soft, hard = min(soft, highest), min(hard, highest)
        resource.setrlimit(what, (soft, hard))


def drop_capabilities() -> None:
    """Give up what root may do beyond reading its own files; an ordinary user has nothing to give up."""
    for capability in range(_CAP_LAST + 1):
        if capability != _CAP_DAC_READ_SEARCH and _prctl(_PR_CAPBSET_DROP, capability) != 0 and capability > 40:
            break
    _prctl(_PR_CAP_AMBIENT, 4)
    header, data = _CapHeader(_CAPABILITY_VERSION_3, 0), (_CapData * 2)()
    if _libc.capget(ctypes.byref(header), data) != 0:
        return
    # The program may lie in a directory that only its owner may enter.
    kept = data[0].permitted & (1 << _CAP_DAC_READ_SEARCH)
    data[0] = _CapData(kept, kept, 0)
    data[1] = _CapData(0, 0, 0)
    _libc.capset(ctypes.byref(header), data)


def landlock(rules: Iterable[tuple[str, int]]) -> bool:
    """Deny every file and TCP port but those in `rules`; False where the kernel has no Landlock."""
    abi = _libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if abi < 1:
        return False
    handled = (1 << (13 if abi < 2 else 14 if abi < 3 else 15 if abi < 5 else 16)) - 1
    ruleset = _Ruleset(handled, _TCP if abi >= 4 else 0, _SCOPES if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    descriptor = _libc.syscall(_LANDLOCK_CREATE, ctypes.byref(ruleset), ctypes.c_size_t(size), ctypes.c_uint32(0))
    if descriptor < 0:
        return False
    for path, rights in rules:
        _allow(descriptor, path, rights & handled)
    if _libc.syscall(_LANDLOCK_RESTRICT, ctypes.c_int(descriptor), ctypes.c_uint32(0)) != 0:
        raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    os.close(descriptor)
    return True


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no permission
    try:
        if not os.path.isdir(path):  # noqa: PTH112
            rights &= _ON_FILES
        beneath = _Beneath(rights, parent)
        if _libc.syscall(_LANDLOCK_ADD, ctypes.c_int(ruleset), ctypes.c_int(1), ctypes.byref(beneath), ctypes.c_uint32(0)) != 0:
            raise OSError(ctypes.get_errno(), f"landlock_add_rule {path}")
    finally:
        os.close(parent)


def seccomp(*, forks: bool = False) -> bool:
    """Refuse the system calls that no tool needs; False where the kernel or the machine can't.

    With `forks` it may make copies of itself and be handed descriptors.
    """
    return fence(forks=forks)()


def fence(*, forks: bool = False, last: bool = False) -> Callable[[], bool]:
    """What puts the filter up when it is called; see `seccomp`.

    With `last` it is for copies of this process: they can't make others, leave their process group, send signals,
    nor change what was taken from them before.
    """
    machine = os.uname().machine
    if machine not in syscalls.MACHINES:
        return lambda: False
    code = syscalls.program(machine, None if last else os.getpid(), forks=forks)
    program = _Program(len(code), (_Filter * len(code))(*code))
    arguments = (_PR_SET_SECCOMP, ctypes.c_ulong(_SECCOMP_MODE_FILTER), ctypes.byref(program), 0, 0)
    return lambda: int(_libc.prctl(*arguments)) == 0


def close_all_but(keep: set[int]) -> None:
    """Close every descriptor that is not in `keep`."""
    edges = [2, *sorted(number for number in keep if number > 2), 1 << 20]
    for low, high in zip(edges, edges[1:]):  # noqa: B905, RUF007 - Python 3.9 can run this too, and itertools costs an import
        if high - low > 1:
            os.closerange(low + 1, min(high, os.sysconf("SC_OPEN_MAX")))


def give_way(by: int) -> None:
    """Add to this process's nice value, and let it count beyond this process's own session.

    Linux shares processors out among sessions first (sched(7), "The autogroup feature"), and between two of them no process's value
    counts but the session's. It gets half: at 19 it would have 1.5 % of a core beside a busy session, which looks like a stall; at 10
    it has 10 %. Who is not root may set one each 0.1 s on the whole machine; a few tries, and else it stays as it is.
    """
    nice = os.nice(by)
    if nice <= 0:
        return
    try:
        group = os.open("/proc/self/autogroup", os.O_WRONLY)
    except OSError:
        return  # a kernel without them
    for _ in range(4):
        try:
            os.write(group, b"%d" % ((nice + 1) // 2))
            break
        except BlockingIOError:
            time.sleep(0.05)
        except OSError:
            break
    os.close(group)


def confine(options: dict[str, list[str]]) -> str:
    """Apply everything; the strongest part that this kernel has: `landlock`, `seccomp` or `rlimits`."""
    close_all_but({int(number) for number in options.get("keep", ())})
    os.umask(0o077)
    give_way(int(options.get("nice", ["0"])[0]))
    linux = sys.platform == "linux"
    if linux:
        die_with(int(options["parent"][0]))
    limit(**{name: int(options[name][0]) for name in ("memory", "cpu", "file")})
    if not linux:
        return "rlimits"
    drop_capabilities()
    if _prctl(_PR_SET_NO_NEW_PRIVS, 1) != 0:
        return "rlimits"
    rights = {"execute": _READ | _EXECUTE, "read": _READ, "write": _WORK, "device": _READ_FILE | _WRITE_FILE}
    locked = landlock((path, rights[kind]) for kind in rights for path in options.get(kind, ()))
    filtered = seccomp(forks="forks" in options)
    return "landlock" if locked and filtered else "seccomp" if filtered else "rlimits"


def main(arguments: list[str]) -> None:
    """Confine this process and become the program after `--`; without one, print the level."""
    end = arguments.index("--")
    options: dict[str, list[str]] = {}
    for argument in arguments[:end]:
        name, _, value = argument.removeprefix("--").partition("=")
        options.setdefault(name, []).append(value)
    command = arguments[end + 1 :]
    try:
        level = confine(options)
        least = options.get("least", RUNGS[:1])[0]
        if RUNGS.index(level) < RUNGS.index(least):
            raise OSError(f"only {level} holds here, and {least} is demanded")
        if not command:
            os.write(1, level.encode())
            return
        environment = dict(item.partition("=")[::2] for item in options.get("env", ()))
        os.execve(command[0], command, environment)  # noqa: S606 - no shell is wanted
    except (OSError, ValueError) as problem:
        os.write(2, f"sandbox: {command[0] if command else ''}: {problem}\n".encode())
        os._exit(FAILED)


if __name__ == "__main__":
    main(sys.argv[1:])
