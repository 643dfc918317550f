"""Run one sandboxed tool under supervision: watch it, bound it, stop it, and say why it failed.

What counts as progress: the tool's own report moved on (time, frames or bytes written), or it wrote to its standard output.
Some filters rightly work for long without a report (a palette, a reversed clip), so processor time counts for a while: a tool
that computes but reports nothing is *stalled* only after `BUSY_FACTOR` times the stall limit, one that does neither after the limit.
"""

from __future__ import annotations

import os
import resource
import selectors
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .diagnosis import Listener
from .errors import MediaError
from .faultpoints import reach
from .limits import Limits
from .metrics import Metrics
from .procfs import cpu_seconds, exited, kill_group, oom_kills, peak_memory
from .sandbox import Policy, spawn

PROGRESS = "pipe:progress"
"""Stands in an argument list for the descriptor on which ffmpeg reports its progress."""
BUSY_FACTOR = 10
POLL_SECONDS, FIRST_POLL_SECONDS = 0.2, 0.02
INHERITED = 1.05
"""The kernel counts memory roughly: a peak up to this many times the parent's may be the parent's."""
KILL_SECONDS = 2.0
STARVED_SECONDS = 5.0

Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Tick:
    """A tool's progress: seconds of media, frames and bytes written so far."""

    seconds: float = 0.0
    frames: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that ended well. `damage` counts decoding accidents that the tool went past."""

    metrics: Metrics
    last: Tick
    damage: int
    tail: str


def run(
    argv: Sequence[str],
    policy: Policy,
    limits: Limits,
    *,
    on_tick: Callable[[Tick], None] | None = None,
    on_output: Callable[[bytes], None] | None = None,
    stop: Stop | None = None,
    give: int | None = None,
) -> Outcome:
    """Run `argv` to its end under `policy` and `limits`.

    `PROGRESS` in `argv` becomes the progress descriptor. `on_output` receives standard output in
    pieces. The descriptor `give` is the tool's from now on: it is closed here in any case. Raises
    `MediaError`: `cancelled` when `stop()` says so (within a second), `timed_out`, `stalled`,
    `out_of_memory`, `disk_full`, `corrupt_media`, `unsupported_media`, `tool_failed`.
    """
    if give is None:
        return _Run(argv, policy, limits, on_tick, on_output, stop).run()
    with os.fdopen(give, "rb", buffering=0) as given:
        return _Run(argv, replace(policy, keep=(*policy.keep, give)), limits, on_tick, on_output, stop, started=given.close).run()


class _Run:
    def __init__(
        self,
        argv: Sequence[str],
        policy: Policy,
        limits: Limits,
        on_tick: Callable[[Tick], None] | None,
        on_output: Callable[[bytes], None] | None,
        stop: Stop | None,
        started: Callable[[], None] = lambda: None,
    ) -> None:
        self.argv, self.limits, self.stop, self.on_start = list(argv), limits, stop, started
        self.policy = replace(
            policy,
            memory_bytes=limits.memory_bytes,
            cpu_seconds=max(1, limits.cpu_seconds),
            file_bytes=limits.file_bytes,
            nice=limits.nice,
        )
        self.on_tick, self.on_output = on_tick, on_output
        self.listener = Listener()
        self.tick = Tick()
        self.started = self.moved = self.looked = self.asked = time.monotonic()
        self.cpu_at_move = 0.0
        self.peak, self.oom_kills = 0, oom_kills()
        self.usage: resource.struct_rusage | None = None
        self._fields, self._partial = dict[str, str](), b""
        self._readers: dict[int, Callable[[bytes], None]] = {}

    def run(self) -> Outcome:
        if self.stop is not None and self.stop():
            raise MediaError("cancelled")
        # The largest the parent ever was: the kernel lets a child inherit that as its own peak.
        inherited = peak_memory("self")
        process = self._start()
        try:
            return self._finish(self._watch(process), inherited)
        except MediaError as error:
            error.spent += self._spent(inherited)
            raise

    def _watch(self, process: subprocess.Popen[bytes]) -> int:
        """Supervise it to its end, whatever that is; its status."""
        status: int | None = None
        try:
            with selectors.DefaultSelector() as selector:
                self._register(selector, process)
                status = self._supervise(selector, process)
        finally:
            for descriptor in self._readers:
                os.close(descriptor)
            if status is None:
                self._kill(process)
        return status

    def _start(self) -> subprocess.Popen[bytes]:
        pairs = {"stderr": os.pipe()}
        if PROGRESS in self.argv:
            pairs["progress"] = os.pipe()
        if self.on_output is not None:
            pairs["stdout"] = os.pipe()
        ours = {name: pair[0] for name, pair in pairs.items()}
        theirs = {name: pair[1] for name, pair in pairs.items()}
        keep = self.policy.keep
        if "progress" in theirs:
            keep = (*keep, theirs["progress"])
            self.argv = [f"pipe:{theirs['progress']}" if word == PROGRESS else word for word in self.argv]
        try:
            process = spawn(self.argv, replace(self.policy, keep=keep), stdout=theirs.get("stdout", subprocess.DEVNULL), stderr=theirs["stderr"])
        except OSError as error:
            for descriptor in ours.values():
                os.close(descriptor)
            raise MediaError("tool_failed", "A media tool could not be started.", log=str(error)) from error
        finally:
            for descriptor in theirs.values():
                os.close(descriptor)
            self.on_start()
        handlers = {"stderr": self.listener.feed, "progress": self._read_progress, "stdout": self._read_output}
        self._readers = {descriptor: handlers[name] for name, descriptor in ours.items()}
        reach("tool.started")
        return process

    def _register(self, selector: selectors.BaseSelector, process: subprocess.Popen[bytes]) -> None:
        for descriptor, handler in self._readers.items():
            os.set_blocking(descriptor, False)
            selector.register(descriptor, selectors.EVENT_READ, handler)

    def _supervise(self, selector: selectors.BaseSelector, process: subprocess.Popen[bytes]) -> int:
        while selector.get_map():
            self._read(selector, self._pause())
            if exited(process.pid):  # first of all: it tells itself why, however late we look, and was neither stopped nor too slow
                # Whatever outlived the tool must not hold the pipes open, or anything else.
                kill_group(process.pid)
                break
            self._check_stop()
            self._check_time(process.pid)
        while not exited(process.pid):
            self._check_stop()
            self._check_time(process.pid)
            time.sleep(0.01)
        self._drain(selector)
        return self._reap(process)

    def _read(self, selector: selectors.BaseSelector, timeout: float) -> bool:
        events = selector.select(timeout)
        for key, _ in events:
            try:
                data = os.read(key.fd, 1 << 16)
            except BlockingIOError:
                continue
            if data:
                key.data(data)
            else:
                selector.unregister(key.fd)
        return bool(events)

    def _drain(self, selector: selectors.BaseSelector) -> None:
        while selector.get_map() and self._read(selector, 0):
            pass
        self.listener.close()

    def _read_output(self, data: bytes) -> None:
        self._move()
        if self.on_output is not None:
            self.on_output(data)

    def _read_progress(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            key, _, value = line.decode("ascii", "replace").partition("=")
            self._fields[key.strip()] = value.strip()
            if key == "progress":
                self._report()
        self._partial = self._partial[-4096:]

    def _report(self) -> None:
        read = self._fields.get
        # ffmpeg writes N/A where it does not know yet, and a time may be negative at first.
        now = Tick(
            max(self.tick.seconds, _number(read("out_time_us")) / 1e6),
            max(self.tick.frames, _number(read("frame"))),
            max(self.tick.size, _number(read("total_size"))),
        )
        if now != self.tick:
            self._move()
            self.tick = now
            if self.on_tick is not None:
                self.on_tick(now)

    def _move(self) -> None:
        self.moved = time.monotonic()
        self.cpu_at_move = -1.0

    def _pause(self) -> float:
        # Short tools are looked at early, or nobody would know how large they were.
        return min(POLL_SECONDS, FIRST_POLL_SECONDS + (time.monotonic() - self.started) / 4)

    def _check_stop(self) -> None:
        now = time.monotonic()
        if self.stop is not None and now - self.asked >= POLL_SECONDS:
            self.asked = now
            if self.stop():
                raise MediaError("cancelled")

    def _check_time(self, pid: int) -> None:
        now = time.monotonic()
        if self.limits.wall_seconds and now - self.started > self.limits.wall_seconds:
            raise MediaError("timed_out", log=self.listener.tail)
        if now - self.looked < self._pause():
            return
        self.looked, self.peak = now, max(self.peak, peak_memory(pid))
        still, limit = now - self.moved, self.limits.stall_seconds
        cpu = cpu_seconds(pid)
        if self.cpu_at_move < 0:
            self.cpu_at_move = cpu
        if self.listener.hungry and still > STARVED_SECONDS:
            # Without memory some decoders try again for ever, at full speed.
            raise MediaError("out_of_memory", log=self.listener.tail)
        if limit and still > limit:
            busy = cpu - self.cpu_at_move > still / 20
            if not busy or still > limit * BUSY_FACTOR:
                raise MediaError("stalled", log=self.listener.tail)

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        kill_group(process.pid)
        deadline = time.monotonic() + KILL_SECONDS
        while time.monotonic() < deadline:
            if exited(process.pid):
                self._reap(process)
                return
            time.sleep(0.005)
        # Stuck in the kernel (a dead disk): it can't be waited for here, but must not stay a zombie.
        threading.Thread(target=process.wait, daemon=True).start()

    def _reap(self, process: subprocess.Popen[bytes]) -> int:
        _, status, self.usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode

    def _finish(self, status: int, inherited: int) -> Outcome:
        if status != 0 or self.listener.full or self.listener.starved:
            # One that the kernel did not kill for memory was killed by somebody, and may simply be tried again.
            raise self.listener.failure(status, oom=self.oom_kills < 0 or oom_kills() != self.oom_kills)
        return Outcome(self._spent(inherited), self.tick, self.listener.damage, self.listener.tail)

    def _spent(self, inherited: int) -> Metrics:
        wall = time.monotonic() - self.started
        if self.usage is None:  # it could not even be killed
            return Metrics(wall)
        peak = self.usage.ru_maxrss * 1024
        if peak <= inherited * INHERITED:
            peak = self.peak  # 0 where it was over before anybody could look
        return Metrics(wall, self.usage.ru_utime + self.usage.ru_stime, peak)


def _number(text: str | None) -> int:
    try:
        return max(0, int(text or 0))
    except ValueError:
        return 0
