"""The pages without scripts: who sees what, what is refused, and with which page."""

from __future__ import annotations

import re
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from converter import services, tasks
from converter.jobs.models import Job
from converter.jobs.tests import make
from converter.owners.models import Owner
from converter.owners.services import COOKIE
from converter.runtime import services as runtime
from converter.templatetags import cutroom
from converter.uploads.models import Upload

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_messages(monkeypatch):
    monkeypatch.setattr(tasks.run_job, "apply_async", lambda args: None)


@pytest.fixture
def browser(media_root) -> Client:
    """A browser that has seen the first page, so that it has its cookie."""
    client = Client(headers={"accept": "text/html"})
    assert client.get("/").status_code == 200
    return client


@pytest.fixture
def sent(browser, media_dir):
    """The browser's upload of a real clip."""
    clip = SimpleUploadedFile("flower.mp4", (media_dir / "flower_540p_5s.mp4").read_bytes())
    answer = browser.post("/", {"action": "upload", "file": clip})
    upload = Upload.objects.get()
    assert answer.status_code == 302 and answer["Location"] == f"/?upload={upload.pk}"
    return upload


def test_looking_leaves_nothing_but_a_cookie(browser):
    for name in ("workshop", "job-list", "export-list"):
        assert browser.get(reverse(name)).status_code == 200
        assert browser.head(reverse(name)).status_code == 200
    assert COOKIE in browser.cookies and not Owner.objects.exists()


def test_the_form_shows_the_clip_and_every_parameter(browser, sent):
    page = browser.get(f"/?upload={sent.pk}").content.decode()
    assert "flower.mp4" in page and 'name="gif.width"' in page and 'name="trim.mode"' in page
    assert 'value="gif:chrome-background" required checked' in page
    assert "style=" not in page and "<script>" not in page


def preloaded(page):
    return re.findall(r'<link rel="modulepreload" href="/static/(js/[^"]+)">', page)


def test_the_start_page_leaves_the_editor_for_later_and_a_page_with_one_asks_for_it_at_once(browser, sent):
    start = browser.get("/").content.decode()
    first, later = start.split("data-later")
    assert "js/intake.js" in preloaded(first) and not {"js/editor.js", "js/timeline.js"} & set(preloaded(first))
    assert {"js/editor.js", "js/timeline.js"} <= set(preloaded(later)) and not set(preloaded(first)) & set(preloaded(later))
    opened = browser.get(f"/?upload={sent.pk}").content.decode()
    assert sorted(preloaded(opened)) == sorted(preloaded(start)) and "data-later" not in opened
    assert opened.index('<script type="module" src="/static/js/editor.js">') < opened.index('<script type="module" src="/static/js/workshop.js">')


def test_what_is_odd_about_a_clip_is_said_above_it(browser, sent):
    assert "data-media-notes" not in browser.get(f"/?upload={sent.pk}").content.decode()
    Upload.objects.filter(pk=sent.pk).update(media_data={**sent.media_data, "notes": ["The very end of the file is missing."]})
    assert "<p>The very end of the file is missing.</p>" in browser.get(f"/?upload={sent.pk}").content.decode()
    german = browser.get(f"/?upload={sent.pk}", headers={"accept-language": "de"}).content.decode()
    assert "<p>Das äußerste Ende der Datei fehlt.</p>" in german


def test_converting_makes_one_job_however_often_it_is_sent(browser, sent):
    form = {"action": "convert", "upload": sent.pk, "outcome": "gif:chat", "start": "1", "duration": "2", "key": "once"}
    answers = [browser.post("/", form) for _ in range(2)]
    job = Job.objects.get()
    assert [answer["Location"] for answer in answers] == [reverse("job-detail", args=[job.pk])] * 2
    assert (job.operation, job.preset, job.params["start"], job.params["duration"]) == ("gif", "chat", 1.0, 2.0)
    page = browser.get(reverse("job-detail", args=[job.pk])).content.decode()
    assert '<noscript><meta http-equiv="refresh"' in page and "Waiting" in page
    card = browser.get(reverse("job-detail", args=[job.pk]), {"part": "card"}).content.decode()
    assert card.count("data-job=") == 1 and "<html" not in card


