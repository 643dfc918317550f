"""Who asks: guests by token, browsers by cookie, users by session; and nobody else."""

from __future__ import annotations

import threading
from http.cookies import Morsel

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, Client, RequestFactory
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.request import Request

from converter.audit.context import current_actor
from converter.audit.models import AuditEntry
from converter.audit.scrub import scrub
from converter.owners import services
from converter.owners.authentication import OwnerAuthentication
from converter.owners.middleware import OwnerMiddleware
from converter.owners.models import Owner
from converter.owners.services import COOKIE, api_owner, aresolve_owner, ensure_owner
from converter.owners.tokens import hash_token, new_token

pytestmark = pytest.mark.django_db

GUEST = "/api/v1/auth/guest/"


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<p>page")


def passed(request: HttpRequest, view=page) -> HttpResponse:
    if not hasattr(request, "user"):
        request.user = AnonymousUser()
    return OwnerMiddleware(view)(request)


def api_request(method: str = "get", **headers: str) -> Request:
    request = getattr(RequestFactory(enforce_csrf_checks=True), method)("/api/v1/x/", headers=headers)
    request.user = AnonymousUser()
    request.owner = services.resolve_owner(request)
    return Request(request, authenticators=[OwnerAuthentication()])


def test_a_guest_token_is_random_and_only_its_hash_is_kept() -> None:
    owner, token = services.new_guest()
    assert len(token) == 43 and owner.token_hash == hash_token(token) != token
    assert services.owner_for_token(token) == owner
    assert services.owner_for_token(token[:-1] + ("a" if token[-1] != "a" else "b")) is None
    assert services.owner_for_token("") is None and services.owner_for_token("x" * 5000) is None
    dump = str(list(AuditEntry.objects.values())) + str(list(Owner.objects.values()))
    assert token not in dump


def test_logs_would_know_any_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """One random value in 1500 has no digit, and what hides tokens in logs and in the trail would take it for a word."""
    drawn = iter(["aB" + "x" * 41, "1b" + "x" * 41, "1B" + "X" * 41, good := "1aB" + "x" * 40])
    monkeypatch.setattr("secrets.token_urlsafe", lambda size: next(drawn))
    assert new_token() == good and good not in scrub(f"with {good}")


def test_a_page_gives_the_cookie_and_no_row() -> None:
    response = passed(RequestFactory().get("/"))
    morsel: Morsel[str] = response.cookies[COOKIE]
    assert len(morsel.value) == 43 and morsel["httponly"] and morsel["samesite"] == "Lax" and morsel["path"] == "/"
    assert int(morsel["max-age"]) > 10_000_000
    assert not Owner.objects.exists()


def test_the_cookie_is_secure_where_the_site_is(settings) -> None:
    settings.SESSION_COOKIE_SECURE = True
    assert passed(RequestFactory().get("/")).cookies[COOKIE]["secure"]


@pytest.mark.parametrize("path", ["/api/v1/jobs/", "/admin/", "/health/", "/api/docs/"])
def test_no_cookie_where_no_person_looks_at_a_page(path: str) -> None:
    assert COOKIE not in passed(RequestFactory().get(path)).cookies


def test_a_browser_keeps_its_cookie_and_a_malformed_one_is_replaced() -> None:
    kept, spoiled = RequestFactory().get("/"), RequestFactory().get("/")
    kept.COOKIES[COOKIE] = new_token()
    spoiled.COOKIES[COOKIE] = "../../x"
    assert COOKIE not in passed(kept).cookies and COOKIE in passed(spoiled).cookies


def test_the_row_is_made_at_the_first_mutation_and_found_again() -> None:
    token = new_token()
    made: list[Owner] = []

    def mutate(request: HttpRequest) -> HttpResponse:
        assert request.owner is None and current_actor().name == "anonymous"
        made.append(ensure_owner(request))
        assert current_actor().name == str(made[0]) and current_actor().address == "127.0.0.1"
        return page(request)

    request = RequestFactory().post("/")
    request.COOKIES[COOKIE] = token
    passed(request, mutate)
    again = RequestFactory().get("/")
    again.COOKIES[COOKIE] = token
    passed(again)
    assert again.owner == made[0] == Owner.objects.get()
    assert AuditEntry.objects.get(action="owner.created").actor == str(made[0])


