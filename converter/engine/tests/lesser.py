"""Run a command as on a kernel that has less: `python lesser.py landlock,seccomp COMMAND...`.

The kernel itself answers as an older one would: a filter makes the system calls fail with what theirs is.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys

_LANDLOCK_CREATE = 444
_PRCTL = {"x86_64": 157, "aarch64": 167}
_PR_SET_SECCOMP = 22
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


class _Filter(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_uint16), ("filter", ctypes.POINTER(_Filter)))


def lessen(missing: set[str]) -> None:
    """Take Landlock, seccomp or both away from this process and all that it starts."""
    code: list[tuple[int, int, int, int]] = [(_LOAD, 0, 0, 0)]
    if "landlock" in missing:
        code += [(_EQUAL, 0, 1, _LANDLOCK_CREATE), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    if "seccomp" in missing:
        code += [
            (_EQUAL, 0, 3, _PRCTL[platform.machine()]),
            (_LOAD, 0, 0, 16),
            (_EQUAL, 0, 1, _PR_SET_SECCOMP),
            (_RETURN, 0, 0, _ERRNO | errno.EINVAL),
        ]
    code += [(_RETURN, 0, 0, _ALLOW)]
    filters = (_Filter * len(code))(*code)
    program = _Program(len(code), filters)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(_PR_SET_SECCOMP, 2, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no filter can be set here")


if __name__ == "__main__":
    lessen(set(sys.argv[1].split(",")))
    os.execv(sys.argv[2], sys.argv[2:])
