"""Files come in once, whole and checked, or not at all."""

from __future__ import annotations

import errno
import gc
import hashlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connections
from django.test import Client, RequestFactory

from converter.audit import services as audit
from converter.audit.models import AuditEntry
from converter.engine.errors import MediaError
from converter.owners.models import Owner
from converter.uploads import incoming, selectors, services, storage
from converter.uploads.models import Upload

pytestmark = pytest.mark.django_db

UPLOADS = "/api/v1/uploads/"


@pytest.fixture
def flower(media_dir: Path) -> bytes:
    return (media_dir / "flower_540p_5s.mp4").read_bytes()


def refusals() -> list[str]:
    return [entry.data["code"] for entry in AuditEntry.objects.filter(action="upload.refused").order_by("id")]


def problem(response: Any) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_a_real_clip(send: Callable[..., Any], flower: bytes, media_root: Path, left: Callable[[], list[str]]) -> None:
    response = send(flower, "../..\\Blüte\u202e.mp4")
    assert response.status_code == 201
    body = response.json()
    assert (body["name"], body["status"], body["size"], body["error"]) == ("Blüte.mp4", "ready", len(flower), None)
    assert body["sha256"] == hashlib.sha256(flower).hexdigest()
    assert (body["media"]["kind"], body["media"]["width"], body["media"]["height"], body["media"]["video_codec"]) == ("video", 960, 540, "h264")
    assert response["Location"] == f"{UPLOADS}{body['id']}/"
    upload = Upload.objects.get(pk=body["id"])
    assert left() == [upload.path] and upload.path.startswith("uploads/") and "Bl" not in upload.path
    assert upload.file.read_bytes() == flower and upload.file.stat().st_mode & 0o777 == 0o600
    entry = AuditEntry.objects.get(action="upload.created")
    assert entry.actor == str(upload.owner) and entry.address == "127.0.0.1" and entry.data["sha256"] == body["sha256"]


@pytest.mark.parametrize("name", ["bunny_720p_vp8.webm", "friday_480p_audio_first.mp4", "greenscreen_720p.mp4"])
def test_other_real_clips(send: Callable[..., Any], media_dir: Path, name: str) -> None:
    body = send((media_dir / name).read_bytes(), name).json()
    assert body["status"] == "ready" and body["media"]["duration"] > 1


def test_the_type_is_told_by_content(send: Callable[..., Any], flower: bytes) -> None:
    body = send(flower, "picture.jpg").json()
    assert body["media"]["container"] == "mp4" and body["name"] == "picture.jpg"


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"", "empty.mp4", "corrupt_media"),
        (b"#EXTM3U\n#EXTINF:10.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "list.mp4", "mismatched_type"),
        (b"<html><script>alert(1)</script>", "page.jpg", "mismatched_type"),
        (b"PK\x03\x04" + b"\0" * 100, "archive.mp4", "mismatched_type"),
        (b"nothing that anybody knows " * 9, "notes.xyz", "unsupported_media"),
    ],
)
def test_what_is_no_media_is_refused(send: Callable[..., Any], left: Callable[[], list[str]], data: bytes, name: str, code: str) -> None:
    status, got = problem(send(data, name))
    assert got == code and status in (415, 422)
    assert left() == [] and not Upload.objects.exists() and refusals() == [code]
    assert AuditEntry.objects.get(action="upload.refused").target == name


