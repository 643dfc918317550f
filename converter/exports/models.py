"""What jobs published, and the one-time rights to fetch it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import models

from converter.engine.media import Media
from converter.runtime import services as runtime


class Export(models.Model):
    """The file that a successful job published; its recipe can make it again after its bytes went.

    `recipe` holds the inputs' hashes, the operation with its version, the parameters and the
    versions of the tools. `path` is a random name relative to MEDIA_ROOT.

    When the bytes go is never copied into the row: `expires_at` follows the runtime setting
    `export_retention_hours` as it is now, so that what people are shown and what the next sweep
    does cannot differ. Only what happened to this export stands in columns: `release_at` once it
    was downloaded for good, `deleted_at` while its owner may still bring it back, `removed_at` once the
    bytes are gone.
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
    release_at = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="Set by a completed one-time download: when the last of its grants is over."
    )
    removed_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, db_index=True, help_text="Set aside by its owner; the bytes go a little later.")

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

    @property
    def gone(self) -> bool:
        """Whether nobody gets the bytes any more: they went, or their owner set them aside."""
        return self.removed_at is not None or self.deleted_at is not None

    @property
    def expires_at(self) -> datetime | None:
        """When the bytes go: after the retention, or sooner by a completed download; None once they went."""
        if self.gone:
            return None
        hours = self.__dict__.get("kept_hours")  # lists ask once for all their rows
        kept_until = self.created_at + timedelta(hours=runtime.get("export_retention_hours") if hours is None else hours)
        return min(kept_until, self.release_at) if self.release_at else kept_until


class Grant(models.Model):
    """A one-time right to download an export. Only the hash of its token is kept.

    `used_at` is set once, by a compare-and-swap: whoever set it is the winner, and only the
    winner (`used_by`) may resume a broken transfer, from at most `bytes_sent`, until
    `completed_at` or `expires_at`. `busy_until` is the lease of the transfer under way: while it
    runs there is no second one; it is emptied when a transfer ends in order.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    export = models.ForeignKey(Export, models.CASCADE, related_name="grants")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.CharField(max_length=64, blank=True, help_text="Hash that ties a resume to the first taker.")
    bytes_sent = models.BigIntegerField(default=0, help_text="How far from the beginning it was sent.")
    busy_until = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["export", "expires_at"], name="grant_of_export")]

    def __str__(self) -> str:
        return f"grant {str(self.id)[:8]} of {self.export}"
