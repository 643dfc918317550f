"""The sandbox, tried from inside: every attempt is real, nothing is imitated."""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from converter.engine import sandbox
from converter.engine.ffmpeg import find_ffmpeg
from converter.engine.sandbox import Policy, launch, syscalls

CHILD = """
import ctypes, json, os, resource, socket, subprocess, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
given = json.loads(sys.argv[1])

def attempt(action):
    try:
        action()
    except BaseException as problem:
        return type(problem).__name__
    return "done"

def system_call(number, *arguments):
    def action():
        if libc.syscall(number, *arguments) < 0:
            raise OSError(ctypes.get_errno(), "")
    return action

def thread():
    worker = threading.Thread(target=int)
    worker.start()
    worker.join()

inherited = [n for n in range(3, 400) if attempt(lambda: os.fstat(n)) == "done" and n != given["descriptor"]]
answers = {
    "read the secret": attempt(lambda: open(given["secret"]).read()),
    "read passwords": attempt(lambda: open("/etc/passwd").read()),
    "read the parent": attempt(lambda: open(f"/proc/{os.getppid()}/environ", "rb").read()),
    "list the root": attempt(lambda: os.listdir("/")),
    "climb out": attempt(lambda: open("../secret.txt").read()),
    "write outside": attempt(lambda: open(given["outside"], "w")),
    "truncate outside": attempt(lambda: os.truncate(given["secret"], 0)),
    "connect": attempt(lambda: socket.create_connection(("127.0.0.1", given["port"]), 1)),
    "udp": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "unix socket": attempt(lambda: socket.socket(socket.AF_UNIX)),
    "pair": attempt(socket.socketpair),
    "fork": attempt(os.fork),
    "run a program": attempt(lambda: subprocess.run(["/usr/bin/id"])),
    "become a program": attempt(lambda: os.execv("/usr/bin/env", ["env"])),
    "signal the parent": attempt(lambda: os.kill(os.getppid(), 0)),
    "signal everybody": attempt(lambda: os.kill(-1, 0)),
    "link": attempt(lambda: os.symlink(given["secret"], "link")),
    "hard link": attempt(lambda: os.link(given["secret"], "hard")),
    "memory": attempt(lambda: bytearray(2 << 30)),
    "more memory allowed": attempt(lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 45, 1 << 45))),
    "large file": attempt(lambda: os.posix_fallocate(os.open("large", os.O_CREAT | os.O_RDWR), 0, 2 << 20)),
    "ptrace": attempt(system_call(given["ptrace"], 16, os.getppid(), 0, 0)),
    "new name space": attempt(system_call(given["unshare"], 0x10000000)),
    "keyring": attempt(system_call(given["keyctl"], 0, -3, 0)),
    "io_uring": attempt(system_call(425, 4, 0)),
    # what a tool does need
    "own file": attempt(lambda: (open("mine", "w").write("x"), os.rename("mine", "yours"), os.listdir("."))),
    "thread": attempt(thread),
    "given descriptor": os.read(given["descriptor"], 5).decode(),
    # what it starts with
    "descriptors": inherited,
    "environment": sorted(os.environ),
    "umask": os.umask(0),
    "leader": os.getsid(0) == os.getpid() == os.getpgid(0),
}
print(json.dumps(answers))
"""