@pytest.mark.parametrize(("field", "value", "status"), [("start", "99", 422), ("start", "x", 400), ("duration", "0", 400), ("gif.width", "7", 400)])
def test_a_wrong_value_is_kept_and_told_beside_its_field(browser, sent, field, value, status):
    answer = browser.post("/", {"action": "convert", "upload": sent.pk, "outcome": "gif:chat", field: value})
    assert answer.status_code in (status, 422)
    assert list(answer.context["form"].errors) == [field]
    assert f'value="{value}"' in answer.content.decode()
    assert not Job.objects.exists()


def test_a_file_is_refused_on_the_page_itself(browser):
    answer = browser.post("/", {"action": "upload", "file": SimpleUploadedFile("clip.mp4", b"<!doctype html><p>no")})
    assert answer.status_code == 415 and "web page" in answer.content.decode() and 'name="file"' in answer.content.decode()
    answer = browser.post("/", {"action": "upload"})
    assert answer.status_code == 400 and "No file was chosen" in answer.content.decode()
    assert not Upload.objects.exists()


def test_a_file_beyond_the_limit_is_told_so(settings, media_root):
    settings.MAX_UPLOAD_BYTES = 1000
    careful = Client(enforce_csrf_checks=True)  # the check reads the form, and meets the file first
    token = str(careful.get("/").context["csrf_token"])
    answer = careful.post("/", {"csrfmiddlewaretoken": token, "action": "upload", "file": SimpleUploadedFile("clip.mp4", bytes(2000))})
    page = answer.content.decode()
    assert answer.status_code == 413 and "at most" in page and "</footer>" in page
    assert not list((media_root / "incoming").iterdir())


def test_too_many_files_have_a_page(browser, settings):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"upload": "1/hour"}}
    statuses = [browser.post("/", {"action": "upload"}).status_code for _ in range(2)]
    assert statuses == [400, 429]


def test_strangers_see_nothing(browser, sent):
    job = services.submit(sent.owner, "gif", {}, [sent], "chat")
    stranger = Client()
    for path in (f"/?upload={sent.pk}", f"/?job={job.pk}", f"/jobs/{job.pk}/", f"/jobs/{job.pk}/?part=card", f"/jobs/{uuid.uuid4()}/"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"/jobs/{job.pk}/", {"action": "cancel"}).status_code == 404
    assert stranger.post("/", {"action": "convert", "upload": sent.pk, "outcome": "gif:chat"}).status_code == 404
    assert "flower" not in stranger.get("/jobs/").content.decode()


def test_the_tray_shows_what_is_under_way_and_what_ended_unseen(browser, sent):
    jobs = [services.submit(sent.owner, "gif", {"start": 0, "duration": 1 + n}, [sent], "chat") for n in range(3)]
    for job in jobs[1:]:
        services.cancel(job)
    also = f"{jobs[1].pk},nonsense,{uuid.uuid4()}"
    cards = browser.get(reverse("job-list"), {"part": "tray", "also": also}).content.decode()
    assert [card in cards for card in (f'data-job="{job.pk}"' for job in jobs)] == [True, True, False]
    assert "<html" not in cards and "Waiting for a worker" in cards
    other = services.submit(sent.owner, "gif", {"start": 0, "duration": 2.5}, [sent], "chat")
    assert "1 ahead of you" in browser.get(reverse("job-detail", args=[other.pk])).content.decode()
    assert 'data-job="' not in Client(headers={"accept": "text/html"}).get(reverse("job-list"), {"part": "tray", "also": also}).content.decode()


