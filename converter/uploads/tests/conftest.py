"""A guest with an API client, and the rooms that a test looks into."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from converter.owners import services as owners
from converter.owners.models import Owner


@pytest.fixture
def guest(db: None) -> Owner:
    return owners.new_guest()[0]


@pytest.fixture
def api(db: None, media_root: Path) -> Client:
    """A guest's client."""
    _, token = owners.new_guest()
    return Client(headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def stranger(db: None) -> Client:
    _, token = owners.new_guest()
    return Client(headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def send(api: Client) -> Callable[..., Any]:
    """Send bytes under a name, as a form does."""

    def post(data: bytes, name: str = "clip.mp4", **extra: Any) -> Any:
        return api.post("/api/v1/uploads/", {"file": SimpleUploadedFile(name, data), **extra})

    return post


@pytest.fixture
def left(media_root: Path) -> Callable[[], list[str]]:
    """Every file beneath MEDIA_ROOT. A directory that goes away while it is looked at is no trouble."""
    return lambda: sorted(str((Path(place) / name).relative_to(media_root)) for place, _, names in os.walk(media_root) for name in names)