def test_a_truncated_clip_is_refused(send: Callable[..., Any], flower: bytes, left: Callable[[], list[str]]) -> None:
    response = send(flower[: len(flower) // 2])
    assert problem(response) == (422, "corrupt_media") and response.json()["field"] == "file"
    assert left() == [] and not Upload.objects.exists()


def test_limits_of_size(send: Callable[..., Any], settings: Any, flower: bytes, left: Callable[[], list[str]]) -> None:
    settings.MAX_UPLOAD_BYTES = len(flower)
    assert send(flower).status_code == 201
    settings.MAX_UPLOAD_BYTES = len(flower) - 1
    Upload.objects.all().delete()
    assert problem(send(flower)) == (413, "too_large")  # found while receiving: the form is not far beyond the limit
    settings.MAX_UPLOAD_BYTES = 1000
    assert problem(send(flower)) == (413, "too_large")  # found from the announced length
    assert refusals() == ["too_large", "too_large"] and len(left()) == 1


@pytest.mark.parametrize(("setting", "value", "code"), [("MAX_MEDIA_SECONDS", 2, "too_long"), ("MAX_PIXELS", 1000, "too_many_pixels")])
def test_limits_of_the_media(
    send: Callable[..., Any], settings: Any, flower: bytes, left: Callable[[], list[str]], setting: str, value: int, code: str
) -> None:
    setattr(settings, setting, value)
    assert problem(send(flower)) == (422, code) and left() == []


def test_a_form_without_the_file(api: Client, left: Callable[[], list[str]]) -> None:
    for response in (api.post(UPLOADS, {"other": "x"}), api.post(UPLOADS, {"file": "text"})):
        assert problem(response) == (400, "bad_parameter") and response.json()["field"] == "file"
    assert problem(api.post(UPLOADS, b"{}", content_type="application/json")) == (415, "bad_parameter")
    assert problem(api.post(UPLOADS, b"--x--", content_type="multipart/form-data")) == (400, "bad_parameter")
    assert left() == []


class _Broken(io.BytesIO):
    """A connection that is lost after some bytes."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise ConnectionResetError
        return data


def test_a_form_that_breaks_off(api: Client, flower: bytes, left: Callable[[], list[str]]) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
    stream = {"wsgi.input": _Broken(head + flower[:300_000])}
    response = api.generic("POST", UPLOADS, b"-", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=str(10**6), **stream)
    assert problem(response) == (400, "bad_parameter")
    assert left() == [] and not Upload.objects.exists()


def test_several_files_at_once_are_refused(api: Client, flower: bytes, left: Callable[[], list[str]]) -> None:
    parts = b"".join(b'--x\r\nContent-Disposition: form-data; name="file"; filename="%d.mp4"\r\n\r\n%b\r\n' % (i, flower[:100_000]) for i in range(3))
    response = api.generic("POST", UPLOADS, parts + b"--x--\r\n", content_type="multipart/form-data; boundary=x")
    assert problem(response) == (400, "bad_parameter")
    gc.collect()
    assert left() == []


def test_the_pages_handler_keeps_the_error_for_the_view(
    guest: Owner, flower: bytes, settings: Any, media_root: Path, left: Callable[[], list[str]]
) -> None:
    settings.FILE_UPLOAD_HANDLERS = ["converter.uploads.handlers.IncomingUploadHandler"]

    def form() -> Any:
        return RequestFactory().post("/", {"file": SimpleUploadedFile("a.mp4", flower), "action": "upload"})

    request = form()
    assert request.POST["action"] == "upload" and len(left()) == 1 and left()[0].startswith("incoming/")
    assert request.FILES["file"].read(8) == flower[:8]
    request.close()
    assert left() == []
    for limit in (len(flower) - 1, 10):
        settings.MAX_UPLOAD_BYTES = limit
        request = form()
        assert request.POST["action"] == "upload"
        with pytest.raises(MediaError) as error:
            services.receive(guest, "a.mp4", request.FILES["file"])
        assert error.value.code.name == "too_large" and left() == []
    assert refusals() == ["too_large", "too_large"]
    settings.MAX_UPLOAD_BYTES = len(flower)
    assert services.receive(guest, "a.mp4", form().FILES["file"]).size == len(flower)


def test_nobody_without_credentials(client: Client, media_root: Path, flower: bytes, left: Callable[[], list[str]]) -> None:
    response = client.post(UPLOADS, {"file": flower.decode("latin1")[:10]})
    assert problem(response) == (401, "not_allowed") and "/api/v1/auth/guest/" in response.json()["hint"]
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert problem(client.get(UPLOADS)) == (401, "not_allowed") and left() == []


def test_uploads_are_limited_by_owner(send: Callable[..., Any], settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"upload": "2/hour"}}
    codes = [send(b"").json()["code"] for _ in range(3)]
    assert codes == ["corrupt_media", "corrupt_media", "rate_limited"]


def test_strangers_find_nothing(send: Callable[..., Any], stranger: Client, api: Client, flower: bytes) -> None:
    url = f"{UPLOADS}{send(flower).json()['id']}/"
    for suffix in ("", "content/", "filmstrip.jpg", "waveform.json"):
        assert problem(stranger.get(url + suffix)) == (404, "not_found")
    assert problem(stranger.delete(url)) == (404, "not_found")
    assert stranger.get(UPLOADS).json()["results"] == [] and len(api.get(UPLOADS).json()["results"]) == 1
    assert api.get(url).status_code == 200
    assert problem(api.get(f"{UPLOADS}00000000-0000-4000-8000-000000000000/")) == (404, "not_found")


def test_lists_have_pages(api: Client, guest: Owner, media_root: Path) -> None:
    owner = Owner.objects.exclude(pk=guest.pk).get()
    for number in range(5):
        Upload.objects.create(owner=owner, name=f"{number}.mp4", status="ready")
    first = api.get(f"{UPLOADS}?limit=3").json()
    second = api.get(first["next"]).json()
    assert [row["name"] for row in first["results"] + second["results"]] == ["4.mp4", "3.mp4", "2.mp4", "1.mp4", "0.mp4"]
    assert second["next"] is None


def test_deleting(
    send: Callable[..., Any], api: Client, flower: bytes, left: Callable[[], list[str]], django_capture_on_commit_callbacks: Any
) -> None:
    url = f"{UPLOADS}{send(flower).json()['id']}/"
    api.get(url + "waveform.json")
    assert len(left()) == 2
    with django_capture_on_commit_callbacks(execute=True):
        assert api.delete(url).status_code == 204
    assert left() == [] and not Upload.objects.exists() and problem(api.get(url)) == (404, "not_found")
    assert AuditEntry.objects.filter(action="upload.deleted").count() == 1


def test_a_job_protects_its_upload(guest: Owner, media_root: Path, flower: bytes, left: Callable[[], list[str]]) -> None:
    from django.utils import timezone

    from converter.jobs.models import Job, JobInput

    upload = services.receive(guest, "a.mp4", [flower])
    job = Job.objects.create(owner=guest, operation="gif")
    JobInput.objects.create(job=job, upload=upload, position=0)
    far = timezone.now() + timezone.timedelta(days=1)
    with pytest.raises(MediaError) as error:
        services.delete(upload)
    assert error.value.code.name == "conflict" and not selectors.expirable(far).exists() and not services.expire(upload)
    Job.objects.update(finished_at=timezone.now())
    assert list(selectors.expirable(far)) == [upload] and not selectors.expirable(upload.created_at).exists()
    services.delete(upload)
    upload.refresh_from_db()
    assert upload.removed_at is not None and list(selectors.for_owner(guest)) == []
    with pytest.raises(MediaError) as error:
        selectors.get_for_owner(guest, upload.pk)
    assert error.value.code.name == "gone"
    services.delete(upload)  # again changes nothing


@pytest.mark.django_db(transaction=True)
def test_expiry_keeps_the_row(guest: Owner, media_root: Path, flower: bytes, left: Callable[[], list[str]]) -> None:
    upload = services.receive(guest, "a.mp4", [flower])
    assert services.expire(upload) and not services.expire(upload)
    assert left() == [] and Upload.objects.get().removed_at is not None
    assert audit.verify().sound


def test_chunks_of_any_kind(guest: Owner, media_root: Path, flower: bytes) -> None:
    chunks = (flower[i : i + 10_000] for i in range(0, len(flower), 10_000))
    assert services.receive(guest, "a.mp4", chunks).sha256 == hashlib.sha256(flower).hexdigest()


def test_a_source_that_breaks_off_leaves_nothing(guest: Owner, media_root: Path, flower: bytes, left: Callable[[], list[str]]) -> None:
    def broken() -> Iterator[bytes]:
        yield flower[:1000]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        services.receive(guest, "a.mp4", broken())
    assert left() == []


class _Full:
    """A file on a disk that has no room left after the first bytes."""

    def __init__(self, file: Any) -> None:
        self.file, self.room = file, 100_000

    def write(self, data: bytes) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= (count := self.file.write(data[: self.room]))
        return count

    def close(self) -> None:
        self.file.close()


def test_a_full_disk_is_said_and_leaves_nothing(send: Callable[..., Any], flower: bytes, left: Callable[[], list[str]], monkeypatch: Any) -> None:
    real = incoming.os.fdopen
    monkeypatch.setattr(incoming.os, "fdopen", lambda *args, **kwargs: _Full(real(*args, **kwargs)) if args[1] == "wb" else real(*args, **kwargs))
    assert problem(send(flower)) == (507, "disk_full")
    assert left() == [] and refusals() == ["disk_full"]


def test_room_is_kept_free(send: Callable[..., Any], flower: bytes, settings: Any, left: Callable[[], list[str]]) -> None:
    settings.MIN_FREE_BYTES = 1 << 60
    assert problem(send(flower)) == (507, "disk_full") and left() == []


def test_a_row_that_cannot_be_written_leaves_no_file(
    guest: Owner, media_root: Path, flower: bytes, left: Callable[[], list[str]], monkeypatch: Any
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("the database is away")

    monkeypatch.setattr(services.audit, "record", fail)
    with pytest.raises(DatabaseError):
        services.receive(guest, "a.mp4", [flower])
    assert left() == [] and not Upload.objects.exists()


def test_a_rename_that_fails_leaves_nothing(guest: Owner, media_root: Path, flower: bytes, left: Callable[[], list[str]]) -> None:
    (media_root / "uploads").write_text("in the way")
    with pytest.raises(MediaError) as error:
        services.receive(guest, "a.mp4", [flower])
    assert error.value.code.name == "internal" and left() == ["uploads"] and not Upload.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_name_three_times_at_once(guest: Owner, media_root: Path, flower: bytes, left: Callable[[], list[str]]) -> None:
    made: list[Upload] = []

    def work() -> None:
        try:
            made.append(services.receive(guest, "clip.mp4", [flower]))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({upload.path for upload in made}) == 3 and len(left()) == 3 and {upload.name for upload in made} == {"clip.mp4"}
    assert audit.verify().sound


def test_hostile_names_over_the_wire(api: Client, flower: bytes) -> None:
    from converter.uploads.tests.test_names import HOSTILE

    for name in [name for name in HOSTILE if "\0" not in name and "\n" not in name][:12]:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"').encode()
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="' + quoted + b'"\r\n\r\n\r\n--x--\r\n'
        response = api.generic("POST", UPLOADS, body, content_type="multipart/form-data; boundary=x")
        assert response.status_code in (400, 415, 422) and json.loads(response.content)["code"] in ("bad_parameter", "corrupt_media")


def test_the_admin_deletes_as_everybody_does(
    send: Callable[..., Any], admin_client: Client, flower: bytes, left: Callable[[], list[str]], django_capture_on_commit_callbacks: Any
) -> None:
    key = send(flower).json()["id"]
    assert b"clip.mp4" in admin_client.get("/admin/uploads/upload/").content
    assert admin_client.get(f"/admin/uploads/upload/{key}/change/").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post("/admin/uploads/upload/", {"action": "give_up", "_selected_action": [key]})
    assert left() == [] and not Upload.objects.exists()
    assert AuditEntry.objects.get(action="upload.deleted").actor == "user admin"


def test_storage_limits_follow_the_settings(settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES, settings.MAX_STREAMS = 5, 3
    assert (storage.limits().max_bytes, storage.limits().max_streams) == (5, 3)
