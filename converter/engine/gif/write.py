"""Writing a GIF with our own encoder: ffmpeg draws into a pipe, the encoder's child reads it."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine.errors import MediaError
from converter.engine.limits import megabytes
from converter.engine.sandbox import Policy

from . import encoder
from .encoder import Request

if TYPE_CHECKING:
    from converter.engine.operations.base import Command
    from converter.engine.workbench import Workbench

NO_PICTURE_THERE = "start: the clip has no picture there; choose an earlier start."
_CACHE, _WEIGHTS = "kernels", "weights.json"
_SMALLER = 4
"""How much smaller the pictures of a survey are, each way: it costs a decode, and a sixteenth of the drawing."""


class NotCompiled(Exception):
    """The encoder can't run here; the message says why. Nothing was written that matters."""


def write(request: Request, pictures: Command, bench: Workbench) -> Path:
    """Make the GIF in `bench.work`, of at most `request.most` bytes.

    Raises `NotCompiled`, and `MediaError` as tools do, `start_past_end` without a picture, `target_unreachable`
    where `request.most` bytes are too few.
    """
    cache = bench.work / _CACHE
    try:
        encoder.lend(cache)
        if request.most:
            _run(*_survey(request, pictures), bench, cache)
            request = replace(request, weights=_WEIGHTS)
        _run(request, pictures, bench, cache)
    except OSError as error:
        raise NotCompiled(str(error)) from error
    finally:
        shutil.rmtree(cache, ignore_errors=True)
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


def _run(request: Request, pictures: Command, bench: Workbench, cache: Path) -> None:
    policy = Policy(bench.work, readable=encoder.readable(), python=True, environment=encoder.environment(cache))
    try:
        bench.pipe(pictures, request.argv, policy, None if request.survey else _Progress(bench, len(request.delays)).hear)
    except MediaError as error:
        if error.log.startswith(f"exit {encoder.NO_PICTURE}:"):
            raise MediaError("start_past_end", NO_PICTURE_THERE, field="start", log=error.log) from error
        if error.log.startswith(f"exit {encoder.TOO_SMALL}:"):
            raise _unreachable(error, request.most) from error
        if error.log.startswith(f"exit {encoder.NOT_COMPILED}:") or "ModuleNotFoundError" in error.log or "ImportError" in error.log:
            raise NotCompiled(error.log) from error
        raise


def _unreachable(error: MediaError, most: int) -> MediaError:
    found = re.search(r"nearest (\d+)", error.log)
    nearest = max(int(found[1]) if found else 0, most) * 1.1
    text = (
        f"max_mb: this GIF can't be made in {megabytes(most)}; about {megabytes(math.ceil(nearest))} would do, "
        "or a smaller width, a lower frame rate, or a shorter duration."
    )
    return MediaError("target_unreachable", text, field="max_mb", log=error.log)


class _Progress:
    """Hears the child's lines, `frames bytes`, in pieces of any size."""

    def __init__(self, bench: Workbench, frames: int) -> None:
        self.bench, self.frames, self.rest = bench, frames, b""

    def hear(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        if lines:
            self.bench.advance(min(1.0, int(lines[-1].split()[0]) / self.frames))
