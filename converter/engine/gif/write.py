"""Writing a GIF with our own encoder: ffmpeg draws into a pipe, the encoder's child reads it."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine.config import current
from converter.engine.errors import MediaError
from converter.engine.limits import Limits, megabytes
from converter.engine.pair import Feed
from converter.engine.sandbox import Policy

from . import encoder
from .encoder import Request

if TYPE_CHECKING:
    from converter.engine.operations.base import Command
    from converter.engine.workbench import Workbench

NO_PICTURE_THERE = "start: the clip has no picture there; choose an earlier start."
_WEIGHTS = "weights.json"
_SMALLER = 4
"""How much smaller the pictures of a survey are, each way: it costs a decode, and a sixteenth of the drawing."""


_MORE = 1.1
"""How much more than what seems to be needed is named where a size is refused."""


_SLIDES = 5.0
"""Pictures a second below which nobody sees a movement: what comes slower than that, or than half of what was asked, is not made."""
_MUCH = 6.0
"""Forgiven on the mean (`kernel.budget.Budget.looser`): from here on anybody sees it. Tolerances are then seven times the profile's."""


class NotCompiled(Exception):
    """The encoder can't run here; the message says why. Nothing was written that matters."""


def write(request: Request, pictures: Command, bench: Workbench) -> Path:
    """Make the GIF in `bench.work`, of at most `request.most` bytes.

    Raises `NotCompiled`, and `MediaError` as tools do, `start_past_end` without a picture, `target_unreachable`
    where `request.most` bytes are too few.
    """
    try:
        if request.most:
            _run(*_survey(request, pictures), bench)
            request = replace(request, weights=_WEIGHTS)
        _run(replace(request, threads=_cores(bench.limits)), pictures, bench)
        if request.most:
            _tell(request, bench)
    except OSError as error:
        raise NotCompiled(str(error)) from error
    finally:
        (bench.work / _WEIGHTS).unlink(missing_ok=True)
    bench.tools["encoder"] = encoder.name()
    return bench.work / request.output


def _survey(request: Request, pictures: Command) -> tuple[Request, Command]:
    """The same pictures at a quarter of the size: how the bytes spread over the frames changes little."""
    width, height = max(16, request.width // _SMALLER), max(16, request.height // _SMALLER)
    small = replace(request, width=width, height=height, output=_WEIGHTS, survey=True, repeat=False)
    shrink = f"[full];[full]scale={width}:{height}:flags=area,format=bgr0[out]"
    arguments = tuple(text.removesuffix("[out]") + shrink if text.endswith("[out]") and text != "[out]" else text for text in pictures.arguments)
    return small, replace(pictures, arguments=arguments, stage="looking ahead", share=0.0)


def _tell(request: Request, bench: Workbench) -> None:
    """Say what keeping to its largest size has cost, where that is much. Raises `target_unreachable` where it would be a slide show."""
    cost = json.loads((bench.work / _WEIGHTS).read_text())
    frames, seconds = len(request.delays), sum(request.delays) / 100
    drawn, least = frames - cost["still"], min(_SLIDES * seconds, frames / 2)
    if cost["still"] and drawn < least:
        log = f"{drawn} of {frames} frames drawn; nearest {request.most * least / max(1, drawn):.0f}"
        raise _unreachable(MediaError("target_unreachable", log=log), request.most)
    if cost["looser"] > _MUCH or cost["still"]:
        if cost["still"]:
            bench.warn(
                f"To stay below {megabytes(request.most)} details and colours were given up, and {cost['still']} of {len(request.delays)} frames "
                "stand still. A smaller width, fewer frames per second or a shorter range would look better."
            )
        else:
            bench.warn(
                f"To stay below {megabytes(request.most)} details and colours were given up. "
                "A smaller width, fewer frames per second or a shorter range would look better."
            )


def _run(request: Request, pictures: Command, bench: Workbench) -> None:
    with _explained(request):
        policy = Policy(bench.work, readable=encoder.readable(), python=True)
        bench.pipes(Feed(pictures, request.argv, policy, None if request.survey else _Progress(bench, len(request.delays)).hear))


def _cores(limits: Limits) -> int:
    """How many this work may use."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(there, limits.threads or there, current().gif_cores)


@contextmanager
def _explained(request: Request) -> Iterator[None]:
    try:
        yield
    except MediaError as error:
        if error.log.startswith(f"exit {encoder.NO_PICTURE}:"):
            raise MediaError("start_past_end", NO_PICTURE_THERE, field="start", log=error.log) from error
        if error.log.startswith(f"exit {encoder.TOO_SMALL}:"):
            raise _unreachable(error, request.most) from error
        if error.log.startswith(f"exit {encoder.NOT_COMPILED}:"):
            raise NotCompiled(error.log) from error
        raise


def _unreachable(error: MediaError, most: int) -> MediaError:
    found = re.search(r"nearest (\d+)", error.log)
    nearest = math.ceil(max(int(found[1]) if found else 0, most) * _MORE / 1000) / 1000
    text = (
        f"max_mb: this GIF can't be made in {megabytes(most)}; about {nearest:g} MB would do, "
        "or a smaller width, a lower frame rate, or a shorter duration."
    )
    return MediaError("target_unreachable", text, field="max_mb", log=error.log)


class _Progress:
    """Hears the child's lines, `frames bytes`, in pieces of any size, and tells how much of `frames` is done."""

    def __init__(self, bench: Workbench, frames: int) -> None:
        self.bench, self.frames, self.rest = bench, frames, b""

    def hear(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        if lines:
            self.bench.advance(min(1.0, int(lines[-1].split()[0]) / self.frames))
