"""Waits with everything imported and makes a copy of itself for each file: the warm half of the probe.

Started once as a script in the sandbox with the number of its socket. It never touches a file: each
request arrives with the file's descriptor and one to answer on, and a *copy* of this process, with
limits of its own and nothing left of what a copy could need to make further copies, reads the file,
answers and ends. So a file can crash, hang or bloat nothing but its own copy, and no state passes
from file to file.
"""

from __future__ import annotations

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


def _load(name: str, path: Path) -> ModuleType:
    # The sandbox lets each file be read, but no directory be listed: the usual import would not find them.
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _warm(copies: ModuleType) -> dict[str, ModuleType]:
    """Import all that the readers need, and the sandbox's own tools."""
    import av

    modules = {name: _load(name, HERE / f"{name}.py") for name in ("probe_child", "probe_pictures", "probe_structure")}
    _load("syscalls", HERE / "sandbox" / "syscalls.py")
    copies.warm(av, modules["probe_child"])
    return modules | {"launch": _load("launch", HERE / "sandbox" / "launch.py")}


def serve(number: int) -> None:
    """Answer requests from the socket `number` until its other end is closed."""
    copies = _load("probe_copies", HERE / "probe_copies.py")
    ground = copies.Ground()
    ground.keep()
    modules = _warm(copies)
    parent, fence = os.getpid(), modules["launch"].fence(last=True)
    signal.signal(signal.SIGCHLD, _reap)
    gc.collect()
    gc.disable()
    # What exists now is shared with every copy for as long as nobody writes to it.
    gc.freeze()
    ground.fill()
    with socket.socket(fileno=number) as inbox:
        os.write(number, READY)
        while True:
            message, descriptors, _, _ = socket.recv_fds(inbox, MAX_REQUEST, 2)
            if not message:
                return
            request = json.loads(message)
            if len(descriptors) == 2 and ground.copy() == 0:
                inbox.close()
                _copy(modules, ground, parent, fence, request, *descriptors)
            for descriptor in descriptors:
                os.close(descriptor)


def _reap(*_: object) -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _copy(modules: dict[str, ModuleType], ground: Any, parent: int, fence: Any, request: dict[str, Any], file: int, out: int) -> None:
    """Read one file and end; never returns."""
    status = 1
    try:
        launch = modules["launch"]
        launch.die_with(parent)
        launch.limit(memory=request["memory"], cpu=request["cpu"])
        ground.fresh()
        signal.alarm(request["wall"])
        fence()
        os.write(out, STARTED)
        rest = memoryview(json.dumps(_read(modules, file, request)).encode())
        while rest:
            rest = rest[os.write(out, rest) :]
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
