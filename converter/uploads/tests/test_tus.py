"""The tus protocol as its specification words it, and what becomes of a file that came in pieces."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from converter import maintenance
from converter.audit.models import AuditEntry
from converter.engine import sniff
from converter.engine.errors import MediaError
from converter.owners.models import Owner
from converter.uploads import partial, resumable, storage
from converter.uploads.models import Upload, UploadStatus
from converter.uploads.tus import read_metadata

pytestmark = pytest.mark.django_db

TUS = "/api/v1/uploads/tus/"
BODY = "application/offset+octet-stream"


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Sender:
    """A client that speaks the protocol, one request at a time."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def create(self, size: int | None, name: str = "clip.mp4", **headers: str) -> Any:
        sent = {"Tus-Resumable": "1.0.0", "Upload-Metadata": f"filename {_b64(name.encode())}", **headers}
        if size is not None:
            sent["Upload-Length"] = str(size)
        return self.client.post(TUS, headers=sent, content_type="text/plain")

    def patch(self, address: str, data: bytes, offset: int, **headers: str) -> Any:
        sent = {"Tus-Resumable": "1.0.0", "Upload-Offset": str(offset), **headers}
        return self.client.patch(address, data=data, content_type=BODY, headers=sent)

    def head(self, address: str) -> Any:
        return self.client.head(address, headers={"Tus-Resumable": "1.0.0"})

    def delete(self, address: str) -> Any:
        return self.client.delete(address, headers={"Tus-Resumable": "1.0.0"})

    def begun(self, size: int, name: str = "clip.mp4") -> str:
        response = self.create(size, name)
        assert response.status_code == 201, response.content
        return str(response["Location"]).removeprefix("http://testserver")


@pytest.fixture
def tus(api: Client) -> Sender:
    return Sender(api)


@pytest.fixture
def flower(media_dir: Path) -> bytes:
    return (media_dir / "flower_540p_5s.mp4").read_bytes()


def _problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, response.json()["code"]) == (status, code), response.content
    assert response["Tus-Resumable"] == "1.0.0"
    return dict(response.json())


def _upload(address: str) -> Upload:
    return Upload.objects.get(pk=address.rstrip("/").rpartition("/")[2])


def test_options_say_what_there_is(client: Client, settings: Any) -> None:
    response = client.options(TUS)
    assert response.status_code == 204
    assert response["Tus-Version"] == "1.0.0" and response["Tus-Max-Size"] == str(settings.MAX_UPLOAD_BYTES)
    assert set(response["Tus-Extension"].split(",")) == {"creation", "creation-with-upload", "termination", "checksum", "expiration"}
    assert response["Tus-Checksum-Algorithm"] == "sha1,sha256"


def test_a_clip_in_pieces_becomes_an_upload_like_any_other(tus: Sender, api: Client, flower: bytes, left: Callable[[], list[str]]) -> None:
    address = tus.begun(len(flower), "Blüte.mp4")
    step = len(flower) // 3 + 1
    for offset in range(0, len(flower), step):
        head = tus.head(address)
        assert (head.status_code, head["Upload-Offset"], head["Upload-Length"]) == (200, str(offset), str(len(flower)))
        assert head["Cache-Control"] == "no-store" and head["Upload-Expires"].endswith("GMT")
        piece = flower[offset : offset + step]
        response = tus.patch(address, piece, offset, **{"Upload-Checksum": f"sha256 {_b64(hashlib.sha256(piece).digest())}"})
        assert (response.status_code, response["Upload-Offset"]) == (204, str(offset + len(piece)))
    upload = _upload(address)
    seen = api.get(f"/api/v1/uploads/{upload.pk}/").json()
    assert (seen["status"], seen["name"], seen["sha256"]) == ("ready", "Blüte.mp4", hashlib.sha256(flower).hexdigest())
    assert left() == [upload.path] and upload.file.read_bytes() == flower
    head = tus.head(address)
    assert head["Upload-Offset"] == str(len(flower)) and "Upload-Expires" not in head
    assert [entry.action for entry in AuditEntry.objects.filter(action__startswith="upload.").order_by("id")] == ["upload.begun", "upload.created"]


def test_creation_may_bring_the_first_piece(tus: Sender, flower: bytes) -> None:
    response = tus.client.post(TUS, data=flower, content_type=BODY, headers={"Tus-Resumable": "1.0.0", "Upload-Length": str(len(flower))})
    assert (response.status_code, response["Upload-Offset"]) == (201, str(len(flower)))
    assert _upload(response["Location"]).status == UploadStatus.READY


