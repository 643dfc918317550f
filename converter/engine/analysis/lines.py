"""Reads what ffmpeg's `metadata` and `ametadata` filters print: numbers of one frame after another, endlessly.

A frame is `frame:N pts:P pts_time:T`, followed by `key=value` lines. Pieces may end anywhere; nothing
but the current line is kept, so that hours cost no more memory than seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from converter.engine.media import Media

LONGEST = 4096
"""Bytes of a line; what is longer is none of ours."""


def printing(filter_name: str, *keys: str) -> tuple[str, ...]:
    """Filters that print `keys` of each frame to standard output, line by line as they come."""
    if not keys:
        return (f"{filter_name}=mode=print:file='pipe\\:1':direct=1",)
    return tuple(f"{filter_name}=mode=print:key={key}:file='pipe\\:1':direct=1" for key in keys)


class Lines:
    """Takes pieces of such output and hands over each value: `value(time, key, text)`."""

    def __init__(self, value: Callable[[float | None, str, str], None]) -> None:
        self._value = value
        self._rest = b""
        self._time: float | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-LONGEST:]
        for line in lines:
            self._line(line.decode("ascii", "replace").strip())

    def _line(self, line: str) -> None:
        if line.startswith("frame:"):
            at = line.find("pts_time:")
            self._time = number(line[at + 9 :].split(" ", 1)[0]) if at >= 0 else None
            return
        key, equals, text = line.partition("=")
        if equals:
            self._value(self._time, key, text)


def number(text: str) -> float | None:
    """A finite number, or None for `nan`, `N/A` and nonsense; silence (`-inf`) is very small."""
    try:
        value = float(text)
    except ValueError:
        return None
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else math.copysign(1e9, value)


def picture_map(media: Media) -> str | None:
    """The map of the picture stream to look at; None where there is none."""
    video = media.video or (media.videos[0] if media.kind == "image" and media.videos else None)
    return None if video is None else f"0:{video.index}"


def at_most(rate: float) -> str:
    """A filter that lets at most `rate` frames a second pass, always the first, and keeps their times."""
    return f"select='isnan(prev_selected_t)+gte(t-prev_selected_t\\,{1 / rate:.6f})'"


Report = dict[str, Any]
