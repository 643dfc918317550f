"""One run of one operation on inputs: the row that is the truth."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from .states import JobStatus


class Job(models.Model):
    """A row with a state machine; every change of `status` goes through `services.change`.

    A running job is leased: `fence` grows with every claim and whoever writes must name it, so a
    worker that lost its lease (paused, cut off, presumed dead) can no longer change the row.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey("owners.Owner", models.CASCADE, related_name="jobs")
    operation = models.CharField(max_length=30)
    preset = models.CharField(max_length=60, blank=True)
    params = models.JSONField(default=dict)
    inputs = models.ManyToManyField("uploads.Upload", through="JobInput", related_name="jobs")
    priority = models.SmallIntegerField(default=0, help_text="Higher is taken earlier; see turns.py.")
    status = models.CharField(max_length=10, choices=JobStatus, default=JobStatus.QUEUED, editable=False)
    stage = models.CharField(max_length=30, blank=True)
    progress = models.FloatField(default=0)
    eta_seconds = models.FloatField(null=True, blank=True)

    attempt = models.PositiveIntegerField(default=0)
    faults = models.PositiveIntegerField(default=0, help_text="Transient faults of ours so far.")
    losses = models.PositiveIntegerField(default=0, help_text="Workers lost so far.")
    fence = models.PositiveBigIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    available_at = models.DateTimeField(default=timezone.now, help_text="Not to be taken before (backoff).")
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When a message for it was last sent.")

    idempotency_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 (unique with owner: only NULLs may repeat)
    request_hash = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    retry_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="retries")

    error_code = models.CharField(max_length=30, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    error_field = models.CharField(max_length=60, blank=True)
    warnings = models.JSONField(default=list, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    bytes_in = models.BigIntegerField(null=True, blank=True)
    bytes_out = models.BigIntegerField(null=True, blank=True)
    media_seconds = models.FloatField(null=True, blank=True)
    wall_seconds = models.FloatField(null=True, blank=True)
    cpu_seconds = models.FloatField(null=True, blank=True)
    peak_memory = models.BigIntegerField(null=True, blank=True, help_text="Bytes.")

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "idempotency_key"], name="job_idempotency_key"),
            models.CheckConstraint(condition=models.Q(progress__gte=0, progress__lte=100), name="job_progress_in_range"),
        ]
        indexes = [
            models.Index(fields=["status", "available_at"], name="job_waiting"),
            models.Index(fields=["status", "lease_until"], name="job_leases"),
            models.Index(fields=["owner", "-created_at"], name="job_of_owner"),
            models.Index(fields=["finished_at"], name="job_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {str(self.id)[:8]}"


class JobInput(models.Model):
    """An upload as one of a job's inputs, in order. It protects the upload while the job lives."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="job_inputs")
    upload = models.ForeignKey("uploads.Upload", models.CASCADE, related_name="job_inputs")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="job_input_position")]

    def __str__(self) -> str:
        return f"{self.job} ← {self.upload}"
