"""Pictures of a film for its strip: runs alone in the sandbox, writes one JPEG to its standard output.

Started as a script with the descriptor of the file and a request in JSON. An index tells where the
keyframes are, so of a long film a few hundred kilobytes are read and twenty pictures are decoded.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

CHEAP_PIXELS = 400_000_000
"""Pixels that may be decoded to be exact: about 190 frames of 1920×1080, a second of one core or less."""
_FEW = 2


class Film:
    """One picture stream, read forwards, with jumps to keyframes."""

    def __init__(self, container: Any, stream: Any) -> None:
        self.container, self.stream = container, stream
        self.base = float(stream.time_base)
        start = container.start_time
        self.origin = start / 1_000_000 if start is not None else 0.0
        if len(stream.index_entries) < _FEW:
            # Some files keep their index at the end; it is read when it is first needed.
            with contextlib.suppress(OSError, ValueError):
                container.seek((container.duration or 0) // 2)
        self.keys = self._keys()
        self._frames: Iterator[Any] = iter(())
        self._last: Any = None
        self._next: Any = None

    def _keys(self) -> list[float]:
        """When keyframes are shown, in seconds from the film's start, as far as an index says."""
        entries = self.stream.index_entries
        times = [entry.timestamp for entry in (entries[i] for i in range(len(entries))) if entry.is_keyframe and not entry.is_discard]
        if not times:
            return []
        # The index lists when frames are decoded; the first is shown when the stream starts.
        shift = (self.stream.start_time or 0) - times[0]
        return sorted((time + shift) * self.base - self.origin for time in times)

    def before(self, time: float) -> float:
        """The last keyframe at or before `time`."""
        return max((key for key in self.keys if key <= time + 1e-3), default=0.0)

    def jump(self, time: float) -> None:
        """Go to the keyframe at or before `time`."""
        self.container.seek(round((time + self.origin + 1e-3) / self.base), stream=self.stream, backward=True)
        self._frames, self._last, self._next = self._decode(), None, None

    def _decode(self) -> Iterator[Any]:
        import av

        for packet in self.container.demux(self.stream):
            try:
                yield from packet.decode()
            except av.FFmpegError:
                continue

    def keyframe(self, time: float) -> Any:
        """The keyframe at or before `time`, without any of the frames that follow it."""
        self.jump(time)
        context = self.stream.codec_context
        for packet in self.container.demux(self.stream):
            frames = context.decode(packet) if packet.size else []
            if not frames:
                # A decoder holds pictures back to put them in order; told that this is the end, it hands over what it has.
                frames = context.decode(None)
                context.flush_buffers()
            if frames or not packet.size:
                return frames[0] if frames else None
        return None

    def at(self, time: float) -> Any:
        """What is on the screen at `time`; None where nothing could be decoded."""
        position = self._shown(self._next or self._last)
        if position is None or (time < position - 1e-3 and self._next is None) or self.before(time) > position:
            self.jump(time)
        while True:
            if self._next is None:
                self._next = next(self._frames, None)
            shown = self._shown(self._next)
            if shown is None or shown > time + 1e-4:
                return self._last or self._next
            self._last, self._next = self._next, None

    def _shown(self, frame: Any) -> float | None:
        return None if frame is None or frame.pts is None else float(frame.pts * frame.time_base) - self.origin


def choose(keys: list[float], duration: float, tiles: int, cheap_seconds: float, start: float = 0.0) -> list[tuple[str, float]]:
    """For each tile whether to decode up to its middle, or to take a keyframe that lies within its part.

    Everything is exact where no more than `cheap_seconds` of film has to be decoded for it.
    """
    step = duration / tiles
    middles = [start + (i + 0.5) * step for i in range(tiles)]
    cost, at = 0.0, -1.0
    for middle in middles:
        key = max((k for k in keys if k <= middle), default=0.0)
        cost, at = cost + middle - max(key, at if at >= key else key), middle
    if cost <= cheap_seconds or not keys:
        return [("exact", middle) for middle in middles]
    chosen = []
    for middle in middles:
        nearest = min(keys, key=lambda key: abs(key - middle))
        chosen.append(("key", nearest) if abs(nearest - middle) <= step / 2 else ("exact", middle))
    return chosen


def strip(file: Any, request: dict[str, Any], out: Any) -> None:
    """Write the strip of `request` to `out`."""
    import av
    from PIL import Image

    av.logging.set_level(None)
    width, height, tiles = request["width"], request["height"], request["tiles"]
    sheet = Image.new("RGB", (width * tiles, height))
    with av.open(file, format=request["demuxer"], options=request["options"], metadata_errors="replace") as container:
        stream = container.streams[request["stream"]]
        film = Film(container, stream)
        context = stream.codec_context
        rate = max(1.0, float(stream.average_rate or 25))
        chosen = choose(film.keys, request["duration"], tiles, CHEAP_PIXELS / (max(1, context.width * context.height) * rate), request["start"])
        jumps = any(way == "key" for way, _ in chosen)
        context.thread_count, context.thread_type = request["threads"], "AUTO"
        if jumps:
            # At a height of some dozens of pixels nobody sees what the deblocking filter would have done.
            context.options = {"skip_loop_filter": "all"}
            context.skip_frame = "NONREF"
        picture: Any = None
        waiting = []
        for number, (way, time) in enumerate(chosen):
            frame = film.keyframe(time) if way == "key" else film.at(time)
            picture = _tile(frame, request) if frame is not None else picture
            if picture is None:
                waiting.append(number)
                continue
            for place in (*waiting, number):
                sheet.paste(picture, (place * width, 0))
            waiting = []
    if picture is None:
        raise ValueError("no picture could be decoded")
    sheet.save(out, "JPEG", quality=request["quality"])


def _tile(frame: Any, request: dict[str, Any]) -> Any:
    from PIL import Image

    width, height, rotation = request["width"], request["height"], request["rotation"]
    size = (height, width) if rotation in (90, 270) else (width, height)
    picture = frame.reformat(width=size[0], height=size[1], format="rgb24", interpolation="AREA").to_image()
    turns = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
    return picture.transpose(turns[rotation]) if rotation else picture


if __name__ == "__main__":
    with os.fdopen(int(sys.argv[1]), "rb") as source:
        strip(source, json.loads(sys.argv[2]), sys.stdout.buffer)
