"""Bytes that somebody sent."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models

from converter.engine.media import Media


class UploadStatus(models.TextChoices):
    """`receiving` and `checking` are passing; only a `ready` upload enters a job."""

    RECEIVING = "receiving"
    CHECKING = "checking"
    READY = "ready"
    REJECTED = "rejected"


class Upload(models.Model):
    """A file that was received and probed; immutable once ready.

    `name` is cleaned display text and never a path; `path` is a random name relative to
    MEDIA_ROOT. `removed_at` is set when the bytes were cleaned up; the row stays as long as
    recipes point at its hash.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey("owners.Owner", models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=UploadStatus, default=UploadStatus.RECEIVING)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    path = models.CharField(max_length=120, blank=True)
    sent_metadata = models.CharField(max_length=2000, blank=True, help_text="Upload-Metadata of a resumable upload, as it was sent.")
    media_data = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=30, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    ready_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, db_index=True, help_text="Set aside by its owner; the bytes go a little later.")

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def media(self) -> Media:
        """What the probe found."""
        return Media.from_dict(self.media_data)

    @property
    def file(self) -> Path:
        """Where the bytes are, on this machine."""
        return Path(settings.MEDIA_ROOT) / self.path
