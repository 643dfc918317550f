"""`/api/v1/usage/`: what an owner has and uses, beside what it may."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from converter.owners.services import api_owner
from converter.problems import problems

from . import selectors


class MeasureSerializer(serializers.Serializer[Any]):
    """One thing that is limited."""

    used = serializers.FloatField()
    limit = serializers.FloatField(allow_null=True, help_text="Null where there is no limit.")
    frees_at = serializers.DateTimeField(allow_null=True, help_text="When some of it is free again by itself, where that is known.")


class UsageSerializer(serializers.Serializer[Any]):
    """An owner's use of the machine."""

    bytes = MeasureSerializer(help_text="Stored in uploads and exports; an unfinished upload counts whole.")
    jobs = MeasureSerializer(help_text="Waiting and running.")
    running_jobs = MeasureSerializer(help_text="At work; more of them wait.")
    cpu_seconds = MeasureSerializer(help_text="Of the jobs that ended in the last 24 hours.")


class UsageView(APIView):
    """Quotas."""

    @extend_schema(
        operation_id="usage_retrieve",
        summary="What you store and use, and what you may",
        tags=["usage"],
        responses={200: UsageSerializer, **problems("unauthenticated")},
    )
    def get(self, request: Request) -> Response:
        """Every quota by name."""
        measures = selectors.usage(api_owner(request))
        return Response(UsageSerializer({name: measure.as_dict() for name, measure in measures.items()}).data)


urlpatterns = [path("usage/", UsageView.as_view(), name="api-usage")]
