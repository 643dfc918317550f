"""Once a day the trail is verified and shortened, and what has ended is forgotten."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from converter import nightly
from converter.audit.models import AuditEntry, ChainHead
from converter.owners import bearers, keys
from converter.owners.models import ApiKey
from converter.owners.services import owner_for_user
from converter.runtime import services as runtime

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_has_ended_goes_and_what_holds_stays() -> None:
    account, long_ago = owner_for_user(User.objects.create_user("alice")), timezone.now() - timedelta(days=500)
    for end in (long_ago, timezone.now() + timedelta(days=1)):
        Session.objects.create(session_key=f"s{end.year}", session_data="x", expire_date=end)
        keys.create(account, "x", ["jobs:read"])
        bearers.issue(account)
    for row in OutstandingToken.objects.order_by("id")[:1]:
        OutstandingToken.objects.filter(pk=row.pk).update(expires_at=long_ago)
        BlacklistedToken.objects.create(token=row)
    ApiKey.objects.filter(pk=ApiKey.objects.first().pk).update(expires_at=long_ago)  # type: ignore[union-attr]
    for name in ("old", "new"):
        AccessAttempt.objects.create(
            username=name, ip_address="127.0.0.1", user_agent="x", path_info="/", get_data="", post_data="", failures_since_start=1
        )
    AccessAttempt.objects.filter(username="old").update(attempt_time=long_ago)
    report = nightly.run_if_due()
    assert report is not None and report["verified"].startswith("audit trail sound") and "failed" not in report.values()
    assert (Session.objects.count(), OutstandingToken.objects.count(), BlacklistedToken.objects.count(), ApiKey.objects.count()) == (1, 1, 0, 1)
    assert AccessAttempt.objects.get().username == "new"
    assert nightly.run_if_due() is None, "once a day is enough"
    AuditEntry.objects.filter(action="maintenance.nightly").update(at=timezone.now() - nightly.EVERY * 2)
    assert nightly.run_if_due() is not None


def test_the_trails_retention_is_a_setting() -> None:
    for days in (100, 1):
        AuditEntry.objects.create(at=timezone.now() - timedelta(days=days), actor="x", action="test", target_type="t", target_id="1")
    runtime.set("audit_retention_days", 0)
    assert nightly.run()["trimmed"] == 0
    runtime.set("audit_retention_days", 30)
    assert nightly.run()["trimmed"] == 1 and AuditEntry.objects.filter(action="test").count() == 1
    assert nightly.run()["verified"].startswith("audit trail sound")


def test_a_step_that_fails_keeps_none_from_the_others() -> None:
    """Without its head the trail can't be shortened, and everything else is done all the same."""
    nightly.run()
    Session.objects.create(session_key="s", session_data="x", expire_date=timezone.now() - timedelta(days=1))
    ChainHead.objects.all().delete()
    report = nightly.run()
    assert report["trimmed"] == "failed" and "taken away" in report["verified"]
    assert report["sessions"] == "cleared" and not Session.objects.exists()
    assert nightly.run_if_due() is None, "it was done today"


def test_a_broken_chain_is_said_aloud(caplog: pytest.LogCaptureFixture) -> None:
    nightly.run()
    AuditEntry.objects.filter(sequence=1).update(actor="mallory")
    with caplog.at_level(logging.CRITICAL):
        report = nightly.run()
    assert "broken at entry 1" in report["verified"] and "broken at entry 1" in caplog.text
    assert AuditEntry.objects.filter(action="audit.broken").exists()
