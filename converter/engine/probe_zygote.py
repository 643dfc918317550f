"""Waits with everything imported and makes a copy of itself for each file: the warm half of the probe.

Started once as a script in the sandbox with the number of its socket. It never touches a file: each
request arrives with the file's descriptor and one to answer on, and a *copy* of this process, with
limits of its own and nothing left of what a copy could need to make further copies, reads the file,
answers and ends. So a file can crash, hang or bloat nothing but its own copy, and no state passes
from file to file.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import json
import os
import signal
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parent
READY = b"R"
STARTED = b"S"
"""The first byte of an answer: the copy lives. Whatever follows is the reader's."""
MAX_REQUEST = 1 << 16
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_WARMED = ("h264", "hevc", "vp8", "vp9", "mpeg4", "mjpeg", "aac", "mp3", "opus", "vorbis", "flac")
"""Decoders whose tables are built once, here, rather than in every copy."""


def _load(name: str, path: Path) -> ModuleType:
    # The sandbox lets each file be read, but no directory be listed: the usual import would not find them.
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _warm() -> dict[str, ModuleType]:
    """Import all that the readers need, and the sandbox's own tools."""
    import av

    # Memory that a reader frees is used again rather than given back: each new page costs a copy a fault.
    libc = ctypes.CDLL(None)
    for what, value in ((_M_TRIM_THRESHOLD, 1 << 30), (_M_TOP_PAD, 8 << 20), (_M_MMAP_THRESHOLD, 1 << 30)):
        if hasattr(libc, "mallopt"):
            libc.mallopt(what, value)
    av.logging.set_level(None)
    for name in _WARMED:
        try:
            context = av.CodecContext.create(name, "r")
            context.thread_count = 1
            context.open(strict=False)
        except (av.FFmpegError, ValueError):
            continue
    modules = {name: _load(name, HERE / f"{name}.py") for name in ("probe_child", "probe_pictures", "probe_structure")}
    _load("syscalls", HERE / "sandbox" / "syscalls.py")
    return modules | {"launch": _load("launch", HERE / "sandbox" / "launch.py")}


def serve(number: int) -> None:
    """Answer requests from the socket `number` until its other end is closed."""
    modules = _warm()
    parent = os.getpid()
    signal.signal(signal.SIGCHLD, _reap)
    gc.disable()
    # What exists now is shared with every copy for as long as nobody writes to it.
    gc.freeze()
    with socket.socket(fileno=number) as inbox:
        os.write(number, READY)
        while True:
            message, descriptors, _, _ = socket.recv_fds(inbox, MAX_REQUEST, 2)
            if not message:
                return
            if len(descriptors) == 2 and os.fork() == 0:
                inbox.close()
                _copy(modules, parent, message, *descriptors)
            for descriptor in descriptors:
                os.close(descriptor)


def _reap(*_: object) -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _copy(modules: dict[str, ModuleType], parent: int, message: bytes, file: int, out: int) -> None:
    """Read one file and end; never returns."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        request = json.loads(message)
        launch = modules["launch"]
        launch.die_with(parent)
        launch.limit(memory=request["memory"], cpu=request["cpu"], file=0)
        signal.alarm(request["wall"])
        launch.seccomp(last=True)
        os.write(out, STARTED)
        answer = _read(modules, file, request)
        with os.fdopen(out, "w") as stream:
            json.dump(answer, stream)
        status = 0
    finally:
        # The interpreter's own farewell would cost more than the work.
        os._exit(status)


def _read(modules: dict[str, ModuleType], file: int, request: dict[str, Any]) -> Any:
    if request["script"] == "probe_pictures.py":
        return modules["probe_pictures"].main(file, request["argument"])
    name = "probe_structure" if request["script"] == "probe_structure.py" else "probe_child"
    return modules[name].main(file, json.loads(request["argument"]))


if __name__ == "__main__":
    serve(int(sys.argv[1]))
