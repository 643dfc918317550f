"""Publishing: the file, the row, the job's success and the audit entry, all of them or none."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from django.db import DatabaseError

from converter import __version__
from converter.audit.models import AuditEntry
from converter.engine.errors import MediaError
from converter.engine.operations import get
from converter.exports import services
from converter.exports.models import Export
from converter.jobs import services as jobs
from converter.jobs.models import Job
from converter.jobs.states import JobStatus

from . import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]


def test_a_result_becomes_an_export_and_the_job_succeeds(media_root):
    export = make.publish(media_root / "work" / "a")
    job = Job.objects.get(pk=export.job_id)
    assert (job.status, job.progress, job.bytes_out, job.peak_memory) == (JobStatus.SUCCEEDED, 100, 8, 1000)
    assert job.warnings == ["The start was moved."] and job.finished_at is not None
    assert export.file.read_bytes() == b"the film" and make.files() == [export.file]
    assert export.name == "clip-trim.mp4" and export.owner_id == job.owner_id
    assert not list((media_root / "work" / "a").iterdir()), "the file was moved, not copied"
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions)[-2:] == ["job.succeeded", "export.published"]


def test_the_recipe_says_how_to_make_it_again(media_root):
    export = make.publish(media_root / "work" / "a")
    upload = export.job.inputs.get()
    assert export.recipe == {
        "inputs": [{"upload": str(upload.pk), "sha256": "a" * 64, "name": "clip.mp4"}],
        "operation": "trim",
        "version": get("trim").version,
        "preset": "",
        "params": {"start": 0.0},
        "tools": {"ffmpeg": "9.0.2", "cutroom": __version__},
        "warnings": ["The start was moved."],
    }


def test_the_version_is_the_project_s():
    project = tomllib.loads((Path(services.__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["version"] == __version__


def _cancel(claim: jobs.Claim) -> None:
    jobs.cancel(claim.job_id)


def _take_away(claim: jobs.Claim) -> None:
    Job.objects.filter(pk=claim.job_id).update(fence=claim.fence + 1)


@pytest.mark.parametrize("before", [_cancel, _take_away])
def test_a_job_that_was_lost_meanwhile_leaves_nothing(media_root, before):
    with pytest.raises(jobs.LeaseLost):
        make.publish(media_root / "work" / "a", before=before)
    assert not make.files() and not Export.objects.exists()
    assert not Job.objects.filter(status=JobStatus.SUCCEEDED).exists()


@pytest.mark.parametrize("step", ["converter.exports.services._recipe", "converter.audit.services.record"])
def test_whatever_fails_leaves_nothing(media_root, monkeypatch, step):
    def fail(claim):
        monkeypatch.setattr(step, _raise)

    with pytest.raises(DatabaseError):
        make.publish(media_root / "work" / "a", before=fail)
    assert not make.files() and not Export.objects.exists()
    assert Job.objects.get().status == JobStatus.RUNNING


def _raise(*_, **__):
    raise DatabaseError("no")


def test_a_file_on_another_disk_is_refused_whole(media_root, monkeypatch):
    def cross(*_):
        raise MediaError("internal")

    monkeypatch.setattr("converter.engine.files.publish", cross)
    with pytest.raises(MediaError):
        make.publish(media_root / "work" / "a")
    assert not Export.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_error_after_the_commit_does_not_take_the_file_away(media_root, monkeypatch):
    from django.db import transaction

    create = Export.objects.create

    def create_and_break(**fields):
        transaction.on_commit(_raise)
        return create(**fields)

    monkeypatch.setattr(Export.objects, "create", create_and_break)
    with pytest.raises(DatabaseError):
        make.publish(media_root / "work" / "a")
    assert Export.objects.get().file.read_bytes() == b"the film"


@pytest.mark.parametrize(
    ("source", "operation", "extension", "name"),
    [
        ("holiday.mov", "trim", "mp4", "holiday-trim.mp4"),
        ("holiday.mov", "gif", ".gif", "holiday.gif"),
        ("", "join", "mp4", "cutroom-join.mp4"),
        ("../../etc/passwd", "trim", "mp4", "passwd-trim.mp4"),
        ("a\u202egpj.exe\r\nX: y.mp4", "trim", "mp4", "agpj.exe X: y-trim.mp4"),
        ("…", "trim", "mp4", "…-trim.mp4"),
        ("x" * 300 + ".mp4", "trim", "mp4", "x" * 191 + "-trim.mp4"),
    ],
)
def test_names_follow_the_source(source, operation, extension, name):
    assert services.export_name(source, operation, extension) == name


def test_removing_takes_the_bytes_and_keeps_the_row(media_root, django_capture_on_commit_callbacks):
    export = make.publish(media_root / "work" / "a")
    with django_capture_on_commit_callbacks(execute=True):
        assert services.remove_bytes(export, "test") is True
        assert export.file.exists(), "not before the commit"
    assert not make.files() and export.removed_at is not None and export.recipe
    assert services.remove_bytes(export, "test") is False
    assert AuditEntry.objects.filter(action="export.removed").count() == 1
    with pytest.raises(MediaError) as refused:
        services.require_bytes(export)
    assert refused.value.code.name == "gone"
