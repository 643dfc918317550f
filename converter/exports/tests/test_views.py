"""The page and the bytes behind a one-time link, as browsers, curl and link previews see them."""

from __future__ import annotations

import pytest
from django.test import Client

from converter.audit.models import AuditEntry
from converter.exports.models import Export, Grant
from converter.owners import services as owners

from . import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]

DATA = b"0123456789" * 10
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "User-Agent": "Mozilla/5.0"}
CURL = {"Accept": "*/*", "User-Agent": "curl/8.5"}


@pytest.fixture
def link() -> str:
    return f"/download/{make.grant()[1]}/"


def body(response) -> bytes:
    """The whole body, read to the end and closed, as a server does it."""
    return b"".join(response)


def as_owner(owner) -> dict[str, str]:
    """Credentials of an owner, made anew."""
    token = owners.new_token()
    owner.token_hash = owners.hash_token(token)
    owner.save()
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("headers", [BROWSER, CURL, {"User-Agent": "Slackbot-LinkExpanding 1.0", "Range": "bytes=0-32768"}])
@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_uses_nothing_up(client, link, headers, method):
    for _ in range(3):
        response = getattr(client, method)(link, headers=headers)
        assert response.status_code == 200 and response["Content-Type"].startswith("text/html")
    assert Grant.objects.get().used_at is None
    assert response["Referrer-Policy"] == "no-referrer" and "no-store" in response["Cache-Control"]
    assert "noindex" in response["X-Robots-Tag"]


def test_the_page_says_what_it_is(client, link):
    export = Export.objects.get()
    page = client.get(link, headers=BROWSER).content.decode()
    for shown in (export.name, export.sha256, "100 bytes", 'method="post"', "csrfmiddlewaretoken"):
        assert shown in page


def test_curl_posts_without_a_cookie_and_gets_the_file_once():
    export = make.export(data=DATA)
    link = f"/download/{make.grant(export)[1]}/"
    client = Client(enforce_csrf_checks=True)
    response = client.post(link, headers=CURL)
    assert response.status_code == 200 and body(response) == DATA
    assert response["Content-Type"] == "video/mp4" and response["Content-Length"] == "100"
    assert response["Content-Disposition"].startswith("attachment") and "%C3%9F" in response["Content-Disposition"]
    assert response["X-Content-Type-Options"] == "nosniff" and "no-store" in response["Cache-Control"]

    again = Client().post(link, headers=CURL)
    assert again.status_code == 410 and again["Content-Type"] == "application/problem+json"
    assert again.json()["code"] == "gone"
    page = Client().post(link, headers=BROWSER)
    assert page.status_code == 410 and "already used" in page.content.decode()

    grant = Grant.objects.get()
    assert grant.completed_at is not None and grant.bytes_sent == 100 and grant.busy_until is None
    receipts = AuditEntry.objects.filter(action__startswith="grant.").order_by("id").values_list("action", "address", "actor")
    assert list(receipts) == [
        ("grant.created", "", "system"),
        ("grant.used", "127.0.0.1", "anonymous"),
        ("grant.completed", "127.0.0.1", "anonymous"),
    ]


def test_the_first_transfer_is_whole_whatever_is_asked(client, link):
    response = client.post(link, headers={**CURL, "Range": "bytes=50-", "If-None-Match": "*"})
    assert response.status_code == 200 and body(response) == DATA


def break_off(client, link, headers, parts: int = 1) -> None:
    """Begin a transfer and leave before it is through."""
    response = client.post(link, headers=headers)
    assert response.status_code == 200
    chunks = iter(response)
    for _ in range(parts):
        next(chunks)
    response._iterator.close()  # the client's own wrapper, which ends the request without the database connection


@pytest.mark.parametrize("method", ["post", "get"])
def test_a_broken_transfer_resumes_where_it_broke(client, link, method, monkeypatch):
    monkeypatch.setattr("converter.uploads.delivery.CHUNK", 30)
    break_off(client, link, CURL)
    grant = Grant.objects.get()
    assert (grant.bytes_sent, grant.completed_at, grant.busy_until) == (30, None, None)
    assert client.post(link, headers=CURL).status_code == 410, "not from the beginning"
    assert getattr(client, method)(link, headers={**CURL, "Range": "bytes=31-"}).status_code in (410,)
    response = getattr(client, method)(link, headers={**CURL, "Range": "bytes=20-"})
    assert response.status_code == 206 and response["Content-Range"] == "bytes 20-99/100"
    assert body(response) == DATA[20:]
    assert client.post(link, headers={**CURL, "Range": "bytes=20-"}).status_code == 410, "it completed once"
    grant.refresh_from_db()
    assert grant.completed_at and grant.bytes_sent == 100


def test_a_stranger_with_the_link_cannot_go_on(client, link, monkeypatch):
    monkeypatch.setattr("converter.uploads.delivery.CHUNK", 30)
    break_off(client, link, CURL)
    stranger = Client(REMOTE_ADDR="192.0.2.77")
    assert stranger.post(link, headers={**CURL, "Range": "bytes=20-"}).status_code == 410
    assert stranger.get(link, headers={**CURL, "Range": "bytes=20-"}).status_code == 410


