"""What is done once a day: the trail is verified and shortened, and what has ended is forgotten."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from converter.audit import retention
from converter.audit import services as audit
from converter.audit.context import Actor, use_actor
from converter.audit.models import AuditEntry
from converter.owners import adoption, bearers, keys
from converter.runtime import services as runtime

logger = logging.getLogger(__name__)

ACTOR = Actor("nightly")
EVERY = timedelta(hours=20)
"""A machine that sleeps at night does it when it wakes: the schedule asks every hour."""

TARGET = ("maintenance", "", "nightly")


def run_if_due() -> dict[str, Any] | None:
    """Do it unless it was done today; what it did."""
    done = AuditEntry.objects.filter(action="maintenance.nightly", at__gt=timezone.now() - EVERY).exists()
    return None if done else run()


def run() -> dict[str, Any]:
    """Every step, also when one fails; what each did, which the trail keeps."""
    report: dict[str, Any] = {}
    with use_actor(ACTOR):
        for name, step in STEPS.items():
            try:
                report[name] = step()
            except (DatabaseError, audit.Broken):
                logger.exception("the nightly step %s failed; it is tried again tomorrow", name)
                report[name] = "failed"
        audit.record("maintenance.nightly", TARGET, **report)
    return report


def _verify() -> str:
    verdict = audit.verify()
    if not verdict.sound:
        logger.critical("%s", verdict)
        audit.record("audit.broken", ("audit", str(verdict.sequence or ""), "chain"), problem=verdict.problem)
    return str(verdict)


def _trim() -> int:
    days = runtime.get("audit_retention_days")
    return retention.trim(timezone.now() - timedelta(days=days)) if days else 0


def _sessions() -> str:
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return "cleared"


def _attempts() -> int:
    before = timezone.now() - max(timedelta(days=1), settings.AXES_COOLOFF_TIME)
    return int(AccessAttempt.objects.filter(attempt_time__lt=before).delete()[0])


def _refresh_tokens() -> int:
    """With their places on the blacklist."""
    return int(OutstandingToken.objects.filter(expires_at__lt=timezone.now()).delete()[0])


STEPS: dict[str, Callable[[], Any]] = {
    "verified": _verify,
    "trimmed": _trim,
    "sessions": _sessions,
    "attempts": _attempts,
    "refresh_tokens": _refresh_tokens,
    "ended_sign_ins": bearers.forget_ended,
    "personal_tokens": keys.forget_ended,
    "late_things": adoption.settle,
}
