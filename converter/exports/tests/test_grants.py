"""One-time rights: exactly one taker, who alone may resume, until it is done or too late."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from converter.audit.models import AuditEntry
from converter.engine.errors import MediaError
from converter.exports import grants
from converter.exports.grants import Client
from converter.exports.models import Export, Grant

from . import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]

ANN = Client.of("192.0.2.1", "curl/8")
BOB = Client.of("192.0.2.2", "curl/8")


@pytest.fixture(autouse=True)
def _no_transfer_is_given_up(monkeypatch):
    """Whatever stands still for a while on a slow machine, a transfer counts as dead only where a test says so."""
    monkeypatch.setattr(grants, "TRANSFER_LEASE", timedelta(hours=1))


def refused(token: str, client: Client, start: int | None = None) -> str:
    with pytest.raises(MediaError) as error:
        grants.take(token, client, start)
    return error.value.code.name


def test_only_the_hash_of_the_token_is_kept(settings):
    before = timezone.now()
    grant, token = make.grant()
    after = timezone.now()
    assert grant.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert len(token) >= 43, "256 bits"
    assert token not in str(AuditEntry.objects.values_list("data", "target"))
    assert before <= grant.expires_at - timedelta(seconds=settings.GRANT_SECONDS) <= after


def test_it_is_taken_once():
    grant, token = make.grant()
    taken, resumed = grants.take(token, ANN)
    assert taken.pk == grant.pk and not resumed and taken.used_by == ANN.key
    assert refused(token, ANN) == refused(token, BOB) == "gone"
    assert AuditEntry.objects.filter(action="grant.used", target_id=str(grant.pk)).count() == 1


def test_an_unknown_token_is_not_found():
    assert refused("x" * 43, ANN) == refused("", ANN) == "not_found"


def test_an_expired_grant_is_gone():
    _, token = make.grant(expires_at=make.ago(seconds=1))
    assert refused(token, ANN) == "gone"


def test_bytes_that_were_cleaned_up_are_gone_and_use_nothing_up():
    grant, token = make.grant()
    grant.export.file.unlink()
    assert refused(token, ANN) == "gone"
    grant.refresh_from_db()
    assert grant.used_at is None
    with pytest.raises(MediaError):
        grants.create_grant(grant.export)


@pytest.mark.django_db(transaction=True)
def test_of_a_hundred_at_once_exactly_one_wins():
    _, token = make.grant()
    start = threading.Barrier(20)

    def attempt(number: int) -> str:
        if number < 20:
            start.wait()
        try:
            # Some of them pretend to resume.
            grants.take(token, Client.of(f"192.0.2.{number}", "curl/8"), 0 if number % 3 == 0 else None)
        except MediaError as error:
            return error.code.name
        finally:
            connection.close()
        return "won"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(attempt, range(100)))
    assert outcomes.count("won") == 1 and outcomes.count("gone") == 99
    assert AuditEntry.objects.filter(action="grant.used").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_resumes_at_once_exactly_one_runs():
    grant, token = make.grant()
    grants.take(token, ANN)
    grants.record_end(grant, 40, complete=False)

    def attempt(_: int) -> str:
        try:
            grants.take(token, ANN, 40)
        except MediaError as error:
            return error.code.name
        finally:
            connection.close()
        return "won"

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(attempt, range(30)))
    assert outcomes.count("won") == 1 and outcomes.count("conflict") == 29


def test_only_the_taker_resumes_and_not_past_what_was_sent():
    grant, token = make.grant()
    grants.take(token, ANN)
    grants.record_end(grant, 40, complete=False)
    assert refused(token, BOB, 40) == "gone", "a stranger"
    assert refused(token, ANN, 41) == "gone", "past what was sent"
    assert refused(token, ANN) == "gone", "from the beginning, without saying that it resumes"
    taken, resumed = grants.take(token, ANN, 30)
    assert resumed and taken.bytes_sent == 40


def test_the_proof_stands_in_for_an_address_that_changed():
    grant, token = make.grant()
    taken, _ = grants.take(token, ANN)
    grants.record_end(grant, 40, complete=False)
    proof = grants.resume_proof(taken)
    other, _ = make.grant()
    assert refused(token, Client.of("192.0.2.9", "curl/8", "forged"), 40) == "gone"
    assert refused(token, Client.of("192.0.2.9", "curl/8", grants.resume_proof(other)), 40) == "gone"
    assert grants.take(token, Client.of("192.0.2.9", "curl/8", proof), 40)[1]


def test_one_transfer_at_a_time_and_a_dead_one_is_waited_out():
    _, token = make.grant()
    grants.take(token, ANN)
    assert refused(token, ANN, 0) == "conflict", "its own transfer still runs"
    # The server was killed: nothing was recorded, and the lease ran out.
    Grant.objects.update(busy_until=make.ago(seconds=1))
    assert refused(token, ANN, grants.UNRECORDED + 1) == "gone"
    assert grants.take(token, ANN, 60)[1], "more may have been sent than was recorded"


def test_progress_never_goes_back_and_renews_the_lease():
    grant, token = make.grant()
    grants.take(token, ANN)
    Grant.objects.update(busy_until=make.ago(seconds=1))
    grants.record_progress(grant.pk, 50)
    grants.record_progress(grant.pk, 20)
    grant.refresh_from_db()
    assert grant.bytes_sent == 50 and grant.busy_until > timezone.now()


def test_when_it_completed_nobody_resumes_and_the_export_is_released():
    grant, token = make.grant()
    second, _ = make.grant(grant.export)
    grants.take(token, ANN)
    grants.record_end(grant, 100, complete=True)
    assert refused(token, ANN, 10) == "gone"
    export = Export.objects.get()
    assert export.release_at == second.expires_at == export.expires_at, "when the last of its grants is over"
    receipt = AuditEntry.objects.get(action="grant.completed")
    assert receipt.data["bytes"] == 100


def test_a_new_grant_puts_the_release_off():
    grant, token = make.grant()
    grants.take(token, ANN)
    grants.record_end(grant, 100, complete=True)
    Export.objects.update(release_at=make.ago(seconds=1))
    later, _ = make.grant(Export.objects.get())
    assert Export.objects.get().release_at == later.expires_at


def test_a_resume_may_not_begin_after_the_end_of_time():
    grant, token = make.grant()
    grants.take(token, ANN)
    grants.record_end(grant, 40, complete=False)
    Grant.objects.update(expires_at=make.ago(seconds=1))
    assert refused(token, ANN, 40) == "gone"


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "available"),
        ({"used_at": "now"}, "used"),
        ({"expires_at": "past"}, "expired"),
    ],
)
def test_what_a_visitor_is_told(fields, state):
    moments = {"now": timezone.now(), "past": make.ago(seconds=1)}
    grant, _ = make.grant(**{key: moments[value] for key, value in fields.items()})
    assert grants.state(grant) == state


def test_a_visitor_is_told_that_the_file_went():
    _, token = make.grant()
    Export.objects.update(removed_at=timezone.now())
    assert grants.state(grants.find(token)) == "removed"
