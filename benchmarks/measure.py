"""CPU, wall and memory of whole process trees."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.1
TIMEOUT_SECONDS = 3600.0


class CommandError(RuntimeError):
    """A measured command failed; the message ends with the last of its output."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds and bytes. `cpu` is user + system of the process and everything it waited for;
    `memory` the peak of the whole tree (proportional set size, sampled), `tools` that without the process itself."""

    wall: float
    cpu: float
    memory: int
    tools: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.wall + other.wall, self.cpu + other.cpu, max(self.memory, other.memory), max(self.tools, other.tools))


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do the work: commands run one after the other, measured together.

    `extra` is added to what was measured (a step that another contender pays inside); `peer` names
    what has to be installed.
    """

    name: str
    commands: tuple[Sequence[str], ...]
    output: Path | None = None
    environment: Mapping[str, str] | None = None
    extra: Usage | None = None


def run(argv: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None, timeout: float = TIMEOUT_SECONDS) -> Usage:
    """Run a command to its end and account for its whole tree. Raises `CommandError` when it fails."""
    with log.open("wb") as output:
        begun = time.monotonic()
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
        with _sampled(process.pid) as peak, _watchdog(process.pid, timeout):
            # The rusage of wait4 holds the child's own use and that of all it has waited for.
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandError(f"exit {process.returncode}: {' '.join(map(str, argv))[:300]}\n{log.read_text(errors='replace')[-2000:]}")
    return Usage(wall, usage.ru_utime + usage.ru_stime, max(peak.bytes, _resident(usage, peak.bytes)), peak.tools)


def _resident(usage: resource.struct_rusage, sampled: int) -> int:
    """The most that one process of it had resident, in bytes; 0 where that can't be told.

    A child begins as a copy of ourselves, and Linux counts that: what is no more than our own peak is ours. Nothing was sampled of what
    ends at once, and then that is still the best bound there is.
    """
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return usage.ru_maxrss * 1024 if usage.ru_maxrss > ours or not sampled else 0


def race(contenders: Sequence[Contender], repeats: int, *, log: Path, say: Callable[[str], None]) -> dict[str, Usage]:
    """Run all contenders in turn, `repeats` times, each round beginning with another one; medians by name.

    A contender that fails is left out, loudly.
    """
    seen: dict[str, list[Usage]] = {}
    failed: set[str] = set()
    for turn in range(repeats):
        shift = turn % len(contenders)
        for contender in [*contenders[shift:], *contenders[:shift]]:
            if contender.name in failed:
                continue
            say(f"  {contender.name} ({turn + 1}/{repeats})")
            try:
                seen.setdefault(contender.name, []).append(_once(contender, log))
            except CommandError as error:
                say(f"  FAILED {contender.name}: {_short(error)}")
                failed.add(contender.name)
                seen.pop(contender.name, None)
    return {c.name: _median(seen[c.name]) for c in contenders if c.name in seen}


def _short(error: CommandError) -> str:
    lines = str(error).splitlines()
    return " … ".join(dict.fromkeys([lines[0], lines[-1]]))


def _once(contender: Contender, log: Path) -> Usage:
    if contender.output is not None:
        contender.output.unlink(missing_ok=True)
    total = contender.extra or Usage(0, 0, 0)
    for command in contender.commands:
        total += run(command, log=log, environment=contender.environment)
    return total


def _median(usages: Sequence[Usage]) -> Usage:
    return Usage(
        statistics.median(u.wall for u in usages),
        statistics.median(u.cpu for u in usages),
        round(statistics.median(u.memory for u in usages)),
        round(statistics.median(u.tools for u in usages)),
    )


def tree(pid: int) -> list[psutil.Process]:
    """A process and all its descendants, as far as they still live."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: resident, proportional (shared pages divided among their users), and unshared."""

    rss: int = 0
    pss: int = 0
    uss: int = 0

    def __add__(self, other: Memory) -> Memory:
        return Memory(self.rss + other.rss, self.pss + other.pss, self.uss + other.uss)


def memory(processes: Iterable[psutil.Process]) -> Memory:
    """The memory of some processes, added up; those that have just ended count nothing."""
    total = Memory()
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            full = process.memory_full_info()
            total += Memory(full.rss, full.pss, full.uss)
    return total


@dataclass(slots=True)
class Peak:
    """The highest proportional memory seen so far, in bytes: with the first process, and of those beneath it alone."""

    bytes: int = 0
    tools: int = 0

    def see(self, first: int, beneath: int) -> None:
        """Note a sample."""
        self.bytes, self.tools = max(self.bytes, first + beneath), max(self.tools, beneath)


class _sampled:
    """Samples the proportional memory of a process tree while the block runs."""

    def __init__(self, pid: int) -> None:
        self._pid, self._peak, self._done = pid, Peak(), threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self._peak

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(SAMPLE_SECONDS):
            processes = tree(self._pid)
            self._peak.see(memory(processes[:1]).pss, memory(processes[1:]).pss)


@contextlib.contextmanager
def _watchdog(pid: int, seconds: float) -> Iterator[None]:
    def kill() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)

    timer = threading.Timer(seconds, kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