def test_the_cards_buttons(browser, sent):
    job = services.submit(sent.owner, "gif", {}, [sent], "chat")
    where = f"/jobs/{job.pk}/"
    assert browser.post(where, {"action": "retry"}).status_code == 409
    assert browser.post(where, {"action": "download"}).status_code == 409
    assert browser.post(where, {"action": "dance"}).status_code == 400
    assert browser.post(where, {"action": "cancel"})["Location"] == where
    assert browser.post(where, {"action": "cancel"}).status_code == 409
    again = browser.post(where, {"action": "retry"})["Location"]
    assert again != where and "Waiting" in browser.get(again).content.decode()
    page = browser.get(f"/?job={job.pk}")
    assert page.context["form"]["outcome"].value() == "gif:chat" and page.context["data"]["repeat"] == job.params


def test_a_clip_that_went_is_told_with_410(browser, sent):
    job = services.submit(sent.owner, "gif", {}, [sent], "chat")
    Upload.objects.update(removed_at=sent.created_at)
    for path in (f"/?upload={sent.pk}", f"/?job={job.pk}"):
        answer = browser.get(path)
        assert answer.status_code == 410 and "cleaned up" in answer.content.decode()


def test_a_form_without_its_token_is_refused(media_root):
    careful = Client(enforce_csrf_checks=True)
    answer = careful.post("/", {"action": "upload"})
    assert answer.status_code == 403 and "nothing was changed" in answer.content.decode()


@pytest.mark.parametrize("status", ["400", "403", "403_csrf", "404", "410", "413", "429", "500"])
def test_every_error_has_a_page_that_needs_nothing(status):
    page = render_to_string(f"{status}.html")
    assert status[:3] in page and "Back to the workshop" in page


def test_lists_go_on_page_by_page(browser, sent):
    for _ in range(27):
        services.submit(sent.owner, "gif", {}, [sent], "chat")
    first = browser.get("/jobs/").content.decode()
    assert first.count("Waiting") == 25 and 'rel="next" href="?page=2"' in first
    assert browser.get("/jobs/?page=2").content.decode().count("Waiting") == 2
    assert browser.get("/jobs/?page=nonsense").status_code == 200


def test_a_failed_job_names_its_parameter_as_the_form_does(browser, sent):
    facts = {"status": "failed", "operation": "compress", "error_code": "target_unreachable", "error_field": "target_mb"}
    for detail, said in (("target_mb: 1.0 MB could not be reached; 1.2 MB would work.", "Target size: 1.0 MB could not"), ("Why not.", "Why not.")):
        job = make.job(sent.owner, error_detail=detail, finished_at=timezone.now(), **facts)
        for address in (reverse("job-detail", args=[job.pk]), reverse("job-list")):
            shown = browser.get(address).content.decode()
            assert said in shown and "target_mb:" not in shown
    with translation.override("de"):
        assert cutroom.why(Job.objects.get(error_detail__startswith="target")).startswith("Zielgröße: 1")


def test_a_used_up_quota_says_when_to_come_again(browser, sent):
    """In the same header as the API, wherever on a page it is refused: a program that fills forms in can wait as well."""
    job = services.submit(sent.owner, "trim", {"start": 0.5, "duration": 1, "mode": "copy"}, [sent])
    Job.objects.update(status="failed", finished_at=timezone.now())
    runtime.set("quota_gigabytes", sent.size / 1e9)
    clip = SimpleUploadedFile("a.gif", b"GIF89a")
    for fields in ({"action": "upload", "file": clip}, {"upload": sent.pk, "outcome": "gif:chat", "start": "0", "duration": "1"}):
        refused = browser.post("/", fields)
        assert refused.status_code == 403 and "You store" in refused.content.decode()
        assert 0 < int(refused["Retry-After"]) <= 7 * 86400
    refused = browser.post(reverse("job-detail", args=[job.pk]), {"action": "retry"})
    assert refused.status_code == 403 and int(refused["Retry-After"]) > 0
