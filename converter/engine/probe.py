"""Look at an untrusted file without trusting it: type by content, structure by a sandboxed child."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import guards, tiff
from .config import default_limits
from .errors import MediaError
from .limits import Limits, check_media, check_size
from .media import Media
from .probe_media import from_packets
from .probe_pool import TooSlow, pool
from .probe_stills import from_picture, from_still
from .process import run
from .sandbox import Policy
from .sniff import Sniffed, identify
from .truncation import check_whole

HERE = Path(__file__).resolve().parent
MAX_ANSWER = 8 << 20
WALL_SECONDS = 120.0
"""Longest look at one file."""
_BLAMED = frozenset({"timed_out", "stalled", "out_of_memory", "tool_failed", "disk_full"})
_INDEXED = frozenset({"mov", "matroska"})
"""Demuxers that give pictures as they are stored, units behind lengths."""
_PICTURES = frozenset({"gif", "png", "apng", "webp", "webp_animated", "jxl"})


def inspect(path: Path, name: str = "", *, limits: Limits | None = None) -> Media:
    """What is in the file at `path`, refused where it passes `limits`.

    `name` is the name somebody gave it; it only words a refusal. Raises `MediaError`:
    `unsupported_media`, `mismatched_type`, `corrupt_media`, `too_large`, `too_long`, `too_many_pixels`.
    """
    limits = limits or default_limits()
    size = path.stat().st_size
    check_size(size, limits)
    sniffed = identify(path, name)
    notes = check_whole(path, sniffed.container)
    if sniffed.container == "tiff":
        tiff.check(path)
    if sniffed.container in _PICTURES:
        media = from_picture(_ask(path, "probe_pictures.py", sniffed.container, limits), sniffed, size)
    elif sniffed.container == "heic":
        media = from_still(_ask(path, "probe_child.py", json.dumps({"demuxer": "still"}), limits), sniffed, size)
    else:
        media = from_packets(_ask(path, "probe_child.py", _request(sniffed, limits), limits), sniffed, size)
    check_media(media, limits)
    return replace(media, notes=(*notes, *media.notes))


def structure(path: Path, media: Media, *, limits: Limits | None = None) -> dict[str, Any] | None:
    """How the picture's packets are, without decoding any (`probe_structure`): `packets`, `broken` and `keys` in seconds.

    None where nothing can be said of this codec or container. Raises `MediaError("corrupt_media")`.
    """
    limits = limits or default_limits()
    if media.video is None or media.demuxer not in _INDEXED:
        return None
    options = {"codec_whitelist": guards.DECODERS, "max_streams": str(limits.max_streams or 1000), "protocol_whitelist": "fd"}
    request = {"demuxer": media.demuxer, "options": options, "stream": media.video.index}
    answer = _ask(path, "probe_structure.py", json.dumps(request), limits)
    if "error" in answer:
        raise _damaged(f"{answer['error']}: {answer.get('message', '')}")
    return answer if answer.get("readable") else None


def _request(sniffed: Sniffed, limits: Limits) -> str:
    options = {"codec_whitelist": guards.DECODERS, "max_streams": str(limits.max_streams or 1000), "protocol_whitelist": "fd"}
    return json.dumps(
        {"demuxer": sniffed.demuxer, "options": options, "max_packets": 400_000, "max_bytes": 256 << 20, "max_pixels": limits.max_pixels}
    )


def rest() -> None:
    """Give back what the warm probe holds (35 MB), before something long that needs the room."""
    pool.rest()


def _ask(path: Path, script: str, argument: str, limits: Limits) -> dict[str, Any]:
    """What one of the probe's scripts says of the file: by the waiting process, or by one started for it alone."""
    wall = min(limits.wall_seconds or WALL_SECONDS, WALL_SECONDS)
    memory = min(limits.memory_bytes, 2 << 30)
    limits = replace(limits, memory_bytes=memory, cpu_seconds=min(limits.cpu_seconds, 60), wall_seconds=wall, stall_seconds=60, file_bytes=0)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        answer = pool.ask(script, argument, descriptor, limits)
    except TooSlow as error:
        raise _damaged(f"the warm probe did not finish {script} within {limits.wall_seconds:g} s") from error
    finally:
        os.close(descriptor)
    # Whatever brought the warm reader down is judged by how it ends a process of its own.
    return answer if answer is not None else _ask_alone(path, script, argument, limits)


def _ask_alone(path: Path, script: str, argument: str, limits: Limits) -> dict[str, Any]:
    """Run one of the probe's scripts on a descriptor of the file, in a process of its own, and return what it says."""
    pieces: list[bytes] = []

    def collect(data: bytes) -> None:
        pieces.append(data)
        if sum(map(len, pieces)) > MAX_ANSWER:
            raise MediaError("corrupt_media", log="the probe's answer is too long")

    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        argv = [sys.executable, "-I", "-B", str(HERE / script), str(descriptor), argument]
        run(argv, Policy(None, keep=(descriptor,), readable=(HERE / script, HERE / "probe_packets.py"), python=True), limits, on_output=collect)
    except MediaError as error:
        if error.code.name not in _BLAMED or "ModuleNotFoundError" in error.log:
            raise
        # A file that brings the reader down is broken, whether by accident or on purpose.
        raise _damaged(f"{error.code.name}: {error.log}") from error
    finally:
        os.close(descriptor)
    answer: dict[str, Any] = json.loads(b"".join(pieces))
    return answer


def _damaged(log: str) -> MediaError:
    return MediaError("corrupt_media", "The file can't be read: it is damaged, or far larger inside than it looks.", log=log)
