"""One's own files: found, set aside, brought back, packed; never somebody else's."""

from __future__ import annotations

import html
import io
import re
import wave
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from converter import library, maintenance, services, tasks
from converter.audit.models import AuditEntry
from converter.engine.errors import MediaError
from converter.exports import grants
from converter.exports.models import Export
from converter.exports.tests import make
from converter.owners import services as owners
from converter.owners.models import Owner
from converter.uploads import selectors
from converter.uploads import services as intake
from converter.uploads.models import Upload, UploadStatus

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(media_root) -> Client:
    client = Client(headers={"accept": "text/html"})
    client.get("/")
    return client


@pytest.fixture
def guest(media_root) -> tuple[Owner, Client]:
    """An owner and its API client."""
    owner, token = owners.new_guest()
    return owner, Client(headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def person(browser: Client) -> Owner:
    """The browser's owner, who has something already."""
    browser.post("/", {"action": "upload"})
    return Owner.objects.get()


def exported(owner: Owner, name: str = "film.mp4", **fields: Any) -> Export:
    return make.export(owner, name=name, **fields)


def uploaded(owner: Owner, name: str = "clip.mp4", kind: str = "video", **fields: Any) -> Upload:
    return Upload.objects.create(owner=owner, name=name, status=UploadStatus.READY, size=10, media_data={"kind": kind} | PROBED, **fields)


PROBED = {"container": "mp4", "demuxer": "mov", "mime": "video/mp4", "size": 10, "duration": 2.0}


def shown(browser: Client, address: str) -> list[str]:
    return [row.name for row in browser.get(address).context["page"].object_list]


def test_files_are_found_by_words_kind_and_order(browser, person):
    exported(person, "Holiday at sea.mp4", size=5)
    exported(person, "holiday song.mp3", size=50, media_data={**PROBED, "kind": "audio"})
    exported(person, "work.gif", size=500, media_data={**PROBED, "kind": "animation"})
    assert shown(browser, "/exports/?q=HOLIDAY") == ["holiday song.mp3", "Holiday at sea.mp4"]
    assert shown(browser, "/exports/?q=sea+holi") == ["Holiday at sea.mp4"]
    assert shown(browser, "/exports/?kind=moving") == ["work.gif"]
    assert shown(browser, "/exports/?sort=largest") == ["work.gif", "holiday song.mp3", "Holiday at sea.mp4"]
    assert shown(browser, "/exports/?kind=nonsense&sort=nonsense") == ["work.gif", "holiday song.mp3", "Holiday at sea.mp4"]
    page = browser.get("/exports/?q=nothing+like+it").content.decode()
    assert "Nothing here fits." in page and 'value="nothing like it"' in page


def test_the_next_page_is_of_what_was_sought(browser, person, monkeypatch):
    monkeypatch.setattr("converter.pages.PER_PAGE", 2)
    for number in range(3):
        exported(person, f"a & b {number}.mp4")
    exported(person, "other.mp4")
    page = browser.get("/exports/?q=a+%26&sort=oldest").content.decode()
    following = html.unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])
    assert shown(browser, f"/exports/{following}") == ["a & b 2.mp4"]
    before = html.unescape(re.search(r'rel="prev" href="([^"]+)"', browser.get(f"/exports/{following}").content.decode())[1])
    assert shown(browser, f"/exports/{before}") == ["a & b 0.mp4", "a & b 1.mp4"]


def test_nobody_sees_or_moves_another_ones(browser, person, media_root):
    other = exported(owners.new_guest()[0], "theirs.mp4")
    exported(person, "mine.mp4")
    assert shown(browser, "/exports/") == ["mine.mp4"]
    for action in ("delete", "zip"):
        assert browser.post("/exports/", {"action": action, "ids": [str(other.pk), "no-id"]}).status_code == 400
    other.refresh_from_db()
    assert other.deleted_at is None
    assert browser.get(f"/api/v1/exports/{other.pk}/thumbnail.jpg").status_code == 404


def test_what_is_deleted_is_out_of_sight_and_comes_back(browser, person, settings):
    export = exported(person)
    _, token = grants.create_grant(export)
    answer = browser.post("/exports/?q=film", {"action": "delete", "ids": [str(export.pk)]})
    assert answer["Location"] == "/exports/?q=film"
    page = browser.get("/exports/")
    assert shown(browser, "/exports/") == [] and "it can be brought back for ten minutes" in page.content.decode()
    assert browser.get(f"/exports/{export.pk}/content/").status_code == 404
    assert browser.post(f"/download/{token}/").status_code == 410
    assert not maintenance.clean().gone and export.file.exists()

    browser.post("/exports/", {"action": "restore"})
    assert shown(browser, "/exports/") == ["film.mp4"]
    assert browser.get(f"/exports/{export.pk}/content/").status_code == 200
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"export.deleted", "export.restored"} <= actions


