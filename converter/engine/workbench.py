"""Where an operation works: its sources, its private directory, its tools, its progress."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from . import guards
from .config import default_limits
from .errors import MediaError
from .ffmpeg import Tool, find_ffmpeg
from .limits import Limits
from .media import Media
from .metrics import Metrics
from .operations.base import Command, Input, Plan
from .pair import Feed, Side, run_pairs, together
from .process import PROGRESS, Outcome, Stop, Tick, run
from .sandbox import Policy

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_LEADING_DAMAGE = 300
"""Accidents forgiven where a recording may begin in the middle of a picture group."""


@dataclass(frozen=True, slots=True)
class Source:
    """A probed file on the disk. Its name is never shown to a tool."""

    path: Path
    media: Media


@dataclass(frozen=True, slots=True)
class Progress:
    """`fraction` is 0 to 1 and never falls; `eta_seconds` is None while nothing can be said."""

    fraction: float
    stage: str
    eta_seconds: float | None = None


class Workbench:
    """One piece of work. Not for several threads at once.

    `metrics` accumulates over the commands; `tool` is the ffmpeg in use; `reserve` is the part of
    the progress that is left for what follows the commands.
    """

    def __init__(
        self,
        work: Path,
        sources: Sequence[Source] = (),
        *,
        progress: Callable[[Progress], None] | None = None,
        stop: Stop | None = None,
        limits: Limits | None = None,
        tool: Tool | None = None,
        reserve: float = 0.0,
    ) -> None:
        self.work = work
        self.sources = tuple(sources)
        self.limits = limits or default_limits()
        self.tool = tool or find_ffmpeg()
        self.metrics = Metrics()
        self.damaged = 0
        """Decoding accidents that were few enough to go past."""
        self.tools: dict[str, str] = {}
        """What took part beside ffmpeg, by its role, for the recipe."""
        self.settled: Plan | None = None
        """A plan that replaces the first, where only the work could show what is to come out (a loop's seam)."""
        self._said: list[str] = []
        self._report, self._stop, self._part = progress, stop, 1.0 - reserve
        self._started = time.monotonic()
        self._fraction = 0.0
        self._base = 0.0
        self._stage = ""

    @property
    def fraction(self) -> float:
        """How much of the whole is done, 0 to 1."""
        return self._fraction

    @property
    def stop(self) -> Stop | None:
        """Asked whether to stop; for tools that are run beside `ffmpeg`."""
        return self._stop

    def check_stop(self) -> None:
        """Raise `MediaError("cancelled")` when the work is no longer wanted."""
        if self._stop is not None and self._stop():
            raise MediaError("cancelled")

    def advance(self, fraction: float, stage: str | None = None) -> None:
        """Report that `fraction` (0 to 1) of the whole is done; a smaller one than before counts as before."""
        self._set(min(1.0, fraction) * self._part, stage)

    def finish(self, stage: str) -> None:
        """Report that nothing is left to do, the reserve included."""
        self._set(1.0, stage)

    def _set(self, fraction: float, stage: str | None) -> None:
        moved = fraction > self._fraction
        if stage is not None and stage != self._stage:
            self._stage, moved = stage, True
        self._fraction = max(self._fraction, fraction)
        if moved and self._report is not None:
            self._report(Progress(self._fraction, self._stage, self._eta()))

    def warn(self, sentence: str) -> None:
        """Tell the person something that only the work could show."""
        self._said.append(sentence)

    def warnings(self) -> tuple[str, ...]:
        """Sentences for people about what happened on the way."""
        damage = ("A few damaged places in the source were skipped.",) if self.damaged else ()
        return (*self._said, *damage)

    def ffmpeg(self, command: Command, on_output: Callable[[bytes], None] | None = None) -> Outcome:
        """Run one command, sandboxed and supervised; how it went, with the frames that it wrote.

        With `on_output`, `command.output` must be empty and what the muxer writes is handed over in pieces instead.
        Raises `MediaError`, `corrupt_media` also where too much of the source could not be decoded.
        """
        base = self._base
        self.advance(base, command.stage)

        def on_tick(tick: Tick) -> None:
            done = min(1.0, tick.seconds / command.seconds) if command.seconds > 0 else 0.0
            self.advance(base + command.share * done)

        outcome = self.decode(command, on_tick, on_output)
        self._base = min(1.0, base + command.share)
        self.advance(self._base)
        return outcome

    def decode(self, command: Command, on_tick: Callable[[Tick], None] | None = None, on_output: Callable[[bytes], None] | None = None) -> Outcome:
        """Run one command beside the progress of the whole; errors as with `ffmpeg`."""
        with self._open(command.inputs) as descriptors:
            argv = self._arguments(command, descriptors, pipe=None if on_output is None else 1)
            outcome = self.run(argv, keep=tuple(descriptors.values()), on_tick=on_tick, on_output=on_output)
        self._judge(outcome, command)
        return outcome

    def run(
        self,
        argv: Sequence[str],
        *,
        keep: tuple[int, ...] = (),
        readable: tuple[Path, ...] = (),
        on_tick: Callable[[Tick], None] | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Outcome:
        """Run any tool in this work directory, sandboxed and supervised; its cost is added to `metrics`."""
        return self._tool(argv, Policy(self.work, keep=keep, readable=readable), on_tick=on_tick, on_output=on_output)

    def _tool(
        self,
        argv: Sequence[str],
        policy: Policy,
        *,
        on_tick: Callable[[Tick], None] | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Outcome:
        with self._paying():
            outcome = run(argv, policy, self.limits, on_tick=on_tick, on_output=on_output, stop=self._stop)
        self.metrics += outcome.metrics
        return outcome

    @contextmanager
    def _paying(self) -> Iterator[None]:
        """Count also what a tool cost that failed."""
        try:
            yield
        except MediaError as error:
            self.metrics += error.spent
            error.spent = Metrics()
            raise

    def python(
        self,
        script: Path,
        arguments: Sequence[str],
        *,
        keep: tuple[int, ...] = (),
        readable: tuple[Path, ...] = (),
        on_output: Callable[[bytes], None] | None = None,
    ) -> Outcome:
        """Run a script of ours in an interpreter of its own, isolated, sandboxed and supervised like any tool.

        It may read itself, the libraries, `readable` and the descriptors `keep`, and write in this work directory.
        """
        argv = [sys.executable, "-I", "-B", str(script), *arguments]
        policy = Policy(self.work, keep=keep, readable=(script, *readable), python=True)
        return self._tool(argv, policy, on_output=on_output)

    @contextmanager
    def opened(self, number: int) -> Iterator[int]:
        """A descriptor of source `number`, for a tool that is not ffmpeg; it has its own offset."""
        descriptor = _open_source(self.sources[number].path)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def pipe(
        self, command: Command, reader: Callable[[int], Sequence[str]], policy: Policy, on_output: Callable[[bytes], None] | None = None
    ) -> None:
        """Run one command whose output (raw pictures, by its muxer) another tool of ours reads from a pipe.

        `reader` makes that tool's arguments from its descriptor; both are sandboxed and supervised, and
        their costs are added up. Progress is the caller's, from `on_output`. Errors as with `ffmpeg`.
        """
        self.pipes(Feed(command, reader, policy, on_output))

    def pipes(self, *feeds: Feed) -> None:
        """The same for several at once. When one fails none goes on; only the first's `on_output` is called from this thread."""
        self.advance(self._base, feeds[0].command.stage)
        with ExitStack() as stack, self._paying():
            sides = [self._sides(feed, stack.enter_context(self._open(feed.command.inputs))) for feed in feeds]
            done = run_pairs(sides, self.limits, stop=self._stop)
        self.metrics += reduce(together, (outcome.metrics for pair in done for outcome in pair))
        for feed, (written, _) in zip(feeds, done, strict=True):
            self._judge(written, feed.command)
        self._base = min(1.0, self._base + sum(feed.command.share for feed in feeds))
        self.advance(self._base)

    def _sides(self, feed: Feed, descriptors: dict[int, int]) -> tuple[Side, Side]:
        writer = Side(lambda end: self._arguments(feed.command, descriptors, pipe=end), Policy(self.work, keep=tuple(descriptors.values())))
        return writer, Side(feed.reader, feed.policy, on_output=feed.on_output)

    @contextmanager
    def _open(self, inputs: Sequence[Input]) -> Iterator[dict[int, int]]:
        # Each input has a descriptor of its own, also for one source used twice: they share no offset.
        descriptors: dict[int, int] = {}
        try:
            for number, wanted in enumerate(inputs):
                if wanted.source is not None:
                    descriptors[number] = _open_source(self.sources[wanted.source].path)
            yield descriptors
        finally:
            for descriptor in descriptors.values():
                os.close(descriptor)

    def _arguments(self, command: Command, descriptors: dict[int, int], *, pipe: int | None) -> list[str]:
        argv = [str(self.tool.path), *guards.general(self.limits, PROGRESS)]
        for number, wanted in enumerate(command.inputs):
            if wanted.source is not None:
                media = self.sources[wanted.source].media
                argv += [*guards.upload(media, self.limits), *wanted.options, "-fd", str(descriptors[number]), "-i", "fd:"]
            else:
                argv += [*guards.work_file(self.limits), *wanted.options, "-i", f"file:{_plain(wanted.work_file)}"]
        argv += [*guards.output(self.limits), *command.arguments]
        if pipe is not None:
            return [*argv, "-f", command.muxer, f"pipe:{pipe}"]
        if not command.output:
            return [*argv, "-f", "null", "-"]
        return [*argv, "-f", command.muxer, f"file:{_plain(command.output)}"]

    def _judge(self, outcome: Outcome, command: Command) -> None:
        media = [self.sources[wanted.source].media for wanted in command.inputs if wanted.source is not None]
        pictures = max(outcome.last.frames, round(outcome.last.seconds * 25))
        # A sound file shows none, wherever it is cut; one in a hundred is a scratch that people would rather keep.
        allowed = 0 if all(item.kind == "image" for item in media) else max(1, pictures // 100)
        if any(item.container in ("mpegts", "mpeg") for item in media):
            allowed = max(allowed, min(_LEADING_DAMAGE, pictures // 30))
        if outcome.damage > allowed:
            raise MediaError("corrupt_media", log=f"{outcome.damage} decoding errors, {allowed} allowed: {outcome.tail}")
        self.damaged += outcome.damage

    def _eta(self) -> float | None:
        elapsed = time.monotonic() - self._started
        if self._fraction < 0.01 or elapsed < 0.5:
            return None
        return elapsed * (1 - self._fraction) / self._fraction


def _open_source(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise MediaError("gone", "The source file is no longer there.", log=str(error)) from error
    except OSError as error:
        raise MediaError("internal", log=str(error)) from error


def _plain(name: str) -> str:
    if not _PLAIN_NAME.fullmatch(name):
        raise MediaError("internal", log=f"{name!r} is not a plain file name")
    return name
