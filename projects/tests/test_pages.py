"""The pages of projects: plain forms, each answered by a redirect."""

from __future__ import annotations

import pytest
from django.test import Client

from converter.owners.services import COOKIE, new_guest
from converter.runtime import services as runtime
from projects import services
from projects.models import Clip, Project, Render

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(guest) -> Client:
    client = Client()
    client.cookies[COOKIE] = guest[1]
    return client


@pytest.fixture
def page(project) -> str:
    return f"/projects/{project.pk}/"


def act(browser: Client, page: str, action: str, **fields: object):
    return browser.post(page, {"action": action, **fields})


def test_a_new_browser_makes_a_project():
    browser = Client(enforce_csrf_checks=True)
    assert "New project" in browser.get("/projects/").content.decode()
    form = {"name": "Holiday", "width": 640, "height": 360, "fps": 25}
    assert browser.post("/projects/", form).status_code == 403, "without the token of the form"
    form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"].value
    answer = browser.post("/projects/", form, follow=True)
    project = Project.objects.get()
    assert answer.redirect_chain == [(f"/projects/{project.pk}/", 302)]
    assert "Holiday" in browser.get("/projects/").content.decode()
    assert "Holiday" not in Client().get("/projects/").content.decode()


@pytest.mark.parametrize(("field", "value"), [("name", ""), ("width", "wide"), ("width", "3"), ("fps", "0")])
def test_a_project_that_cannot_be_says_why(browser, field, value):
    form = {"name": "Holiday", "width": 640, "height": 360, "fps": 25, field: value}
    answer = browser.post("/projects/", form)
    assert answer.status_code == 400 and not Project.objects.exists()
    text = answer.content.decode()
    assert 'class="error"' in text or 'role="alert"' in text


def test_clips_are_added_moved_changed_and_removed(browser, page, project, upload):
    for start in ("0", "0:01.5"):
        assert act(browser, page, "add", upload=upload().pk, start=start, end="").status_code == 302
    first, second = project.clips.all()
    assert (second.start, second.end) == (1.5, 10.0)
    act(browser, page, "down", clip=first.pk)
    assert list(project.clips.all()) == [second, first]
    act(browser, page, "up", clip=first.pk)
    act(browser, page, "up", clip=first.pk)
    assert list(project.clips.all()) == [first, second]
    act(browser, page, "update", clip=first.pk, start="2", end="0:03")
    first.refresh_from_db()
    assert (first.start, first.end) == (2, 3)
    shown = browser.get(page).content.decode()
    assert "2 clips" in shown and "0:09.5" in shown
    act(browser, page, "remove", clip=first.pk)
    assert project.clips.count() == 1


def test_a_name_and_a_frame_are_changed_and_the_project_is_deleted(browser, page, project):
    act(browser, page, "change", name="Winter", width=320, height=180, fps=24)
    project.refresh_from_db()
    assert (project.name, project.width) == ("Winter", 320)
    answer = browser.post(page, {"action": "delete"}, follow=True)
    assert answer.redirect_chain[0][0] == "/projects/" and "was deleted" in answer.content.decode()
    assert not Project.objects.exists()


def test_a_render_shows_up_with_its_state(browser, page, project, upload):
    services.add_clip(project, upload())
    assert act(browser, page, "render").status_code == 302
    shown = browser.get(page).content.decode()
    assert f"/jobs/{Render.objects.get().job_id}/" in shown and "Waiting" in shown


@pytest.mark.parametrize(
    ("action", "fields", "status", "said"),
    [
        ("add", {"upload": "", "start": "0"}, 400, "nothing was chosen"),
        ("add", {"upload": "UPLOAD", "start": "99"}, 422, "at or after the end"),
        ("add", {"upload": "UPLOAD", "start": "soon"}, 400, "is not a time"),
        ("add", {"upload": "UPLOAD", "start": "5", "end": "4"}, 422, "not after the start"),
        ("render", {}, 400, "no clips"),
        ("dance", {"clip": "x"}, 404, ""),
        ("change", {"name": "", "width": 1, "height": 1, "fps": 1}, 400, "name"),
    ],
)
def test_what_cannot_be_done_says_why_on_the_page(browser, page, upload, action, fields, status, said):
    fields = {key: upload().pk if value == "UPLOAD" else value for key, value in fields.items()}
    answer = act(browser, page, action, **fields)
    assert answer.status_code == status and said in answer.content.decode()
    assert not Clip.objects.exists()


def test_an_unknown_action_is_named(browser, page, project, upload):
    clip = services.add_clip(project, upload())
    answer = act(browser, page, "dance", clip=clip.pk)
    assert answer.status_code == 400 and "action" in answer.content.decode()


def test_strangers_find_nothing(page, project, upload):
    clip = services.add_clip(project, upload())
    stranger = Client()
    stranger.cookies[COOKIE] = new_guest()[1]
    for who in (stranger, Client()):
        assert who.get(page).status_code == 404
        assert act(who, page, "remove", clip=clip.pk).status_code == 404
    mine = services.create(new_guest()[0], "Mine")
    assert project.clips.exists() and not mine.clips.exists()


def test_a_clip_of_another_project_is_not_moved_through_this_page(browser, page, project, owner, upload):
    other = services.create(owner, "Other")
    clip = services.add_clip(other, upload())
    assert act(browser, page, "remove", clip=clip.pk).status_code == 404
    assert other.clips.exists()


def test_names_are_text_and_never_markup(browser, owner, upload):
    project = services.create(owner, "<script>alert(1)</script>")
    services.add_clip(project, upload(name="<b>x</b>.mp4"))
    for address in ("/projects/", f"/projects/{project.pk}/"):
        text = browser.get(address).content.decode()
        assert "<script>alert" not in text and "<b>x" not in text


def test_a_render_beyond_the_quota_says_when_to_come_again(browser, page, project, upload):
    services.add_clip(project, upload())
    runtime.set("quota_gigabytes", 10 / 1e9)
    refused = act(browser, page, "render")
    assert refused.status_code == 403 and "You store" in refused.content.decode()
    assert 0 < int(refused["Retry-After"]) <= 7 * 86400 and not Render.objects.exists()
