import errno
import hashlib
import stat
from pathlib import Path

import pytest

from converter.engine import files
from converter.engine.errors import MediaError


def test_publish_moves_whole_and_replaces(tmp_path: Path) -> None:
    source, target = tmp_path / "work" / "a", tmp_path / "deep" / "er" / "b"
    source.parent.mkdir()
    source.write_bytes(b"new")
    files.publish(source, target)
    assert target.read_bytes() == b"new"
    assert not source.exists()
    source.write_bytes(b"newer")
    files.publish(source, target)
    assert target.read_bytes() == b"newer"


@pytest.mark.parametrize(("number", "code"), [(errno.EXDEV, "internal"), (errno.ENOSPC, "disk_full")])
def test_publish_says_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"x")

    def refuse(self: Path, target: Path) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(MediaError) as caught:
        files.publish(source, tmp_path / "b")
    assert caught.value.code.name == code
    assert source.exists()
    assert not (tmp_path / "b").exists()


def test_hash(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 1_000_000)
    assert files.hash_file(tmp_path / "a") == hashlib.sha256(b"abc" * 1_000_000).hexdigest()


def test_private_directories_are_private_and_never_the_same(tmp_path: Path) -> None:
    made = {files.private_dir(tmp_path / "root") for _ in range(20)}
    assert len(made) == 20
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in made)


def test_free_bytes(tmp_path: Path) -> None:
    assert files.free_bytes(tmp_path) > 0
