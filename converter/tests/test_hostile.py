"""Files made to hurt, the whole way: through the intake, and those that are merely odd through every operation as jobs.

`CUTROOM_HOSTILE=full pytest converter/tests/test_hostile.py` also tries every preset of every operation.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from converter import runner, services
from converter.engine.errors import CODES, MediaError
from converter.engine.ffmpeg import find_ffmpeg
from converter.engine.operations import all_operations
from converter.engine.params import specs
from converter.engine.tests.making import clip
from converter.engine.tests.test_hostile import CODES as REFUSED
from converter.engine.tests.test_hostile import GENERATOR, SECRET
from converter.exports.models import Export
from converter.jobs.models import Job
from converter.owners.models import Owner
from converter.uploads.models import Upload
from converter.uploads.services import receive

from .conftest import files

FULL = os.environ.get("CUTROOM_HOSTILE") == "full"
SHORT = {"duration": 0.5, "width": 64, "fps": 5}
MOST_MEMORY = 1_500_000_000
"""Bytes of the largest tool of a job: far below what the bombs would take, above what Python and ffmpeg need."""
MOST_CPU = 120.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not GENERATOR.exists(), reason=f"NO HOSTILE FILES ARE TRIED: {GENERATOR} is not there"),
]


@pytest.fixture(scope="module")
def canary() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, media_dir: Path, canary: socket.socket) -> Path:
    base = tmp_path_factory.mktemp("hostile")
    (base / "secret.txt").write_text(SECRET)
    shutil.copyfile(clip(media_dir, "small.mp4"), base / "other.mp4")
    command = [sys.executable, str(GENERATOR), str(base / "files"), "--secret", str(base / "secret.txt"), "--other", str(base / "other.mp4")]
    subprocess.run([*command, "--canary-port", str(canary.getsockname()[1]), "--ffmpeg", str(find_ffmpeg().path)], check=True)
    return base / "files"


def wishes(operation: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Presets and parameters to try: short ones, and with `FULL` every preset too."""
    chosen = all_operations()[operation]
    known = {spec.name for spec in specs(chosen.params)}
    if operation == "pipeline":
        yield "", {"steps": [{"operation": "trim", "params": {"duration": 0.5}}, {"operation": "frames"}]}
    else:
        yield "", {name: value for name, value in SHORT.items() if name in known}
    for preset in chosen.presets if FULL else ():
        yield preset.name, {}


def one_sentence(code: str, detail: str) -> bool:
    return code in CODES and CODES[code].users and 0 < len(detail) <= 500 and "\n" not in detail and SECRET not in detail


def test_hostile_files_meet_the_intake_and_every_operation(hostile: Path, owner: Owner, media_root: Path, canary: socket.socket) -> None:
    taken: dict[str, Upload] = {}
    for path in sorted(hostile.iterdir()):
        if path.suffix == ".json":
            continue
        before = files(media_root, ".")
        try:
            taken[path.name] = receive(owner, path.name, [path.read_bytes()])
        except MediaError as error:
            assert error.code.name in REFUSED.get(path.name, ()), f"{path.name}: {error.code.name} {error.detail}"
            assert one_sentence(error.code.name, error.detail) and SECRET not in error.log
            assert files(media_root, ".") == before, f"{path.name} left something behind"
    assert set(taken) == {path.name for path in hostile.iterdir() if path.suffix != ".json"} - set(REFUSED)
    tried = [_job(owner, name, upload, operation, media_root) for operation in sorted(all_operations()) for name, upload in taken.items()]
    assert sum(tried) > len(all_operations()), "next to nothing ran, so this showed nothing"
    with pytest.raises(BlockingIOError):
        canary.accept()


def _job(owner: Owner, name: str, upload: Upload, operation: str, media_root: Path) -> int:
    """Run the operation on the upload in every wanted way; how many results came of it."""
    made = 0
    for preset, params in wishes(operation):
        what = f"{operation} {preset} of {name}"
        try:
            job = services.submit(owner, operation, params, [upload], preset)
        except MediaError as error:
            assert one_sentence(error.code.name, error.detail), f"{what}: {error.code.name} {error.detail}"
            continue
        runner.run(job.pk)
        job = Job.objects.get(pk=job.pk)
        assert job.status in ("succeeded", "failed"), f"{what}: {job.status} {job.error_code}"
        assert job.peak_memory <= MOST_MEMORY and job.cpu_seconds <= MOST_CPU, f"{what}: {job.peak_memory} bytes, {job.cpu_seconds} s"
        assert list((media_root / "work").iterdir()) == []
        if job.status == "failed":
            assert one_sentence(job.error_code, job.error_detail), f"{what}: {job.error_code} {job.error_detail}"
            assert not Export.objects.filter(job=job).exists()
        else:
            made += 1
            assert job.export is not None
            assert SECRET.encode() not in job.export.file.read_bytes(), what
        assert {path.name for path in files(media_root, "exports")} == {Path(e.path).name for e in Export.objects.all()}
    return made
