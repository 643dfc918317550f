"""The append-only trail of every mutation."""

from __future__ import annotations

from typing import Any

from django.db import models


class AuditEntry(models.Model):
    """Who did what to which object, when; chained by hashes so that tampering shows.

    Everything is a text snapshot: an entry outlives what it speaks of. `sequence`, `previous` and
    `digest` are filled in when the entry is sealed, right after the transaction that wrote it has
    committed, in an order that all sealed entries share.
    """

    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=120)
    address = models.CharField(max_length=45, blank=True)
    action = models.CharField(max_length=60, db_index=True)
    target_type = models.CharField(max_length=40)
    target_id = models.CharField(max_length=40, db_index=True)
    target = models.CharField(max_length=255, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict, blank=True)
    sequence = models.BigIntegerField(null=True, unique=True, editable=False)
    previous = models.CharField(max_length=64, blank=True, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor} {self.action} {self.target_type} {self.target_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert only: an entry is never changed through the ORM."""
        if self.pk is not None:
            raise TypeError("audit entries are append-only")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refused: entries leave only by the retention command, oldest first."""
        raise TypeError("audit entries are append-only")


class ChainHead(models.Model):
    """The one row whose lock orders the sealing, and which remembers how far the chain goes.

    A chain that was cut at its end shows here: the head still names the last digest.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="0" * 64)
    base_sequence = models.BigIntegerField(default=0, help_text="The last entry that retention let go.")
    base_digest = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"entry {self.sequence}"
