"""What a browser made before somebody signed in becomes the account's.

All relations of `Owner` move in one transaction. A relation in which an owner may have only one of something says
what happens to the second with `moves`; a test finds relations that should say so and do not.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.http import HttpRequest
from django.utils import timezone

from converter.audit import services as audit

from .models import Owner
from .services import cookie_token, owner_for_token, owner_for_user
from .tokens import hash_token, new_token

Move = Callable[[Owner, Owner], None]
_moves: dict[type[models.Model], Move] = {}

KEPT = timedelta(days=2)
"""How long an emptied owner stays: a request that began before the sign-in may still make something in its name."""


def moves(model: type[models.Model], move: Move) -> None:
    """Let `move(guest, account)` see to a model's rows, instead of giving all of them to the account."""
    _moves[model] = move


def relations() -> list[Any]:
    """Every foreign key that points at an owner."""
    return [found for found in Owner._meta.related_objects if found.field.model is not Owner and found.related_name != "api_keys"]


def needs_a_move(relation: Any) -> bool:
    """Whether rows of two owners may stand in each other's way."""
    field, meta = relation.field, relation.related_model._meta
    unique = any(isinstance(rule, models.UniqueConstraint) and field.name in rule.fields for rule in meta.constraints)
    return field.unique or unique or any(field.name in group for group in meta.unique_together)


def adopt(guest: Owner, account: Owner) -> None:
    """Give everything of an anonymous owner to an account. The random value that stood for the guest is good for nothing afterwards."""
    if guest.user_id is not None or account.user_id is None:
        raise ValueError("only a guest's things move, and only to an account")
    with transaction.atomic():
        locked = Owner.objects.select_for_update().filter(pk=guest.pk, merged_into=None).first()
        if locked is None:
            return
        moved = _move(guest, account)
        Owner.objects.filter(pk=guest.pk).update(merged_into=account, merged_at=timezone.now(), token_hash=hash_token(secrets.token_hex(32)))
        audit.record("owner.adopted", account, guest=str(guest.pk), moved=moved)


def settle() -> int:
    """Move what was made in a guest's name after it had been adopted, and forget guests that have long been empty. Returns how many moved."""
    count = 0
    for guest in Owner.objects.filter(merged_into__isnull=False).select_related("merged_into").iterator():
        with transaction.atomic():
            count += sum(_move(guest, guest.merged_into).values()) if guest.merged_into else 0
    old = Owner.objects.filter(merged_into__isnull=False, merged_at__lt=timezone.now() - KEPT)
    for relation in relations():
        old = old.exclude(pk__in=relation.related_model.objects.filter(**{f"{relation.field.name}__isnull": False}).values(relation.field.name))
    old.delete()
    return count


def at_sign_in(request: HttpRequest, user: Any) -> None:
    """Adopt the browser's things, and give the browser a new random value."""
    guest = owner_for_token(cookie_token(request))
    if guest is not None:
        adopt(guest, owner_for_user(user))
    request.new_owner_token = new_token()  # type: ignore[attr-defined]  # OwnerMiddleware hands it out


def _move(guest: Owner, account: Owner) -> dict[str, int]:
    moved = {}
    for relation in relations():
        model, name = relation.related_model, relation.field.name
        rows = model._base_manager.filter(**{name: guest})
        count = rows.count()
        if not count:
            continue
        if model in _moves:
            _moves[model](guest, account)
        else:
            rows.update(**{name: account})
        moved[model._meta.model_name] = count
    return moved
