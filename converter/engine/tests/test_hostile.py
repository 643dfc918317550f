"""Files made to hurt, through the probe and the operations: a clear code each time, and nothing else."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from converter.engine import probe, run
from converter.engine.errors import MediaError
from converter.engine.ffmpeg import find_ffmpeg
from converter.engine.run import Source
from converter.engine.tests.making import clip

GENERATOR = Path(__file__).resolve().parents[4] / "shared" / "hostile" / "generate.py"
SECRET = "a-secret-that-nobody-may-read"

pytestmark = pytest.mark.skipif(not GENERATOR.exists(), reason=f"NO HOSTILE FILES ARE TRIED: {GENERATOR} is not there")


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


_REFUSED: dict[tuple[str, ...], tuple[str, ...]] = {
    (
        "hls_file.mp4", "hls_relative.avi", "hls_concat.mp4", "hls_http.mp4", "hls_subfile.mp4", "dash_http.mp4", "ffconcat_secret.mp4",
        "ffconcat_other.mp4", "sdp.mp4", "mvg.jpg", "eps_named.jpg", "html_named.jpg", "tty.mp4", "zip_named.mp4",
    ): ("mismatched_type",),
    (
        "hls_other.m3u8", "dash_other.mpd", "svg_xxe.svg", "y4m_100k.y4m", "gif_javascript.gif", "noise.mp4", "one_byte.jpg",
    ): ("unsupported_media",),
    ("empty.mp4", "truncated.mp4", "header_only.mp4", "mp4_nested.mp4"): ("corrupt_media",),
    ("png_declared_100k.png", "png_2e31.png", "png_169_megapixel.png", "gif_65535.gif"): ("too_many_pixels",),
    ("gif_300k_frames.gif", "long_28_hours.mp4"): ("too_long",),
    ("bmp_100k.bmp", "mp4_65535_pixels.mp4"): ("too_many_pixels", "corrupt_media"),
    ("mp4_20k_tracks.mp4", "wav_4_gigabyte.wav", "bit_flips_header.mp4"): ("corrupt_media", "unsupported_media"),
}  # fmt: skip
CODES = {name: codes for names, codes in _REFUSED.items() for name in names}
"""File → codes of the refusal; every other file is accepted."""


def test_each_gets_its_code_and_the_odd_ones_work(hostile: Path, tmp_path: Path, canary: socket.socket) -> None:
    accepted: dict[str, Source] = {}
    for path in sorted(hostile.iterdir()):
        if path.name == "NAMES.json":
            continue
        try:
            media = probe.inspect(path, path.name)
        except MediaError as error:
            assert error.code.name in CODES.get(path.name, ()), f"{path.name}: {error.code.name} {error.detail} {error.log}"
            assert SECRET not in error.detail + error.log
        else:
            accepted[path.name] = Source(path, media)
    assert set(accepted) == {"ok_sound.mp4", "ok_named.jpg", "meta_script.mp4", "bit_flips.mp4", "png_text_bomb.png", "gif_archive.gif"}
    for name, source in accepted.items():
        for operation, params in (("gif", {"duration": 1, "width": 64, "height": 48, "fps": 5}), ("compress", {})):
            work = tmp_path / f"{operation}-{name}"
            work.mkdir()
            try:
                result = run.execute(operation, [source], params, work=work)
            except MediaError as error:
                assert error.users, f"{operation} {name}: {error.code.name} {error.detail} {error.log}"
                assert not name.startswith(("ok_", "meta_"))
            else:
                assert name != "bit_flips.mp4" or operation == "gif"
                data = result.path.read_bytes()
                assert SECRET.encode() not in data
                assert b"<script>" not in data
                assert b"AAAAAAAAAAAAAAAA" not in data
    with pytest.raises(BlockingIOError):
        canary.accept()


def test_names_are_only_words(hostile: Path) -> None:
    for name in json.loads((hostile / "NAMES.json").read_text()):
        assert probe.inspect(hostile / "ok_sound.mp4", name).duration == 2.0
        with pytest.raises(MediaError) as caught:
            probe.inspect(hostile / "html_named.jpg", name)
        assert caught.value.code.name in ("mismatched_type", "unsupported_media")
        assert len(caught.value.detail) <= 200
