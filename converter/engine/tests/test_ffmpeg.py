from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from converter.engine import config, ffmpeg, guards
from converter.engine.errors import MediaError
from converter.engine.ffmpeg import Tool
from converter.engine.limits import Limits


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    for known in (ffmpeg._find, ffmpeg._listing):
        known.cache_clear()
    yield
    for known in (ffmpeg._find, ffmpeg._listing):  # else the next test works with a fake
        known.cache_clear()


def fake(path: Path, version: str, *, whole: bool = False) -> Path:
    """A program that says it is an ffmpeg; a `whole` one says that it has everything."""
    lines = [f'*-version*) echo "ffmpeg version {version} Copyright";;']
    for kind, names in ffmpeg.REQUIRED.items() if whole else ():
        shown = " ".join(names)
        lines.append(f'*-{kind}*) for name in {shown}; do echo "  {"$name" if kind == "protocols" else "V..... $name"}"; done;;')
    path.write_text('#!/bin/sh\ncase "$*" in\n' + "\n".join(lines) + "\nesac\n")
    path.chmod(0o755)
    return path


def test_the_one_in_use_has_everything() -> None:
    tool = ffmpeg.find_ffmpeg()
    ffmpeg.check(tool)
    assert tool.has("encoders", "libx264")
    assert not tool.has("encoders", "nonsense")
    assert tool.number >= ffmpeg.OLDEST


def test_only_what_is_wanted_is_asked_for_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tool, ask, asked = ffmpeg.find_ffmpeg(), ffmpeg._ask, list[str]()

    def noted(path: Path, question: str) -> str:
        asked.append(question)
        return ask(path, question)

    monkeypatch.setattr(ffmpeg, "_ask", noted)
    assert tool.has("encoders", "libx264")
    assert tool.has("encoders", "aac")
    assert not tool.has("muxers", "aac")
    assert asked == ["-encoders", "-muxers"]


def test_an_old_one_on_the_path_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    old = fake(tmp_path / "ffmpeg", "5.1.6-0+deb12u1", whole=True)
    tool = ffmpeg.find_ffmpeg()
    assert tool.path != old
    assert "imageio_ffmpeg" in str(tool.path)


def test_a_poor_one_on_the_path_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    poor = fake(tmp_path / "ffmpeg", "8.0")
    assert ffmpeg.find_ffmpeg().path != poor


def test_a_new_one_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    new = fake(tmp_path / "ffmpeg", "7.1.1", whole=True)
    assert ffmpeg.find_ffmpeg() == Tool(new, "7.1.1")


def test_a_given_one_is_taken_and_checked(tmp_path: Path) -> None:
    old = fake(tmp_path / "old one", "4.4")
    tool = ffmpeg.find_ffmpeg(str(old))
    assert tool.path == old
    with pytest.raises(MediaError, match=r"4\.4 .*too old"):
        ffmpeg.check(tool)
    poor = ffmpeg.find_ffmpeg(str(fake(tmp_path / "poor", "8.0")))
    with pytest.raises(MediaError, match="lacks: encoder libx264"):
        ffmpeg.check(poor)


@pytest.mark.parametrize("binary", ["/no/such/thing", "/bin/true", "/etc/passwd"])
def test_what_is_no_ffmpeg_is_said(binary: str) -> None:
    with pytest.raises(MediaError) as caught:
        ffmpeg.find_ffmpeg(binary)
    assert caught.value.code.name == "tool_failed"
    assert binary in caught.value.detail


@pytest.mark.parametrize(
    ("version", "number"), [("9.0.2-static", (9, 0)), ("n7.1", (7, 1)), ("5.1.6-0+deb12u1", (5, 1)), ("N-118000-gabc", (999, 0))]
)
def test_versions(version: str, number: tuple[int, int]) -> None:
    assert Tool(Path("ffmpeg"), version).number == number


def test_whitelisted_decoders_are_real() -> None:
    known = ffmpeg._listing(ffmpeg.find_ffmpeg().path, "decoders")
    names = set(guards.DECODERS.split(","))
    assert {"h264", "hevc", "vp9", "libdav1d", "aac", "mp3float", "opus", "gif", "webp_anim"} <= names & known
    # Scripts, subtitles and screens that can name other files or draw without bound stay out.
    assert not names & {"ansi", "xbin", "bintext", "idf", "libzvbi_teletext", "srt", "ass", "libaribb24"}


def test_configuration() -> None:
    before = config.current()
    try:
        config.configure(threads=3, limits=Limits(max_seconds=5))
        assert config.default_limits().threads == 3
        assert config.default_limits().max_seconds == 5
        config.configure(limits=Limits(threads=1))
        assert config.default_limits().threads == 1
        assert "1" in guards.output(config.default_limits())
        with pytest.raises(TypeError):
            config.configure(nonsense=1)
    finally:
        config.configure(ffmpeg_binary=before.ffmpeg_binary, threads=before.threads, limits=before.limits)
