"""Loops as WebP, AVIF, APNG, MP4 and WebM: frames, time, plays, transparency; and all of them as sources."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from converter.engine import animated, run
from converter.engine.errors import MediaError
from converter.engine.operations import get
from converter.engine.tests import making
from converter.engine.tests.making import FLOWER, clip, difference, execute, frames

FORMATS = ("webp", "avif", "apng", "mp4", "webm")
SMALL = {"width": 96, "height": 54, "fps": 12, "duration": 1}
KINDS = {"webp": "animation", "avif": "animation", "apng": "animation", "mp4": "video", "webm": "video"}


def shades(folder: Path, *, moving: bool = True) -> Path:
    """A second of a picture whose left half can't be seen, with a bright square that moves."""
    path = folder / "shades.mov"
    box = "x='40+2*n':y=10" if moving else "x=40:y=10"
    chain = "color=0x2050a0:s=96x54:r=12:d=1,format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='if(lt(X,32),0,255)'"
    overlay = f"{chain}[base];color=white:s=10x10:r=12:d=1,format=rgba[box];[base][box]overlay={box}:format=rgb"
    making.ffmpeg("-f", "lavfi", "-i", overlay, "-c:v", "qtrle", "-pix_fmt", "argb", str(path))
    return path


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("fps", [12, 23.976, 7.3])
def test_frames_and_time_are_exact(media_dir: Path, tmp_path: Path, form: str, fps: float) -> None:
    result = execute("animation", [clip(media_dir, FLOWER)], {**SMALL, "format": form, "fps": fps, "duration": 2, "loops": 3}, tmp_path)
    video = result.media.video
    assert video is not None
    wanted = round(2 * fps)
    rate = Fraction(24000, 1001) if fps == 23.976 else Fraction(str(fps))
    assert (result.media.kind, result.media.container, video.width, video.height, video.frames or wanted) == (KINDS[form], form, 96, 54, wanted)
    assert result.media.duration == pytest.approx(float(wanted / rate), abs=0.0015)
    assert len(frames(result.path)) == wanted if form != "avif" else True
    assert result.media.audio is None
    if form in ("webp", "apng"):
        assert result.media.loop == 3
    low, high = result.plan.size_range
    assert low <= result.size <= high
    source = frames(clip(media_dir, FLOWER))
    if form != "avif":
        assert difference(frames(result.path)[0], source[0]) < 12


@pytest.mark.parametrize("form", FORMATS)
def test_there_and_back_and_again(media_dir: Path, tmp_path: Path, form: str) -> None:
    asked = {**SMALL, "format": form, "start": 4.5, "fill": "pingpong", "reverse": True, "caption": "Hi"}
    result = execute("animation", [clip(media_dir, FLOWER)], asked, tmp_path)
    assert result.media.duration == pytest.approx(1, abs=0.0015)
    assert any("backwards and forwards" in said for said in result.warnings)
    if form != "avif":
        shown = frames(result.path)
        assert len(shown) == 12
        assert difference(shown[0], shown[10]) < difference(shown[0], shown[5])
    assert not (tmp_path / "drawn.mkv").exists()


@pytest.mark.parametrize(("form", "kept"), [("webp", True), ("apng", True), ("avif", True), ("webm", True), ("mp4", False)])
@pytest.mark.parametrize("more", [{}, {"pingpong": True, "rotate": "180"}])
def test_transparency_is_kept_where_it_can_be(tmp_path: Path, form: str, kept: bool, more: dict[str, Any]) -> None:
    result = execute("animation", [shades(tmp_path)], {**SMALL, "format": form, **more}, tmp_path)
    if not kept:
        assert "MP4 knows no transparency: what is transparent becomes black." in result.warnings
        return
    if form == "webm":
        raw = making.ffmpeg("-c:v", "libvpx-vp9", "-i", str(result.path), "-frames:v", "1", "-pix_fmt", "rgba", "-f", "rawvideo", "-")
        first = Image.frombytes("RGBA", (96, 54), raw)
    else:
        with Image.open(result.path) as opened:
            assert opened.n_frames == 12
            first = opened.convert("RGBA")
    clear, solid = (90, 8) if more else (5, 90)
    assert first.getpixel((clear, 40))[3] < 8
    red, green, blue, alpha = first.getpixel((solid, 5 if more else 45))
    assert alpha > 247
    assert max(abs(red - 0x20), abs(green - 0x50), abs(blue - 0xA0)) < 12