def test_a_first_post_without_cookie_gets_one_that_fits() -> None:
    def mutate(request: HttpRequest) -> HttpResponse:
        ensure_owner(request)
        ensure_owner(request)
        return HttpResponse(status=303)

    response = passed(RequestFactory().post("/"), mutate)
    assert Owner.objects.get().token_hash == hash_token(response.cookies[COOKIE].value)


@pytest.mark.django_db(transaction=True)
def test_parallel_first_mutations_of_one_browser_make_one_owner() -> None:
    token, owners, start = new_token(), [], threading.Barrier(6)

    def first() -> None:
        request = RequestFactory().post("/")
        request.COOKIES[COOKIE] = token
        request.user = AnonymousUser()
        try:
            start.wait()
            owners.append(ensure_owner(request))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=first) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(owners) == 6 and set(owners) == {Owner.objects.get()}
    assert AuditEntry.objects.filter(action="owner.created").count() == 1


def test_a_user_owns_by_account_and_a_token_wins_over_it() -> None:
    user = User.objects.create_user("alice")
    guest, token = services.new_guest()
    request = RequestFactory().post("/")
    request.user = user
    request.COOKIES[COOKIE] = new_token()
    owner = ensure_owner(request)
    assert owner.user == user and str(owner) == "user alice"
    assert services.resolve_owner(request) == owner
    bearer = RequestFactory().get("/", headers={"Authorization": f"Bearer {token}"})
    bearer.user = user
    bearer.COOKIES[COOKIE] = new_token()
    assert services.resolve_owner(bearer) == guest


@pytest.mark.django_db(transaction=True)
def test_async_views_find_the_same_owners() -> None:
    owner, token = services.new_guest()

    async def resolve(cookie: str = "", **headers: str) -> Owner | None:
        request = AsyncRequestFactory().get("/", headers=headers)
        request.COOKIES[COOKIE] = cookie

        async def auser() -> AnonymousUser:
            return AnonymousUser()

        request.auser = auser
        return await aresolve_owner(request)

    assert async_to_sync(resolve)(Authorization=f"Bearer {token}") == owner
    assert async_to_sync(resolve)(token) == owner
    assert async_to_sync(resolve)() is None
    assert async_to_sync(resolve)(token, Authorization="Bearer wrong") is None


@pytest.mark.django_db(transaction=True)
def test_the_middleware_works_async() -> None:
    owner, token = services.new_guest()
    seen: list[object] = []

    async def view(request: HttpRequest) -> HttpResponse:
        seen.extend([request.owner, current_actor().name])
        return HttpResponse("page")

    async def go() -> HttpResponse:
        request = AsyncRequestFactory().get("/")
        request.COOKIES[COOKIE] = token

        async def auser() -> AnonymousUser:
            return AnonymousUser()

        request.auser = auser
        return await OwnerMiddleware(view)(request)

    assert COOKIE not in async_to_sync(go)().cookies
    assert seen == [owner, str(owner)] and current_actor().name == "system"


def test_bearer_tokens() -> None:
    owner, token = services.new_guest()
    assert api_owner(api_request("post", Authorization=f"Bearer {token}")) == owner
    for wrong in ("Bearer", "Bearer ", f"Bearer {new_token()}", "bearer \x00", "Bearer " + "x" * 9999):
        with pytest.raises(AuthenticationFailed):
            _ = api_request("post", Authorization=wrong).user


def test_unsafe_without_credentials_is_refused_and_reading_has_nobody() -> None:
    with pytest.raises(NotAuthenticated):
        _ = api_request("post").user
    request = api_request("get")
    assert request.user.is_anonymous
    with pytest.raises(NotAuthenticated):
        api_owner(request)


