"""Projects, clips in their order, and renders through the one pipeline."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from converter import maintenance, runner
from converter.audit.models import AuditEntry
from converter.engine.errors import MediaError
from converter.engine.probe import inspect
from converter.jobs.models import Job
from converter.owners.services import new_guest
from converter.uploads.models import Upload, UploadStatus
from projects import selectors, services
from projects.models import Clip, Project, Render

pytestmark = pytest.mark.django_db


def code(call, *args, **kwargs) -> tuple[str, str | None]:
    with pytest.raises(MediaError) as error:
        call(*args, **kwargs)
    return error.value.code.name, error.value.field


def order(project: Project) -> list[float]:
    """The clips in their order, told apart by their starts."""
    positions = list(project.clips.values_list("position", flat=True))
    assert len(set(positions)) == len(positions)
    return list(project.clips.values_list("start", flat=True))


@pytest.fixture
def five(project, upload):
    shared = upload()
    return [services.add_clip(project, shared, start=start) for start in (0, 1, 2, 3, 4)]


def test_a_project_is_made_changed_and_deleted(owner, five):
    project = five[0].project
    services.change(project, name="  Winter\n\u202etrip ", width=640, height=360, fps=25)
    project.refresh_from_db()
    assert (project.name, project.width, project.height, project.fps) == ("Winter trip", 640, 360, 25)
    services.delete(project)
    assert not Project.objects.exists() and not Clip.objects.exists() and Upload.objects.count() == 1
    actions = AuditEntry.objects.filter(target_type="project").order_by("id").values_list("action", flat=True)
    assert list(actions) == ["project.created", "project.changed", "project.deleted"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " \n\u202e"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"width": 0}, "width"),
        ({"height": 100_000}, "height"),
        ({"fps": float("nan")}, "fps"),
        ({"fps": 0}, "fps"),
    ],
)
def test_what_a_project_may_not_be(owner, project, fields, field):
    assert code(services.create, owner, **{"name": "ok", **fields}) == ("bad_parameter", field)
    assert code(services.change, project, **fields) == ("bad_parameter", field)
    assert Project.objects.count() == 1


def test_clips_come_behind_each_other(project, five):
    assert order(project) == [0, 1, 2, 3, 4]
    assert five[0].end == 10.0, "no end is the upload's end"
    before = project.updated_at
    project.refresh_from_db()
    assert project.updated_at > before


@pytest.mark.parametrize(
    ("start", "end", "wrong"),
    [
        (-1, 5, ("bad_parameter", "start")),
        (10, None, ("start_past_end", "start")),
        (3, 3, ("empty_range", "end")),
        (3, 2, ("empty_range", "end")),
        (3, 11, ("bad_parameter", "end")),
    ],
)
def test_ranges_lie_in_the_upload(project, upload, start, end, wrong):
    assert code(services.add_clip, project, upload(), start=start, end=end) == wrong
    clip = services.add_clip(project, upload(), end=4)
    if start != 10:
        assert code(services.update_clip, clip, start=start, end=end) == wrong
    assert Clip.objects.count() == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_no_time(project, upload, value):
    assert code(services.add_clip, project, upload(), start=value) == ("bad_parameter", "start")
    assert code(services.add_clip, project, upload(), end=value) == ("bad_parameter", "end")


def test_an_end_that_a_player_rounded_up_is_the_end(project, upload):
    assert services.add_clip(project, upload(), start=1, end=10.02).end == 10.0


def test_what_cannot_be_a_clip(project, upload):
    assert code(services.add_clip, project, upload(new_guest()[0])) == ("not_found", "upload")
    assert code(services.add_clip, project, upload(removed_at=timezone.now())) == ("gone", "upload")
    deleted = upload()
    Upload.objects.filter(pk=deleted.pk).delete()
    assert code(services.add_clip, project, deleted) == ("gone", "upload")
    assert code(services.add_clip, project, upload(status=UploadStatus.REJECTED)) == ("conflict", "upload")
    assert code(services.add_clip, project, upload(kind="audio")) == ("no_video", "upload")
    assert code(services.add_clip, project, upload(kind="image", seconds=None)) == ("no_video", "upload")


def test_a_project_holds_no_more_than_can_be_joined(project, upload):
    shared = upload()
    Clip.objects.bulk_create(Clip(project=project, upload=shared, position=i, start=0, end=1) for i in range(100))
    assert code(services.add_clip, project, shared) == ("conflict", "project")


@pytest.mark.parametrize(
    ("which", "place", "after"),
    [
        (0, 4, [1, 2, 3, 4, 0]),
        (4, 0, [4, 0, 1, 2, 3]),
        (2, 1, [0, 2, 1, 3, 4]),
        (2, 3, [0, 1, 3, 2, 4]),
        (2, 2, [0, 1, 2, 3, 4]),
        (1, 99, [0, 2, 3, 4, 1]),
    ],
)
def test_a_clip_moves_to_its_place(project, five, which, place, after):
    services.move_clip(five[which], place)
    assert order(project) == after


def test_positions_survive_any_number_of_moves(project, five, monkeypatch):
    monkeypatch.setattr(services, "POSITIONS_END", 30)
    expected = [0, 1, 2, 3, 4]
    chance = random.Random(1)
    for _ in range(60):
        which, place = chance.choice(expected), chance.randrange(5)
        services.move_clip(five[which], place)
        expected.remove(which)
        expected.insert(place, which)
        assert order(project) == expected
    assert max(project.clips.values_list("position", flat=True)) < 40


def test_a_place_below_the_first_is_refused(five):
    assert code(services.move_clip, five[0], -1) == ("bad_parameter", "place")


def test_removing_leaves_a_gap_that_does_no_harm(project, five, upload):
    services.remove_clip(five[2])
    services.add_clip(project, upload(), start=9)
    services.move_clip(five[4], 0)
    assert order(project) == [4, 0, 1, 3, 9]
    assert code(services.remove_clip, five[2]) == ("not_found", None)


@pytest.mark.django_db(transaction=True)
def test_clips_that_come_at_once_share_no_place(project, upload):
    shared, start = upload(), threading.Barrier(8)

    def add(number: int) -> None:
        start.wait()
        try:
            clip = services.add_clip(project, shared, start=number)
            services.move_clip(clip, number % 3)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    assert sorted(order(project)) == list(range(8))


def test_a_render_is_one_job_of_all_clips(project, five):
    services.move_clip(five[4], 0)
    render = services.render(project)
    job = render.job
    assert (job.operation, job.owner_id) == ("join", project.owner_id)
    assert [part["start"] for part in job.params["ranges"]] == [4, 0, 1, 2, 3]
    assert (job.params["width"], job.params["height"], job.params["fps"]) == (1280, 720, 30)
    assert AuditEntry.objects.filter(action="render.created", target_id=str(render.pk)).count() == 1


def test_the_same_key_renders_once(project, five, owner):
    first = services.render(project, idempotency_key="k")
    assert services.render(project, idempotency_key="k") == first and Job.objects.count() == 1
    other = services.create(owner, "Other")
    for clip in five:
        services.add_clip(other, clip.upload, start=clip.start)
    assert code(services.render, other, idempotency_key="k")[0] == "conflict"
    assert Render.objects.count() == 1


def test_what_cannot_be_rendered_leaves_no_row(project, five):
    empty = services.create(project.owner, "Empty")
    assert code(services.render, empty) == ("bad_parameter", "project")
    Upload.objects.update(removed_at=timezone.now())
    assert code(services.render, project) == ("gone", "upload")
    assert not Job.objects.exists() and not Render.objects.exists()


def test_a_render_and_its_job_come_together_or_not_at_all(project, five, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError

    monkeypatch.setattr(Render.objects, "get_or_create", fail)
    with pytest.raises(RuntimeError):
        services.render(project)
    assert not Job.objects.exists()


def test_strangers_find_nothing(project, five):
    stranger = new_guest()[0]
    for who in (stranger, None):
        assert not selectors.for_owner(who).exists() and not selectors.clips_for_owner(who).exists()
        assert code(selectors.get_project, who, project.pk)[0] == "not_found"
        assert code(selectors.get_clip, who, five[0].pk)[0] == "not_found"
    assert code(selectors.get_project, project.owner, "nonsense")[0] == "not_found"


def test_retention_keeps_what_clips_are_cut_from(project, upload, media_root):
    used, free = upload(), upload()
    services.add_clip(project, used)
    Upload.objects.update(created_at=timezone.now() - timedelta(days=400))
    report = maintenance.clean(dry_run=True)
    assert [item.name for item in report.gone if item.kind == "upload"] == [str(free.pk)]
    services.delete(project)
    assert len([item for item in maintenance.clean(dry_run=True).gone if item.kind == "upload"]) == 2


@pytest.mark.django_db(transaction=True)
def test_two_real_clips_become_one_film_of_their_length(project, real):
    services.change(project, width=320, height=180, fps=24)
    services.add_clip(project, real("flower_540p_5s.mp4"), start=1, end=2.5)
    services.add_clip(project, real("car_432p_12fps.mp4"), start=0.5, end=2)
    render = services.render(project)
    runner.run(render.job_id)
    export = selectors.get_render(project.owner, render.pk).job.export
    media = inspect(export.file, export.name)
    assert media.container == "mp4" and (media.video.width, media.video.height) == (320, 180)
    assert media.duration == pytest.approx(3.0, abs=0.1) and media.audio is not None
    assert export.name == "flower_540p_5s-join.mp4"
    assert [entry["name"] for entry in export.recipe["inputs"]] == [
        "flower_540p_5s.mp4",
        "car_432p_12fps.mp4",
    ]
