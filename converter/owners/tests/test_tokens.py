"""Access, refresh and personal tokens: what they open, how they end, and that nobody finds them in the database."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from converter.audit.models import AuditEntry
from converter.engine.errors import MediaError
from converter.jobs.tests import make
from converter.owners import bearers, keys, totp
from converter.owners.models import ApiKey, EndedSignIn, Owner
from converter.owners.services import new_guest, owner_for_user

pytestmark = pytest.mark.django_db

API = "/api/v1/"
PASSWORD = "correct-horse-battery"


@pytest.fixture
def alice() -> Owner:
    return owner_for_user(User.objects.create_user("alice", password=PASSWORD))


def post(path: str, body: dict[str, Any], token: str = "", **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Client(headers=headers).post(f"{API}auth/{path}", body, content_type="application/json", **more)


def sign_in(token: str = "", **body: str) -> Any:
    return post("token/", {"username": "alice", "password": PASSWORD, **body}, token)


def caller(token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"})


def opens(token: str) -> bool:
    return caller(token).get(f"{API}jobs/").status_code == 200


def test_a_password_gives_a_pair_that_acts_for_the_account(alice: Owner) -> None:
    job = make.job(alice)
    answer = sign_in()
    pair = answer.json()
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store" and pair["expires_in"] == 300
    assert caller(pair["access"]).get(f"{API}jobs/{job.pk}/").status_code == 200
    assert not opens(pair["refresh"]), "a refresh token is no access token"
    dump = str(list(OutstandingToken.objects.values())) + str(list(AuditEntry.objects.values()))
    assert pair["refresh"] not in dump and pair["access"] not in dump


def test_wrong_passwords_and_the_lockout(alice: Owner, settings: Any) -> None:
    refused = sign_in(password="wrong")
    assert refused.status_code == 401 and refused.json()["code"] == "not_allowed" and "access" not in refused.json()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in(password="wrong")
    locked = sign_in()
    assert locked.status_code == 429 and locked.json()["code"] == "rate_limited" and locked["Retry-After"] == "900"


def test_the_second_factor_counts_here_too(alice: Owner) -> None:
    access = sign_in().json()["access"]
    totp.set_up(alice.user)
    assert not opens(access), "a token from before has not shown it"
    assert sign_in().status_code == 401 and sign_in(code="000000").status_code == 401


def test_refreshing_rotates_and_a_second_use_ends_everything(alice: Owner) -> None:
    first = sign_in().json()
    second = post("token/refresh/", {"refresh": first["refresh"]}).json()
    assert opens(second["access"]) and second["refresh"] != first["refresh"]
    stolen = post("token/refresh/", {"refresh": first["refresh"]})
    assert stolen.status_code == 401 and "used before" in stolen.json()["detail"]
    assert not opens(second["access"]) and not opens(first["access"])
    assert post("token/refresh/", {"refresh": second["refresh"]}).status_code == 401
    assert AuditEntry.objects.get(action="tokens.ended").data == {"reason": "a refresh token was used twice"}
    assert sign_in().status_code == 200


def test_signing_out_ends_what_that_sign_in_gave_and_nothing_else(alice: Owner) -> None:
    first, other = sign_in().json(), sign_in().json()
    second = post("token/refresh/", {"refresh": first["refresh"]}).json()
    assert opens(first["access"]) and opens(second["access"]), "renewing ends no access token"
    assert post("token/logout/", {"refresh": second["refresh"]}).status_code == 204
    assert not opens(first["access"]) and not opens(second["access"])
    for refresh in (first["refresh"], second["refresh"]):
        assert post("token/refresh/", {"refresh": refresh}).status_code == 401
        assert post("token/logout/", {"refresh": refresh}).status_code == 401
    assert opens(other["access"]) and post("token/refresh/", {"refresh": other["refresh"]}).status_code == 200
    assert [entry.data for entry in AuditEntry.objects.filter(action="tokens.ended")] == [{"reason": "signed out"}]
    assert post("token/logout/", {"refresh": "nonsense"}).status_code == 401


def test_an_old_refresh_token_signs_its_sign_in_out_too(alice: Owner) -> None:
    first = sign_in().json()
    second = post("token/refresh/", {"refresh": first["refresh"]}).json()
    assert post("token/logout/", {"refresh": first["refresh"]}).status_code == 204
    assert not opens(second["access"]) and post("token/refresh/", {"refresh": second["refresh"]}).status_code == 401


def test_a_token_from_before_sign_ins_had_names_can_be_signed_out(alice: Owner) -> None:
    token = bearers.Refresh.of(alice)
    del token.payload[bearers.FAMILY]
    assert post("token/logout/", {"refresh": str(token)}).status_code == 204
    assert post("token/refresh/", {"refresh": str(token)}).status_code == 401


def test_ended_sign_ins_are_forgotten_when_their_tokens_have_ended_by_themselves(alice: Owner) -> None:
    post("token/logout/", {"refresh": sign_in().json()["refresh"]})
    assert bearers.forget_ended() == 0
    EndedSignIn.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert bearers.forget_ended() == 1


def test_the_account_page_ends_every_program_at_once(alice: Owner) -> None:
    access = sign_in().json()["access"]
    browser = Client()
    browser.force_login(alice.user)
    assert browser.post("/accounts/", {"action": "end"}).status_code == 302
    assert not opens(access)
    access = sign_in().json()["access"]
    browser.post("/accounts/password/", {"old_password": PASSWORD, "new_password1": "another-long-phrase", "new_password2": "another-long-phrase"})
    assert not opens(access) and sign_in(password="another-long-phrase").status_code == 200


def test_a_new_password_and_a_closed_account_end_tokens_at_once(alice: Owner) -> None:
    access = sign_in().json()["access"]
    user = alice.user
    assert user is not None
    user.is_active = False
    user.save()
    assert not opens(access)
    user.is_active = True
    user.save()
    assert opens(access)
    user.set_password("another-long-phrase")
    user.save()
    assert not opens(access)


@pytest.mark.django_db(transaction=True)
def test_of_two_parallel_uses_one_wins_and_then_all_end(alice: Owner) -> None:
    raw, start, outcomes = bearers.issue(alice)["refresh"], threading.Barrier(2), []

    def use() -> None:
        start.wait()
        try:
            outcomes.append(bearers.refresh(raw)["access"])
        except AuthenticationFailed:
            outcomes.append(None)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 2 and outcomes.count(None) == 1
    won = next(access for access in outcomes if access)
    assert bearers.find(won) is None, "the pair of whoever was first ended with the second use"


def test_a_guests_things_move_when_its_token_signs_in(alice: Owner) -> None:
    guest, token = new_guest()
    job = make.job(guest)
    assert sign_in(token).status_code == 200
    job.refresh_from_db()
    assert job.owner == alice and not opens(token)


def test_personal_tokens_are_made_used_and_revoked(alice: Owner) -> None:
    access = sign_in().json()["access"]
    made = post("keys/", {"name": "backup", "scopes": ["jobs:read"]}, access)
    assert made.status_code == 201 and made["Cache-Control"] == "no-store"
    token, key = made.json()["token"], made.json()["id"]
    listed = caller(access).get(f"{API}auth/keys/").json()
    assert [row["id"] for row in listed] == [key] and "token" not in listed[0]
    assert opens(token) and token not in str(list(ApiKey.objects.values())) + str(list(AuditEntry.objects.values()))
    refused = caller(token).post(f"{API}jobs/", {}, content_type="application/json")
    assert refused.status_code == 403 and "jobs:write" in refused.json()["detail"]
    assert caller(token).get(f"{API}auth/keys/").status_code == 403, "a personal token makes and shows no others"
    assert ApiKey.objects.get().last_used_at is not None
    assert caller(access).delete(f"{API}auth/keys/{key}/").status_code == 204
    assert not opens(token)


def test_personal_tokens_end_by_themselves(alice: Owner) -> None:
    _, token = keys.create(alice, "script", ["jobs:read"], 1)
    assert opens(token)
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not opens(token) and keys.forget_ended() == 0
    ApiKey.objects.update(expires_at=timezone.now() - keys.KEPT - timedelta(seconds=1))
    assert keys.forget_ended() == 1


@pytest.mark.parametrize(
    ("name", "scopes", "days", "code"),
    [
        ("", ["jobs:read"], 1, "bad_parameter"),
        ("x" * 61, ["jobs:read"], 1, "bad_parameter"),
        ("x", [], 1, "bad_parameter"),
        ("x", ["everything"], 1, "bad_parameter"),
        ("x", ["jobs:read"], 0, "bad_parameter"),
        ("x", ["jobs:read"], 10_000, "bad_parameter"),
        ("x", ["staff:read"], 1, "not_allowed"),
    ],
)
def test_what_no_token_is_made_of(alice: Owner, name: str, scopes: list[str], days: int, code: str) -> None:
    with pytest.raises(MediaError) as caught:
        keys.create(alice, name, scopes, days)
    assert caught.value.code.name == code and not ApiKey.objects.exists()


def test_guests_have_no_personal_tokens() -> None:
    guest, token = new_guest()
    with pytest.raises(MediaError):
        keys.create(guest, "x", ["jobs:read"])
    assert post("keys/", {"name": "x", "scopes": ["jobs:read"]}, token).status_code == 403


def test_a_personal_token_opens_the_bytes_of_an_export_and_no_page(alice: Owner, media_root: Any) -> None:
    from converter.exports.tests.make import export

    made = export(alice)
    _, reader = keys.create(alice, "reader", ["exports:read"])
    _, other = keys.create(alice, "other", ["jobs:write"])
    path = f"/exports/{made.pk}/content/"
    assert caller(reader).get(path).status_code == 200 and caller(other).get(path).status_code == 404
    assert caller(reader).get(f"/jobs/{made.job_id}/").status_code == 404


@pytest.mark.parametrize("token", ["a.b.c", "cut_", "cut_" + "x" * 43, "x" * 43, "eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoxfQ.", "é" * 43, "." * 5000])
def test_what_is_no_token_opens_nothing(alice: Owner, token: str) -> None:
    assert bearers.find(token) is None
