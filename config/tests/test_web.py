"""What every response carries, what the health pages say, and that the documentation needs nobody else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from config import health
from config.middleware import HeadersMiddleware
from config.worker_steps import sign_key

pytestmark = pytest.mark.django_db


def policy(response: Any) -> dict[str, list[str]]:
    return {words[0]: words[1:] for part in response["Content-Security-Policy"].split(";") if (words := part.split())}


def test_the_policy_allows_nothing_but_ourselves(client: Client) -> None:
    response = client.get("/health/")
    directives = policy(response)
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == ["'self'"]
    assert directives["frame-ancestors"] == directives["base-uri"] == directives["object-src"] == ["'none'"]
    assert not any("unsafe" in word or "http" in word or "*" in word for words in directives.values() for word in words)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["Referrer-Policy"] == "same-origin"
    assert "camera=()" in response["Permissions-Policy"]
    assert response["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("kind", "told"), [("text/css", False), ('text/javascript; charset="utf-8"', False), ("image/svg+xml", True), ("text/html", True)]
)
def test_what_is_no_document_needs_no_policy_of_one(kind: str, told: bool) -> None:
    answer = HeadersMiddleware(lambda request: HttpResponse("", content_type=kind))(RequestFactory().get("/"))
    assert ("Permissions-Policy" in answer) is told
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(("given", "kept"), [("abc-123.DEF_4", True), ("short", False), ("x" * 65, False), ("evil\tid-evil", False), ("", False)])
def test_a_sane_request_id_is_kept(client: Client, given: str, kept: bool) -> None:
    answered = client.get("/health/", headers={"X-Request-ID": given})["X-Request-ID"]
    assert (answered == given) is kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", answered)


def test_the_documentation_needs_no_other_host(client: Client) -> None:
    page = client.get("/api/docs/")
    assert page.status_code == 200
    text = page.content.decode()
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text), "an inline script would be blocked"
    assert policy(page)["script-src"] == ["'self'"]
    assert policy(page)["style-src"] == ["'self'", "'unsafe-inline'"]
    script = client.get(re.search(r'src="(/api/docs/\?script=[^"]*)"', text)[1])  # type: ignore[index]
    assert script["Content-Type"].startswith("application/javascript")
    assert "/api/schema/" in script.content.decode()


def test_the_schema_is_whole_and_names_no_host(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    response = client.get("/api/schema/?format=json")
    assert response.status_code == 200
    schema = response.json()
    assert {"/api/v1/uploads/", "/api/v1/jobs/", "/api/v1/exports/", "/api/v1/operations/", "/api/v1/quotes/"} <= set(schema["paths"])
    assert not re.search(r"https?://", response.content.decode())


def test_live_asks_nothing(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        response = client.get("/health/")
    assert response.json() == {"status": "ok"}
    assert response["Cache-Control"] == "no-store"


@pytest.fixture
def workers(settings: Any) -> None:
    import redis

    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for queue in ("media", "control"):
            client.set(sign_key(queue, 1), "1")


def test_ready_names_every_part(client: Client, workers: None) -> None:
    response = client.get("/health/ready/")
    assert response.status_code == 200, response.content
    assert set(response.json()["checks"]) == {"database", "migrations", "broker", "worker", "disk", "ffmpeg", "sandbox"}


def test_without_workers_it_is_not_ready(client: Client) -> None:
    response = client.get("/health/ready/")
    assert response.status_code == 503
    checks = response.json()["checks"]
    assert checks["worker"] == {"ok": False, "detail": "No worker for media and control has given a sign of life lately."}
    assert [name for name, check in checks.items() if not check["ok"]] == ["worker"]


def test_without_a_broker_it_says_so_and_nothing_secret(client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://:hunter2@127.0.0.1:1/0"
    response = client.get("/health/ready/")
    assert response.status_code == 503
    assert response.json()["checks"]["broker"] == {"ok": False, "detail": "The broker does not answer."}
    assert b"hunter2" not in response.content


def test_a_full_disk_is_not_ready(client: Client, workers: None, settings: Any) -> None:
    settings.MIN_FREE_BYTES = 1 << 60
    response = client.get("/health/ready/")
    assert response.status_code == 503
    assert response.json()["checks"]["disk"]["detail"].startswith("Only ")


def test_missing_migrations_are_counted(client: Client, workers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_missing_migrations", lambda: 2)
    checks = client.get("/health/ready/").json()["checks"]
    assert checks["migrations"] == {"ok": False, "detail": "2 migrations are not applied; run: manage.py migrate."}


def test_the_admin_works_under_the_policy(admin_client: Client) -> None:
    page = admin_client.get("/admin/")
    assert page.status_code == 200
    text = page.content.decode()
    assert not re.search(r"<script(?![^>]*\b(?:src|type=\"application/json\")\b)[^>]*>\s*\S", text)
    assert " onclick=" not in text


@pytest.mark.parametrize(("peer", "believed"), [("10.1.2.3", True), ("203.0.113.9", False)])
def test_only_a_trusted_proxy_says_that_it_was_https(client: Client, settings: Any, peer: str, believed: bool) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    settings.SECURE_SSL_REDIRECT = True
    status = client.get("/admin/login/", headers={"X-Forwarded-Proto": "https"}, REMOTE_ADDR=peer).status_code
    assert status == (200 if believed else 301)
    assert client.get("/health/", REMOTE_ADDR=peer).status_code == 200
