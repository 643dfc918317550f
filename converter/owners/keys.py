"""Personal API tokens: made once, shown once, found by their hash, gone at their time."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from converter.audit import services as audit
from converter.engine.errors import MediaError

from . import scopes as known
from .models import ApiKey, Owner
from .tokens import hash_token

PREFIX = "cut_"
"""Tells a personal token from others, also to programs that look for leaked secrets."""

MOST = 50
LONGEST_DAYS = 366
USUAL_DAYS = 90
SEEN_EVERY = timedelta(minutes=10)
"""How exact `last_used_at` is: not every request should write."""

KEPT = timedelta(days=30)
"""How long an ended token stays in the list, so that its owner sees what became of it."""

_SHAPE = re.compile(r"cut_[A-Za-z0-9_-]{43}")


def create(owner: Owner, name: str, scopes: Iterable[str], days: int = USUAL_DAYS) -> tuple[ApiKey, str]:
    """A new token of an account and its text, which is kept nowhere. Raises `MediaError`: `bad_parameter`, `not_allowed`, `conflict`."""
    name, chosen = " ".join(name.split()), sorted(set(scopes))
    if owner.user is None:
        raise MediaError("not_allowed", "Only an account has personal API tokens; sign in first.")
    if not 1 <= len(name) <= 60:
        raise MediaError("bad_parameter", "name: give the token a name of at most 60 characters.", field="name")
    if not chosen or not set(chosen) <= known.SCOPES.keys():
        raise MediaError("bad_parameter", f"scopes: choose at least one of {', '.join(known.SCOPES)}.", field="scopes")
    if known.STAFF & set(chosen) and not owner.user.is_staff:
        raise MediaError("not_allowed", "scopes: only staff may give a token the scopes of staff.", field="scopes")
    if not 1 <= days <= LONGEST_DAYS:
        raise MediaError("bad_parameter", f"days: a token lasts from 1 to {LONGEST_DAYS} days.", field="days")
    token = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        Owner.objects.select_for_update().get(pk=owner.pk)
        if usable(owner).count() >= MOST:
            raise MediaError("conflict", f"There are {MOST} tokens already; revoke one first.")
        key = ApiKey.objects.create(
            owner=owner, name=name, key_hash=hash_token(token), hint=token[:8], scopes=chosen, expires_at=timezone.now() + timedelta(days=days)
        )
        audit.record("key.created", key, owner=str(owner.pk), scopes=chosen, expires_at=key.expires_at.isoformat())
    return key, token


def usable(owner: Owner) -> QuerySet[ApiKey]:
    """The tokens of an owner that are still good."""
    return owner.api_keys.filter(revoked_at=None, expires_at__gt=timezone.now())


def revoke(key: ApiKey) -> bool:
    """End a token at once; False when it was revoked already."""
    with transaction.atomic():
        changed = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
        if changed:
            audit.record("key.revoked", key, owner=str(key.owner_id))
    return bool(changed)


def find(token: str) -> ApiKey | None:
    """The good token of an active account that this is, marked as used."""
    if not _SHAPE.fullmatch(token):
        return None
    now = timezone.now()
    key = ApiKey.objects.select_related("owner__user").filter(key_hash=hash_token(token), revoked_at=None, expires_at__gt=now).first()
    if key is None or key.owner.user is None or not key.owner.user.is_active:
        return None
    if key.last_used_at is None or now - key.last_used_at > SEEN_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def forget_ended() -> int:
    """Delete the rows of tokens that ended a while ago; the trail remembers them. Returns how many."""
    before = timezone.now() - KEPT
    return ApiKey.objects.filter(Q(expires_at__lt=before) | Q(revoked_at__lt=before)).delete()[0]
