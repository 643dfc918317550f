"""The pipeline's API: what can be made, what it would cost, and the jobs that make it."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view, inline_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from converter import schema, services
from converter.engine import operations
from converter.engine.errors import MediaError
from converter.exports import api as exports
from converter.jobs import selectors as jobs
from converter.jobs import stream, turns
from converter.jobs.api import JobSerializer, ReadJobs
from converter.jobs.models import Job
from converter.owners.authentication import api_owner
from converter.owners.models import Owner
from converter.problems import problems
from converter.sentences import translated
from converter.uploads import selectors as uploads
from converter.uploads.api import WhateverAccepted

MOST_UPLOADS = 100
"""Inputs of one job."""

IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Any text of up to 200 characters, for ever yours: the same request under it gives the same job (200), another request gives 409.",
)

_REFUSALS = problems(
    *("unauthenticated", "bad_parameter", "not_allowed", "quota_exceeded", "not_found", "unsupported_media", "no_video", "no_audio"),
    *("start_past_end", "empty_range", "conflict", "gone", "rate_limited"),
)


@extend_schema_field(schema.operation_names())
class OperationNameField(serializers.CharField):
    """An operation by its name."""


@extend_schema_field(schema.params_of_any())
class ParamsField(serializers.DictField):
    """An operation's parameters, read by the operation itself."""


