"""`/api/v1/uploads/`: send files, look at them, give them up."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.urls import path, reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from converter.audit import services as audit
from converter.engine.errors import MediaError
from converter.owners.models import Owner
from converter.owners.ratelimit import limit
from converter.owners.services import api_owner
from converter.problems import problems

from . import derived, previews, resumable, selectors, services
from .delivery import media_response
from .handlers import IncomingUploadedFile, IncomingUploadHandler
from .making import Pending
from .models import Upload
from .pagination import NewestFirst
from .serializers import (
    MarkersSerializer,
    MediaSerializer,
    PendingMarkersSerializer,
    PendingSerializer,
    UploadRequestSerializer,
    UploadSerializer,
    WaveformSerializer,
)

__all__ = ["MediaSerializer", "NewestFirst", "UploadSerializer", "UploadViewSet", "file_responses", "urlpatterns"]

MEDIA_REFUSALS = ("unsupported_media", "mismatched_type", "corrupt_media", "too_large", "too_long", "too_many_pixels")
CONDITIONS = [
    OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="One range of bytes, such as `bytes=0-1023` or `bytes=-500`."),
    OpenApiParameter("If-Range", str, OpenApiParameter.HEADER, description="The ETag that the range belongs to."),
    OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="Answers 304 when the ETag still holds."),
]

PARTS = [
    OpenApiParameter("of", int, description="Into how many equal parts the clip is divided: a power of two up to 256."),
    OpenApiParameter("part", int, description="Which of them, from 0."),
]


def file_responses(mime: str) -> dict[Any, Any]:
    """The `responses` of `extend_schema` for what `media_response` sends."""
    return {
        (200, mime): OpenApiResponse(OpenApiTypes.BINARY, description="The whole file."),
        (206, mime): OpenApiResponse(OpenApiTypes.BINARY, description="The range that was asked for."),
        304: OpenApiResponse(description="It has not changed."),
        416: OpenApiResponse(description="The range lies outside of the file; Content-Range names its size."),
    }


class WhateverAccepted(BaseContentNegotiation):
    """Pictures, media and JSON come from one room: what a client says it accepts refuses none of them."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser for the body's own type."""
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None) -> tuple[BaseRenderer, str]:
        """The first."""
        first = next(iter(renderers))
        return first, first.media_type or ""