def test_transparency_may_be_laid_over_black(tmp_path: Path) -> None:
    result = execute("animation", [shades(tmp_path)], {**SMALL, "format": "webp", "transparent": False}, tmp_path)
    with Image.open(result.path) as opened:
        assert max(opened.convert("RGBA").getpixel((5, 40))[:3]) < 12


def test_lossless_is_lossless(media_dir: Path, tmp_path: Path) -> None:
    made = {}
    for form in ("webp", "apng"):
        (tmp_path / form).mkdir()
        result = execute("animation", [clip(media_dir, FLOWER)], {**SMALL, "format": form, "lossless": True}, tmp_path / form)
        with Image.open(result.path) as opened:
            opened.seek(7)
            made[form] = opened.convert("RGB").tobytes()
    assert made["webp"] == made["apng"]


@pytest.mark.parametrize("form", ["webp", "apng", "avif"])
def test_what_does_not_move(tmp_path: Path, form: str) -> None:
    result = execute("animation", [shades(tmp_path, moving=False)], {**SMALL, "format": form}, tmp_path)
    if form == "webp":
        assert result.media.kind == "image" or result.media.duration == pytest.approx(1, abs=0.001)
    else:
        assert result.media.duration == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("form", FORMATS)
def test_a_single_frame(media_dir: Path, tmp_path: Path, form: str) -> None:
    result = execute("animation", [clip(media_dir, FLOWER)], {**SMALL, "format": form, "duration": 0.05}, tmp_path)
    assert result.media.kind == ("image" if KINDS[form] == "animation" else "video")


@pytest.mark.parametrize("form", FORMATS)
def test_quality_is_size(media_dir: Path, tmp_path: Path, form: str) -> None:
    sizes = []
    for quality in (20, 95):
        (tmp_path / str(quality)).mkdir()
        asked = {**SMALL, "format": form, "quality": quality, "duration": 0.5}
        sizes.append(execute("animation", [clip(media_dir, FLOWER)], asked, tmp_path / str(quality)).size)
    assert sizes[0] == sizes[1] if form == "apng" else sizes[0] * 1.5 < sizes[1]


@pytest.mark.parametrize(
    ("params", "code", "field"),
    [
        ({"format": "mp4", "lossless": True}, "bad_parameter", "lossless"),
        ({"format": "flv"}, "bad_parameter", "format"),
        ({"quality": 0}, "bad_parameter", "quality"),
        ({"start": 99}, "start_past_end", "start"),
        ({"duration": 0}, "empty_range", "duration"),
        ({"width": 4096, "height": 4096}, "too_many_pixels", "width"),
        ({"width": 3840, "height": 2160, "duration": 600, "fps": 50}, "too_many_pixels", "duration"),
        ({"crop": "5,5,5000,5"}, "bad_parameter", "crop"),
    ],
)
def test_bad_input_is_known_before_anything_runs(params: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("animation", [making.media()], params)
    assert (caught.value.code.name, caught.value.field) == (code, field)
    assert field in caught.value.detail


def test_sound_and_stills_are_refused() -> None:
    for source in (replace(making.media(sound=False), kind="image", duration=None), replace(making.media(), kind="audio", videos=())):
        with pytest.raises(MediaError) as caught:
            run.plan("animation", [source], {})
        assert caught.value.code.name == "no_video"


def test_every_preset_can_be_planned() -> None:
    for preset in get("animation").presets:
        plan = run.plan("animation", [making.media()], {}, preset.name)
        assert plan.expects.width
        assert plan.size_range[0] < plan.size_range[1]


def test_a_lost_clock_fails(media_dir: Path, tmp_path: Path) -> None:
    result = execute("animation", [clip(media_dir, FLOWER)], {**SMALL, "format": "webp"}, tmp_path)
    operation = get("animation")
    operation.check(result.plan, result.path, result.media)
    animated.close_webp(result.path, 1003)
    with pytest.raises(MediaError) as caught:
        operation.check(result.plan, result.path, result.media)
    assert caught.value.code.name == "tool_failed"
    result.path.write_bytes(result.path.read_bytes()[:-9])
    with pytest.raises(MediaError):
        animated.webp_clock(result.path)
