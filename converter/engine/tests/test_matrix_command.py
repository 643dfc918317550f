"""Every operation through `manage.py convert`, on what it can't use: the right code, one sentence, and a directory as it was before.

Nothing here knows what an operation does. A new one is in the matrix by being in the registry.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from converter.engine import probe, run
from converter.engine.errors import MediaError
from converter.engine.operations import all_operations
from converter.engine.tests import making
from converter.engine.tests.test_convert_command import call
from converter.engine.tests.test_matrix import _damaged, _file, _one_sentence, _params

PAGES = {
    "clip.mp4": b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:2,\nfile:///etc/passwd\n",
    "picture.png": b"<!DOCTYPE html><html><body>no picture</body></html>\n" * 8,
    "sound.mp3": b"#!/bin/sh\necho hello\n" * 20,
}
"""What is no media at all, under media names."""
OPERATIONS = sorted(all_operations())


def _words(operation: str) -> list[str]:
    words = ["--operation", operation]
    for name, value in _params(operation).items():
        words += ["--" + name.replace("_", "-"), json.dumps(value) if isinstance(value, list) else str(value)]
    return words


def _extension(operation: str, path: Path) -> str:
    """What it would make of the file; anything where it refuses to plan."""
    try:
        return run.plan(operation, [probe.inspect(path, path.name)], _params(operation)).extension
    except MediaError:
        return "bin"


@pytest.mark.parametrize("name", sorted(PAGES))
@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_no_media_is_told_by_its_code_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], operation: str, name: str
) -> None:
    (tmp_path / name).write_bytes(PAGES[name])
    assert call(tmp_path / name, tmp_path / "made.bin", *_words(operation)) == 2
    said = capsys.readouterr().err
    assert said.startswith(("mismatched_type: ", "unsupported_media: ")), said
    assert said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["middle", "tail"])
@pytest.mark.parametrize("name", ["a.mkv", "p.png"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_failure_leaves_nothing_and_a_success_one_file(
    media_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], operation: str, name: str, how: str
) -> None:
    path = _damaged(_file(media_dir, name), tmp_path / name, how)
    target = tmp_path / f"made.{_extension(operation, path)}"
    status = call(path, target, *_words(operation))
    said = capsys.readouterr()
    assert status in (0, 2), said.err
    assert {found.name for found in tmp_path.iterdir()} == ({name, target.name} if status == 0 else {name}), said.err


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_another_medias_extension_changes_nothing(media_dir: Path, tmp_path: Path, operation: str) -> None:
    """The type comes from the first bytes: a clip under a picture's name is a clip."""
    path = _file(media_dir, "a.mkv")
    wrong = tmp_path / "picture.png"
    wrong.write_bytes(path.read_bytes())
    assert _outcome(operation, wrong, tmp_path / "wrong") == _outcome(operation, path, tmp_path / "right")


@pytest.fixture(scope="module")
def eight_k(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures of 7680×4320 in one tone: 33 megapixels, which the limits allow."""
    path = tmp_path_factory.mktemp("large") / "large.mp4"
    making.ffmpeg("-f", "lavfi", "-i", "color=navy:s=7680x4320:r=2:d=1", "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", str(path))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_8k_video_is_used_or_refused_with_a_sentence(eight_k: Path, tmp_path: Path, operation: str) -> None:
    media = probe.inspect(eight_k, eight_k.name)
    assert media.video is not None
    assert (media.video.width, media.video.height) == (7680, 4320)
    kind = _outcome(operation, eight_k, tmp_path / "work")
    assert isinstance(kind, str) or kind[0] in REFUSED, kind


REFUSED = ("no_audio", "bad_parameter", "too_many_pixels", "unsupported_media", "empty_range", "target_unreachable")
"""Codes with which so large a clip without sound may be refused."""


def _outcome(operation: str, path: Path, work: Path) -> Any:
    """The kind of the result, or the refusal's code, as one-element tuple."""
    work.mkdir()
    try:
        return run.execute(operation, [run.Source(path, probe.inspect(path, path.name))], _params(operation), work=work).media.kind
    except MediaError as error:
        assert _one_sentence(error), f"{error.code.name}: {error.detail} {error.log}"
        return (error.code.name,)
