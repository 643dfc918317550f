"""`/api/v1/exports/`: finished files, and the one-time links to them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from converter.owners.authentication import api_owner
from converter.problems import problems
from converter.uploads import derived
from converter.uploads.api import CONDITIONS, file_responses
from converter.uploads.delivery import media_response
from converter.uploads.pagination import NewestFirst
from converter.uploads.serializers import MediaSerializer

from . import comparisons, grants, selectors, services
from .models import Export, Grant
from .thumbnails import thumbnail


class RecipeInputSerializer(serializers.Serializer[Any]):
    """An upload that an export was made of, as it was then."""

    upload = serializers.UUIDField()
    sha256 = serializers.CharField()
    name = serializers.CharField()


class RecipeSerializer(serializers.Serializer[Any]):
    """Everything needed to make the file again; it outlives the bytes."""

    inputs = RecipeInputSerializer(many=True)
    operation = serializers.CharField()
    version = serializers.IntegerField(help_text="Of the operation: it grows when the same parameters begin to give other bytes.")
    preset = serializers.CharField(allow_blank=True)
    params = serializers.DictField(help_text="Every parameter with its value.")
    tools = serializers.DictField(child=serializers.CharField(), help_text="Versions of the tools that made it.")
    warnings = serializers.ListField(child=serializers.CharField())


class ExportSerializer(serializers.ModelSerializer[Export]):
    """The public shape of an export. Sizes in bytes, times RFC 3339."""

    job = serializers.UUIDField(source="job_id", read_only=True)
    media = serializers.SerializerMethodField()
    recipe = RecipeSerializer(read_only=True)
    expires_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When the bytes go, by the settings as they are now; null once they went."
    )
    content_url = serializers.SerializerMethodField(help_text="The bytes, for their owner alone, with Range; null once they went.")

    class Meta:
        model = Export
        fields = ["id", "job", "name", "mime", "size", "sha256", "media", "recipe", "created_at", "expires_at", "removed_at", "content_url"]
        read_only_fields = fields

    @extend_schema_field(MediaSerializer)
    def get_media(self, export: Export) -> dict[str, Any]:
        return export.media.summary()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_content_url(self, export: Export) -> str | None:
        return None if export.gone else reverse("export-content", args=[export.pk])


class GrantSerializer(serializers.Serializer[Any]):
    """A one-time link. It is shown this once: only its hash is kept."""

    url = serializers.URLField(help_text="GET looks, POST downloads, once.")
    expires_at = serializers.DateTimeField()


class ReceiptSerializer(serializers.ModelSerializer[Grant]):
    """What became of a one-time link. The link itself is kept nowhere."""

    state = serializers.SerializerMethodField()

    class Meta:
        model = Grant
        fields = ["id", "state", "created_at", "expires_at", "used_at", "bytes_sent", "completed_at"]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=["available", "used", "expired", "removed"]))
    def get_state(self, grant: Grant) -> str:
        return grants.state(grant)


class ComparisonSerializer(serializers.Serializer[Any]):
    """An export beside its source."""

    ssim = serializers.FloatField(help_text="Likeness, 0 to 1; 1 is equal.")
    words = serializers.CharField(help_text="The same in words.")
    moments = serializers.ListField(child=serializers.FloatField(), help_text="Seconds of the export at which the two were compared.")
    width = serializers.IntegerField(help_text="Of one half of a pair, in pixels.")
    height = serializers.IntegerField()


_MISSING = problems("unauthenticated", "not_found")


@extend_schema_view(
    list=extend_schema(summary="Your exports, newest first", responses={200: ExportSerializer(many=True), **problems("unauthenticated")}),
    retrieve=extend_schema(summary="One export", responses={200: ExportSerializer, **_MISSING}),
)
class ExportViewSet(viewsets.ReadOnlyModelViewSet[Export]):
    """Finished files; `converter.api` adds rebuilding."""

    serializer_class = ExportSerializer
    pagination_class = NewestFirst
    filter_backends: list[Any] = []
    queryset = Export.objects.none()

    def get_queryset(self) -> QuerySet[Export]:
        """Only the owner's own."""
        return selectors.for_owner(api_owner(self.request))

    def get_object(self) -> Export:
        """One of them. Raises `MediaError("not_found")`."""
        return selectors.get_for_owner(api_owner(self.request), self.kwargs["pk"])

    @extend_schema(
        summary="Remove the bytes of an export",
        description="The file goes at once; the export stays in the list with its recipe, so that it can be made again. Doing it twice does no harm.",
        responses={204: None, **problems("unauthenticated", "not_allowed", "not_found")},
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """204."""
        services.remove_bytes(self.get_object(), "deleted by its owner")
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="exports_thumbnail",
        summary="A small picture of it",
        parameters=CONDITIONS,
        responses={**file_responses("image/jpeg"), **problems("unauthenticated", "not_found", "gone", "no_video", "tool_failed")},
    )
    def thumbnail(self, request: Request, pk: str) -> HttpResponseBase:
        """A JPEG."""
        export = self.get_object()
        etag = f"{export.sha256}-thumbnail-{derived.VERSION}"
        return media_response(request, thumbnail(export), mime="image/jpeg", name="thumbnail.jpg", attachment=False, etag=etag)

    @extend_schema(
        operation_id="exports_comparison",
        summary="How close it is to its source",
        description="Measured when first asked for. 409 where the two don't lie over each other: cropped, turned, joined, or copied without loss.",
        parameters=CONDITIONS,
        responses={
            **file_responses("application/json"),
            (200, "application/json"): ComparisonSerializer,
            **problems("unauthenticated", "not_found", "gone", "conflict", "tool_failed"),
        },
    )
    def comparison(self, request: Request, pk: str) -> HttpResponseBase:
        """A JSON file."""
        export = self.get_object()
        etag = f"{export.sha256}-comparison-{comparisons.VERSION}"
        return media_response(request, comparisons.report(export), mime="application/json", name="comparison.json", attachment=False, etag=etag)

    @extend_schema(
        operation_id="exports_comparison_pair",
        summary="One moment: the source left, the export right",
        parameters=CONDITIONS,
        responses={**file_responses("image/jpeg"), **problems("unauthenticated", "not_found", "gone", "conflict", "tool_failed")},
    )
    def comparison_pair(self, request: Request, pk: str, number: int) -> HttpResponseBase:
        """A JPEG."""
        export = self.get_object()
        etag = f"{export.sha256}-comparison-{comparisons.VERSION}-{number}"
        return media_response(request, comparisons.pair(export, number), mime="image/jpeg", name="comparison.jpg", attachment=False, etag=etag)

    @extend_schema(
        methods=["POST"],
        operation_id="exports_grants_create",
        summary="Make a one-time download link",
        description="The link downloads once; within its time a broken transfer may be resumed, by whoever began it.",
        request=None,
        responses={201: GrantSerializer, **problems("unauthenticated", "not_allowed", "not_found", "gone")},
    )
    @extend_schema(
        methods=["GET"],
        operation_id="exports_grants_list",
        summary="What became of the links so far",
        responses={200: ReceiptSerializer(many=True), **_MISSING},
    )
    @action(methods=["get", "post"], detail=True)
    def grants(self, request: Request, pk: str) -> Response:
        """201 with the link, or a page of receipts."""
        export = self.get_object()
        if request.method == "POST":
            grant, token = grants.create_grant(export)
            link = {"url": request.build_absolute_uri(reverse("download", args=[token])), "expires_at": grant.expires_at}
            return Response(GrantSerializer(link).data, status=status.HTTP_201_CREATED)
        pages = self.pagination_class()
        rows = pages.paginate_queryset(export.grants.select_related("export"), request, view=self)
        return pages.get_paginated_response(ReceiptSerializer(rows or [], many=True).data)
