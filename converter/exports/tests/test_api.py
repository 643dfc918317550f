"""`/api/v1/exports/`: an owner's own, links that are shown once, bytes that go while recipes stay."""

from __future__ import annotations

import pytest
from django.test import Client

from converter.exports.models import Export, Grant
from converter.owners.services import new_guest

from . import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]
LIST = "/api/v1/exports/"


@pytest.fixture
def guest():
    return new_guest()


@pytest.fixture
def api(guest) -> Client:
    return Client(headers={"Authorization": f"Bearer {guest[1]}"})


@pytest.fixture
def export(guest) -> Export:
    return make.export(guest[0])


def test_the_shape(api, export):
    shown = api.get(f"{LIST}{export.pk}/").json()
    assert set(shown) == {
        *("id", "job", "name", "mime", "size", "sha256", "media", "recipe", "created_at", "expires_at", "removed_at", "content_url"),
    }
    assert shown["content_url"] == f"/exports/{export.pk}/content/" and shown["media"]["duration"] == 2.0
    assert shown["expires_at"] > shown["created_at"] and shown["removed_at"] is None
    assert api.get(shown["content_url"]).status_code == 200
    assert str(export.path) not in str(shown), "where it lies is nobody's business"


@pytest.mark.parametrize("kind", ["exports", "uploads", "jobs", "projects"])
def test_a_cursor_of_nobody_is_a_wrong_parameter(api, kind):
    answer = api.get(f"/api/v1/{kind}/?cursor=x")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "bad_parameter", "cursor")


def test_the_list_is_a_cursor_and_costs_the_same_for_many(api, guest, django_assert_max_num_queries):
    for _ in range(5):
        make.export(guest[0])
    make.export()
    with django_assert_max_num_queries(4):
        page = api.get(f"{LIST}?limit=3").json()
    assert len(page["results"]) == 3 and page["next"] and page["previous"] is None
    assert len(api.get(page["next"]).json()["results"]) == 2


@pytest.mark.parametrize(("method", "tail"), [("get", ""), ("delete", ""), ("get", "grants/"), ("post", "grants/")])
def test_somebody_else_s_are_not_found(api, method, tail):
    other = make.export()
    answer = getattr(api, method)(f"{LIST}{other.pk}/{tail}")
    assert answer.status_code == 404 and answer.json()["code"] == "not_found"
    assert answer["Content-Type"] == "application/problem+json"
    assert Client().post(f"{LIST}{other.pk}/grants/").status_code == 401


def test_a_link_is_absolute_and_works_once(api, export):
    answer = api.post(f"{LIST}{export.pk}/grants/")
    link = answer.json()
    assert answer.status_code == 201 and set(link) == {"url", "expires_at"}
    assert link["url"].startswith("http://testserver/download/")
    stranger = Client()
    assert b"".join(stranger.post(link["url"])) == export.file.read_bytes()
    assert stranger.post(link["url"]).status_code == 410


def test_receipts_tell_what_became_of_links_but_not_the_links(api, export):
    link = api.post(f"{LIST}{export.pk}/grants/").json()["url"]
    b"".join(Client().post(link))
    page = api.get(f"{LIST}{export.pk}/grants/")
    receipt = page.json()["results"][0]
    assert set(receipt) == {"id", "state", "created_at", "expires_at", "used_at", "bytes_sent", "completed_at"}
    assert receipt["state"] == "used" and receipt["bytes_sent"] == export.size and receipt["completed_at"]
    grant = Grant.objects.get()
    for secret in (link.rstrip("/").rpartition("/")[2], grant.token_hash, grant.used_by):
        assert secret not in page.content.decode()


def test_deleting_takes_the_bytes_and_keeps_the_recipe(api, export, django_capture_on_commit_callbacks):
    link = api.post(f"{LIST}{export.pk}/grants/").json()["url"]
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            assert api.delete(f"{LIST}{export.pk}/").status_code == 204
    assert not export.file.exists()
    shown = api.get(f"{LIST}{export.pk}/").json()
    assert shown["removed_at"] and shown["content_url"] is None and shown["expires_at"] is None and shown["recipe"]["operation"] == "trim"
    assert api.post(f"{LIST}{export.pk}/grants/").json()["code"] == "gone"
    assert Client().post(link).status_code == 410


def test_the_admin_shows_exports_and_no_tokens(admin_client, export):
    grant, token = make.grant(export)
    assert admin_client.get("/admin/exports/export/").status_code == 200
    page = admin_client.get(f"/admin/exports/export/{export.pk}/change/")
    assert page.status_code == 200 and str(grant.pk)[:8] in page.content.decode()
    assert token not in page.content.decode() and grant.token_hash not in page.content.decode()
    assert admin_client.get("/admin/exports/export/add/").status_code == 403


def test_an_operator_removes_files(admin_client, export, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post("/admin/exports/export/", {"action": "remove_files", "_selected_action": [str(export.pk)]})
    assert not export.file.exists() and Export.objects.get().removed_at is not None
