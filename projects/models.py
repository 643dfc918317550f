"""Ordered clips that are composed into one export."""

from __future__ import annotations

import uuid

from django.db import models


class Project(models.Model):
    """A named, ordered set of clips with the frame they are composed into (pixels, frames per second)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey("owners.Owner", models.CASCADE, related_name="projects")
    name = models.CharField(max_length=200)
    width = models.PositiveIntegerField(default=1280)
    height = models.PositiveIntegerField(default=720)
    fps = models.FloatField(default=30)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-updated_at", "-id"]

    def __str__(self) -> str:
        return self.name


class Clip(models.Model):
    """A range of an upload, at a place in a project. `start` and `end` are seconds in the upload.

    Only the order of `position` means something: gaps are normal, no two clips share one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="clips")
    upload = models.ForeignKey("uploads.Upload", models.CASCADE, related_name="clips")
    position = models.PositiveIntegerField()
    start = models.FloatField(default=0)
    end = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(condition=models.Q(start__gte=0, end__gt=models.F("start")), name="clip_has_length"),
            models.UniqueConstraint(fields=["project", "position"], name="clip_position"),
        ]

    def __str__(self) -> str:
        return f"{self.position}: {self.upload} {self.start:g}–{self.end:g} s"

    @property
    def duration(self) -> float:
        """Seconds that the clip adds to the composition."""
        return self.end - self.start


class Render(models.Model):
    """A composition of a project through the job pipeline; the job's export is its result."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="renders")
    job = models.OneToOneField("jobs.Job", models.CASCADE, related_name="render")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"render of {self.project}"
