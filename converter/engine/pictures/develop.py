"""The parent's side of the child that opens and writes pictures; imports no Pillow.

One child does a whole batch, so that its start is paid once; each picture is closed before the next
is opened, and a failure names the picture it happened at.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.engine.errors import MediaError
from converter.engine.operations.base import Command, Input
from converter.engine.workbench import Workbench

from .kinds import READERS

DARKROOM = Path(__file__).resolve().parent / "darkroom"
MAX_REQUEST = 120_000
"""Bytes of one argument: Linux takes 131,072."""
_BROKEN_JPEG = re.compile(r"error count: \d|error y=\d+ x=\d|overread \d")
_BLAMED = frozenset({"tool_failed", "timed_out", "stalled"})


@dataclass(frozen=True, slots=True)
class Made:
    """One developed picture. `encodes` counts encodes of the whole picture; `proven`: one step of quality more would not have fitted."""

    name: str
    size: tuple[int, int]
    bytes: int
    quality: int | None
    encodes: float
    proven: bool
    alpha: bool
    frames: int
    used: int
    notes: tuple[str, ...]


def develop(bench: Workbench, entries: Sequence[Mapping[str, Any]], how: Mapping[str, Any], share: float) -> tuple[Made, ...]:
    """Make each entry's picture in the bench's directory; `share` (0 to 1) is where the progress stands afterwards.

    An entry has `source` (its number) and what `darkroom/child.py` reads. Raises `MediaError` naming the picture.
    """
    return _made(_run(bench, entries, {"task": "develop", "how": how}, share))


def document(bench: Workbench, entries: Sequence[Mapping[str, Any]], request: Mapping[str, Any], share: float) -> tuple[Made, ...]:
    """Make one PDF of all entries. Raises `MediaError` naming the picture."""
    return _made(_run(bench, entries, {"task": "document", **request}, share))


def look(bench: Workbench, paths: Sequence[Path], container: str) -> list[dict[str, Any]]:
    """What each finished file shows to a stranger: size, alpha, orientation, place, EXIF, profile."""
    entries = [{"path": path, "output": path.name, "formats": READERS[container]} for path in paths]
    try:
        return _run(bench, entries, {"task": "inspect"}, bench.fraction)
    except MediaError as error:
        if not error.users:
            raise
        raise MediaError("tool_failed", "The result can't be read back.", log=f"{error.detail} {error.log}") from error


def decode_with_ffmpeg(bench: Workbench, source: int, name: str) -> None:
    """Write source `source` as a PNG, for what Pillow can't read."""
    bench.decode(Command("decoding", (Input(source=source),), ("-frames:v", "1", "-c:v", "png", "-update", "1"), name, "image2", 0.0))


def check_jpeg(bench: Workbench, source: int, count: int) -> None:
    """Refuse a JPEG with damage in the middle: libjpeg paints grey over it and says nothing, libavcodec says so.

    Raises `MediaError("corrupt_media")` naming the picture, of `count`.
    """
    # One thread: each further one would hold a picture of its own.
    command = Command("checking", (Input(source=source, options=("-threads", "1")),), ("-frames:v", "1"), "", "null", 0.0)
    try:
        tail = bench.decode(command).tail
    except MediaError as error:
        raise _named(error.code.name, "", error.log, source, count) from error
    if _BROKEN_JPEG.search(tail):
        raise _named("corrupt_media", "", tail, source, count)


class _Reader:
    """Hears the child's lines as they come in pieces."""

    def __init__(self, count: int, progress: Callable[[float], None]) -> None:
        self.count, self.progress = max(1, count), progress
        self.current = 0
        self.done: list[dict[str, Any]] = []
        self.error: dict[str, Any] | None = None
        self._rest = b""

    def __call__(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "picture" in said:
                self.current = said["picture"]
            elif "error" in said:
                self.error = said
            elif "done" in said:
                self.done.append(said)
            self.progress(len(self.done) / self.count)


def _run(bench: Workbench, entries: Sequence[Mapping[str, Any]], request: Mapping[str, Any], share: float) -> list[dict[str, Any]]:
    start = bench.fraction
    reader = _Reader(len(entries), lambda part: bench.advance(start + (share - start) * part))
    with _descriptors(bench, entries) as descriptors:
        pictures = [{key: value for key, value in entry.items() if key not in ("source", "path")} for entry in entries]
        for picture, descriptor in zip(pictures, descriptors, strict=True):
            picture["descriptor"] = descriptor
        argument = json.dumps({**request, "pictures": pictures, "max_pixels": bench.limits.max_pixels})
        if len(argument) > MAX_REQUEST:
            raise MediaError("internal", log=f"a request of {len(argument)} bytes")
        try:
            bench.python(DARKROOM / "child.py", [argument], keep=tuple(descriptors), readable=(DARKROOM,), on_output=reader)
        except MediaError as error:
            raise _blamed(error, reader, len(entries)) from error
    if reader.error is not None:
        raise _named(reader.error["error"], reader.error["detail"], reader.error["log"], reader.current, len(entries))
    if len(reader.done) != len(entries):
        raise MediaError("tool_failed", log=f"{len(reader.done)} of {len(entries)} pictures")
    return reader.done


@contextlib.contextmanager
def _descriptors(bench: Workbench, entries: Sequence[Mapping[str, Any]]) -> Iterator[list[int]]:
    with contextlib.ExitStack() as stack:
        found = []
        for entry in entries:
            if "path" in entry:
                descriptor = os.open(entry["path"], os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
                stack.callback(os.close, descriptor)
            else:
                descriptor = stack.enter_context(bench.opened(entry["source"]))
            found.append(descriptor)
        yield found


def _blamed(error: MediaError, reader: _Reader, count: int) -> MediaError:
    """A child that dies by a signal does so of what it reads."""
    name = error.code.name
    if name in _BLAMED and "ModuleNotFoundError" not in error.log and error.log.startswith("exit -"):
        return _named("corrupt_media", "", error.log, reader.current, count)
    return _named(name, error.detail, error.log, reader.current, count)


def _named(code: str, detail: str, log: str, number: int, count: int) -> MediaError:
    where = f"Picture {number + 1}: " if count > 1 else ""
    field = "target_kb" if code == "target_unreachable" else None
    sentence = detail or ("The picture is damaged or incomplete." if code == "corrupt_media" else MediaError(code).detail)
    return MediaError(code, f"{where}{sentence}", field=field, log=log)


def _made(lines: Sequence[Mapping[str, Any]]) -> tuple[Made, ...]:
    return tuple(
        Made(
            line["done"],
            (line["size"][0], line["size"][1]),
            line["bytes"],
            line.get("quality"),
            line.get("encodes", 1.0),
            line.get("proven", True),
            line["alpha"],
            line["frames"],
            line.get("used", 1),
            tuple(line["notes"]),
        )
        for line in lines
    )
