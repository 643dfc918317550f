"""`auth/guest/`: a token for a fresh anonymous owner, so that a script needs no account."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from converter.audit.address import client_network
from converter.problems import problems

from . import services
from .ratelimit import limit


class GuestSerializer(serializers.Serializer[Any]):
    """A guest's token. It is shown once and kept nowhere."""

    token = serializers.CharField(help_text="Send it as “Authorization: Bearer <token>”.")


class GuestView(APIView):
    """Makes a guest."""

    authentication_classes: list[Any] = []

    @extend_schema(
        operation_id="auth_guest",
        summary="Get a token for a fresh anonymous owner",
        description="Whatever is made with the token belongs to it alone. Limited by network address.",
        tags=["auth"],
        auth=[],
        request=None,
        responses={201: GuestSerializer, **problems("rate_limited")},
    )
    def post(self, request: Request) -> Response:
        """201 with the token, or 429."""
        limit(request._request, "guest", client_network(request._request))
        _, token = services.new_guest()
        return Response({"token": token}, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


urlpatterns = [path("auth/guest/", GuestView.as_view(), name="api-auth-guest")]
