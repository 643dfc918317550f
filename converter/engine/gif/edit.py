"""What a finished GIF says of itself, and setting its delays exactly."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from converter.engine.errors import MediaError

from .blocks import Control, Header, Image, Loop, read_blocks


@dataclass(frozen=True, slots=True)
class GifInfo:
    """A GIF by its own blocks. Delays in hundredths of a second, one for each frame."""

    version: str
    width: int
    height: int
    frames: int
    delays_cs: tuple[int, ...]
    loop: int | None
    """How often it asks to be repeated: 0 for ever, None when it says nothing (it plays once)."""

    @property
    def duration_cs(self) -> int:
        """Length of one round, in hundredths of a second."""
        return sum(self.delays_cs)


def inspect_gif(path: Path) -> GifInfo:
    """Read screen, frames, delays and loop. Raises `MediaError("corrupt_media")`."""
    header: Header | None = None
    delays: list[int] = []
    pending, loop = 0, None
    for block in read_blocks(path):
        if isinstance(block, Header):
            header = block
        elif isinstance(block, Control):
            pending = block.delay_cs
        elif isinstance(block, Image):
            delays.append(pending)
            pending = 0
        elif isinstance(block, Loop) and loop is None:
            loop = block.count
    if header is None or not delays:
        raise MediaError("corrupt_media", "The GIF is damaged: there is no picture in it.")
    return GifInfo(header.version, header.width, header.height, len(delays), tuple(delays), loop)


def retime(path: Path, delays_cs: Sequence[int]) -> None:
    """Write these delays (0 to 65535 hundredths of a second) into the file's frames, in place.

    No other byte changes. Raises `MediaError("tool_failed")` when the number of frames differs
    or a frame has no place for a delay, and then leaves the file as it was; `corrupt_media`
    when it is not a sound GIF.
    """
    places: list[int | None] = []
    control: Control | None = None
    for block in read_blocks(path):
        if isinstance(block, Control):
            control = block
        elif isinstance(block, Image):
            places.append(control.delay_offset if control else None)
            control = None
    if len(places) != len(delays_cs) or None in places:
        log = f"{len(places)} frames, {places.count(None)} of them without a delay; {len(delays_cs)} delays were planned"
        raise MediaError("tool_failed", "The GIF did not come out with the planned frames.", log=log)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        for place, delay in zip(places, delays_cs, strict=True):
            assert place is not None  # noqa: S101 (checked above; tells the type checker)
            struct.pack_into("<H", data, place, delay)
