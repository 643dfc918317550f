"""`manage.py convert` and `manage.py operations`: no server, no database, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

from converter.engine import gif
from converter.engine.operations import all_operations
from converter.engine.tests.making import CAR, FLOWER, clip
from converter.management.commands import convert, operations

GIF = ("--operation", "gif", "--width", "64", "--duration", "0.5")


def call(*words: object) -> int:
    """Run the command in this process; the exit status."""
    try:
        convert.Command().run_from_argv(["manage.py", "convert", *map(str, words)])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_gif_and_its_json(media_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out.gif"
    words = (
        "--operation",
        "gif",
        "--preset",
        "chrome-background",
        "--start",
        "0:00.3",
        "--duration",
        "1",
        "--width",
        "160",
        "--height",
        "90",
        "--json",
    )
    assert call(clip(media_dir, "small.mp4"), target, *words) == 0
    said = capsys.readouterr()
    result = json.loads(said.out)
    assert gif.inspect_gif(target).delays_cs == gif.delays(24, 24)
    assert (result["size"], result["media"]["frames"], result["params"]["start"]) == (target.stat().st_size, 24, 0.3)
    assert result["tools"]["ffmpeg"]
    assert said.err == ""
    assert list(tmp_path.iterdir()) == [target]
    mask = os.umask(0)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask


def test_an_existing_target_is_kept_unless_told(media_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out.gif"
    target.write_text("precious")
    assert call(clip(media_dir, "small.mp4"), target, *GIF) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert target.read_text() == "precious"
    assert call(clip(media_dir, "small.mp4"), target, *GIF, "--overwrite") == 0
    assert gif.inspect_gif(target).frames == 8
    assert call(target, target, *GIF, "--overwrite") == 2


def test_several_sources(media_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [clip(media_dir, name) for name in ("red.mp4", "green_tall.mp4")]
    words = ("--operation", "join", "--ranges", "0-0.4,0.2-0.6", "--width", "64", "--height", "64", "--fps", "10")
    assert call(*paths, tmp_path / "out.mp4", *words) == 0
    assert "64×64, 8 frames, 0.80 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--operation", "gif", "--start", "99"), "start_past_end: start: 1:39 lies at or after the end"),
        (("--operation", "gif", "--start", "-1"), "bad_parameter: start"),
        (("--operation", "gif", "--start", "nan"), "bad_parameter: start: 'nan' is not a time"),
        (("--operation", "gif", "--duration", "0"), "empty_range: duration"),
        (("--operation", "gif", "--duration=-2"), "empty_range: duration"),
        (("--operation", "gif", "--width", "10000", "--height", "10000"), "bad_parameter: width"),
        (("--operation", "gif", "--width", "4096", "--height", "2160", "--duration", "500"), "too_many_pixels: duration"),
        (("--operation", "gif", "--preset", "none"), "bad_parameter: preset"),
        (("--operation", "gif", "--bogus", "1"), "unrecognized arguments: --bogus 1; see --help."),
        (("--operation", "gif", "--start"), "expected one argument; see --help."),
        (("--operation", "nothing"), "bad_parameter: operation"),
        ((), "--operation; see --help."),
        (("--operation", "compress"), "out.gif must end in .mp4"),
        (("--operation", "compress", "--target-mb", "0.001"), "bad_parameter: target_mb"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    media_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert call(clip(media_dir, "small.mp4"), tmp_path / "out.gif", *words) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.mp4", b"", "corrupt_media"),
        ("page.mp4", b"<!doctype html><html><body>hello</body></html>", "mismatched_type"),
        ("list.mp4", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "mismatched_type"),
        ("noise.bin", bytes(range(256)) * 20, "unsupported_media"),
        ("cut.mp4", None, "corrupt_media"),
        ("missing.mp4", "", "not_found"),
        ("directory.mp4", "/", "unsupported_media"),
    ],
)
def test_bad_files(media_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | str | None, said: str) -> None:
    source, target = tmp_path / "in" / name, tmp_path / "out" / "out.gif"
    source.parent.mkdir()
    target.parent.mkdir()
    if content is None:
        source.write_bytes(clip(media_dir, FLOWER).read_bytes()[:300_000])
    elif isinstance(content, bytes):
        source.write_bytes(content)
    elif content:
        source.mkdir()
    assert call(source, target, *GIF) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"{said}: ")
    assert str(source) in captured.err
    assert captured.err.count("\n") == 1
    assert not list(target.parent.iterdir())


def test_targets_that_can_not_be(media_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = clip(media_dir, "small.mp4")
    assert call(source, tmp_path / "none" / "out.gif", *GIF) == 2
    (tmp_path / "dir.gif").mkdir()
    assert call(source, tmp_path / "dir.gif", *GIF) == 2
    assert call(source, tmp_path / "out", *GIF) == 2
    assert capsys.readouterr().err.count("\n") == 3


def test_our_fault_is_1(media_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gif, "ready", lambda: False)
    monkeypatch.setattr(gif, "retime", lambda path, delays: None)
    assert call(clip(media_dir, "small.mp4"), tmp_path / "out.gif", "--operation", "gif", "--width", "64", "--fps", "24", "--duration", "0.5") == 1
    assert capsys.readouterr().err.startswith("tool_failed: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_nothing(media_dir: Path, tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "manage.py", "convert", str(clip(media_dir, CAR)), str(tmp_path / "out.mp4")]
    environment = {**os.environ, "DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3", "DJANGO_SETTINGS_MODULE": "config.settings"}
    process = subprocess.Popen(
        [*command, "--operation", "compress", "--codec", "h265", "--crf", "18", "--effort", "slow"],
        cwd=settings.BASE_DIR, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 240
    while not list(tmp_path.glob(".cutroom-*/result.mp4")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 128 + number
    assert said == "Cancelled; nothing was written.\n"
    assert not list(tmp_path.iterdir())


def test_flags_come_from_the_operation(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--operation", "gif", "--help") == 0
    said = capsys.readouterr().out
    assert "--bar-colour" in said
    assert "--target-mb" not in said


def test_operations_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    operations.Command().run_from_argv(["manage.py", "operations", "--json"])
    assert [entry["name"] for entry in json.loads(capsys.readouterr().out)] == list(all_operations())
    operations.Command().run_from_argv(["manage.py", "operations"])
    said = capsys.readouterr().out
    for operation in all_operations().values():
        assert f"{operation.name} – " in said
        assert all(preset.name in said for preset in operation.presets)


def test_it_starts_without_models(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "manage.py", "convert", "--operation", "gif", "--help"],
        cwd=settings.BASE_DIR, env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "VAR_DIR": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "--max-mb" in said.stdout
    imported = {line.rsplit("|", 1)[-1].strip() for line in said.stderr.splitlines()}
    assert "converter.engine.operations.gif" in imported
    assert not imported & {"django.db.models", "celery", "rest_framework", "gunicorn.glogging", "converter.jobs.models"}