def test_what_is_no_media_is_refused_by_its_beginning(tus: Sender, api: Client, flower: bytes, left: Callable[[], list[str]]) -> None:
    page = b"<!doctype html><title>not a clip</title>".ljust(sniff.HEAD_BYTES)
    address = tus.begun(10_000_000, "clip.mp4")
    assert tus.patch(address, page[:1000], 0).status_code == 204  # too little to tell
    assert "the file is a web page" in _problem(tus.patch(address, page[1000:], 1000), 415, "mismatched_type")["detail"]
    assert _upload(address).status == UploadStatus.REJECTED and left() == []
    _problem(tus.patch(address, b"more", len(page)), 410, "gone")
    again = tus.begun(len(flower))
    assert tus.patch(again, flower[: sniff.HEAD_BYTES], 0)["Upload-Offset"] == str(sniff.HEAD_BYTES)
    assert [entry.action for entry in AuditEntry.objects.filter(action__startswith="upload.").order_by("id")][:2] == [
        "upload.begun",
        "upload.refused",
    ]


def test_what_was_sent_about_it_comes_back(tus: Sender) -> None:
    address = tus.begun(10, "a b.mp4")
    assert tus.head(address)["Upload-Metadata"] == f"filename {_b64(b'a b.mp4')}"


@pytest.mark.parametrize(
    ("headers", "status", "field"),
    [
        ({"Upload-Length": "-1"}, 400, "Upload-Length"),
        ({"Upload-Length": "１２"}, 400, "Upload-Length"),
        ({"Upload-Length": "1" * 30}, 400, "Upload-Length"),
        ({"Upload-Length": "0"}, 400, "Upload-Length"),
        ({}, 400, "Upload-Length"),
        ({"Upload-Defer-Length": "1"}, 400, "Upload-Defer-Length"),
        ({"Upload-Length": "9", "Upload-Metadata": "filename not-base64!"}, 400, "Upload-Metadata"),
        ({"Upload-Length": "9", "Upload-Metadata": "a YQ==,a YQ=="}, 400, "Upload-Metadata"),
        ({"Upload-Length": "9", "Tus-Resumable": "0.2.2"}, 412, "Tus-Resumable"),
    ],
)
def test_a_bad_beginning_makes_nothing(tus: Sender, left: Callable[[], list[str]], headers: dict[str, str], status: int, field: str) -> None:
    if any(not value.isascii() for value in headers.values()):
        headers = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    response = tus.create(None, **headers)
    assert _problem(response, status, "bad_parameter")["field"] == field
    assert not Upload.objects.exists() and left() == []


def test_too_large_is_said_before_a_byte_is_sent(tus: Sender, settings: Any, left: Callable[[], list[str]]) -> None:
    _problem(tus.create(settings.MAX_UPLOAD_BYTES + 1), 413, "too_large")
    assert not Upload.objects.exists() and left() == []


def test_a_wrong_offset_changes_nothing(tus: Sender, flower: bytes) -> None:
    address = tus.begun(len(flower))
    tus.patch(address, flower[:100], 0)
    _problem(tus.patch(address, flower[50:], 50), 409, "conflict")
    _problem(tus.patch(address, flower[200:], 200), 409, "conflict")
    assert tus.head(address)["Upload-Offset"] == "100"


def test_a_wrong_checksum_keeps_nothing_of_its_piece(tus: Sender, flower: bytes) -> None:
    address = tus.begun(len(flower))
    tus.patch(address, flower[:100], 0)
    wrong = {"Upload-Checksum": f"sha1 {_b64(hashlib.sha1(b'x', usedforsecurity=False).digest())}"}
    _problem(tus.patch(address, flower[100:], 100, **wrong), 460, "bad_parameter")
    assert tus.head(address)["Upload-Offset"] == "100" and _upload(address).status == UploadStatus.RECEIVING
    _problem(tus.patch(address, flower[100:], 100, **{"Upload-Checksum": "md5 YQ=="}), 400, "bad_parameter")


def test_more_than_was_promised_is_refused(tus: Sender) -> None:
    address = tus.begun(10)
    tus.patch(address, b"12345", 0)
    _problem(tus.patch(address, b"6789012", 5), 413, "too_large")
    assert tus.head(address)["Upload-Offset"] == "5"


def test_only_the_right_type_is_a_piece(tus: Sender) -> None:
    address = tus.begun(10)
    response = tus.client.patch(address, data=b"1", content_type="text/plain", headers={"Tus-Resumable": "1.0.0", "Upload-Offset": "0"})
    _problem(response, 415, "bad_parameter")


