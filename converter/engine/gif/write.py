"""Writing a GIF with our own encoder: ffmpeg draws into a pipe, the encoder's child reads it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine.errors import MediaError
from converter.engine.sandbox import Policy

from . import encoder
from .encoder import Request

if TYPE_CHECKING:
    from converter.engine.operations.base import Command
    from converter.engine.workbench import Workbench

NO_PICTURE_THERE = "start: the clip has no picture there; choose an earlier start."
_CACHE = "kernels"


class NotCompiled(Exception):
    """The encoder can't run here; the message says why. Nothing was written that matters."""


def write(request: Request, pictures: Command, bench: Workbench) -> Path:
    """Make the GIF in `bench.work`. Raises `NotCompiled`, and `MediaError` as tools do, `start_past_end` without a picture."""
    cache = bench.work / _CACHE
    policy = Policy(bench.work, readable=encoder.readable(), python=True, environment=encoder.environment(cache))
    try:
        encoder.lend(cache)
        bench.pipe(pictures, request.argv, policy, _Progress(bench, len(request.delays)).hear)
    except OSError as error:
        raise NotCompiled(str(error)) from error
    except MediaError as error:
        if error.log.startswith(f"exit {encoder.NO_PICTURE}:"):
            raise MediaError("start_past_end", NO_PICTURE_THERE, field="start", log=error.log) from error
        if error.log.startswith(f"exit {encoder.NOT_COMPILED}:") or "ModuleNotFoundError" in error.log or "ImportError" in error.log:
            raise NotCompiled(error.log) from error
        raise
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    bench.tools["encoder"] = encoder.name()
    return bench.work / request.output


class _Progress:
    """Hears the child's lines, `frames bytes`, in pieces of any size."""

    def __init__(self, bench: Workbench, frames: int) -> None:
        self.bench, self.frames, self.rest = bench, frames, b""

    def hear(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        if lines:
            self.bench.advance(min(1.0, int(lines[-1].split()[0]) / self.frames))
