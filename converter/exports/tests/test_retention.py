"""What goes, what stays, and what a crash may leave behind."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from converter.exports import retention
from converter.runtime import services as runtime

from . import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]


def due(now=None):
    return list(retention.expired(now or timezone.now()))


def test_the_retention_setting_decides_as_it_is_now():
    old, young = make.export(created_at=make.ago(hours=30)), make.export()
    assert due() == []
    runtime.set("export_retention_hours", 24)
    assert due() == [old]
    old.refresh_from_db()
    assert old.expires_at == old.created_at + timedelta(hours=24) and young not in due()


def test_a_completed_download_releases_the_export_when_its_grants_are_over():
    export = make.export(release_at=make.ago(seconds=1))
    assert due() == [export]
    make.grant(export)
    export.refresh_from_db()
    assert due() == [], "it was granted once more"


def test_a_promise_is_kept_until_it_is_over():
    export = make.export(created_at=make.ago(days=400))
    grant, _ = make.grant(export)
    assert due() == []
    assert due(grant.expires_at + timedelta(seconds=1)) == [export]


def test_what_went_is_not_due_again():
    make.export(created_at=make.ago(days=400), removed_at=timezone.now())
    assert due() == []


def test_files_without_rows_are_found_once_they_are_old(media_root):
    export = make.export()
    stray = export.file.with_name("stray.mp4")
    stray.write_bytes(b"x")
    assert retention.orphans(timedelta(hours=1)) == [], "it may be on its way to a row"
    assert retention.orphans(timedelta(seconds=-1)) == [stray]


def test_the_file_of_a_removal_that_was_cut_short_is_an_orphan():
    export = make.export(removed_at=timezone.now())
    assert retention.orphans(timedelta(seconds=-1)) == [export.file]


def test_many_files_are_looked_up_in_parts(media_root):
    root = Path(media_root) / "exports" / "cd"
    root.mkdir(parents=True)
    for number in range(1100):
        (root / str(number)).touch()
    export = make.export()
    found = retention.orphans(timedelta(seconds=-1))
    assert len(found) == 1100 and export.file not in found


def test_rows_without_files_are_found(media_root):
    lost, _ = make.export(), make.export()
    lost.file.unlink()
    assert retention.missing() == [lost]


def test_nothing_there_is_nothing_to_do(media_root):
    assert retention.orphans(timedelta(0)) == [] and retention.missing() == []