class WorkSerializer(serializers.Serializer[Any]):
    """What to do with which uploads; the body of a job and of a quote."""

    upload = serializers.UUIDField(required=False, help_text="The upload to work on.")
    uploads = serializers.ListField(
        child=serializers.UUIDField(), required=False, min_length=1, max_length=MOST_UPLOADS, help_text="Several, in order, instead of `upload`."
    )
    operation = OperationNameField(max_length=60)
    preset = serializers.CharField(required=False, allow_blank=True, default="", max_length=60, help_text="A named set of parameters to begin with.")
    params = ParamsField(required=False, default=dict)
    priority = serializers.IntegerField(
        required=False,
        default=0,
        min_value=turns.LOWEST,
        max_value=turns.HIGHEST,
        help_text="Higher is taken earlier; above 0 for staff only. A quote does not heed it.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what would be silently ignored, and settle `upload` and `uploads` into the latter."""
        if unknown := set(self.initial_data) - set(self.fields):
            name = sorted(unknown)[0][:60]
            raise serializers.ValidationError({name: f"it is not known here; known are {', '.join(self.fields)}."})
        if ("upload" in attrs) == ("uploads" in attrs):
            raise serializers.ValidationError({"upload": "give either `upload` or `uploads`."})
        return {**attrs, "uploads": attrs.get("uploads") or [attrs["upload"]]}


class QuoteSerializer(serializers.Serializer[Any]):
    """What a job would make: sizes in bytes (95 % lie between), times in seconds."""

    operation = serializers.CharField()
    params = serializers.DictField()
    extension = serializers.CharField()
    mime = serializers.CharField()
    kind = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    frames = serializers.IntegerField(allow_null=True)
    duration = serializers.FloatField(allow_null=True)
    size_min = serializers.IntegerField()
    size_max = serializers.IntegerField()
    size_likely = serializers.IntegerField()
    work_seconds = serializers.FloatField(help_text="CPU seconds.")
    warnings = serializers.ListField(child=serializers.CharField())
    rough = serializers.BooleanField(
        help_text="Nobody has looked at an upload yet, which is done soon after it came: asked again, the sizes lie closer together."
    )
    queue_position = serializers.IntegerField(help_text="How many jobs wait before it.")


def _work(request: Request) -> tuple[Any, ...]:
    """Owner, operation, parameters, uploads, preset and priority of a request's body."""
    owner = api_owner(request)
    body = WorkSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    work = body.validated_data
    chosen = [uploads.get_for_owner(owner, upload_id) for upload_id in work["uploads"]]
    return owner, work["operation"], work["params"], chosen, work["preset"], work["priority"]


def _allow(owner: Owner, priority: int) -> int:
    """The priority, when this owner may ask for it. Raises `MediaError("not_allowed")`."""
    if priority > 0 and not (owner.user and owner.user.is_staff):
        raise MediaError("not_allowed", "priority: only staff may let a job be taken earlier than others'; give 0 or less.", field="priority")
    return priority


class OperationSerializer(serializers.Serializer[Any]):
    """An operation with its parameters and presets."""

    name = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    accepts = serializers.ListField(child=serializers.CharField(), help_text="Kinds of media.")
    inputs = inline_serializer("OperationInputs", {"min": serializers.IntegerField(), "max": serializers.IntegerField()})
    params = serializers.ListField(child=serializers.DictField())
    presets = serializers.ListField(child=serializers.DictField())


class OperationsView(APIView):
    """What can be made of media."""

    @extend_schema(
        operation_id="operations_list",
        summary="Operations with their parameters and presets",
        responses=OperationSerializer(many=True),
        tags=["operations"],
    )
    def get(self, request: Request) -> Response:
        """Every operation; the list is short and comes whole."""
        return Response([operation.describe() for operation in operations.all_operations().values()])


class QuoteView(APIView):
    """A job that is only calculated."""

    @extend_schema(request=WorkSerializer, responses={200: QuoteSerializer, **_REFUSALS}, operation_id="quotes_create", summary="Quote a job")
    def post(self, request: Request) -> Response:
        """What a job with this body would make and cost, and how many wait before it; nothing is made."""
        quote = services.quote(*_work(request)[:-1])
        return Response({**quote, "warnings": [translated(warning) for warning in quote["warnings"]]})


_FOUND: dict[Any, Any] = {200: JobSerializer, **problems("unauthenticated", "not_found")}


@extend_schema_view(list=extend_schema(summary="Your jobs, newest first"), retrieve=extend_schema(summary="One job", responses=_FOUND))
class JobViewSet(ReadJobs):
    """Runs of operations."""

    @extend_schema(
        summary="Make something", request=WorkSerializer, parameters=[IDEMPOTENCY], responses={201: JobSerializer, 200: JobSerializer, **_REFUSALS}
    )
    def create(self, request: Request) -> Response:
        """Check the input and queue a job."""
        *work, priority = _work(request)
        key = request.headers.get("Idempotency-Key")
        job, new = services.submit_once(*work, idempotency_key=key, priority=_allow(work[0], priority))
        return self._show(job, status.HTTP_201_CREATED if new else status.HTTP_200_OK)

    @extend_schema(
        operation_id="jobs_cancel",
        summary="Cancel a waiting or running job",
        request=None,
        responses={200: JobSerializer, **problems("unauthenticated", "not_found", "conflict")},
    )
    @action(methods=["post"], detail=True)
    def cancel(self, request: Request, pk: uuid.UUID) -> Response:
        """What runs for it is killed within two seconds, and nothing of it stays."""
        return self._show(services.cancel(self.get_object()))

    @extend_schema(
        summary="Try a failed or cancelled job again",
        request=None,
        responses={201: JobSerializer, **_REFUSALS},
    )
    @action(methods=["post"], detail=True)
    def retry(self, request: Request, pk: uuid.UUID) -> Response:
        """A new job with the same input."""
        return self._show(services.retry(self.get_object()), status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="jobs_events",
        summary="Follow a job",
        parameters=[OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER, description="Sent by browsers: go on after this event.")],
        responses={(200, "text/event-stream"): OpenApiTypes.STR, **problems("unauthenticated", "not_found")},
    )
    @action(detail=True, filter_backends=[], pagination_class=None, content_negotiation_class=WhateverAccepted)
    def events(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        """Server-sent events: `state` with the whole job, `progress` with progress, stage and eta_seconds.

        The stream ends after a terminal state, or after about 25 seconds: then connect again.
        """
        jobs.require_owned(api_owner(request), pk)  # the stream reads the rest itself, once for all who watch
        if request.method == "HEAD":
            return HttpResponse(content_type=stream.CONTENT_TYPE)
        return stream.response(pk, request.headers.get("Last-Event-ID", ""))

    def _show(self, job: Job, code: int = status.HTTP_200_OK) -> Response:
        return Response(JobSerializer(job).data, status=code)


class ExportViewSet(exports.ExportViewSet):
    """Finished files, and making one again."""

    @extend_schema(
        operation_id="exports_rebuild",
        summary="Make an export again",
        request=None,
        responses={201: JobSerializer, **_REFUSALS},
    )
    @action(methods=["post"], detail=True)
    def rebuild(self, request: Request, pk: str) -> Response:
        """A new job from the export's recipe, which outlives its bytes."""
        return Response(JobSerializer(services.rebuild(self.get_object())).data, status=status.HTTP_201_CREATED)
