"""Accounts in the trail: who signed in or out, who failed to, and what became of the accounts themselves."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_save, pre_delete
from django.http import HttpRequest

from converter.audit import services as audit
from converter.audit.address import client_address
from converter.audit.context import Actor, current_actor

from . import adoption
from .tokens import new_token


def connect() -> None:
    """Listen. Called once, when the apps are ready."""
    user = get_user_model()
    post_save.connect(_saved, sender=user, dispatch_uid="trail.user.saved")
    pre_delete.connect(_deleted, sender=user, dispatch_uid="trail.user.deleted")
    user_logged_in.connect(_signed_in, dispatch_uid="trail.user.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="trail.user.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="trail.user.failed")


def _saved(instance: AbstractBaseUser, created: bool, raw: bool, update_fields: Any = None, **kwargs: Any) -> None:
    # Signing in writes the time of it, and speaks for itself.
    if not raw and update_fields != frozenset({"last_login"}):
        audit.record("user.created" if created else "user.changed", instance)


def _deleted(instance: AbstractBaseUser, **kwargs: Any) -> None:
    audit.record("user.deleted", instance)


def _signed_in(request: HttpRequest | None, user: AbstractBaseUser, **kwargs: Any) -> None:
    audit.record("user.signed_in", user, actor=_actor(f"user {user}", request))
    if request is not None:
        adoption.at_sign_in(request, user)


def _signed_out(request: HttpRequest | None, user: AbstractBaseUser | None, **kwargs: Any) -> None:
    if user is not None:
        audit.record("user.signed_out", user, actor=_actor(f"user {user}", request))
    if request is not None:
        request.new_owner_token = new_token()  # type: ignore[attr-defined]  # whoever comes next begins with nothing


def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    # A name that nobody has is not kept: people type passwords into the wrong field.
    model = get_user_model()
    user = model._default_manager.filter(**{model.USERNAME_FIELD: credentials.get(model.USERNAME_FIELD) or ""}).first()
    audit.record("user.sign_in_failed", user or ("user", "", "unknown"), actor=_actor("anonymous", request))


def _actor(name: str, request: HttpRequest | None) -> Actor:
    return Actor(name, client_address(request) if request is not None else "", current_actor().request_id)
