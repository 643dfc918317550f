"""What jobs published, and the one-time rights to fetch it."""

from __future__ import annotations

import uuid
from pathlib import Path

from django.conf import settings
from django.db import models

from converter.engine.media import Media


class Export(models.Model):
    """The file that a successful job published; its recipe can make it again after its bytes went.

    `recipe` holds the inputs' hashes, the operation with its version, the parameters and the
    versions of the tools. `path` is a random name relative to MEDIA_ROOT.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey("owners.Owner", models.CASCADE, related_name="exports")
    job = models.OneToOneField("jobs.Job", models.CASCADE, related_name="export")
    name = models.CharField(max_length=200)
    path = models.CharField(max_length=120)
    mime = models.CharField(max_length=60)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)
    media_data = models.JSONField(default=dict)
    recipe = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name

    @property
    def media(self) -> Media:
        """What the probe found in the published file."""
        return Media.from_dict(self.media_data)

    @property
    def file(self) -> Path:
        """Where the bytes are, on this machine."""
        return Path(settings.MEDIA_ROOT) / self.path


class Grant(models.Model):
    """A one-time right to download an export. Only the hash of its token is kept.

    `used_at` is set once, by a compare-and-swap: whoever set it is the winner, and only the
    winner (`used_by`) may resume a broken transfer, from at most `bytes_sent`, until
    `completed_at` or `expires_at`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    export = models.ForeignKey(Export, models.CASCADE, related_name="grants")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.CharField(max_length=64, blank=True, help_text="Hash that ties a resume to the first taker.")
    bytes_sent = models.BigIntegerField(default=0)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"grant {str(self.id)[:8]} of {self.export}"
