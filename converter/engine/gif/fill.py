"""Filling a GIF whose source is shorter than asked, by playing its frames again.

The frames lie in a file as raw palette pictures, all of one size, so that any order can be
written with the memory of one frame: ffmpeg's `reverse` and `loop` filters hold all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from converter.engine.errors import MediaError

_PALETTE_BYTES = 1024
"""What ffmpeg writes behind each raw `pal8` picture: 256 colours of 4 bytes."""


def raw_bytes(width: int, height: int) -> int:
    """Bytes that one raw frame of this size takes in the file."""
    return width * height + _PALETTE_BYTES


def position(index: int, frames: int, *, pingpong: bool) -> int:
    """Which of `frames` frames is shown as number `index` (from 0).

    Looping starts again from the first; ping-pong turns round without showing either end twice.
    """
    if frames <= 1:
        return 0
    if not pingpong:
        return index % frames
    step = index % (2 * frames - 2)
    return step if step < frames else 2 * frames - 2 - step


def extend(path: Path, frame_bytes: int, wanted: int, *, pingpong: bool, check: Callable[[], None] = lambda: None) -> int:
    """Append frames to the raw file until it has `wanted`; returns how many it had.

    `check` is called for each frame and may raise to stop. Raises `MediaError`: `tool_failed`
    when the file is not a whole number of frames or holds none; `OSError` when the disk is full.
    """
    frames, rest = divmod(path.stat().st_size, frame_bytes)
    if rest or not frames:
        raise MediaError("tool_failed", log=f"{path.stat().st_size} bytes are not frames of {frame_bytes}")
    with path.open("rb") as source, path.open("ab") as target:
        for index in range(frames, wanted):
            check()
            source.seek(position(index, frames, pingpong=pingpong) * frame_bytes)
            target.write(source.read(frame_bytes))
    return frames
