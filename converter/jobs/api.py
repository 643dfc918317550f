"""Jobs as the API shows them."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, viewsets

from converter.owners.authentication import api_owner
from converter.sentences import translated
from converter.uploads.pagination import NewestFirst

from . import selectors, turns
from .models import Job
from .states import JobStatus


class ErrorSerializer(serializers.Serializer[Any]):
    """Why a job ended without an export."""

    code = serializers.CharField(help_text="A stable code.")
    detail = serializers.CharField(help_text="One sentence for people.")
    field = serializers.CharField(allow_null=True, help_text="The parameter at fault, when there is one.")


class JobSerializer(serializers.ModelSerializer[Job]):
    """The public shape of a job. Times are RFC 3339, durations seconds, progress percent."""

    inputs = serializers.SerializerMethodField(help_text="The uploads, in order.")
    params = serializers.DictField(help_text="Every parameter with its value, presets and defaults written out.")
    export = serializers.SerializerMethodField(help_text="The export, once the job succeeded.")
    error = serializers.SerializerMethodField()
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Sentences for people about what the operation had to do.")
    retry_of = serializers.PrimaryKeyRelatedField[Job](read_only=True, allow_null=True, help_text="The job that this one tries again.")
    queue_position = serializers.SerializerMethodField(help_text="How many jobs stand before it; null once it does not wait.")
    events_url = serializers.SerializerMethodField(help_text="Server-sent events of this job.")

    class Meta:
        model = Job
        fields = [
            "id",
            "operation",
            "preset",
            "params",
            "inputs",
            "status",
            "stage",
            "progress",
            "eta_seconds",
            "attempt",
            "priority",
            "queue_position",
            "export",
            "error",
            "warnings",
            "retry_of",
            "created_at",
            "started_at",
            "finished_at",
            "events_url",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_inputs(self, job: Job) -> list[str]:
        return [str(job_input.upload_id) for job_input in job.job_inputs.all()]

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_export(self, job: Job) -> str | None:
        export = getattr(job, "export", None)
        return str(export.pk) if export else None

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, job: Job) -> dict[str, str | None] | None:
        if not job.error_code:
            return None
        return {"code": job.error_code, "detail": translated(job.error_detail), "field": job.error_field or None}

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_queue_position(self, job: Job) -> int | None:
        if job.status != JobStatus.QUEUED:
            return None
        shared: Any = self.root._context  # what the serializers of one answer share
        places: dict[uuid.UUID, int] | None = shared.get("places")
        if places is None:
            # One question for a whole page of jobs.
            page = self.parent.instance if self.parent is not None else [job]
            places = turns.positions([each.pk for each in page or [job] if each.status == JobStatus.QUEUED])
            shared["places"] = places
        return places.get(job.pk)

    @extend_schema_field(serializers.CharField())
    def get_events_url(self, job: Job) -> str:
        return reverse("api-job-events", args=[job.pk])


class JobFilter(filters.FilterSet):  # type: ignore[misc]
    """`?status=running&operation=gif`."""

    status = filters.ChoiceFilter(choices=JobStatus.choices)
    operation = filters.CharFilter()

    class Meta:
        model = Job
        fields = ["status", "operation"]


class ReadJobs(viewsets.ReadOnlyModelViewSet[Job]):
    """An owner's jobs; the API adds what changes them."""

    serializer_class = JobSerializer
    filterset_class = JobFilter
    pagination_class = NewestFirst
    queryset = Job.objects.none()
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Job]:
        return selectors.for_owner(api_owner(self.request))

    def get_object(self) -> Job:
        return selectors.get_for_owner(api_owner(self.request), self.kwargs["pk"])
