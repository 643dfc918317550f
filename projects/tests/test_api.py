"""`/api/v1/projects/`, `clips/` and `renders/`."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from converter.jobs.models import Job
from converter.owners.services import new_guest
from projects import services
from projects.models import Clip, Project

pytestmark = pytest.mark.django_db
JSON = "application/json"


def post(api: Client, path: str, **body: object):
    return api.post(f"/api/v1/{path}/", body, content_type=JSON)


def patch(api: Client, path: str, pk: object, **body: object):
    return api.patch(f"/api/v1/{path}/{pk}/", body, content_type=JSON)


def test_the_whole_way(api, upload):
    answer = post(api, "projects", name="Holiday", width=640, height=360)
    assert answer.status_code == 201
    project = answer.json()
    assert set(project) == {"id", "name", "width", "height", "fps", "duration", "clips", "created_at", "updated_at"}
    first = post(api, "clips", project=project["id"], upload=str(upload().pk), start=1, end=3).json()
    assert set(first) == {"id", "project", "upload", "name", "position", "start", "end", "duration", "created_at"}
    second = post(api, "clips", project=project["id"], upload=str(upload().pk), end=4).json()
    assert patch(api, "clips", second["id"], place=0, start=0.5).json()["start"] == 0.5
    assert patch(api, "projects", project["id"], fps=25).json()["fps"] == 25
    shown = api.get(f"/api/v1/projects/{project['id']}/").json()
    assert [clip["id"] for clip in shown["clips"]] == [second["id"], first["id"]] and shown["duration"] == 5.5
    assert len(api.get(f"/api/v1/clips/?project={project['id']}").json()["results"]) == 2

    answer = api.post("/api/v1/renders/", {"project": project["id"]}, content_type=JSON, headers={"Idempotency-Key": "once"})
    again = api.post("/api/v1/renders/", {"project": project["id"]}, content_type=JSON, headers={"Idempotency-Key": "once"})
    render = answer.json()
    assert answer.status_code == 201 and render == again.json() and Job.objects.count() == 1
    assert set(render) == {"id", "project", "job", "status", "progress", "export", "created_at"}
    assert (render["status"], render["progress"], render["export"]) == ("queued", 0, None)
    assert api.get(f"/api/v1/jobs/{render['job']}/").json()["operation"] == "join"
    assert api.get(f"/api/v1/renders/?project={project['id']}").json()["results"] == [api.get(f"/api/v1/renders/{render['id']}/").json()]

    assert api.delete(f"/api/v1/clips/{first['id']}/").status_code == 204
    assert api.delete(f"/api/v1/projects/{project['id']}/").status_code == 204
    assert not Project.objects.exists() and Job.objects.exists(), "what was made stays"


def test_the_list_costs_the_same_for_many(api, owner, upload, django_assert_max_num_queries):
    for number in range(5):
        project = services.create(owner, str(number))
        services.add_clip(project, upload())
    with django_assert_max_num_queries(4):
        assert [project["name"] for project in api.get("/api/v1/projects/").json()["results"]] == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "field"),
    [
        ("projects", {}, 400, "bad_parameter", "name"),
        ("projects", {"name": "x", "width": "wide"}, 400, "bad_parameter", "width"),
        ("projects", {"name": "x", "width": 5}, 400, "bad_parameter", "width"),
        ("clips", {"project": "nonsense", "upload": str(uuid.uuid4())}, 400, "bad_parameter", "project"),
        ("clips", {"project": str(uuid.uuid4()), "upload": str(uuid.uuid4())}, 404, "not_found", None),
        ("renders", {"project": str(uuid.uuid4())}, 404, "not_found", None),
    ],
)
def test_bad_input_is_answered_with_its_field(api, path, body, status, code, field):
    answer = post(api, path, **body)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (status, code, field)
    assert answer["Content-Type"] == "application/problem+json"


def test_a_change_that_is_half_wrong_changes_nothing(api, project, upload):
    clips = [services.add_clip(project, upload(), start=start) for start in (0, 1)]
    answer = patch(api, "clips", clips[0].pk, start=2, end=99, place=1)
    assert answer.status_code == 400 and answer.json()["field"] == "end"
    assert list(project.clips.values_list("start", flat=True)) == [0, 1]


def test_strangers_and_nobody_find_nothing(project, upload):
    clip = services.add_clip(project, upload())
    render = services.render(project)
    stranger = Client(headers={"Authorization": f"Bearer {new_guest()[1]}"})
    for path in (f"projects/{project.pk}", f"clips/{clip.pk}", f"renders/{render.pk}"):
        assert stranger.get(f"/api/v1/{path}/").status_code == 404
        assert Client().get(f"/api/v1/{path}/").status_code == 401
        if not path.startswith("renders"):
            assert stranger.delete(f"/api/v1/{path}/").status_code == 404
            assert stranger.patch(f"/api/v1/{path}/", {"name": "mine", "start": 1}, content_type=JSON).status_code == 404
    for path in ("projects", "clips", "renders"):
        assert stranger.get(f"/api/v1/{path}/").json()["results"] == []
        assert stranger.get(f"/api/v1/{path}/?project={project.pk}").status_code == (200 if path == "projects" else 404)
    assert post(stranger, "clips", project=str(project.pk), upload=str(clip.upload_id)).status_code == 404
    assert post(stranger, "renders", project=str(project.pk)).status_code == 404
    assert Clip.objects.count() == 1


def test_somebody_else_s_upload_is_not_found(api, project, upload):
    theirs = upload(new_guest()[0])
    assert post(api, "clips", project=str(project.pk), upload=str(theirs.pk)).status_code == 404


def test_the_admin_shows_projects(admin_client, project, upload):
    services.add_clip(project, upload())
    services.render(project)
    assert b"Holiday" in admin_client.get("/admin/projects/project/?q=Holi").content
    assert admin_client.get(f"/admin/projects/project/{project.pk}/change/").status_code == 200
