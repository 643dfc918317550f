"""Trying before making: samples as they are encoded, while somebody waits for them."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from django.db import connection
from django.http import StreamingHttpResponse
from django.utils.translation import get_language, override
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from converter.engine import tryouts
from converter.engine.run import Source
from converter.owners.authentication import api_owner
from converter.owners.models import Owner
from converter.problems import problems
from converter.sentences import translated
from converter.uploads import selectors as uploads
from converter.uploads.api import WhateverAccepted

from . import work
from .services import Event, Work, watch

CONTENT_TYPE = "application/x-ndjson"
_REFUSALS = problems(
    "unauthenticated", "bad_parameter", "not_found", "gone", "conflict", "no_video", "target_unreachable", "start_past_end", "empty_range"
)


class TryoutSerializer(serializers.Serializer[Any]):
    """What is to fit under which size."""

    upload = serializers.UUIDField(help_text="The upload to work on.")
    operation = serializers.CharField(max_length=60, help_text="One that takes `target_mb` or `max_mb`.")
    preset = serializers.CharField(required=False, allow_blank=True, default="", max_length=60)
    params = serializers.DictField(required=False, default=dict)
    megabytes = serializers.FloatField(min_value=0.01, max_value=2000, help_text="1 MB is 1,000,000 bytes.")


class TryoutView(APIView):
    """Samples of what would fit under a size."""

    content_negotiation_class = WhateverAccepted

    @extend_schema(
        request=TryoutSerializer,
        responses={(200, CONTENT_TYPE): OpenApiTypes.STR, **_REFUSALS},
        operation_id="tryouts_create",
        summary="Try what fits under a size",
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        """One JSON object a line: `candidates`, then a `sample` (its bytes as base64) or `unreachable` for each, then `done` or `problem`.

        It ends when the connection does, or when the same owner begins another. Nothing is kept.
        """
        owner = api_owner(request)
        body = TryoutSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wish = body.validated_data
        source = _source(owner, wish["upload"])
        found = tryouts.candidates(wish["operation"], source.media, wish["params"], wish["preset"], wish["megabytes"])
        return _stream(owner, work.fitting(wish["operation"], wish["preset"], source, found))


class SeamsSerializer(serializers.Serializer[Any]):
    """A range whose ends are to fit; with `mode`, how they are to be joined."""

    upload = serializers.UUIDField(help_text="The upload to work on.")
    start = serializers.FloatField(min_value=0, help_text="Seconds.")
    end = serializers.FloatField(min_value=0, help_text="Seconds.")
    search = serializers.FloatField(required=False, default=1.0, min_value=0, max_value=15, help_text="How far both may move, in seconds.")
    mode = serializers.ChoiceField(["cut", "crossfade", "pingpong"], required=False, help_text="Draw exactly this range, joined so.")


class SeamsView(APIView):
    """Where a clip goes round without a jump."""

    content_negotiation_class = WhateverAccepted

    @extend_schema(
        request=SeamsSerializer,
        responses={(200, CONTENT_TYPE): OpenApiTypes.STR, **_REFUSALS},
        operation_id="tryouts_seams_create",
        summary="Find the best seams near a range, or see one",
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        """One JSON object a line: `seams` with scores and words, best first, or with `mode` a `loop` (its bytes as base64); then `done` or `problem`.

        It ends when the connection does, or when the same owner begins another. Nothing is kept.
        """
        owner = api_owner(request)
        body = SeamsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wish = dict(body.validated_data)
        source = _source(owner, wish.pop("upload"))
        return _stream(owner, work.joined(source, wish) if "mode" in wish else work.seams(source, wish))


def _source(owner: Owner, upload_id: uuid.UUID) -> Source:
    upload = uploads.require_ready(uploads.get_for_owner(owner, upload_id))
    return Source(upload.file, upload.media)


def _stream(owner: Owner, tried: Work) -> StreamingHttpResponse:
    response = StreamingHttpResponse(_lines(owner, tried, get_language()), content_type=CONTENT_TYPE)
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    if not connection.in_atomic_block:
        connection.close()  # the stream outlives what this thread needs the database for
    return response


async def _lines(owner: Owner, tried: Work, language: str | None) -> AsyncGenerator[str]:
    async with aclosing(watch(owner.pk, tried)) as events:
        async for event in events:
            yield json.dumps(_told(event, language), ensure_ascii=False) + "\n"


def _told(event: Event, language: str | None) -> Event:
    """An event with its sentences in the language of the request, which is over by now."""
    with override(language):
        told = {**event, "detail": translated(event["detail"])} if "detail" in event else dict(event)
        return {**told, "warnings": [translated(warning) for warning in event["warnings"]]} if "warnings" in event else told
