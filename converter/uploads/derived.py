"""What is shown of an upload before anything is made of it: a filmstrip and a waveform.

Made in the sandbox when first asked for, kept beside the media, gone with the upload.
"""

from __future__ import annotations

import fcntl
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from converter.engine import files
from converter.engine.errors import MediaError
from converter.engine.peaks import peaks
from converter.engine.strip import filmstrip as make_filmstrip
from converter.engine.thumbnail import thumbnail as make_thumbnail
from converter.engine.workbench import Source

from . import storage
from .models import Upload

TILES = 20
TILE_HEIGHT = 72
BUCKETS = 800
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


def filmstrip(upload: Upload) -> Path:
    """A JPEG of 20 frames side by side, 72 pixels high, evenly spread over the upload.

    Raises `MediaError`: `no_video` where nothing moves, `gone` when the bytes were cleaned up, and what the
    engine raises for media that it cannot decode.
    """
    source = _source(upload)
    if source.media.video is None or not source.media.moving:
        raise MediaError("no_video", "Nothing moves in this upload, so there is no filmstrip of it.")
    return cached(upload, f"filmstrip-{VERSION}.jpg", lambda target: make_filmstrip(source, target, tiles=TILES, height=TILE_HEIGHT))


def waveform(upload: Upload) -> Path:
    """A JSON file `{"peaks": [0..1, …], "duration": seconds}` of the upload's sound.

    Raises `MediaError`: `no_audio`, `gone`, and what the engine raises.
    """
    source = _source(upload)
    if source.media.audio is None:
        raise MediaError("no_audio", "There is no sound in this upload to draw.")

    def make(target: Path) -> None:
        curve = [round(peak, 4) for peak in peaks(source, buckets=BUCKETS)]
        target.write_text(json.dumps({"peaks": curve, "duration": source.media.duration}, separators=(",", ":")))

    return cached(upload, f"waveform-{VERSION}.json", make)


def thumbnail(upload: Upload) -> Path:
    """A small JPEG of the upload. Raises `MediaError`: `no_video` where there is nothing to see, `gone`, and what the engine raises."""
    source = _source(upload)
    return cached(upload, f"thumbnail-{VERSION}.jpg", lambda target: make_thumbnail(source, target, limits=storage.limits()))


def _source(upload: Upload) -> Source:
    if upload.removed_at is not None or not upload.file.is_file():
        raise MediaError("gone", "The upload was cleaned up; send the file again.")
    return Source(upload.file, upload.media)


def cached(kept: Kept, name: str, make: Callable[[Path], None]) -> Path:
    """The file `name`, made by whoever comes first while the others wait for it; whole, or not there."""
    directory = storage.derived(kept.pk)
    target = directory / name
    if target.exists():
        return target
    with _makers, _alone(kept):
        if target.exists():
            return target
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = directory / f".{secrets.token_hex(8)}-{name}"
        try:
            make(part)
            files.publish(part, target)
        except OSError as error:
            raise storage.coded(error) from error
        finally:
            part.unlink(missing_ok=True)
            with suppress(OSError):
                directory.rmdir()  # only where it is empty: nothing was made
    return target


@contextmanager
def _alone(kept: Kept) -> Iterator[None]:
    """Hold a lock on the kept file itself, across processes; the kernel frees it when a holder dies."""
    try:
        with kept.file.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except FileNotFoundError as error:
        raise MediaError("gone", "The file was cleaned up.") from error
