"""`audit/` and `audit/export/`: the trail for staff, in pages and as JSON lines."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.urls import path
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from converter.audit import services as audit
from converter.audit.models import AuditEntry
from converter.audit.selectors import as_dict
from converter.owners.permissions import IsStaff
from converter.problems import problems
from converter.uploads.pagination import Pages

LINES = 500
"""Entries that the export reads at a time."""


class EntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """An entry of the trail, with its place in the chain."""

    class Meta:
        model = AuditEntry
        fields = [
            *("id", "sequence", "at", "actor", "address", "action", "target_type", "target_id", "target", "request_id", "data"),
            *("previous", "digest"),
        ]
        read_only_fields = fields


class EntryFilter(filters.FilterSet):  # type: ignore[misc]
    """`?action=job.created&actor=user alice&since=2026-11-01T00:00:00Z`; `action` may end in a dot: `grant.`."""

    action = filters.CharFilter(method="by_action")
    actor = filters.CharFilter()
    since = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = AuditEntry
        fields = ["action", "actor", "address", "target_type", "target_id", "request_id"]

    def by_action(self, rows: QuerySet[AuditEntry], name: str, value: str) -> QuerySet[AuditEntry]:
        """One action, or all that begin alike."""
        return rows.filter(action__startswith=value) if value.endswith(".") else rows.filter(action=value)


class NewestEntries(Pages):
    """A cursor over ids, newest first."""

    ordering = "-id"


class AuditView(generics.ListAPIView[AuditEntry]):
    """The trail."""

    queryset = AuditEntry.objects.all()
    serializer_class = EntrySerializer
    filterset_class = EntryFilter
    pagination_class = NewestEntries
    permission_classes = [IsStaff]

    @extend_schema(
        operation_id="audit_list",
        summary="The audit trail, newest first",
        tags=["staff"],
        responses={200: EntrySerializer(many=True), **problems("unauthenticated", "not_allowed", "bad_parameter")},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A page of entries."""
        return super().get(request, *args, **kwargs)


class AuditExportView(generics.GenericAPIView[AuditEntry]):
    """The trail as a file."""

    queryset = AuditEntry.objects.all()
    filterset_class = EntryFilter
    permission_classes = [IsStaff]
    pagination_class = None

    @extend_schema(
        operation_id="audit_export",
        summary="The audit trail as JSON lines, oldest first",
        description="With everything that an entry's digest covers, so that the chain can be checked elsewhere. Takes the list's filters.",
        tags=["staff"],
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR, **problems("unauthenticated", "not_allowed", "bad_parameter")},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Streamed; memory stays constant."""
        rows = self.filter_queryset(self.get_queryset())
        audit.record("audit.exported", ("audit", "", "entries"), filters=dict(request.query_params.items()))
        pages = _pages(rows)
        body = _async(pages) if isinstance(request._request, ASGIRequest) else pages
        headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(body, content_type="application/x-ndjson", headers=headers)


def _pages(rows: QuerySet[AuditEntry]) -> Iterator[bytes]:
    last = 0
    while page := list(rows.filter(id__gt=last).order_by("id")[:LINES]):
        yield "".join(json.dumps(as_dict(entry), ensure_ascii=False) + "\n" for entry in page).encode()
        last = page[-1].pk


async def _async(pages: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (page := await sync_to_async(_next)(pages)) is not None:
        yield page


def _next(pages: Iterator[bytes]) -> bytes | None:
    try:
        return next(pages, None)
    finally:
        if not connection.in_atomic_block:
            connection.close()  # the client may be slow, and PostgreSQL's connections are few


urlpatterns = [
    path("audit/", AuditView.as_view(), name="api-audit"),
    path("audit/export/", AuditExportView.as_view(), name="api-audit-export"),
]
