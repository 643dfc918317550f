"""Making owners and finding out who asks.

A request's credentials, strongest first: `Authorization: Bearer` (`bearers` knows the kinds), a signed-in
user's session, the browser cookie. A browser is given its cookie with the first page; its row is
made at its first mutation, so that visitors who only look leave nothing behind.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.http import HttpRequest
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from converter.audit import services as audit
from converter.audit.context import Actor, current_actor, name_actor

from . import bearers, scopes
from .models import Owner
from .tokens import hash_token, new_token, well_formed

COOKIE = "cutroom_owner"
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def new_guest() -> tuple[Owner, str]:
    """A fresh anonymous owner and its token, which is kept nowhere."""
    token = new_token()
    with transaction.atomic():
        owner = Owner.objects.create(token_hash=hash_token(token))
        audit.record("owner.created", owner, kind="guest")
    return owner, token


def owner_for_token(token: str) -> Owner | None:
    """The anonymous owner whose token (Bearer or cookie) this is; None for any other text."""
    return Owner.objects.filter(token_hash=hash_token(token)).first() if well_formed(token) else None


def owner_for_user(user: AbstractBaseUser | AnonymousUser) -> Owner:
    """A signed-in user's owner, made when it is first needed. Raises `ValueError` for an anonymous user."""
    if not user.is_authenticated:
        raise ValueError("an anonymous user has no account to own things with")
    return _make("user", user=user)


def resolve_owner(request: HttpRequest) -> Owner | None:
    """Who asks, without making anything: None when there are no credentials, or no row yet."""
    token = bearer_token(request)
    if token is not None:
        return _bearer_owner(request, token)
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return Owner.objects.select_related("user").filter(user=user).first()
    return owner_for_token(cookie_token(request))


async def aresolve_owner(request: HttpRequest) -> Owner | None:
    """`resolve_owner` for async views."""
    token = bearer_token(request)
    if token is None and hasattr(request, "auser"):
        user = await request.auser()
        if user.is_authenticated:
            return await Owner.objects.select_related("user").filter(user=user).afirst()
    if token is not None:
        return await sync_to_async(_bearer_owner)(request, token)
    token = cookie_token(request)
    return await Owner.objects.filter(token_hash=hash_token(token)).afirst() if well_formed(token) else None


def _bearer_owner(request: HttpRequest, token: str) -> Owner | None:
    """The owner that a Bearer stands for, unless it is a personal token without the scope that this request needs."""
    credential = bearers.find(token)
    request.credential = credential  # type: ignore[attr-defined]
    if credential is not None and credential.key is not None:
        scope = scopes.needed(request)
        if scope not in credential.key.scopes:
            request.lacks_scope = scope or "an account's own session"  # type: ignore[attr-defined]
            return None
    return credential.owner if credential else None


def ensure_owner(request: HttpRequest) -> Owner:
    """The owner of what this request is about to make; the row is made when it is the browser's first.

    Two parallel first requests of one browser end with one row: both carry the same cookie, whose
    hash is unique. A browser without the cookie is given one with the response.
    """
    owner: Owner | None = getattr(request, "owner", None)
    if owner is not None and not owner._state.adding:
        return owner
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        owner = owner_for_user(user)
    else:
        token = cookie_token(request)
        if not token:
            token = new_token()
            request.new_owner_token = token  # type: ignore[attr-defined]  # OwnerMiddleware hands it out
            request.COOKIES[COOKIE] = token
        owner = _make("browser", token_hash=hash_token(token))
    request.owner = owner  # type: ignore[attr-defined]
    name_actor(str(owner))
    return owner


def api_owner(request: Request) -> Owner:
    """The owner that an API request acts for. Raises REST framework's `NotAuthenticated` (401).

    A browser that has made nothing yet gets its row with its first unsafe request. When it only
    reads, it gets an owner that is not stored and to whom nothing belongs: lists are empty and
    details `not_found`, without a row for everybody who looks.
    """
    plain = request._request
    owner: Owner | None = getattr(plain, "owner", None)
    if owner is not None:
        return owner
    if not has_credentials(plain):
        raise NotAuthenticated("This needs to know whose it is, and the request came without credentials.")
    return ensure_owner(plain) if plain.method in UNSAFE else Owner()


def has_credentials(request: HttpRequest) -> bool:
    """Whether the request carries any that could be good."""
    user = getattr(request, "user", None)
    return bearer_token(request) is not None or bool(cookie_token(request)) or (user is not None and user.is_authenticated)


def bearer_token(request: HttpRequest) -> str | None:
    """What follows `Authorization: Bearer`; None without that header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def cookie_token(request: HttpRequest) -> str:
    """The browser's own random value; empty when there is none of the right shape."""
    token = request.COOKIES.get(COOKIE, "")
    return token if well_formed(token) else ""


def actor_name(owner: Owner | None, user: AbstractBaseUser | AnonymousUser | None) -> str:
    """What the trail calls whoever asks; a user's name stands even before the user owns anything."""
    if owner is not None:
        return str(owner)
    return f"user {user}" if user is not None and user.is_authenticated else "anonymous"


def _make(kind: str, **identity: Any) -> Owner:
    found = Owner.objects.filter(**identity).first()
    if found is not None:
        return found
    with transaction.atomic():
        owner, created = Owner.objects.get_or_create(**identity)
        if created:
            actor = current_actor()
            audit.record("owner.created", owner, actor=Actor(str(owner), actor.address, actor.request_id), kind=kind)
    return owner