def test_a_file_that_is_no_media_says_so_and_is_gone(tus: Sender, api: Client, left: Callable[[], list[str]]) -> None:
    page = b"<html><script>alert(1)</script></html>" * 20
    address = tus.begun(len(page), "page.mp4")
    _problem(tus.patch(address, page, 0), 415, "mismatched_type")
    seen = api.get(f"/api/v1/uploads/{_upload(address).pk}/").json()
    assert (seen["status"], seen["error"]["code"]) == ("rejected", "mismatched_type") and left() == []
    assert tus.head(address).status_code == 410
    assert AuditEntry.objects.filter(action="upload.refused").count() == 1


def test_strangers_find_nothing(tus: Sender, stranger: Client, client: Client) -> None:
    address = tus.begun(10)
    other = Sender(stranger)
    assert other.head(address).status_code == 404
    _problem(other.patch(address, b"1", 0), 404, "not_found")
    _problem(other.delete(address), 404, "not_found")
    _problem(Sender(client).create(10), 401, "not_allowed")
    assert tus.head(address)["Upload-Offset"] == "0"


def test_giving_up_leaves_nothing(tus: Sender, left: Callable[[], list[str]], django_capture_on_commit_callbacks: Any) -> None:
    address = tus.begun(10)
    tus.patch(address, b"123", 0)
    with django_capture_on_commit_callbacks(execute=True):
        assert tus.delete(address).status_code == 204
    assert tus.head(address).status_code == 404
    assert not Upload.objects.exists() and left() == []


def test_a_method_in_a_header_counts(tus: Sender) -> None:
    address = tus.begun(10)
    headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert tus.client.post(address, data=b"123", content_type=BODY, headers=headers).status_code == 204
    assert tus.head(address)["Upload-Offset"] == "3"


