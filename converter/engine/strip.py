"""A filmstrip: one JPEG with equally spaced pictures of a clip, side by side."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from . import guards
from .errors import MediaError
from .files import private_dir
from .media import Media, VideoStream
from .operations.base import Command, Input
from .workbench import Source, Workbench

LONG_SECONDS = 300
"""Longer clips are not read through: each picture is sought."""
_CHILD = Path(__file__).resolve().parent / "strip_child.py"
_JPEG = b"\xff\xd8\xff"
_INDEXED = frozenset({"mov", "matroska"})
"""Demuxers that know where keyframes lie."""
QUALITY = 85
WIDEST = 4
"""A tile is at most this many times as wide as it is high, and the other way round."""


def filmstrip(
    source: Source,
    target: Path,
    *,
    tiles: int = 20,
    height: int = 72,
    quality: int = QUALITY,
    part: tuple[float, float] | None = None,
    bench: Workbench | None = None,
) -> None:
    """Write `tiles` pictures of `source`, each `height` pixels high, to the JPEG `target`.

    Picture *i* is what a player shows at (*i* + ½) / `tiles` of the duration, or of `part` (its start and end in
    seconds). Raises
    `MediaError("no_video")` where nothing moves, and what `Workbench.ffmpeg` raises. With `bench` the work runs
    under its limits and its stop, and counts as its own.
    """
    video = source.media.video
    if video is None or not source.media.moving or not source.media.duration:
        raise MediaError("no_video")
    work = private_dir(target.parent)
    try:
        own = Workbench(work, (source,), stop=bench.stop, limits=bench.limits, tool=bench.tool) if bench else Workbench(work, (source,))
        try:
            _Strip(own, source.media, video, tiles, height, quality, part).make()
        finally:
            if bench is not None:
                bench.metrics += own.metrics
                bench.damaged += own.damaged
        (work / "strip.jpg").replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def tile_size(video: VideoStream, height: int) -> tuple[int, int]:
    """Width and height of one tile in pixels: the picture's own proportions, unless they are extreme."""
    return max(height // WIDEST, min(height * WIDEST, round(height * video.width / video.height))), height


class _Strip:
    def __init__(
        self,
        bench: Workbench,
        media: Media,
        video: VideoStream,
        tiles: int,
        height: int,
        quality: int = QUALITY,
        part: tuple[float, float] | None = None,
    ) -> None:
        self.bench, self.media, self.tiles = bench, media, tiles
        self.map = ("-map", f"0:{video.index}", "-an", "-sn", "-dn")
        self.quality = quality
        self.index, self.rotation = video.index, video.rotation
        self.whole = part is None
        self.start, end = part or (0.0, media.duration or 0.0)
        self.duration = end - self.start
        self.width, self.height = tile_size(video, height)
        self.scale = f"scale={self.width}:{self.height}:flags=area,setsar=1"

    def make(self) -> None:
        if self.media.kind == "video" and self.media.demuxer in _INDEXED:
            try:
                self._by_index()
            except MediaError as error:
                if error.code.name in ("cancelled", "gone"):
                    raise
                # Whatever the quick way can't read, ffmpeg may.
            else:
                return
        if (self.media.duration or 0.0) > LONG_SECONDS:
            self._by_seeking()
        else:
            # Key frames alone cost a tenth, but where there are few of them the strip would repeat itself.
            self._in_one_pass(("-skip_frame", "nokey") if self.whole and self._keyframes() >= 2 * self.tiles else ())

    def _by_index(self) -> None:
        """By a child that jumps from keyframe to keyframe and decodes little else."""
        request = {
            **guards.reader(self.media, self.bench.limits),
            **{"stream": self.index, "tiles": self.tiles, "start": self.start, "duration": self.duration, "rotation": self.rotation},
            **{"width": self.width, "height": self.height, "quality": self.quality},
        }
        picture = bytearray()
        with self.bench.opened(0) as descriptor:
            self.bench.python(_CHILD, (str(descriptor), json.dumps(request)), keep=(descriptor,), on_output=picture.extend)
        if not picture.startswith(_JPEG):
            raise MediaError("tool_failed", log="no filmstrip came back")
        (self.bench.work / "strip.jpg").write_bytes(picture)

    def _keyframes(self) -> int:
        if self.media.kind == "animation":
            return 0
        command = Command(
            "filmstrip", (Input(0, options=("-skip_frame", "nokey")),), (*self.map, "-fps_mode", "passthrough"), "", "null", self.duration
        )
        return self.bench.decode(command).last.frames

    def _in_one_pass(self, options: tuple[str, ...]) -> None:
        step = self.duration / self.tiles
        rate = f"{self.tiles * 1_000_000}/{max(1, round(self.duration * 1_000_000))}"
        # Moved by half a step and rounded up, `fps` gives what is on the screen in the middle of each step;
        # the last picture stands in where the sound outlives the film.
        chain = f"setpts=PTS-{self.start + step / 2:.6f}/TB,fps=fps={rate}:start_time=0:round=up,{self.scale},tpad=stop={self.tiles}:stop_mode=clone"
        self._write(Input(0, options=options), chain, self.map)

    def _by_seeking(self) -> None:
        size = self.width * self.height * 3
        picture = b"\0" * size
        with (self.bench.work / "tiles.rgb").open("wb") as file:
            for number in range(self.tiles):
                found = bytearray()
                at = self.start + (number + 0.5) * self.duration / self.tiles
                arguments = (*self.map, "-frames:v", "1", "-vf", self.scale, "-c:v", "rawvideo", "-pix_fmt", "rgb24")
                command = Command("filmstrip", (Input(0, options=("-ss", f"{at:.3f}")),), arguments, "", "rawvideo", 0)
                self.bench.decode(command, on_output=found.extend)
                # Beyond the last picture nothing comes: what was shown before stays on the screen.
                picture = bytes(found[:size]) if len(found) >= size else picture
                file.write(picture)
        raw = ("-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{self.width}x{self.height}", "-framerate", "1")
        self._write(Input(work_file="tiles.rgb", options=raw), "null", ())

    def _write(self, wanted: Input, chain: str, mapping: tuple[str, ...]) -> None:
        # A JPEG is at most 65,535 pixels wide; full range is what every viewer expects of it.
        arguments = (
            *mapping,
            "-frames:v",
            "1",
            "-vf",
            f"{chain},tile={self.tiles}x1,scale=out_range=full,format=yuvj420p",
            "-q:v",
            str(max(2, round((100 - self.quality) * 0.3))),
            "-c:v",
            "mjpeg",
        )
        self.bench.decode(Command("filmstrip", (wanted,), (*arguments, "-update", "1"), "strip.jpg", "image2", self.duration))
