"""Owners, and uploads of real clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from converter.engine.media import Media, VideoStream
from converter.owners.models import Owner
from converter.owners.services import new_guest
from converter.uploads.models import Upload, UploadStatus
from converter.uploads.services import receive
from projects import services
from projects.models import Project


@pytest.fixture
def guest() -> tuple[Owner, str]:
    return new_guest()


@pytest.fixture
def owner(guest: tuple[Owner, str]) -> Owner:
    return guest[0]


@pytest.fixture
def api(guest: tuple[Owner, str]) -> Client:
    return Client(headers={"Authorization": f"Bearer {guest[1]}"})


@pytest.fixture
def project(owner: Owner) -> Project:
    return services.create(owner, "Holiday")


@pytest.fixture
def upload(owner: Owner) -> Callable[..., Upload]:
    """A row of a checked upload, without bytes: 10 seconds of video."""

    def make(of: Owner | None = None, seconds: float | None = 10.0, kind: str = "video", **fields: object) -> Upload:
        video = VideoStream(0, "h264", 1280, 720, 1280, 720, 25.0, "25/1")
        media = Media(kind, "mp4", "mov", "video/mp4", 10, seconds, videos=(video,) if kind == "video" else ())  # type: ignore[arg-type]
        values = {"name": "clip.mp4", "status": UploadStatus.READY, "size": 10, "sha256": "a" * 64, "media_data": media.as_dict()}
        return Upload.objects.create(owner=of or owner, **values | fields)

    return make


@pytest.fixture
def real(media_dir: Path, media_root: Path, owner: Owner) -> Callable[[str], Upload]:
    """Take a real clip in."""
    return lambda name: receive(owner, name, [(media_dir / name).read_bytes()])