def test_after_ten_minutes_its_bytes_go_with_the_sweep(browser, person):
    export = exported(person)
    browser.post("/exports/", {"action": "delete", "ids": [str(export.pk)]})
    long_ago = timezone.now() - selectors.UNDO - timedelta(seconds=1)
    Export.objects.filter(pk=export.pk).update(deleted_at=long_ago)
    browser.post("/exports/", {"action": "restore"})  # too late
    assert shown(browser, "/exports/") == []
    assert [item.name for item in maintenance.clean().gone] == [str(export.pk)]
    export.refresh_from_db()
    assert export.removed_at is not None and not export.file.exists() and export.recipe


def test_an_upload_goes_and_comes_back_but_not_while_a_job_needs_it(browser, media_dir, monkeypatch, media_root):
    monkeypatch.setattr(tasks.run_job, "apply_async", lambda args: None)
    browser.post("/", {"action": "upload"})
    person = Owner.objects.get()
    upload = intake.receive(person, "flower.mp4", [(media_dir / "flower_540p_5s.mp4").read_bytes()])
    other = uploaded(person, "other.mp4")
    job = services.submit(person, "trim", {"start": 1, "duration": 1, "mode": "copy"}, [upload])
    answer = browser.post("/uploads/", {"action": "delete", "ids": [str(other.pk), str(upload.pk)]})
    assert answer.status_code == 409 and "flower.mp4" in answer.content.decode()
    assert sorted(shown(browser, "/uploads/")) == ["flower.mp4", "other.mp4"]  # all or none

    services.cancel(job)
    browser.post("/uploads/", {"action": "delete", "ids": [str(upload.pk)]})
    assert shown(browser, "/uploads/") == ["other.mp4"]
    assert browser.get(f"/?upload={upload.pk}").status_code == 410
    with pytest.raises(MediaError, match="cleaned up"):
        services.submit(person, "trim", {"start": 1, "duration": 1, "mode": "copy"}, [Upload.objects.get(pk=upload.pk)])
    browser.post("/uploads/", {"action": "restore"})
    assert browser.get(f"/?upload={upload.pk}").status_code == 200

    browser.post("/uploads/", {"action": "delete", "ids": [str(upload.pk)]})
    Upload.objects.update(deleted_at=timezone.now() - 2 * selectors.UNDO)
    Upload.objects.filter(pk=other.pk).update(deleted_at=None)
    maintenance.clean()
    assert not upload.file.exists() and Upload.objects.get(pk=upload.pk).removed_at  # its job's recipe still names it


def test_the_list_says_until_when(browser, person):
    upload = uploaded(person)
    assert library.kept_until([upload])[upload.pk] == upload.created_at + timedelta(days=7)
    assert "as long as it is needed" not in browser.get("/uploads/").content.decode()


def test_several_are_packed_under_names_of_their_own(browser, person):
    rows = [exported(person, "film.mp4", data=b"one"), exported(person, "Film.mp4", data=b"two"), exported(person, "a/b.gif", data=b"three")]
    answer = browser.post("/exports/", {"action": "zip", "ids": [str(row.pk) for row in rows]})
    data = b"".join(answer.streaming_content)
    assert answer.status_code == 200 and int(answer["Content-Length"]) == len(data) and "cutroom.zip" in answer["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        found = {name: packed.read(name) for name in packed.namelist()}
    # The newest stands first, as on the page.
    assert found == {"a_b.gif": b"three", "Film.mp4": b"two", "film (2).mp4": b"one"}


def test_of_what_was_cleaned_up_there_is_no_pack(browser, person):
    export = exported(person, removed_at=timezone.now())
    assert browser.post("/exports/", {"action": "zip", "ids": [str(export.pk)]}).status_code == 410


@pytest.mark.parametrize("name", ["flower_540p_5s.mp4", "car_432p_12fps.mp4"])
def test_a_film_has_a_small_picture(guest, clip, name):
    owner, client = guest
    upload = clip(name, of=owner)
    answer = client.get(f"/api/v1/uploads/{upload.pk}/thumbnail.jpg")
    assert answer.status_code == 200 and answer["Content-Type"] == "image/jpeg"
    with Image.open(io.BytesIO(b"".join(answer.streaming_content))) as picture:
        assert picture.height == 120 and picture.width > 120


def test_a_picture_has_one_too_and_it_is_upright(guest):
    owner, client = guest
    data = io.BytesIO()
    notes = Image.Exif()
    notes[0x0112] = 6  # EXIF: turned by a quarter
    Image.new("RGB", (400, 200), "red").save(data, "JPEG", exif=notes)
    upload = intake.receive(owner, "photo.jpg", [data.getvalue()])
    answer = client.get(f"/api/v1/uploads/{upload.pk}/thumbnail.jpg")
    with Image.open(io.BytesIO(b"".join(answer.streaming_content))) as picture:
        assert picture.size == (106, 213)


def test_sound_has_none(guest):
    owner, client = guest
    data = io.BytesIO()
    with wave.open(data, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    upload = intake.receive(owner, "sound.wav", [data.getvalue()])
    answer = client.get(f"/api/v1/uploads/{upload.pk}/thumbnail.jpg")
    assert answer.status_code == 422 and answer.json()["code"] == "no_video"
