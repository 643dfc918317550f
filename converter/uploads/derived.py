"""What is shown of an upload before anything is made of it: a filmstrip and a waveform.

Made in the sandbox when first asked for, kept beside the media, gone with the upload.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from converter.engine import files
from converter.engine.errors import MediaError
from converter.engine.peaks import peaks
from converter.engine.strip import filmstrip as make_filmstrip
from converter.engine.thumbnail import thumbnail as make_thumbnail
from converter.engine.workbench import Source

from . import storage
from .locks import alone
from .models import Upload

TILES = 20
TILE_HEIGHT = 72
BUCKETS = 800
MOST_PARTS = 256
"""Finest filmstrips: 10 minutes then have a picture every 0.12 s, in at most 511 files of about 30 KB."""
VERSION = 2
"""Raised when the same upload begins to give another picture or curve."""

_makers = threading.BoundedSemaphore(2)
"""Makers that one web process runs at a time."""


class Kept(Protocol):
    """A row with bytes: an upload, or what an upper layer made."""

    @property
    def pk(self) -> Any:
        """Its UUID."""

    @property
    def file(self) -> Path:
        """Where its bytes are."""


def filmstrip(upload: Upload, part: int = 0, of: int = 1) -> Path:
    """A JPEG of 20 frames side by side, 72 pixels high, evenly spread over the upload, or over one of its `of` equal parts.

    `part` counts from 0; `of` is a power of two up to `MOST_PARTS`. Raises `MediaError`: `bad_parameter`, `no_video`
    where nothing moves, `gone` when the bytes were cleaned up, and what the engine raises for media that it cannot decode.
    """
    source = source_of(upload)
    if source.media.video is None or not source.media.moving or not source.media.duration:
        raise MediaError("no_video", "Nothing moves in this upload, so there is no filmstrip of it.")
    if of < 1 or of > MOST_PARTS or of & (of - 1):
        raise MediaError("bad_parameter", f"of: choose a power of two up to {MOST_PARTS}.", field="of")
    if not 0 <= part < of:
        raise MediaError("bad_parameter", f"part: choose a number from 0 to {of - 1}.", field="part")
    if of == 1:
        return cached(upload, f"filmstrip-{VERSION}.jpg", lambda target: make_filmstrip(source, target, tiles=TILES, height=TILE_HEIGHT))
    each = source.media.duration / of
    cut = (part * each, (part + 1) * each)
    name = f"filmstrip-{VERSION}-{of}-{part}.jpg"
    return cached(upload, name, lambda target: make_filmstrip(source, target, tiles=TILES, height=TILE_HEIGHT, part=cut))


def waveform(upload: Upload) -> Path:
    """A JSON file `{"peaks": [0..1, …], "duration": seconds}` of the upload's sound.

    Raises `MediaError`: `no_audio`, `gone`, and what the engine raises.
    """
    source = source_of(upload)
    if source.media.audio is None:
        raise MediaError("no_audio", "There is no sound in this upload to draw.")

    def make(target: Path) -> None:
        curve = [round(peak, 4) for peak in peaks(source, buckets=BUCKETS)]
        target.write_text(json.dumps({"peaks": curve, "duration": source.media.duration}, separators=(",", ":")))

    return cached(upload, f"waveform-{VERSION}.json", make)


def thumbnail(upload: Upload) -> Path:
    """A small JPEG of the upload. Raises `MediaError`: `no_video` where there is nothing to see, `gone`, and what the engine raises."""
    source = source_of(upload)
    return cached(upload, f"thumbnail-{VERSION}.jpg", lambda target: make_thumbnail(source, target, limits=storage.limits()))


def source_of(upload: Upload) -> Source:
    """The upload for the engine. Raises `MediaError("gone")`."""
    if upload.removed_at is not None or not upload.file.is_file():
        raise MediaError("gone", "The upload was cleaned up; send the file again.")
    return Source(upload.file, upload.media)


def cached(kept: Kept, name: str, make: Callable[[Path], None]) -> Path:
    """The file `name`, made by whoever comes first while the others wait for it; whole, or not there."""
    directory = storage.derived(kept.pk)
    target = directory / name
    if target.exists():
        return target
    if not kept.file.is_file():
        raise MediaError("gone", "The file was cleaned up.")
    with _makers, alone(target):
        if target.exists():
            return target
        part = directory / f".{secrets.token_hex(8)}-{name}"
        try:
            make(part)
            files.publish(part, target)
        except OSError as error:
            raise storage.coded(error) from error
        finally:
            part.unlink(missing_ok=True)
    return target