def test_unfinished_uploads_enter_no_job(tus: Sender, api: Client) -> None:
    upload = _upload(tus.begun(10))
    response = api.post("/api/v1/jobs/", {"upload": str(upload.pk), "operation": "gif"}, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (409, "conflict")


def test_a_check_that_died_is_taken_up_again(guest: Owner, media_root: Path, flower: bytes, left: Callable[[], list[str]]) -> None:
    upload = resumable.create(guest, "clip.mp4", len(flower))
    upload.file.parent.mkdir(parents=True)
    upload.file.write_bytes(flower)  # renamed, and then the process died
    partial.path_of(upload.file.name).unlink()
    Upload.objects.update(status=UploadStatus.CHECKING)
    upload.refresh_from_db()
    assert resumable.received(upload) == len(flower)
    assert resumable.append(upload, len(flower), lambda size: b"") == len(flower)
    upload.refresh_from_db()
    assert upload.status == UploadStatus.READY and left() == [upload.path]


def test_asking_how_far_it_got_checks_what_nobody_checked(tus: Sender, flower: bytes) -> None:
    address = tus.begun(len(flower))
    upload = _upload(address)
    partial.path_of(upload.file.name).write_bytes(flower)  # the server died before it could look at it
    assert tus.head(address)["Upload-Offset"] == str(len(flower))
    assert _upload(address).status == UploadStatus.READY


def test_a_file_that_is_moved_to_its_place_between_two_looks_is_not_gone(guest: Owner, media_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client asks how far it got while its last piece, whose answer was lost, is being kept."""
    looks: list[tuple[Any, str]] = [(partial, "size_of"), (resumable.files, "changed_at")]
    for module, name in looks:
        upload = resumable.create(guest, "clip.mp4", 3)
        upload.file.parent.mkdir(parents=True, exist_ok=True)
        there, real = partial.path_of(upload.file.name), getattr(module, name)
        there.write_bytes(b"123")

        def look(what: Any, upload: Upload = upload, there: Path = there, real: Callable[[Any], Any] = real) -> Any:
            if there.exists():
                there.rename(upload.file)
            return real(what)

        with monkeypatch.context() as moved:
            moved.setattr(module, name, look)
            assert resumable.received(upload) == 3 and resumable.expires_at(upload) > timezone.now()
        assert not there.exists()


def test_our_own_fault_at_the_end_loses_no_byte(
    guest: Owner, media_root: Path, flower: bytes, monkeypatch: pytest.MonkeyPatch, left: Callable[[], list[str]]
) -> None:
    upload = resumable.create(guest, "clip.mp4", len(flower))

    def full(source: Path, target: Path) -> None:
        raise MediaError("disk_full")

    with monkeypatch.context() as patched:
        patched.setattr("converter.uploads.services.files.publish", full)
        with pytest.raises(MediaError) as caught:
            resumable.append(upload, 0, _pieces(flower))
    assert caught.value.code.name == "disk_full"
    upload.refresh_from_db()
    assert upload.status == UploadStatus.RECEIVING and resumable.received(upload) == len(flower)
    resumable.append(upload, len(flower), lambda size: b"")
    upload.refresh_from_db()
    assert upload.status == UploadStatus.READY and left() == [upload.path]


def _pieces(data: bytes, *, broken_after: int | None = None) -> partial.Read:
    offset = 0

    def read(size: int) -> bytes:
        nonlocal offset
        if broken_after is not None and offset >= broken_after:
            raise ConnectionResetError
        chunk = data[offset : offset + min(size, 1000)]
        offset += len(chunk)
        return chunk

    return read


def test_a_sender_who_leaves_loses_nothing_that_arrived(guest: Owner, media_root: Path) -> None:
    upload = resumable.create(guest, "clip.mp4", 10_000)
    assert resumable.append(upload, 0, _pieces(b"x" * 10_000, broken_after=4000)) == 4000
    summed = partial.Checksum("sha1", hashlib.sha1(b"x" * 6000, usedforsecurity=False).digest())
    assert resumable.append(upload, 4000, _pieces(b"x" * 6000, broken_after=2000), summed) == 4000


@pytest.fixture
def token(media_root: Path) -> Iterator[str]:
    partial.begin("a" * 32)
    yield "a" * 32


def test_a_newcomer_takes_over_from_a_request_that_hangs(token: str) -> None:
    started, ended = threading.Event(), threading.Event()

    def hang(size: int) -> None:
        started.set()
        time.sleep(0.02)

    def first() -> None:
        with partial.held(token) as hold:
            partial.append(token, 0, 10, hang, hold)
        ended.set()

    thread = threading.Thread(target=first)
    thread.start()
    assert started.wait(240)
    with partial.held(token, patience=240) as hold:
        assert ended.wait(240)
        assert partial.append(token, 0, 10, _pieces(b"1234567890"), hold) == 10
    thread.join()


def test_who_does_not_let_go_keeps_others_out(token: str) -> None:
    with partial.held(token), pytest.raises(partial.Busy), partial.held(token, patience=0.2):
        pass


def test_a_dead_holder_holds_nothing(token: str) -> None:
    child = os.fork()
    if child == 0:
        try:
            with partial.held(token):
                os.kill(os.getpid(), 9)
        finally:
            os._exit(1)  # whatever went wrong: a second test process must not go on from here
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == 9
    with partial.held(token, patience=240):
        pass


def test_a_busy_upload_answers_423(tus: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    address = tus.begun(10)
    with partial.held(_upload(address).file.name):
        monkeypatch.setattr("converter.uploads.partial.EVICT_SECONDS", 0.1)
        response = tus.patch(address, b"1", 0)
    _problem(response, 423, "conflict")
    assert response["Retry-After"] == "1"


def test_what_is_not_taken_up_again_is_swept(tus: Sender, left: Callable[[], list[str]], django_capture_on_commit_callbacks: Any) -> None:
    address = tus.begun(10)
    tus.patch(address, b"123", 0)
    upload = _upload(address)
    assert [item.name for item in maintenance.clean(dry_run=True).gone] == []
    long_ago = timezone.now() - timedelta(days=30)
    Upload.objects.update(created_at=long_ago)
    for path in storage.incoming().iterdir():
        os.utime(path, (long_ago.timestamp(), long_ago.timestamp()))
    assert not list(resumable.expired(timezone.now())), "a rename or a write counts by ctime"
    after = timezone.now() + timedelta(days=30)
    assert [found.pk for found in resumable.expired(after)] == [upload.pk]
    with django_capture_on_commit_callbacks(execute=True):
        assert resumable.expire(upload)
    assert not Upload.objects.exists() and left() == []


@given(st.text())
def test_metadata_is_read_or_refused(header: str) -> None:
    try:
        assert isinstance(read_metadata(header), dict)
    except MediaError as error:
        assert error.code.name == "bad_parameter" and error.field == "Upload-Metadata"


@given(st.dictionaries(st.from_regex(r"[a-z]{1,10}", fullmatch=True), st.text(max_size=30), max_size=5))
def test_metadata_comes_back_as_it_was(pairs: dict[str, str]) -> None:
    pairs = {key: value.encode("utf-8", "ignore").decode() for key, value in pairs.items()}
    header = ",".join(f"{key} {_b64(value.encode())}".strip() for key, value in pairs.items())
    assert read_metadata(header) == pairs
