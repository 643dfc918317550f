"""Archives, documents and reports: made the same each time, and read back before they count."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from converter.engine.errors import MediaError
from converter.engine.operations.base import Expectation
from converter.engine.verify import verify
from converter.engine.wrapping import pack, write_data


def _files(folder: Path) -> list[tuple[str, Path]]:
    for name in ("a", "b"):
        (folder / name).write_bytes(name.encode() * 1000)
    return [("café 1.jpg", folder / "a"), ("pages/b.jpg", folder / "b")]


def test_a_packed_archive_reads_back_and_is_the_same_each_time(tmp_path: Path) -> None:
    members = _files(tmp_path)
    pack(members, tmp_path / "one.zip")
    pack(members, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    media = verify(tmp_path / "one.zip", Expectation("archive", "zip", members=("café 1.jpg", "pages/b.jpg")))
    assert (media.kind, media.mime, media.duration) == ("archive", "application/zip", None)
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.read("pages/b.jpg") == b"b" * 1000


@pytest.mark.parametrize("names", [("../a", "b"), ("/a", "b"), ("same.jpg", "SAME.jpg"), ("a\\b", "b"), ("", "b"), ("a\n", "b")])
def test_names_that_could_leave_the_folder_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    files = _files(tmp_path)
    with pytest.raises(MediaError) as caught:
        pack([(name, path) for name, (_, path) in zip(names, files, strict=True)], tmp_path / "x.zip")
    assert caught.value.code.name == "internal"


def test_a_damaged_archive_is_no_success(tmp_path: Path) -> None:
    pack(_files(tmp_path), tmp_path / "x.zip")
    raw = bytearray((tmp_path / "x.zip").read_bytes())
    raw[200] ^= 255
    (tmp_path / "x.zip").write_bytes(raw)
    with pytest.raises(MediaError) as caught:
        verify(tmp_path / "x.zip", Expectation("archive", "zip"))
    assert caught.value.code.name == "tool_failed"


def test_an_archive_without_a_promised_member_is_no_success(tmp_path: Path) -> None:
    pack(_files(tmp_path), tmp_path / "x.zip")
    with pytest.raises(MediaError):
        verify(tmp_path / "x.zip", Expectation("archive", "zip", members=("café 1.jpg",)))


def test_reports_read_back_and_refuse_what_json_cannot_say(tmp_path: Path) -> None:
    write_data({"loudness": -14.2, "title": "café"}, tmp_path / "x.json")
    assert verify(tmp_path / "x.json", Expectation("data", "json")).mime == "application/json"
    with pytest.raises(MediaError):
        write_data({"loudness": float("nan")}, tmp_path / "y.json")
    (tmp_path / "x.json").write_text('{"cut":')
    with pytest.raises(MediaError):
        verify(tmp_path / "x.json", Expectation("data", "json"))


def test_half_a_pdf_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n")
    with pytest.raises(MediaError):
        verify(tmp_path / "x.pdf", Expectation("document", "pdf"))
