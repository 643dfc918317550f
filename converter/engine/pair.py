"""Two sandboxed tools, one writing into a pipe that the other reads: their bytes never pass through this process.

Each is supervised as it would be alone; when one fails or is stopped, so is the other.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import MediaError
from .limits import Limits
from .metrics import Metrics
from .process import Outcome, Stop, Tick, run
from .sandbox import Policy

if TYPE_CHECKING:
    from .operations.base import Command

GRACE_SECONDS = 1.0
"""How long one may go on after the other has failed."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: its arguments for the pipe's descriptor, what it may use, and who hears from it."""

    argv: Callable[[int], Sequence[str]]
    policy: Policy
    on_tick: Callable[[Tick], None] | None = None
    on_output: Callable[[bytes], None] | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A command of ffmpeg's, and the tool that reads its output: `reader` makes that tool's arguments from its descriptor."""

    command: Command
    reader: Callable[[int], Sequence[str]]
    policy: Policy
    on_output: Callable[[bytes], None] | None = None


def run_pair(writer: Side, reader: Side, limits: Limits, *, stop: Stop | None = None) -> tuple[Outcome, Outcome]:
    """Run both to their end. Raises as `process.run` does, with the failure that came first in cause.

    The reader's callbacks come from this thread, the writer's from another.
    """
    ends = os.pipe()
    failed: list[float] = []

    def stopping() -> bool:
        # When one fails the other finds the pipe broken or at its end, and ends by itself; or it had failed before, and has to say so.
        return (bool(failed) and time.monotonic() - failed[0] > GRACE_SECONDS) or (stop is not None and stop())

    def one(side: Side, descriptor: int) -> Outcome:
        try:
            return run(side.argv(descriptor), side.policy, limits, on_tick=side.on_tick, on_output=side.on_output, stop=stopping, give=descriptor)
        except BaseException:
            failed.append(time.monotonic())
            raise

    # The sandbox ties a child's life to the thread that started it, so each thread waits for its own.
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(one, writer, ends[1])
        try:
            heard = one(reader, ends[0])
        except MediaError as failure:
            raise _cause(writing.exception(), failure) from failure
        return writing.result(), heard


def run_pairs(pairs: Sequence[tuple[Side, Side]], limits: Limits, *, stop: Stop | None = None) -> list[tuple[Outcome, Outcome]]:
    """Run several pairs at the same time. Raises the first failure, by which all others are stopped.

    The callbacks of the first pair's reader come from this thread, those of all others from theirs.
    """
    failures: list[BaseException] = []

    def stopping() -> bool:
        return bool(failures) or (stop is not None and stop())

    def one(pair: tuple[Side, Side]) -> tuple[Outcome, Outcome] | None:
        try:
            return run_pair(*pair, limits, stop=stopping)
        except BaseException as failure:
            failures.append(failure)
            if not isinstance(failure, Exception):
                raise
            return None

    with ThreadPoolExecutor(max(1, len(pairs) - 1)) as pool:
        others = [pool.submit(one, pair) for pair in pairs[1:]]
        outcomes = [one(pairs[0]), *(other.result() for other in others)]
    if failures:
        raise failures[0]
    return [outcome for outcome in outcomes if outcome is not None]


def _cause(writer: BaseException | None, reader: MediaError) -> BaseException:
    """Whose failure it was. A writer whose reader died is stopped, or sees nothing but a broken pipe."""
    if not isinstance(writer, MediaError):
        return writer or reader
    return reader if writer.code.name == "cancelled" or "Broken pipe" in writer.log else writer


def together(one: Metrics, other: Metrics) -> Metrics:
    """The cost of two processes that ran at the same time."""
    return Metrics(max(one.wall_seconds, other.wall_seconds), one.cpu_seconds + other.cpu_seconds, one.peak_memory + other.peak_memory)