@extend_schema(tags=["uploads"])
class UploadViewSet(GenericViewSet[Upload]):
    """An owner's uploads. Somebody else's are not found."""

    queryset = Upload.objects.none()
    serializer_class = UploadSerializer
    pagination_class = NewestFirst
    filter_backends: list[Any] = []
    parser_classes = [MultiPartParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = WhateverAccepted
    lookup_url_kwarg = "id"

    def get_queryset(self) -> QuerySet[Upload]:
        """The asking owner's own."""
        if getattr(self, "swagger_fake_view", False):
            return Upload.objects.none()
        return selectors.for_owner(api_owner(self.request))

    def get_object(self) -> Upload:
        """One of them. Raises `MediaError`: `not_found`, `gone`."""
        return selectors.get_for_owner(api_owner(self.request), self.kwargs["id"])

    @extend_schema(
        operation_id="uploads_list", summary="List uploads, newest first", responses={200: UploadSerializer(many=True), **problems("unauthenticated")}
    )
    def list(self, request: Request) -> Response:
        """A page of them."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(UploadSerializer(page, many=True).data)

    @extend_schema(
        operation_id="uploads_create",
        summary="Send a file",
        description="The file is checked and probed before the answer. Its type is told by its content, whatever its name says.",
        request={"multipart/form-data": UploadRequestSerializer},
        responses={
            201: UploadSerializer,
            **problems(
                "unauthenticated", "bad_parameter", "not_allowed", "quota_exceeded", *MEDIA_REFUSALS, "rate_limited", "disk_full", "timed_out"
            ),
        },
    )
    def create(self, request: Request) -> Response:
        """201 with the upload."""
        owner = api_owner(request)
        limit(request._request, "upload", str(owner.pk))
        file = _received(request, owner)
        upload = services.receive(owner, file.name or "", file)
        return Response(
            UploadSerializer(upload).data, status=status.HTTP_201_CREATED, headers={"Location": reverse("api-upload-detail", args=[upload.pk])}
        )

    @extend_schema(
        operation_id="uploads_retrieve",
        summary="Look at an upload",
        responses={200: UploadSerializer, **problems("unauthenticated", "not_found", "gone")},
    )
    def retrieve(self, request: Request, id: uuid.UUID) -> Response:
        """One upload."""
        return Response(UploadSerializer(self.get_object()).data)

    @extend_schema(
        operation_id="uploads_destroy",
        summary="Delete an upload",
        description="Refused while a job works on it, or while somebody sends it. Exports made from it stay.",
        responses={204: None, **problems("unauthenticated", "not_allowed", "not_found", "gone", "conflict")},
    )
    def destroy(self, request: Request, id: uuid.UUID) -> Response:
        """204."""
        resumable.give_up(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="uploads_content",
        summary="The uploaded bytes",
        parameters=[*CONDITIONS, OpenApiParameter("download", bool, description="As a download instead of something to show.")],
        responses={**file_responses("*/*"), **problems("unauthenticated", "not_found", "gone", "conflict")},
    )
    def content(self, request: Request, id: uuid.UUID) -> HttpResponseBase:
        """The file, to its owner only."""
        upload = selectors.require_ready(self.get_object())
        attachment = request.query_params.get("download", "").lower() in ("1", "true")
        if attachment and request.method == "GET" and "Range" not in request.headers:
            audit.record("upload.downloaded", upload, size=upload.size)
        return media_response(request, upload.file, mime=upload.media.mime, name=upload.name, attachment=attachment, etag=upload.sha256)

    @extend_schema(
        operation_id="uploads_filmstrip",
        summary="Twenty frames side by side",
        description="Of the whole clip, or closer: of one of its equal parts.",
        parameters=[*CONDITIONS, *PARTS],
        responses={
            **file_responses("image/jpeg"),
            **problems("unauthenticated", "bad_parameter", "not_found", "gone", "conflict", "no_video", "tool_failed"),
        },
    )
    def filmstrip(self, request: Request, id: uuid.UUID) -> HttpResponseBase:
        """A JPEG."""
        upload = selectors.require_ready(self.get_object())
        part, of = (_whole_number(request, name, default) for name, default in (("part", 0), ("of", 1)))
        etag = f"{upload.sha256}-filmstrip-{derived.VERSION}-{of}-{part}"
        return media_response(request, derived.filmstrip(upload, part, of), mime="image/jpeg", name="filmstrip.jpg", attachment=False, etag=etag)

    @extend_schema(
        operation_id="uploads_waveform",
        summary="The loudness over time",
        parameters=CONDITIONS,
        responses={
            **file_responses("application/json"),
            (200, "application/json"): WaveformSerializer,
            **problems("unauthenticated", "not_found", "gone", "conflict", "no_audio", "tool_failed"),
        },
    )
    def waveform(self, request: Request, id: uuid.UUID) -> HttpResponseBase:
        """A JSON file."""
        upload = selectors.require_ready(self.get_object())
        etag = f"{upload.sha256}-waveform-{derived.VERSION}"
        return media_response(request, derived.waveform(upload), mime="application/json", name="waveform.json", attachment=False, etag=etag)

    @extend_schema(
        operation_id="uploads_thumbnail",
        summary="A small picture of it",
        parameters=CONDITIONS,
        responses={**file_responses("image/jpeg"), **problems("unauthenticated", "not_found", "gone", "conflict", "no_video", "tool_failed")},
    )
    def thumbnail(self, request: Request, id: uuid.UUID) -> HttpResponseBase:
        """A JPEG."""
        upload = selectors.require_ready(self.get_object())
        etag = f"{upload.sha256}-thumbnail-{derived.VERSION}"
        return media_response(request, derived.thumbnail(upload), mime="image/jpeg", name="thumbnail.jpg", attachment=False, etag=etag)

    @extend_schema(
        operation_id="uploads_markers",
        summary="Keyframes, scenes and silences",
        description="202 while they are sought, with what is found so far: ask again. Scenes are not sought where that would take minutes.",
        parameters=CONDITIONS,
        responses={
            **file_responses("application/json"),
            (200, "application/json"): MarkersSerializer,
            202: PendingMarkersSerializer,
            **problems("unauthenticated", "not_found", "gone", "conflict", "unsupported_media", "corrupt_media", "tool_failed"),
        },
    )
    def markers(self, request: Request, id: uuid.UUID) -> HttpResponseBase:
        """A JSON file, or how far it is."""
        upload = selectors.require_ready(self.get_object())
        found = previews.markers(upload)
        if isinstance(found, Pending):
            return _not_yet(found, {"keyframes": None, "scenes": None, "silences": None, **found.found})
        etag = f"{upload.sha256}-markers-{previews.VERSION}"
        return media_response(request, found, mime="application/json", name="markers.json", attachment=False, etag=etag)

    @extend_schema(
        operation_id="uploads_preview",
        summary="A small stand-in that every browser plays",
        description="The same frames at the same times, as H.264 and AAC. 202 while it is made: ask again.",
        parameters=CONDITIONS,
        responses={
            **file_responses("video/mp4"),
            202: PendingSerializer,
            **problems("unauthenticated", "not_found", "gone", "conflict", "no_video", "corrupt_media", "disk_full", "tool_failed"),
        },
    )
    def preview(self, request: Request, id: uuid.UUID) -> HttpResponseBase:
        """An MP4, or how far it is."""
        upload = selectors.require_ready(self.get_object())
        made = previews.stand_in(upload)
        if isinstance(made, Pending):
            return _not_yet(made, {})
        return media_response(
            request, made, mime="video/mp4", name="preview.mp4", attachment=False, etag=f"{upload.sha256}-preview-{previews.VERSION}"
        )


def _not_yet(pending: Pending, found: dict[str, Any]) -> Response:
    headers = {"Retry-After": "1", "Cache-Control": "no-store"}
    return Response({**found, "progress": round(100 * pending.progress, 1)}, status=status.HTTP_202_ACCEPTED, headers=headers)


def _whole_number(request: Request, name: str, default: int) -> int:
    raw = request.query_params.get(name, str(default))
    if not raw.isascii() or not raw.isdecimal() or len(raw) > 6:
        raise MediaError("bad_parameter", f"{name}: {raw[:40]!r} is not a whole number.", field=name)
    return int(raw)


def _received(request: Request, owner: Owner) -> IncomingUploadedFile:
    """The form's file, read to disk while it arrives. Raises `MediaError`; nothing stays behind then."""
    if not connection.in_atomic_block:
        connection.close()  # as the handler does once it has looked at the quota
    handler = IncomingUploadHandler(request._request, owner=owner, at_once=True)
    request._request.upload_handlers = [handler]
    try:
        file = request.FILES.get("file")
    except MediaError as error:
        services.refused(owner, handler.received_name, error)
        raise
    finally:
        handler.discard()
    if not isinstance(file, IncomingUploadedFile):
        raise MediaError("bad_parameter", "file: send the media as the multipart field “file”.", field="file")
    return file


_detail = "uploads/<uuid:id>/"
urlpatterns = [
    path("uploads/", UploadViewSet.as_view({"get": "list", "post": "create"}), name="api-upload-list"),
    path(_detail, UploadViewSet.as_view({"get": "retrieve", "delete": "destroy"}), name="api-upload-detail"),
    path(f"{_detail}content/", UploadViewSet.as_view({"get": "content"}), name="api-upload-content"),
    path(f"{_detail}filmstrip.jpg", UploadViewSet.as_view({"get": "filmstrip"}), name="api-upload-filmstrip"),
    path(f"{_detail}thumbnail.jpg", UploadViewSet.as_view({"get": "thumbnail"}), name="api-upload-thumbnail"),
    path(f"{_detail}waveform.json", UploadViewSet.as_view({"get": "waveform"}), name="api-upload-waveform"),
    path(f"{_detail}markers.json", UploadViewSet.as_view({"get": "markers"}), name="api-upload-markers"),
    path(f"{_detail}preview.mp4", UploadViewSet.as_view({"get": "preview"}), name="api-upload-preview"),
]
