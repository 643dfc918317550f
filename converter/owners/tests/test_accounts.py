"""Accounts: signing up, in and out, the lockout, the second factor, and whose things move where."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from converter.audit.models import AuditEntry
from converter.jobs.models import Job
from converter.jobs.tests import make
from converter.owners import adoption, totp
from converter.owners.models import Owner
from converter.owners.services import COOKIE, owner_for_user
from converter.owners.tokens import hash_token, new_token
from converter.runtime import services as runtime
from projects import services as projects

pytestmark = pytest.mark.django_db

SIGN_IN, SIGN_UP = "/accounts/sign-in/", "/accounts/sign-up/"
PASSWORD = "correct-horse-battery"


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice", password=PASSWORD)


def browser() -> tuple[Client, Owner]:
    """A browser that has made something already."""
    client, token = Client(), new_token()
    client.cookies[COOKIE] = token
    return client, Owner.objects.create(token_hash=hash_token(token))


def sign_in(client: Client, name: str = "alice", password: str = PASSWORD, path: str = SIGN_IN, **more: str) -> Any:
    return client.post(path, {"username": name, "password": password, **more})


def code_of(device: TOTPDevice, ahead: int = 0) -> str:
    """What the app shows, `ahead` steps from now."""
    app = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift + ahead)
    return f"{app.token():06}"


def test_signing_up_makes_an_account_that_owns_what_the_browser_made() -> None:
    client, guest = browser()
    job, project = make.job(guest), projects.create(guest, "Holiday")
    before = client.cookies[COOKIE].value
    done = client.post(SIGN_UP, {"username": "alice", "password1": PASSWORD, "password2": PASSWORD})
    assert done.status_code == 302 and done["Location"] == "/accounts/"
    account = User.objects.get(username="alice").owner
    job.refresh_from_db()
    project.refresh_from_db()
    assert job.owner == project.owner == job.inputs.get().owner == account
    assert client.cookies[COOKIE].value not in ("", before)
    assert client.get(f"/jobs/{job.pk}/").status_code == 200
    # The value from before is good for nothing, wherever it is still kept.
    old = Client()
    old.cookies[COOKIE] = before
    assert old.get(f"/jobs/{job.pk}/").status_code == 404
    moved = AuditEntry.objects.get(action="owner.adopted").data
    assert moved["guest"] == str(guest.pk) and moved["moved"]["job"] == 1


def test_sign_up_can_be_closed() -> None:
    runtime.set("sign_up", False)
    assert Client().get(SIGN_UP).status_code == 403
    refused = Client().post(SIGN_UP, {"username": "alice", "password1": PASSWORD, "password2": PASSWORD})
    assert refused.status_code == 403 and not User.objects.exists()
    assert SIGN_UP not in Client().get(SIGN_IN).content.decode()


def test_a_weak_password_makes_no_account() -> None:
    answer = Client().post(SIGN_UP, {"username": "alice", "password1": "12345678", "password2": "12345678"})
    assert answer.status_code == 200 and "error" in answer.content.decode() and not User.objects.exists()


def test_two_browsers_of_one_account_see_the_same_things(alice: User) -> None:
    (one, first), (two, second) = browser(), browser()
    jobs = [make.job(first), make.job(second)]
    assert sign_in(one).status_code == sign_in(two).status_code == 302
    for client in (one, two):
        assert {client.get(f"/jobs/{job.pk}/").status_code for job in jobs} == {200}
    one.post("/accounts/sign-out/")
    assert one.get(f"/jobs/{jobs[0].pk}/").status_code == 404


def test_of_two_jobs_under_one_key_the_accounts_own_keeps_it(alice: User) -> None:
    client, guest = browser()
    account = owner_for_user(alice)
    kept, moved, other = (make.job(of, idempotency_key=key) for of, key in ((account, "k"), (guest, "k"), (guest, "other")))
    sign_in(client)
    keys = dict(Job.objects.filter(owner=account).values_list("pk", "idempotency_key"))
    assert keys == {kept.pk: "k", moved.pk: None, other.pk: "other"}


def test_what_comes_late_moves_with_the_next_cleanup(alice: User) -> None:
    client, guest = browser()
    sign_in(client)
    late = make.job(guest)  # a request that began before
    assert adoption.settle() == 2  # the job and its upload
    late.refresh_from_db()
    assert late.owner == owner_for_user(alice)
    assert Owner.objects.filter(pk=guest.pk).exists()
    Owner.objects.filter(pk=guest.pk).update(merged_at=make.timezone.now() - adoption.KEPT * 2)
    assert adoption.settle() == 0 and not Owner.objects.filter(pk=guest.pk).exists()


def test_every_relation_says_how_it_moves() -> None:
    """A model of which an owner has only one, or one under each name, must register with `adoption.moves`."""
    assert Job in [found.related_model for found in adoption.relations()]
    doubtful = {found.related_model for found in adoption.relations() if adoption.needs_a_move(found)}
    missing = [model.__name__ for model in doubtful - adoption._moves.keys()]
    assert not missing, f"say with adoption.moves what becomes of a guest's {missing} when the account has its own"


@pytest.mark.parametrize("path", [SIGN_IN, "/admin/login/"])
def test_too_many_wrong_passwords_close_the_door(alice: User, settings: Any, path: str) -> None:
    client = Client(REMOTE_ADDR="203.0.113.5")
    tries = [sign_in(client, password="wrong", path=path) for _ in range(settings.AXES_FAILURE_LIMIT)]
    assert {answer.status_code for answer in tries[:-1]} == {200}
    locked = sign_in(client, path=path)
    assert locked.status_code == 429 and locked["Retry-After"] == "900", "not even the right password helps"
    assert "sessionid" not in client.cookies
    assert sign_in(Client(REMOTE_ADDR="203.0.113.6"), path=SIGN_IN).status_code == 302, "somebody else's failures lock nobody out"
    assert AuditEntry.objects.filter(action="user.locked_out", target="alice").exists()


def test_names_that_nobody_has_are_kept_nowhere() -> None:
    from axes.models import AccessAttempt

    sign_in(Client(), name="my-secret-typed-as-a-name", password="x")
    assert AccessAttempt.objects.count() == 1
    assert "my-secret" not in str(list(AccessAttempt.objects.values())) + str(list(AuditEntry.objects.values()))


def test_tries_are_limited_by_address(settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"sign_in": "2/hour"}}
    client = Client()
    assert [sign_in(client, name=f"n{i}").status_code for i in range(2)] == [200, 200]
    for path in (SIGN_IN, "/admin/login/"):
        refused = sign_in(client, path=path)
        assert refused.status_code == 429 and 0 < int(refused["Retry-After"]) <= 3600


def test_a_new_password_signs_every_other_device_out(alice: User) -> None:
    here, there = Client(), Client()
    sign_in(here)
    sign_in(there)
    change = {"old_password": PASSWORD, "new_password1": "another-long-phrase", "new_password2": "another-long-phrase"}
    assert here.post("/accounts/password/", change)["Location"] == "/accounts/"
    assert here.get("/accounts/").status_code == 200
    assert there.get("/accounts/").status_code == 302


def test_next_leads_nowhere_else(alice: User) -> None:
    assert sign_in(Client(), next="/jobs/")["Location"] == "/jobs/"
    assert sign_in(Client(), next="https://evil.example/")["Location"] == "/accounts/"


def test_a_token_is_shown_once_on_the_page(alice: User) -> None:
    client = Client()
    sign_in(client)
    made = client.post("/accounts/", {"action": "create", "name": "backup", "scopes": ["jobs:read"], "days": 7})
    token = re.search(r"cut_[A-Za-z0-9_-]{43}", made.content.decode())
    assert token and "no-store" in made["Cache-Control"]
    assert token[0] not in client.get("/accounts/").content.decode()
    caller = Client(headers={"Authorization": f"Bearer {token[0]}"})
    assert caller.get("/api/v1/jobs/").status_code == 200
    key = alice.owner.api_keys.get()
    client.post("/accounts/", {"action": "revoke", "key": str(key.pk)})
    assert caller.get("/api/v1/jobs/").status_code == 401
    wrong = client.post("/accounts/", {"action": "create", "name": "x", "scopes": ["staff:read"], "days": 7})
    assert wrong.status_code == 400 and alice.owner.api_keys.count() == 1


def test_an_authenticator_is_asked_for_and_each_code_is_good_once(alice: User) -> None:
    device = totp.set_up(alice)
    client = Client()
    asked = sign_in(client)
    assert asked.status_code == 200 and "one-time-code" in asked.content.decode() and "sessionid" not in client.cookies
    code = code_of(device)
    assert sign_in(client, code=code).status_code == 302
    assert sign_in(Client(), code=code).status_code == 200, "a code was taken twice"


def test_the_admin_wants_the_second_factor_of_staff_who_have_one(settings: Any) -> None:
    User.objects.create_superuser("root", password=PASSWORD)
    before = Client()
    sign_in(before, "root", path="/admin/login/?next=/admin/")
    assert before.get("/admin/").status_code == 200
    device = totp.set_up(User.objects.get(username="root"))
    assert before.get("/admin/").status_code == 302, "a session from before has not shown it"
    after = Client()
    sign_in(after, "root", path="/admin/login/?next=/admin/", code=code_of(device))
    assert after.get("/admin/").status_code == 200
    totp.remove(User.objects.get(username="root"))
    settings.ADMIN_TOTP = "required"
    assert before.get("/admin/").status_code == after.get("/admin/").status_code == 302


def test_the_command_sets_up_and_removes(alice: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("totp", "alice")
    assert "otpauth://totp/Cutroom" in capsys.readouterr().out and totp.device_of(alice) is not None
    call_command("totp", "alice", "--remove")
    assert totp.device_of(alice) is None
    with pytest.raises(CommandError, match="no account 'bob'"):
        call_command("totp", "bob")
    actions = AuditEntry.objects.filter(action__startswith="user.totp").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["user.totp_set_up", "user.totp_removed"]
