"""Uploads that are not ready, or never will be: they lead to no fault of ours, and deleting one leaves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client

from converter.audit.models import AuditEntry
from converter.engine.errors import MediaError
from converter.owners.models import Owner
from converter.owners.services import COOKIE
from converter.owners.tokens import hash_token, new_token
from converter.uploads import partial, resumable
from converter.uploads.models import Upload, UploadStatus

pytestmark = pytest.mark.django_db
PAGE = b"<html><script>alert(1)</script></html>" * 20
NAMES = ["content/", "filmstrip.jpg", "thumbnail.jpg", "waveform.json", "markers.json", "preview.mp4"]
Left = Callable[[], list[str]]


@pytest.fixture
def mine(api: Client) -> Owner:
    """The owner that `api` acts for."""
    return Owner.objects.get()


def begun(owner: Owner) -> Upload:
    """An upload of which three bytes have come."""
    upload = resumable.create(owner, "clip.mp4", 10)
    resumable.append(upload, 0, whole(b"123"))
    return upload


def rejected(owner: Owner) -> Upload:
    """An upload that turned out to be no media."""
    upload = resumable.create(owner, "clip.mp4", len(PAGE))
    with pytest.raises(MediaError):
        resumable.append(upload, 0, whole(PAGE))
    upload.refresh_from_db()
    assert upload.status == UploadStatus.REJECTED
    return upload


def whole(data: bytes) -> partial.Read:
    pieces = [data]
    return lambda size: pieces.pop() if pieces else b""


@pytest.mark.parametrize("make", [begun, rejected])
def test_nothing_is_shown_of_what_is_not_ready(api: Client, mine: Owner, make: Callable[[Owner], Upload]) -> None:
    upload = make(mine)
    for name in NAMES:
        answer = api.get(f"/api/v1/uploads/{upload.pk}/{name}")
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict"), name


@pytest.mark.parametrize("make", [begun, rejected])
def test_the_page_says_so_too(client: Client, media_root: Any, make: Callable[[Owner], Upload]) -> None:
    token = new_token()
    client.cookies[COOKIE] = token
    upload = make(Owner.objects.create(token_hash=hash_token(token)))
    assert client.get(f"/?upload={upload.pk}", headers={"accept": "text/html"}).status_code == 409
    assert client.post("/", {"action": "convert", "upload": upload.pk, "outcome": "gif:chat"}).status_code == 409


@pytest.mark.parametrize("make", [begun, rejected])
def test_deleting_leaves_nothing(
    api: Client, mine: Owner, left: Left, make: Callable[[Owner], Upload], django_capture_on_commit_callbacks: Any
) -> None:
    upload = make(mine)
    with django_capture_on_commit_callbacks(execute=True):
        assert api.delete(f"/api/v1/uploads/{upload.pk}/").status_code == 204
    assert not Upload.objects.exists() and left() == []
    assert AuditEntry.objects.filter(action="upload.deleted", target_id=str(upload.pk)).count() == 1


def test_the_admin_deletes_them_as_well(
    guest: Owner, media_root: Any, admin_client: Client, left: Left, django_capture_on_commit_callbacks: Any
) -> None:
    keys = [str(make(guest).pk) for make in (begun, rejected)]
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post("/admin/uploads/upload/", {"action": "give_up", "_selected_action": keys})
    assert not Upload.objects.exists() and left() == []


def test_what_is_being_written_is_not_deleted(api: Client, mine: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = begun(mine)
    monkeypatch.setattr(partial, "EVICT_SECONDS", 0.0)
    with partial.held(upload.file.name):
        answer = api.delete(f"/api/v1/uploads/{upload.pk}/")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict") and Upload.objects.exists()


def test_a_writer_finds_that_it_was_deleted_meanwhile(mine: Owner, left: Left, django_capture_on_commit_callbacks: Any) -> None:
    upload = begun(mine)
    with django_capture_on_commit_callbacks(execute=True):
        resumable.give_up(Upload.objects.get())
    for act in (lambda: resumable.append(upload, 3, whole(b"4")), lambda: resumable.give_up(upload)):
        with pytest.raises(MediaError) as caught:
            act()
        assert caught.value.code.name == "gone"
    assert resumable.expire(upload) is False
    assert left() == []


def test_what_became_ready_meanwhile_is_kept_while_a_job_needs_it(mine: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = begun(mine)

    @contextmanager
    def finished(token: str, patience: float | None = None) -> Iterator[None]:
        Upload.objects.update(status=UploadStatus.READY)  # by whoever held the lock before
        yield

    asked: list[Upload] = []
    monkeypatch.setattr(partial, "held", finished)
    monkeypatch.setattr(resumable.services, "delete", asked.append)
    resumable.give_up(upload)
    assert asked == [upload] and Upload.objects.exists()
