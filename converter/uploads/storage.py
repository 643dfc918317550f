"""Where bytes lie beneath MEDIA_ROOT: random names only, everything on one file system.

incoming/<random>           being received
uploads/ab/<random>         accepted uploads
derived/<upload id>/        filmstrips, waveform, markers, preview
"""

from __future__ import annotations

import errno
import secrets
import shutil
import uuid
from pathlib import Path

from django.conf import settings

from converter.engine.errors import MediaError
from converter.engine.files import free_bytes
from converter.engine.limits import Limits

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def limits() -> Limits:
    """What an upload may be and what work on it may use, from the settings as they are now."""
    return Limits(
        max_bytes=settings.MAX_UPLOAD_BYTES,
        max_seconds=settings.MAX_MEDIA_SECONDS,
        max_pixels=settings.MAX_PIXELS,
        max_streams=settings.MAX_STREAMS,
        max_frames=settings.MAX_FRAMES,
        memory_bytes=settings.SANDBOX_MEMORY_BYTES,
        wall_seconds=settings.JOB_MAX_SECONDS,
        stall_seconds=settings.JOB_STALL_SECONDS,
        threads=settings.FFMPEG_THREADS,
    )


def incoming() -> Path:
    """The directory of files that are being received; made when it is not there."""
    return _directory(Path(settings.MEDIA_ROOT) / "incoming")


def new_incoming() -> Path:
    """A path in `incoming` that nobody else has."""
    return incoming() / secrets.token_hex(16)


def new_stored() -> str:
    """A random path for an accepted upload, relative to MEDIA_ROOT."""
    token = secrets.token_hex(16)
    return f"uploads/{token[:2]}/{token}"


def derived(upload_id: uuid.UUID) -> Path:
    """The directory of what is derived from an upload. It is not made here."""
    return Path(settings.MEDIA_ROOT) / "derived" / str(upload_id)


def remove_derived(upload_id: uuid.UUID) -> None:
    """Take away what was derived from an upload."""
    shutil.rmtree(derived(upload_id), ignore_errors=True)


def check_room(size: int) -> None:
    """Refuse what would not leave `MIN_FREE_BYTES` on the disk. Raises `MediaError("disk_full")`."""
    if free_bytes(incoming()) < size + settings.MIN_FREE_BYTES:
        raise MediaError("disk_full")


def coded(error: OSError) -> MediaError:
    """An error of the file system as a coded one: `disk_full` or `internal`."""
    return MediaError("disk_full" if error.errno in _FULL else "internal", log=str(error))


def _directory(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
