"""An export beside its source, over the API: measured once, told to its owner, refused where there is nothing to lay over."""

from __future__ import annotations

import io
import json

import pytest
from django.test import Client
from PIL import Image

from converter import runner, services, tasks
from converter.exports.models import Export
from converter.owners import services as owners
from converter.uploads import storage
from converter.uploads.models import Upload
from converter.uploads.services import receive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def made(media_root, media_dir, monkeypatch):
    """A guest's client, and what a worker made of a real clip by an operation."""
    monkeypatch.setattr(tasks.run_job, "apply_async", lambda args: None)
    owner, token = owners.new_guest()
    upload = receive(owner, "flower.mp4", [(media_dir / "flower_540p_5s.mp4").read_bytes()])

    def make(operation: str, **params) -> tuple[Client, Export]:
        job = services.submit(owner, operation, params, [upload])
        runner.run(job.pk)
        return Client(headers={"Authorization": f"Bearer {token}"}), Export.objects.get(job=job)

    return make


def body(answer) -> bytes:
    return b"".join(answer.streaming_content)


def test_it_is_measured_once_and_shown(made):
    client, export = made("compress", crf=30, start=1.0, duration=1.0)
    found = json.loads(body(client.get(f"/api/v1/exports/{export.pk}/comparison.json")))
    assert 0.8 < found["ssim"] <= 1 and found["words"] and len(found["moments"]) == 3
    answer = client.get(f"/api/v1/exports/{export.pk}/comparison/2.jpg")
    with Image.open(io.BytesIO(body(answer))) as picture:
        assert picture.size == (2 * found["width"], found["height"])
    assert client.get(f"/api/v1/exports/{export.pk}/comparison/3.jpg").status_code == 404
    kept = {path.name: path.stat().st_mtime_ns for path in storage.derived(export.pk).iterdir()}
    client.get(f"/api/v1/exports/{export.pk}/comparison.json")
    assert {path.name: path.stat().st_mtime_ns for path in storage.derived(export.pk).iterdir()} == kept and len(kept) == 4


def test_strangers_and_lost_sources_get_none(made):
    client, export = made("compress", crf=40, start=1.0, duration=0.5)
    stranger = Client(headers={"Authorization": f"Bearer {owners.new_guest()[1]}"})
    assert stranger.get(f"/api/v1/exports/{export.pk}/comparison.json").status_code == 404
    Upload.objects.update(removed_at=export.created_at)
    answer = client.get(f"/api/v1/exports/{export.pk}/comparison.json")
    assert answer.status_code == 409 and answer.json()["code"] == "conflict"
    assert not storage.derived(export.pk).exists()


def test_a_copy_without_loss_is_not_measured(made):
    client, export = made("trim", start=1.0, duration=1.0, mode="copy")
    assert client.get(f"/api/v1/exports/{export.pk}/comparison.json").status_code == 409


def test_an_export_becomes_an_upload_to_work_on(made):
    _, export = made("trim", start=1.0, duration=1.0, mode="copy")
    upload = services.work_on(export)
    assert upload.owner == export.owner and upload.sha256 == export.sha256 and upload.name == export.name and upload.file.exists()