def test_the_cookie_resumes_from_another_address(client, link, monkeypatch):
    monkeypatch.setattr("converter.uploads.delivery.CHUNK", 30)
    break_off(client, link, BROWSER)
    cookie = client.cookies["cutroom_resume"]
    assert cookie["path"] == link and cookie["httponly"]
    elsewhere = Client(REMOTE_ADDR="192.0.2.77")
    elsewhere.cookies["cutroom_resume"] = cookie.value
    response = elsewhere.post(link, headers={**BROWSER, "Range": "bytes=30-"})
    assert response.status_code == 206 and body(response) == DATA[30:]


def test_a_part_in_the_middle_does_not_complete_it(client, link, monkeypatch):
    monkeypatch.setattr("converter.uploads.delivery.CHUNK", 30)
    break_off(client, link, CURL)
    response = client.post(link, headers={**CURL, "Range": "bytes=10-39"})
    assert response.status_code == 206 and body(response) == DATA[10:40]
    grant = Grant.objects.get()
    assert grant.completed_at is None and grant.bytes_sent == 40


def test_a_resume_with_nothing_left_ends_it(client, link, monkeypatch):
    monkeypatch.setattr("converter.uploads.delivery.CHUNK", 100)
    break_off(client, link, CURL)
    response = client.post(link, headers={**CURL, "Range": "bytes=100-"})
    assert response.status_code == 416 and response["Content-Range"] == "bytes */100"
    assert Grant.objects.get().completed_at is not None


def test_a_resume_that_no_longer_fits_gets_the_whole_file(client, link, monkeypatch):
    monkeypatch.setattr("converter.uploads.delivery.CHUNK", 30)
    break_off(client, link, CURL)
    response = client.post(link, headers={**CURL, "Range": "bytes=20-", "If-Range": '"other"'})
    assert response.status_code == 200 and body(response) == DATA
    assert Grant.objects.get().completed_at is not None


def test_an_expired_link_is_gone(client):
    grant, token = make.grant(expires_at=make.ago(seconds=1))
    link = f"/download/{token}/"
    for answer in (client.get(link, headers=BROWSER), client.post(link, headers=BROWSER)):
        assert answer.status_code == 410 and "expired" in answer.content.decode()
    assert client.get(link, headers=CURL).json()["code"] == "gone"
    grant.refresh_from_db()
    assert grant.used_at is None


def test_a_cleaned_up_file_is_gone(client, link):
    Export.objects.get().file.unlink()
    answer = client.post(link, headers=BROWSER)
    assert answer.status_code == 410 and "cleaned up" in answer.content.decode()
    assert client.get(link, headers=CURL).status_code == 410
    assert Grant.objects.get().used_at is None


def test_no_log_line_holds_the_token(client, link, caplog):
    caplog.set_level("DEBUG")
    b"".join(client.post(link, headers=CURL))
    assert client.post(link, headers=CURL).status_code == client.get(link, headers=BROWSER).status_code == 410
    assert link.split("/")[2] not in caplog.text


@pytest.mark.parametrize("token", ["x" * 43, "..", "%00", "é" * 5000])
def test_an_unknown_link_is_not_found(client, token):
    assert client.get(f"/download/{token}/", headers=CURL).status_code == 404
    answer = client.post(f"/download/{token}/", headers=BROWSER)
    assert answer.status_code == 404 and answer["Content-Type"].startswith("text/html")


def test_direct_is_for_the_owner_alone(client):
    export = make.export(data=DATA)
    link = f"/download/{make.grant(export)[1]}/?direct=1"
    assert client.get(link, headers=BROWSER)["Content-Type"].startswith("text/html"), "a stranger sees the page"
    mine = as_owner(export.owner)
    assert client.head(link, headers={**BROWSER, **mine})["Content-Type"].startswith("text/html")
    assert client.get(link, headers={**BROWSER, **mine, "Sec-Purpose": "prefetch"})["Content-Type"].startswith("text/html")
    assert Grant.objects.get().used_at is None
    response = client.get(link, headers={**BROWSER, **mine})
    assert response.status_code == 200 and body(response) == DATA
    assert client.get(link, headers={**BROWSER, **mine}).status_code == 410


def test_content_is_for_its_owner_and_uses_no_grant(client):
    export = make.export(data=DATA)
    url, mine = f"/exports/{export.pk}/content/", as_owner(export.owner)
    make.grant(export)
    response = client.get(url, headers={**mine, "Range": "bytes=10-19"})
    assert response.status_code == 206 and body(response) == DATA[10:20]
    assert response["Content-Disposition"].startswith("inline") and "sandbox" in response["Content-Security-Policy"]
    saved = client.get(url + "?download=1", headers=mine)
    assert saved["Content-Disposition"].startswith("attachment") and body(saved) == DATA
    assert client.get(url).status_code == 404
    assert client.get(url, headers=as_owner(make.export().owner)).status_code == 404
    assert Grant.objects.get().used_at is None


def test_content_that_was_cleaned_up_is_gone_with_a_way_on(client):
    export = make.export()
    mine = as_owner(export.owner)
    export.file.unlink()
    answer = client.get(f"/exports/{export.pk}/content/", headers=mine)
    assert answer.status_code == 410 and "rebuilt" in answer.json()["detail"]