def test_a_cookie_needs_csrf_for_unsafe_requests() -> None:
    cookie = f"{COOKIE}={new_token()}"
    with pytest.raises(PermissionDenied, match="CSRF"):
        _ = api_request("post", Cookie=cookie).user
    secret = "a" * 32
    with pytest.raises(PermissionDenied):
        _ = api_request("post", Cookie=f"{cookie}; csrftoken={secret}", **{"X-CSRFToken": "b" * 32}).user
    good = api_request("post", Cookie=f"{cookie}; csrftoken={secret}", **{"X-CSRFToken": secret})
    assert api_owner(good) == Owner.objects.get()


def test_csrf_is_decided_without_reading_the_body() -> None:
    request = RequestFactory(enforce_csrf_checks=True).post("/api/v1/uploads/", {"csrfmiddlewaretoken": "a" * 32, "file": "x"})
    request.user, request.owner = AnonymousUser(), None
    request.COOKIES |= {COOKIE: new_token(), "csrftoken": "a" * 32}
    with pytest.raises(PermissionDenied):
        _ = Request(request, authenticators=[OwnerAuthentication()]).user
    assert not request._read_started and not hasattr(request, "_post")


def test_a_browser_that_only_reads_leaves_no_row() -> None:
    request = api_request("get", Cookie=f"{COOKIE}={new_token()}")
    owner = api_owner(request)
    assert owner._state.adding and not Owner.objects.exists()


def test_guest_endpoint(client: Client) -> None:
    response = client.post(GUEST)
    assert response.status_code == 201 and set(response.json()) == {"token"} and response["Cache-Control"] == "no-store"
    assert services.owner_for_token(response.json()["token"]) is not None
    assert COOKIE not in response.cookies
    assert client.get(GUEST).json()["code"] == "not_allowed"


def test_guests_are_limited_by_address(client: Client, settings) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"guest": "3/hour"}}
    assert [client.post(GUEST).status_code for _ in range(4)] == [201, 201, 201, 429]
    refused = client.post(GUEST)
    assert refused.json()["code"] == "rate_limited" and 0 < int(refused["Retry-After"]) <= 3600
    assert refused["Content-Type"] == "application/problem+json"
    assert client.post(GUEST, REMOTE_ADDR="9.9.9.9").status_code == 201
    assert client.post(GUEST, headers={"X-Forwarded-For": "8.8.8.8"}).status_code == 429


def test_the_admin_changes_no_owner(admin_client: Client) -> None:
    owner, _ = services.new_guest()
    assert admin_client.get("/admin/owners/owner/").status_code == 200
    shown = admin_client.get(f"/admin/owners/owner/{owner.pk}/change/")
    assert shown.status_code == 200 and owner.token_hash not in shown.content.decode()
    assert admin_client.post(f"/admin/owners/owner/{owner.pk}/delete/", {"post": "yes"}).status_code == 403


def test_accounts_stand_in_the_trail(client: Client) -> None:
    user = User.objects.create_user("alice", password="right-and-long")
    assert client.login(username="alice", password="right-and-long")
    client.logout()
    client.post("/admin/login/", {"username": "alice", "password": "wrong"})
    client.post("/admin/login/", {"username": "hunter2", "password": "wrong"}, REMOTE_ADDR="9.9.9.9")
    user.delete()
    entries = list(AuditEntry.objects.filter(target_type="user").order_by("id").values_list("action", "target"))
    assert entries == [
        ("user.created", "alice"),
        ("user.signed_in", "alice"),
        ("user.signed_out", "alice"),
        ("user.sign_in_failed", "alice"),
        ("user.sign_in_failed", "unknown"),
        ("user.deleted", "alice"),
    ]
    assert AuditEntry.objects.filter(address="9.9.9.9").get().actor == "anonymous"
    dump = str(list(AuditEntry.objects.values()))
    assert "hunter2" not in dump and "right-and-long" not in dump and user.password not in dump
