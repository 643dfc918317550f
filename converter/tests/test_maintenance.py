"""Sweeping: lost messages are sent again, and what is over goes, bytes only."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from converter import leftovers, maintenance, runner, services, tasks
from converter.audit.models import AuditEntry
from converter.engine.errors import MediaError
from converter.exports.models import Export
from converter.jobs import selectors
from converter.jobs import services as jobs
from converter.jobs.models import Job
from converter.runtime import services as runtime
from converter.uploads.models import Upload

pytestmark = pytest.mark.django_db(transaction=True)

CUT = {"start": 1, "duration": 1, "mode": "copy"}


def ago(**span) -> timezone.datetime:
    return timezone.now() - timedelta(**span)


@pytest.fixture
def job(clip, owner):
    return services.submit(owner, "trim", CUT, [clip()])


def sent(**options) -> list[uuid.UUID]:
    messages: list[uuid.UUID] = []
    maintenance.recover(lambda job_id: not messages.append(job_id), **options)
    return messages


def before(**span) -> timedelta:
    return -timedelta(**span)


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({"sent_at": None}, True),
        ({"sent_at": before(minutes=5), "available_at": before(minutes=6)}, False),
        ({"sent_at": before(minutes=31), "available_at": before(minutes=31)}, True),
        ({"sent_at": before(minutes=40), "available_at": before(minutes=100)}, False),
        ({"sent_at": before(minutes=70), "available_at": before(minutes=130)}, True),
        ({"sent_at": before(hours=11), "available_at": before(days=60)}, True),
        ({"sent_at": before(minutes=5), "available_at": before(minutes=2)}, True),
        ({"sent_at": None, "available_at": before(minutes=-60)}, False),
        ({"sent_at": None, "status": "running"}, False),
    ],
)
def test_what_waits_without_a_message_is_sent_again_with_growing_patience(job, fields, due, monkeypatch):
    # With minutes for its seconds, so that none of a test's own decides.
    for name, seconds in (("RESEND", 30), ("RESEND_MOST", 600)):
        assert getattr(selectors, name) == timedelta(seconds=seconds)
        monkeypatch.setattr(selectors, name, timedelta(minutes=seconds))
    now = timezone.now()  # not when the tests were collected, which is minutes ago in a long run
    Job.objects.filter(pk=job.pk).update(**{name: now + value if isinstance(value, timedelta) else value for name, value in fields.items()})
    assert sent() == ([job.pk] if due else [])


def test_a_lost_worker_s_job_is_taken_back_and_sent_in_one_sweep(job):
    Job.objects.filter(pk=job.pk).update(sent_at=ago(seconds=3), available_at=ago(seconds=4))
    claim = jobs.claim(job.pk, "w")
    Job.objects.filter(pk=job.pk).update(lease_until=ago(seconds=1))
    report = maintenance.sweep(dry_run=True)
    assert report.reaped == [job.pk] and Job.objects.get().status == "running"
    assert sent() == [job.pk] and Job.objects.get().losses == 1
    assert jobs.fail(claim, MediaError("internal")) is None


def test_with_the_broker_away_sending_is_tried_once(job, clip, owner):
    services.submit(owner, "trim", CUT, [clip()])
    Job.objects.update(sent_at=None)
    tried = []
    report = maintenance.recover(lambda job_id: bool(tried.append(job_id)))
    assert len(tried) == 1 and report.sent == []


def test_retention_is_read_at_each_sweep_and_takes_bytes_only(job, media_root):
    upload = Upload.objects.get()
    Upload.objects.update(created_at=ago(hours=5))
    runtime.set("upload_retention_hours", 4)
    assert maintenance.clean().gone == [], "a waiting job needs it"
    runner.run(job.pk)
    assert [item.kind for item in maintenance.clean(dry_run=True).gone] == ["upload"] and upload.file.exists()
    runtime.set("upload_retention_hours", 6)
    assert maintenance.clean().gone == []
    runtime.set("upload_retention_hours", 4)
    report = maintenance.clean()
    assert [(item.kind, item.size) for item in report.gone] == [("upload", upload.size)] and not upload.file.exists()
    upload.refresh_from_db()
    assert upload.removed_at is not None and AuditEntry.objects.filter(actor="sweep", target_id=str(upload.pk)).exists()
    export = Export.objects.get()
    Export.objects.update(created_at=ago(hours=3))
    runtime.set("export_retention_hours", 2)
    assert [item.kind for item in maintenance.clean().gone] == ["export"] and not export.file.exists()
    export.refresh_from_db()
    assert export.removed_at is not None and export.recipe["params"]["start"] == 1


def test_an_upper_layer_may_keep_uploads(clip, monkeypatch):
    kept, going = clip(), clip()
    Upload.objects.update(created_at=ago(days=300))
    monkeypatch.setattr(maintenance, "_guards", [])
    maintenance.retention_guard(lambda uploads: uploads.exclude(pk=kept.pk))
    assert [item.name for item in maintenance.clean().gone] == [str(going.pk)]
    assert kept.file.exists() and not going.file.exists()


def test_leftovers_of_crashes_go_and_what_is_in_use_stays(job, media_root):
    claim = jobs.claim(job.pk, "w")
    work = runner.work_dir(claim)
    gone_attempt = work.with_name(f"{job.pk.hex}-0")
    stray = [media_root / "uploads/ab/stray", media_root / "exports/cd/stray.gif", media_root / "incoming/half", media_root / "work/odd/x"]
    for path in (work / "x", gone_attempt / "x", *stray, media_root / "derived" / str(uuid.uuid4()) / "strip.jpg"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    derived = media_root / "derived" / str(Upload.objects.get().pk)
    derived.mkdir(parents=True)
    assert {item.name for item in maintenance.clean(dry_run=True).gone} == {f"work/{gone_attempt.name}"}, "the rest is young"
    runtime.set("temp_retention_hours", 1)
    os.utime(stray[2], (time.time() - 7200,) * 2)
    report = maintenance.clean(grace=timedelta(seconds=-1))
    assert {item.kind for item in report.gone} == {"orphan", "temporary"} and report.size >= 5 * 5
    left = {path.relative_to(media_root).parts[0] for path in media_root.rglob("*") if path.is_file()}
    assert left == {"uploads", "work", "incoming"} and work.exists() and derived.exists() and not gone_attempt.exists()


def test_a_directory_whose_process_was_killed_goes_with_its_files_when_it_is_old(media_root, monkeypatch):
    for name in ("incoming/dead/half.png", "incoming/empty/x", "incoming/half"):
        path = media_root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"12345")
    (media_root / "incoming/empty/x").unlink()
    assert maintenance.clean().gone == [], "they are young"
    monkeypatch.setattr(leftovers, "_age", lambda path: 25 * 3600)
    assert {item.name: item.size for item in maintenance.clean().gone} == {"incoming/dead": 5, "incoming/empty": 0, "incoming/half": 5}
    assert list((media_root / "incoming").iterdir()) == []


def test_a_directory_that_its_own_worker_takes_away_meanwhile_stops_no_sweep(media_root, monkeypatch):
    mine, other = (media_root / "work" / f"{uuid.UUID(int=n).hex}-1" for n in (1, 2))
    for path in (*(mine / f"{n}/x" for n in range(9)), other / "x"):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"12345")
    real = leftovers._size

    def size(path):
        shutil.rmtree(mine, ignore_errors=True)
        return real(path)

    monkeypatch.setattr(leftovers, "_size", size)
    assert [item.name for item in maintenance.clean().gone] == [f"work/{other.name}"]
    assert list((media_root / "work").iterdir()) == []


def test_what_was_derived_goes_with_its_row_in_few_questions(media_root, owner, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(leftovers, "AT_ONCE", 2)
    kept = [Upload.objects.create(owner=owner, name="clip.mp4", status="ready") for _ in range(3)]
    for name in [*(str(upload.pk) for upload in kept), *(str(uuid.uuid4()) for _ in range(3)), "nonsense"]:
        (media_root / "derived" / name).mkdir(parents=True)
    with django_assert_max_num_queries(8):
        gone = {item.name for item, _ in leftovers._derived(timedelta(seconds=-1))}
    assert len(gone) == 4 and not any(str(upload.pk) in name for upload in kept for name in gone)


def test_rows_whose_file_is_lost_are_marked_unless_the_disk_is_away(job, media_root):
    runner.run(job.pk)
    upload, export = Upload.objects.get(), Export.objects.get()
    (media_root / "uploads").rename(media_root / "away")
    assert maintenance.clean(grace=timedelta(0)).gone == []
    (media_root / "away").rename(media_root / "uploads")
    upload.file.unlink()
    export.file.unlink()
    assert maintenance.clean().gone == []
    assert [item.kind for item in maintenance.clean(grace=timedelta(0)).gone] == ["upload", "export"]
    upload.refresh_from_db()
    export.refresh_from_db()
    assert upload.removed_at and export.removed_at and maintenance.clean(grace=timedelta(0)).gone == []


def test_a_thing_that_cannot_be_removed_does_not_stop_the_rest(media_root, monkeypatch):
    for name in ("aa/one", "bb/two"):
        path = media_root / "uploads" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    real = type(media_root).unlink

    def unlink(path, missing_ok=False):
        if path.name == "one":
            raise PermissionError(13, "no")
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(type(media_root), "unlink", unlink)
    assert [item.name for item in maintenance.clean(grace=timedelta(seconds=-1)).gone] == ["uploads/bb/two"]


def test_the_command_tells_and_does(job, capsys, monkeypatch):
    Job.objects.update(sent_at=None)
    Upload.objects.update(created_at=ago(days=300))
    call_command("sweep", "--dry-run", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["dry_run"] and told["sent"] == [str(job.pk)] and Job.objects.get().sent_at is None
    monkeypatch.setattr(tasks.run_job, "apply_async", lambda args: None)
    call_command("sweep")
    assert f"job {job.pk}" in capsys.readouterr().out and Job.objects.get().sent_at is not None
