"""Secrets are taken out of what is kept, and sentences for people stay as they are."""

from __future__ import annotations

import json
import logging
import secrets

import pytest

from config import logs
from converter.audit import services
from converter.audit.models import AuditEntry
from converter.audit.scrub import scrub, scrub_value
from converter.engine.errors import CODES
from converter.owners import bearers, keys
from converter.owners.services import new_guest, owner_for_user

SECRET = "hunter2-Very9Secret"
GUEST = "aB3" + "x_-Q7" * 8


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"Authorization: Basic {SECRET}",
        f"{{'Authorization': 'Token {SECRET}'}}",
        f"('authorization', 'Bearer {SECRET}')",
        f"Cookie: sessionid={SECRET}; theme=dark",
        f"Set-Cookie: cutroom_owner={SECRET}; Path=/",
        f"sent sessionid={SECRET} with it",
        f"GET /download/{SECRET}/ 404",
        f"https://cutroom.example/download/{SECRET}/?direct=1",
        f"used cut_{SECRET}{SECRET}",
        f"eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoi{SECRET}.sig-{SECRET}",
        f"postgres://cutroom:{SECRET}@db:5432/x",
        f"redis://:{SECRET}@127.0.0.1:6379/0 is away",
        f"https://alice:{SECRET}@hooks.example/done",
        f"https://discord.com/api/webhooks/123/{SECRET}",
        f"https://hooks.slack.com/services/T0/B0/{SECRET}",
        f"POST https://x.example/hook?token={SECRET}&v=1",
        f"https://s3.example/x?X-Amz-Signature={SECRET}",
        f"password={SECRET}",
        f'{{"password": "{SECRET}", "username": "alice"}}',
        f"X-Api-Key: {SECRET}",
        f"client_secret = '{SECRET} with spaces'",
        f"otpauth://totp/Cutroom:alice?secret={SECRET}",
    ],
)
def test_secrets_go(text: str) -> None:
    cleaned = scrub(text)
    assert SECRET not in cleaned and "…" in cleaned
    assert scrub(cleaned) == cleaned


def test_our_own_tokens_go_wherever_they_stand() -> None:
    for _ in range(200):
        token = secrets.token_urlsafe(32)
        if any(c.islower() for c in token) and any(c.isupper() for c in token) and any(c.isdigit() for c in token):
            assert token not in scrub(f"the value {token}, and no more")
    assert GUEST not in scrub(GUEST)


@pytest.mark.parametrize(
    "text",
    [
        "The Bearer token is not known, or not good any more.",
        "password: the two do not match, so nothing was changed",
        "token: give the token a name of at most 60 characters.",
        "a" * 64,
        "3f9c2d1e4b5a69788796a5b4c3d2e1f03f9c2d1e4b5a69788796a5b4c3d2e1f0",
        "7b6e3c0a-52cf-4a8d-9d3e-0f6a2b1c4d5e",
        "https://cutroom.example/jobs/7b6e3c0a/?page=2",
        "holiday-trim.mp4 failed: frame=  12 fps=0.0 q=28.0 size=     128kB time=00:00:01.00",
        "mail alice@example.org",
    ],
)
def test_sentences_stay(text: str) -> None:
    assert scrub(text) == text


def test_the_sentences_of_our_errors_stay() -> None:
    for code in CODES.values():
        assert scrub(code.sentence) == code.sentence and scrub(code.hint) == code.hint


def test_values_go_by_their_names() -> None:
    given = {"password": "x", "headers": {"Cookie": "a=b", "Accept": "*/*"}, "list": [f"token={SECRET}"], "tokens": 3, "name": "alice", "secret": ""}
    assert scrub_value(given) == {
        "password": "…",
        "headers": {"Cookie": "…", "Accept": "*/*"},
        "list": ["token=…"],
        "tokens": 3,
        "name": "alice",
        "secret": "",
    }


@pytest.mark.parametrize("formatter", [logs.JsonFormatter(), logs.TextFormatter()])
def test_no_log_line_tells(formatter: logging.Formatter) -> None:
    try:
        raise ValueError(f"could not reach https://alice:{SECRET}@hooks.example/")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "asked with Bearer %s", (SECRET,), (ValueError, error, error.__traceback__))
    record.details = {"password": SECRET}
    record.webhook = f"https://discord.com/api/webhooks/1/{SECRET}"
    line = formatter.format(record)
    assert SECRET not in line and "hooks.example" in line and "ValueError" in line


@pytest.mark.django_db
def test_no_audit_entry_tells() -> None:
    from django.contrib.auth.models import User

    _, token = new_guest()
    account = owner_for_user(User.objects.create_user("alice"))
    pair, key = bearers.issue(account), keys.create(account, "x", ["jobs:read"])[1]
    for secret in (token, pair["access"], pair["refresh"], key):
        services.record("test", ("x", "1", f"with {secret}"), detail=f"Bearer {secret}", password=secret, url=f"https://u:{secret}@h/")
    dump = json.dumps(list(AuditEntry.objects.values("target", "data")))
    assert not [secret for secret in (token, pair["access"], pair["refresh"], key) if secret in dump]
    assert services.verify().sound


@pytest.mark.django_db
def test_no_stored_error_of_a_job_tells() -> None:
    from converter.engine.errors import MediaError
    from converter.jobs import services as jobs

    error = MediaError("provider_failed", f"The provider refused https://u:{SECRET}@api.example/ with api_key={SECRET}")
    assert SECRET not in str(jobs._error(error))
