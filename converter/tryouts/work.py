"""What can be tried: fitting under a size, and where a clip goes round. Each is a function of its input that makes a `Work`."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from converter.engine import run, tryouts
from converter.engine.errors import MediaError
from converter.engine.run import Source
from converter.engine.tryouts import Candidate
from converter.uploads import storage

from .services import Event, Stop, Work

LONGEST_LOOP = 15.0
"""Seconds of a loop that is drawn to be looked at: at 1080p about as many CPU seconds, and some ten megabytes in the answer."""
LONGEST_SECONDS = 120.0
"""Wall time that one tool may take for a sample."""
_UNREACHABLE = frozenset({"target_unreachable"})


def fitting(operation: str, preset: str, source: Source, found: Sequence[Candidate]) -> Work:
    """Encode a sample of each candidate, tell it with its bytes; one that can't be done is told as such, with the nearest size."""

    def work(directory: Path, stop: Stop, tell: Callable[[Event], None]) -> None:
        tell({"event": "candidates", "candidates": [candidate.as_dict() for candidate in found]})
        limits = replace(storage.limits(), wall_seconds=LONGEST_SECONDS)
        for number, candidate in enumerate(found):
            try:
                made, sample = tryouts.sample(operation, source, candidate, preset, work=directory, stop=stop, limits=limits)
            except MediaError as problem:
                if problem.code.name not in _UNREACHABLE:
                    raise
                tell({"event": "unreachable", "index": number, "detail": problem.detail})
                continue
            facts: Mapping[str, Any] = {"seconds": sample.seconds, "size": sample.size, "predicted": sample.predicted, "mime": sample.mime}
            # Bytes, not an address: nothing has to be kept, fetched or cleaned up afterwards.
            data = base64.b64encode(sample.path.read_bytes()).decode("ascii")
            tell({"event": "sample", "index": number, "candidate": made.as_dict(), **facts, "data": data})

    return work


def seams(source: Source, params: Mapping[str, Any]) -> Work:
    """Look for the best seams near a range by the `loop` operation's own search, and tell them, best first. Raises what planning it raises."""
    wanted = {**params, "report": True}
    run.plan("loop", [source.media], wanted)

    def work(directory: Path, stop: Stop, tell: Callable[[Event], None]) -> None:
        limits = replace(storage.limits(), wall_seconds=LONGEST_SECONDS)
        result = run.execute("loop", [source], wanted, work=directory, stop=stop, limits=limits)
        tell({"event": "seams", "seams": json.loads(result.path.read_text(encoding="utf-8"))["seams"]})

    return work


def joined(source: Source, params: Mapping[str, Any]) -> Work:
    """Draw the loop of exactly that range, joined by `mode`, silent, and tell it with its bytes. Raises what planning it raises, and `too_long`."""
    wanted = {**params, "search": 0, "sound": False}
    planned = run.plan("loop", [source.media], wanted)
    if (planned.expects.duration or 0) > 2 * LONGEST_LOOP:
        raise MediaError("too_long", f"Only loops of up to {LONGEST_LOOP:g} s are shown beforehand; convert it to see it.", field="duration")

    def work(directory: Path, stop: Stop, tell: Callable[[Event], None]) -> None:
        limits = replace(storage.limits(), wall_seconds=LONGEST_SECONDS)
        result = run.execute("loop", [source], wanted, work=directory, stop=stop, limits=limits)
        data = base64.b64encode(result.path.read_bytes()).decode("ascii")
        tell({"event": "loop", "mime": result.plan.mime, "seconds": result.media.duration, "data": data, "warnings": list(result.warnings)})

    return work