LANDLOCK = sandbox.level() == "landlock"
needs_landlock = pytest.mark.skipif(not LANDLOCK, reason="this kernel has no Landlock: files are not fenced")
needs_seccomp = pytest.mark.skipif(sandbox.level() == "rlimits", reason="this kernel has no seccomp: system calls are not fenced")
NUMBERS = {"x86_64": {"ptrace": 101, "unshare": 272, "keyctl": 250}, "aarch64": {"ptrace": 117, "unshare": 97, "keyctl": 219}}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    base = tmp_path_factory.mktemp("sandbox")
    work, script, secret = base / "work", base / "child.py", base / "secret.txt"
    work.mkdir()
    script.write_text(CHILD)
    secret.write_text("secret")
    leak = os.open(secret, os.O_RDONLY)
    os.set_inheritable(leak, True)
    with socket.create_server(("127.0.0.1", 0)) as listener, secret.open("rb") as given:
        listener.setblocking(False)
        request = {"secret": str(secret), "outside": str(base / "outside"), "port": listener.getsockname()[1], "descriptor": given.fileno()}
        policy = Policy(work, keep=(given.fileno(),), readable=(script,), python=True, memory_bytes=1 << 30, cpu_seconds=20, file_bytes=1 << 20)
        argv = [sys.executable, "-I", str(script), json.dumps(request | NUMBERS[platform.machine()])]
        process = sandbox.spawn(argv, policy, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors.decode()
        with pytest.raises(BlockingIOError):
            listener.accept()
    os.close(leak)
    assert secret.read_text() == "secret"
    assert not (base / "outside").exists()
    yield json.loads(output)


@needs_landlock
@pytest.mark.parametrize(
    "attempt",
    ["read the secret", "read passwords", "read the parent", "list the root", "climb out", "write outside", "truncate outside", "become a program"],
)
def test_files_are_denied(answers: dict[str, Any], attempt: str) -> None:
    assert answers[attempt] == "PermissionError"


@needs_seccomp
@pytest.mark.parametrize(
    "attempt",
    [
        "connect", "udp", "unix socket", "pair", "fork", "run a program", "signal the parent", "signal everybody", "link", "hard link",
        "ptrace", "new name space", "keyring", "io_uring",
    ],
)  # fmt: skip
def test_system_calls_are_denied(answers: dict[str, Any], attempt: str) -> None:
    assert answers[attempt] == "PermissionError"


def test_resources_are_bounded(answers: dict[str, Any]) -> None:
    assert answers["memory"] == "MemoryError"
    assert answers["more memory allowed"] in ("ValueError", "PermissionError")
    assert answers["large file"] == "OSError"


def test_a_tool_can_still_work(answers: dict[str, Any]) -> None:
    assert answers["own file"] == "done"
    assert answers["thread"] == "done"
    assert answers["given descriptor"] == "secre"


def test_nothing_is_inherited(answers: dict[str, Any]) -> None:
    assert answers["descriptors"] == []
    assert set(answers["environment"]) <= {"HOME", "LANG", "LC_CTYPE", "MALLOC_ARENA_MAX", "PATH", "TMPDIR"}
    assert answers["umask"] == 0o077
    assert answers["leader"] is True


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has powers to lose")
def test_root_loses_its_capabilities(tmp_path: Path) -> None:
    code = (
        "import ctypes\nheader, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()\n"
        "ctypes.CDLL(None).capget(header, data)\nprint(*data)"
    )
    process = sandbox.spawn([sys.executable, "-I", "-c", code], Policy(tmp_path, python=True), stdout=subprocess.PIPE)
    output, _ = process.communicate(timeout=240)
    effective, permitted, inheritable, *high = (int(word) for word in output.split())
    may_read = 1 << 2
    assert effective | permitted | inheritable in (0, may_read)
    assert not any(high)


def test_cpu_time_ends(tmp_path: Path) -> None:
    process = sandbox.spawn([sys.executable, "-I", "-c", "while True: pass"], Policy(tmp_path, python=True, cpu_seconds=1))
    assert process.wait(timeout=240) == -signal.SIGXCPU


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel shares processors out among processes alone")
def test_giving_way_counts_for_the_whole_session(tmp_path: Path) -> None:
    def group_gives_way() -> bool:
        process = sandbox.spawn([sys.executable, "-I", "-c", "import time; time.sleep(600)"], Policy(tmp_path, python=True, nice=7))
        try:
            _wait_for(lambda: b"launch.py" not in Path(f"/proc/{process.pid}/cmdline").read_bytes())
            return Path(f"/proc/{process.pid}/autogroup").read_text().split()[1:] == ["nice", str((min(19, os.nice(0) + 7) + 1) // 2)]
        finally:
            process.kill()
            process.wait()

    # Who is not root may set one each 0.1 s on the whole machine: somebody else may have been faster, for once.
    _wait_for(group_gives_way)


def test_the_tool_dies_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from converter.engine import sandbox\n"
        f"p = sandbox.spawn([sys.executable, '-I', '-c', 'import time; time.sleep(600)'], sandbox.Policy(Path({str(tmp_path)!r}), python=True))\n"
        "print(p.pid, flush=True); import time; time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    _wait_for(lambda: b"time.sleep(600)" in Path(f"/proc/{child}/cmdline").read_bytes())
    # Wait until the launcher became the tool: the order must survive that.
    _wait_for(lambda: b"launch.py" not in Path(f"/proc/{child}/cmdline").read_bytes())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _wait_for(lambda: not _alive(child))


def test_a_launcher_without_its_parent_starts_nothing(tmp_path: Path) -> None:
    options = f"--parent={os.getppid()}", "--memory=1000000000", "--cpu=5", "--file=5"
    done = subprocess.run(
        [sys.executable, "-I", "-S", launch.__file__, *options, "--", "/bin/echo", "started"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == launch.FAILED
    assert done.stdout == b""


def test_a_missing_program_is_said(tmp_path: Path) -> None:
    process = sandbox.spawn([str(tmp_path / "nothing")], Policy(tmp_path), stderr=subprocess.PIPE)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == launch.FAILED
    assert b"nothing" in errors


@needs_landlock
@pytest.mark.parametrize("protocols", ["file,pipe", "file,pipe,fd,http,tcp,concat,subfile"])
def test_careless_flags_leak_nothing(tmp_path: Path, media_dir: Path, protocols: str) -> None:
    """What default ffmpeg does with a playlist or a DASH manifest: open what it names."""
    other, work = tmp_path / "other.mp4", tmp_path / "work"
    other.write_bytes((media_dir / "flower_540p_5s.mp4").read_bytes())
    work.mkdir()
    (work / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{other}\n#EXT-X-ENDLIST\n")
    (work / "list.ffconcat").write_text(f"ffconcat version 1.0\nfile '{other}'\n")
    (work / "a.mpd").write_text(
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT5S"><Period><AdaptationSet '
        f'mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{other}</BaseURL><SegmentBase/></Representation></AdaptationSet>'
        "</Period></MPD>"
    )
    picky = ["-extension_picky", "0", "-allowed_extensions", "ALL"]
    leaked = set()
    for name, more in (("list.m3u8", picky), ("list.ffconcat", ["-safe", "0"]), ("a.mpd", [])):
        argv = [str(find_ffmpeg().path), "-v", "error", "-protocol_whitelist", protocols, *more, "-i", name, "-c", "copy", "-t", "1"]
        process = sandbox.spawn([*argv, f"boxed-{name}.mkv"], Policy(work))
        assert process.wait(timeout=240) != 0
        assert sum(path.stat().st_size for path in work.glob("boxed-*")) == 0
        if subprocess.run([*argv, f"free-{name}.mkv"], cwd=work, check=False, capture_output=True).returncode == 0:
            leaked.add(name)
    assert leaked, "without the sandbox the same flags must leak, or this test shows nothing"


def test_ffmpeg_encodes_in_the_sandbox(tmp_path: Path, media_dir: Path) -> None:
    with (media_dir / "flower_540p_5s.mp4").open("rb") as clip:
        number = clip.fileno()
        argv = [str(find_ffmpeg().path), "-v", "error", "-f", "mov", "-fd", str(number), "-i", "fd:", "-t", "1", "-vf", "scale=320:-2", "out.mp4"]
        process = sandbox.spawn(argv, Policy(tmp_path, keep=(number,)), stderr=subprocess.PIPE)
        _, errors = process.communicate(timeout=240)
    assert (process.returncode, errors) == (0, b"")
    assert (tmp_path / "out.mp4").stat().st_size > 1000


@pytest.mark.parametrize("machine", sorted(syscalls.MACHINES))
def test_filters_are_well_formed_on_every_machine(machine: str) -> None:
    code = syscalls.program(machine, 1234)
    assert len(code) < 4096
    for place, (operation, yes, no, _) in enumerate(code):
        if operation & 7 == 5:  # a jump
            assert place + 1 + max(yes, no) < len(code)
    assert code[-1][3] == 0x7FFF0000


def test_level_is_one_of_the_known() -> None:
    assert sandbox.level() in ("landlock", "seccomp", "rlimits")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
