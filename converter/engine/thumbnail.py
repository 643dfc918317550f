"""One small JPEG that stands for a file in a list."""

from __future__ import annotations

import shutil
from pathlib import Path

from .errors import MediaError
from .files import private_dir
from .limits import Limits
from .run import execute
from .strip import filmstrip
from .workbench import Source

HEIGHT = 120
"""Pixels: twice what a list shows, for fine screens."""


def thumbnail(source: Source, target: Path, *, height: int = HEIGHT, limits: Limits | None = None) -> None:
    """Write a picture of `source`, as large as `height` pixels make at 16:9, to the JPEG `target`.

    Of a film it is the frame in its middle, of a picture the picture, upright. Raises `MediaError("no_video")` where
    there is nothing to see, and what the engine raises for media that it can't decode.
    """
    if source.media.kind not in ("video", "animation", "image"):
        raise MediaError("no_video", "There is nothing to see in this file.")
    if source.media.moving and source.media.duration:
        filmstrip(source, target, tiles=1, height=height)
        return
    work = private_dir(target.parent)
    try:
        wish = {"format": "jpeg", "longest": round(height * 16 / 9), "quality": 80}
        execute("image", [source], wish, work=work, limits=limits).path.replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
