"""Which other sites may ask, what they are told, and what nothing switches off."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.permissions import AllowAny

from config import env, keys
from converter.owners.authentication import OwnerAuthentication
from converter.owners.permissions import IsStaff
from converter.owners.services import new_guest

pytestmark = pytest.mark.django_db

API = "/api/v1/operations/"
FRIEND = "https://app.example.org"


@pytest.fixture
def friend(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [FRIEND]


def test_a_named_origin_may_use_the_api_without_cookies(client: Client, friend: None) -> None:
    answer = client.get(API, headers={"Origin": FRIEND})
    assert answer["Access-Control-Allow-Origin"] == FRIEND
    assert "Access-Control-Allow-Credentials" not in answer
    assert "retry-after" in answer["Access-Control-Expose-Headers"] and "upload-offset" in answer["Access-Control-Expose-Headers"]
    asked = {
        "Origin": FRIEND,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,tus-resumable,idempotency-key",
    }
    before = client.options("/api/v1/uploads/tus/", headers=asked)
    allowed = before["Access-Control-Allow-Headers"].replace(" ", "").split(",")
    assert before.status_code == 200 and {"authorization", "tus-resumable", "idempotency-key"} <= set(allowed)


@pytest.mark.parametrize(
    ("path", "origin"), [(API, "https://evil.example"), (API, "https://app.example.org.evil.example"), (API, "null"), ("/", FRIEND)]
)
def test_others_and_pages_are_not_opened(client: Client, friend: None, path: str, origin: str) -> None:
    assert "Access-Control-Allow-Origin" not in client.get(path, headers={"Origin": origin})


def test_nobody_is_named_by_default(client: Client) -> None:
    assert "Access-Control-Allow-Origin" not in client.get(API, headers={"Origin": FRIEND})


@pytest.mark.parametrize(
    "value", ["*", "https://*.example.org", "app.example.org", "https://app.example.org/", "https://u@app.example.org", "ftp://x.example"]
)
def test_only_whole_origins_can_be_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setattr(env, "_raw", lambda name: value)
    with pytest.raises(ImproperlyConfigured, match="CORS_ORIGINS"):
        env.origins("CORS_ORIGINS")


def test_a_nonce_is_allowed_where_a_page_asks_for_one(client: Client) -> None:
    from csp.middleware import CSPMiddleware

    def policy_of(view: Callable[[HttpRequest], HttpResponse]) -> str:
        return str(CSPMiddleware(view)(RequestFactory().get("/"))["Content-Security-Policy"])  # type: ignore[arg-type]

    first, second = (policy_of(lambda request: HttpResponse(f"<script nonce={request.csp_nonce}>")) for _ in range(2))  # type: ignore[attr-defined]
    nonces = [re.search(r"script-src 'self' 'nonce-([^']{20,})'", policy) for policy in (first, second)]
    assert all(nonces) and first != second
    assert "nonce" not in policy_of(lambda request: HttpResponse("")) and "unsafe" not in first


def test_headers_of_every_answer(client: Client) -> None:
    for path in ("/", API, "/accounts/sign-in/", "/nothing/"):
        answer = client.get(path)
        assert answer["X-Content-Type-Options"] == "nosniff" and answer["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin" and answer["X-Frame-Options"] == "DENY"


def test_limits_by_owner_and_by_address(settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"owner": "2/hour", "address": "5/hour"}}
    callers = [Client(headers={"Authorization": f"Bearer {new_guest()[1]}"}) for _ in range(3)]
    assert [callers[0].get("/api/v1/jobs/").status_code for _ in range(3)] == [200, 200, 429]
    assert [callers[1].get("/api/v1/jobs/").status_code for _ in range(2)] == [200, 200]
    refused = [caller.get("/api/v1/jobs/") for caller in (callers[0], callers[2], callers[2])]
    assert [answer.status_code for answer in refused] == [429, 200, 429]
    assert 0 < int(refused[2]["Retry-After"]) <= 3600 and refused[2].json()["code"] == "rate_limited"


def test_forms_are_limited_too(settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"address": "1/hour"}}
    client = Client()
    assert client.post("/projects/", {"name": "x"}).status_code != 429
    refused = client.post("/projects/", {"name": "x"})
    assert refused.status_code == 429 and 0 < int(refused["Retry-After"]) <= 3600
    assert client.get("/projects/").status_code == 200


def views(resolver: URLResolver) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            found |= views(pattern)
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "cls"):
            found[pattern.name or ""] = pattern.callback.cls
    return found


def test_nothing_switches_authentication_off() -> None:
    """Every API view asks who it is, but the doors themselves; and what is open to all asks for an owner in its view."""
    doors = {"api-auth-guest", "api-auth-token", "api-auth-refresh", "api-auth-logout"}
    for name, view in views(get_resolver()).items():
        if name.startswith("api-"):
            expected = [] if name in doors else [OwnerAuthentication]
            assert view.authentication_classes == expected, name
            assert set(view.permission_classes) <= {AllowAny, IsStaff}, name
    switches = re.compile(r"(DISABLE|NO|SKIP|WITHOUT)_?AUTH|AUTH_?(ENABLED|DISABLED|OFF|REQUIRED)|ANONYMOUS_ADMIN|LOGIN_(DISABLED|REQUIRED)")
    assert not switches.search((env.BASE_DIR / ".env.example").read_text())


def test_keys_for_two_purposes_differ() -> None:
    assert keys.derived_key("a" * 60, "tokens") != keys.derived_key("a" * 60, "other") != keys.derived_key("b" * 60, "other")
