"""The second factor: six digits of an authenticator (RFC 6238), for whoever set one up with `manage.py totp`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from converter.audit import services as audit

from . import bearers
from .services import owner_for_user


def device_of(user: Any) -> TOTPDevice | None:
    """A user's authenticator, if there is one."""
    return TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).first()


def accepts(user: Any, code: str) -> TOTPDevice | None:
    """The authenticator whose code this is. Each code is good once, and after wrong ones it waits ever longer."""
    with transaction.atomic():
        device = TOTPDevice.objects.select_for_update().filter(user_id=user.pk, confirmed=True).first()
        good = device is not None and code.isascii() and code.isdigit() and device.verify_token(code)
    return device if good else None


def set_up(user: Any) -> TOTPDevice:
    """A fresh authenticator in place of any other; its `config_url` is what the app scans."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user_id=user.pk).delete()
        device = TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)
        audit.record("user.totp_set_up", user)
        # What was signed in without it must not go on without it; sessions are asked for it by `satisfied`.
        bearers.end_all(owner_for_user(user), "an authenticator was set up")
    return device


def remove(user: Any) -> bool:
    """Take a user's authenticator away; False when there was none."""
    with transaction.atomic():
        gone = bool(TOTPDevice.objects.filter(user_id=user.pk).delete()[0])
        if gone:
            audit.record("user.totp_removed", user)
    return gone


def satisfied(user: Any) -> bool:
    """Whether a session has shown the second factor that staff pages ask for (`ADMIN_TOTP`: `own` or `required`)."""
    if getattr(user, "otp_device", None) is not None:
        return True
    return settings.ADMIN_TOTP == "own" and device_of(user) is None
