"""`auth/token/…` and `auth/keys/`: tokens for programs that act for an account."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from converter.engine.errors import MediaError
from converter.problems import problems

from . import accounts, adoption, bearers, keys, scopes
from .authentication import api_owner
from .models import ApiKey, Owner
from .services import bearer_token, owner_for_token, owner_for_user

NO_STORE = {"Cache-Control": "no-store"}


class SignInSerializer(serializers.Serializer[Any]):
    """Name and password of an account."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1000, trim_whitespace=False, write_only=True)
    code = serializers.CharField(required=False, allow_blank=True, default="", max_length=10, help_text="Of the authenticator, where there is one.")


class RefreshSerializer(serializers.Serializer[Any]):
    """A refresh token."""

    refresh = serializers.CharField(max_length=2000)


class PairSerializer(serializers.Serializer[Any]):
    """Two tokens. The access token goes into “Authorization: Bearer”; the refresh token is good for one new pair."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds that the access token lasts.")


def _valid(form: serializers.Serializer[Any]) -> dict[str, Any]:
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


class TokenView(APIView):
    """Signs a program in."""

    authentication_classes: list[Any] = []

    @extend_schema(
        operation_id="auth_token",
        summary="Sign in: an access and a refresh token",
        description="Sent with a guest's Bearer, the guest's things move to the account, and the guest's token ends.",
        tags=["auth"],
        auth=[],
        request=SignInSerializer,
        responses={200: PairSerializer, **problems("unauthenticated", "bad_parameter", "rate_limited")},
    )
    def post(self, request: Request) -> Response:
        """200 with the pair."""
        data = _valid(SignInSerializer(data=request.data))
        user = accounts.check(request._request, data["username"], data["password"], data["code"])
        account = owner_for_user(user)
        guest = owner_for_token(bearer_token(request._request) or "")
        if guest is not None:
            adoption.adopt(guest, account)
        return Response(bearers.sign_in(account), headers=NO_STORE)


class RefreshView(APIView):
    """Gives a new pair for a refresh token."""

    authentication_classes: list[Any] = []

    @extend_schema(
        operation_id="auth_token_refresh",
        summary="Use a refresh token up for a new pair",
        description="A refresh token that is sent a second time ends all of the account's tokens: somebody else may have it.",
        tags=["auth"],
        auth=[],
        request=RefreshSerializer,
        responses={200: PairSerializer, **problems("unauthenticated", "bad_parameter", "rate_limited")},
    )
    def post(self, request: Request) -> Response:
        """200 with the pair."""
        accounts.limit_tries(request._request)
        return Response(bearers.refresh(_valid(RefreshSerializer(data=request.data))["refresh"]), headers=NO_STORE)


class LogoutView(APIView):
    """Signs a program out."""

    authentication_classes: list[Any] = []

    @extend_schema(
        operation_id="auth_token_logout",
        summary="Sign out: end a refresh token and what came with it",
        description="Every access and refresh token of the same sign-in ends at once; other sign-ins of the account go on.",
        tags=["auth"],
        auth=[],
        request=RefreshSerializer,
        responses={204: None, **problems("unauthenticated", "bad_parameter", "rate_limited")},
    )
    def post(self, request: Request) -> Response:
        """204."""
        accounts.limit_tries(request._request)
        bearers.forget(_valid(RefreshSerializer(data=request.data))["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class KeySerializer(serializers.ModelSerializer[ApiKey]):
    """A personal token, without its text."""

    class Meta:
        model = ApiKey
        fields = ["id", "name", "hint", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at"]
        read_only_fields = fields


class NewKeySerializer(serializers.Serializer[Any]):
    """What to make."""

    name = serializers.CharField(max_length=60)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=list(scopes.SCOPES)), min_length=1)
    days = serializers.IntegerField(default=keys.USUAL_DAYS, min_value=1, max_value=keys.LONGEST_DAYS)


class MadeKeySerializer(KeySerializer):
    """A personal token with its text, which is shown this once."""

    token = serializers.CharField(help_text="Send it as “Authorization: Bearer <token>”.")

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "token"]


class KeysView(APIView):
    """An account's personal tokens."""

    @extend_schema(
        operation_id="auth_keys_list",
        summary="Your personal API tokens",
        tags=["auth"],
        responses={200: KeySerializer(many=True), **problems("unauthenticated", "not_allowed")},
    )
    def get(self, request: Request) -> Response:
        """All of them; there are at most fifty, and those that ended lately."""
        return Response(KeySerializer(account_of(request).api_keys.all(), many=True).data, headers=NO_STORE)

    @extend_schema(
        operation_id="auth_keys_create",
        summary="Make a personal API token",
        description="Its scopes say what it may do; its text is shown this once. A personal token can make no others.",
        tags=["auth"],
        request=NewKeySerializer,
        responses={201: MadeKeySerializer, **problems("unauthenticated", "not_allowed", "bad_parameter", "conflict")},
    )
    def post(self, request: Request) -> Response:
        """201 with the token."""
        owner, data = account_of(request), _valid(NewKeySerializer(data=request.data))
        key, token = keys.create(owner, data["name"], data["scopes"], data["days"])
        return Response({**KeySerializer(key).data, "token": token}, status=status.HTTP_201_CREATED, headers=NO_STORE)


class KeyView(APIView):
    """One personal token."""

    @extend_schema(
        operation_id="auth_keys_destroy",
        summary="Revoke a personal API token",
        tags=["auth"],
        responses={204: None, **problems("unauthenticated", "not_allowed", "not_found")},
    )
    def delete(self, request: Request, key_id: uuid.UUID) -> Response:
        """204, also when it was revoked before."""
        key = api_owner(request).api_keys.filter(pk=key_id).first()
        if key is None:
            raise MediaError("not_found")
        keys.revoke(key)
        return Response(status=status.HTTP_204_NO_CONTENT)


def account_of(request: Request) -> Owner:
    """The owner of the account that asks. Raises `MediaError("not_allowed")` for guests, `NotAuthenticated`."""
    owner = api_owner(request)
    user = request.user
    if owner.user_id is None and user.is_authenticated:
        owner = owner_for_user(user)
    if owner.user_id is None:
        raise MediaError("not_allowed", "Only an account has personal API tokens; sign in first.")
    return owner


urlpatterns = [
    path("auth/token/", TokenView.as_view(), name="api-auth-token"),
    path("auth/token/refresh/", RefreshView.as_view(), name="api-auth-refresh"),
    path("auth/token/logout/", LogoutView.as_view(), name="api-auth-logout"),
    path("auth/keys/", KeysView.as_view(), name="api-auth-keys"),
    path("auth/keys/<uuid:key_id>/", KeyView.as_view(), name="api-auth-key"),
]
