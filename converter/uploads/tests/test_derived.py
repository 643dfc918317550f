"""Filmstrip and waveform of real clips, made once, and nothing left where they can't be made."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from converter.engine.errors import MediaError
from converter.owners.models import Owner
from converter.uploads import derived, services
from converter.uploads.models import Upload
from converter.uploads.serializers import UploadSerializer

pytestmark = pytest.mark.django_db


@pytest.fixture
def upload(guest: Owner, media_root: Path, media_dir: Path) -> Upload:
    return services.receive(guest, "flower.mp4", [(media_dir / "flower_540p_5s.mp4").read_bytes()])


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_over_the_api(send: Callable[..., Any], api: Any, media_dir: Path) -> None:
    sent = send((media_dir / "friday_480p_audio_first.mp4").read_bytes()).json()
    strip = api.get(sent["filmstrip_url"], headers={"Accept": "image/jpeg"})
    assert (strip.status_code, strip["Content-Type"], strip["X-Content-Type-Options"]) == (200, "image/jpeg", "nosniff")
    with Image.open(io.BytesIO(body(strip))) as image:
        assert image.format == "JPEG" and image.height == derived.TILE_HEIGHT and image.width % derived.TILES == 0
    assert api.get(sent["filmstrip_url"], headers={"If-None-Match": strip["ETag"]}).status_code == 304
    wave = api.get(sent["waveform_url"])
    assert wave["Content-Type"] == "application/json"
    curve = json.loads(body(wave))
    assert set(curve) == {"peaks", "duration"} and len(curve["peaks"]) == derived.BUCKETS
    assert 0 < max(curve["peaks"]) <= 1 and curve["duration"] == sent["media"]["duration"]


def test_made_once_by_many_at_a_time(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    real = derived.make_filmstrip

    def counted(source: Any, target: Path, **options: int) -> None:
        made.append(target)
        real(source, target, **options)

    monkeypatch.setattr(derived, "make_filmstrip", counted)
    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(derived.filmstrip(upload))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and len(set(paths)) == 1 and len(paths) == 4
    assert [path.name for path in paths[0].parent.iterdir()] == [paths[0].name]


def test_a_failure_leaves_nothing(upload: Upload, media_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: Any, target: Path, **options: int) -> None:
        target.write_bytes(b"half")
        raise MediaError("tool_failed")

    monkeypatch.setattr(derived, "make_filmstrip", fail)
    with pytest.raises(MediaError):
        derived.filmstrip(upload)
    assert list((media_root / "derived").iterdir()) == []


def test_damage_within_is_coded(upload: Upload, media_root: Path) -> None:
    data = upload.file.read_bytes()
    upload.file.chmod(0o600)
    upload.file.write_bytes(data[:1000] + bytes(len(data) - 1000))
    for make in (derived.filmstrip, derived.waveform):
        with pytest.raises(MediaError) as error:
            make(upload)
        assert error.value.code.name in ("corrupt_media", "tool_failed")
    assert not any(path.is_file() for path in (media_root / "derived").rglob("*"))


def test_what_is_not_there_is_said(upload: Upload, guest: Owner) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(picture, "PNG")
    still = services.receive(guest, "still.png", [picture.getvalue()])
    for make, code in ((derived.waveform, "no_audio"), (derived.filmstrip, "no_video")):
        with pytest.raises(MediaError) as error:
            make(still)
        assert error.value.code.name == code
    shown = UploadSerializer(still).data
    assert shown["filmstrip_url"] is None and shown["waveform_url"] is None and shown["media"]["kind"] == "image"
    upload.file.unlink()
    with pytest.raises(MediaError) as error:
        derived.filmstrip(upload)
    assert error.value.code.name == "gone"
