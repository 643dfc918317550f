"""Pictures taken out of clips whose every frame is known."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageStat

from converter.engine import operations
from converter.engine.analysis.stills import best
from converter.engine.errors import MediaError
from converter.engine.tests import making
from converter.engine.tests.making import clip, difference, execute, ffmpeg

RAMP = "color=black:s=320x180:r=25:d=8,geq=lum='16+N':cb=128:cr=128"


@pytest.fixture(scope="module")
def ramp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds that grow brighter frame by frame, with one keyframe, and sound that is two seconds longer."""
    path = tmp_path_factory.mktemp("ramp") / "ramp.mp4"
    ffmpeg(
        "-f", "lavfi", "-i", RAMP, "-f", "lavfi", "-i", "sine=d=10", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-g", "300", "-crf", "10", str(path)
    )
    return path


@pytest.fixture(scope="module")
def shades(ramp: Path) -> list[int]:
    """How bright each of its 200 frames comes out here: each is 1.16 brighter than the one before, rounded as this processor rounds."""
    raw = ffmpeg("-i", str(ramp), "-map", "0:v", "-vf", "format=rgb24", "-fps_mode", "passthrough", "-f", "rawvideo", "-")
    found = [raw[at] for at in range(0, len(raw), 320 * 180 * 3)]
    # Where all is rounded down, the second frame is as black as the first.
    assert len(found) == 200 and found[1:] == sorted(set(found[1:]))
    return found


def brightness(path: Path) -> float:
    with Image.open(path) as image:
        return float(ImageStat.Stat(image.convert("L")).mean[0])


@pytest.mark.parametrize(
    ("form", "at"),
    [*(("png", at) for at in (0.0, 0.04, 0.05, 0.08, 3.999, 4.0, 7.96)), ("jpeg", 0.0), ("jpeg", 4.0), ("webp", 0.0), ("webp", 4.0)],
)
def test_the_frame_at_a_moment_is_exact(ramp: Path, shades: list[int], tmp_path: Path, at: float, form: str) -> None:
    result = execute("frames", [ramp], {"what": "at", "at": at, "format": form}, tmp_path)
    assert (result.media.container, result.media.videos[0].width, result.media.videos[0].height) == (form, 320, 180)
    frame = int(at * 25 + 1e-6)
    found, wanted = brightness(result.path), 255 * frame / 219
    assert found == pytest.approx(wanted, abs=3)
    assert form != "png" or found == shades[frame]
    assert result.size <= result.plan.size_range[1]


def test_where_only_sound_is_left_the_last_frame_stays(ramp: Path, shades: list[int], tmp_path: Path) -> None:
    result = execute("frames", [ramp], {"what": "at", "at": 9.5, "format": "png"}, tmp_path)
    assert shades[-2] < shades[-1] == brightness(result.path) == pytest.approx(255 * 199 / 219, abs=3)


def test_a_poster_is_neither_dark_nor_blurred(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    parts = (
        "color=black:s=320x180:r=25:d=3[a];testsrc2=s=320x180:r=25:d=2,boxblur=8[b];testsrc2=s=320x180:r=25:d=2[c];color=white:s=320x180:r=25:d=3[d]"
    )
    graph = f"{parts};[a][b][c][d]concat=n=4[v]"
    ffmpeg("-filter_complex", graph, "-map", "[v]", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-g", "25", str(path))
    result = execute("frames", [path], {"what": "poster", "format": "png"}, tmp_path)
    sharp = making.frames(path)[135]
    with Image.open(result.path) as image:
        assert difference(image.resize((160, 90), Image.Resampling.BOX), sharp) < 25
    assert 40 < brightness(result.path) < 220


def test_the_best_sample() -> None:
    samples = [{"brightness": b, "sharpness": s} for b, s in ((2, 900), (120, 50), (100, 80), (250, 999))]
    assert best(samples) == 2
    assert best(samples[:1]) == 0
    assert best([samples[0], samples[3]]) == 1


def test_a_strip_and_a_sheet_show_equal_parts(ramp: Path, tmp_path: Path) -> None:
    strip = execute("frames", [ramp], {"what": "filmstrip", "count": 10, "height": 36, "format": "webp"}, tmp_path)
    assert "A strip is always a JPEG." in strip.warnings
    with Image.open(strip.path) as image:
        assert image.size == (640, 36)
        found = [ImageStat.Stat(image.convert("L").crop((i * 64, 0, (i + 1) * 64, 36))).mean[0] for i in range(8)]
    assert found == pytest.approx([233 * (i + 0.5) / 8 for i in range(8)], abs=4)
    sheet = execute("frames", [ramp], {"what": "sheet", "count": 7, "columns": 3, "height": 36, "format": "png"}, tmp_path)
    with Image.open(sheet.path) as image:
        assert image.size == (3 * 64 + 4 * 8, 3 * 36 + 4 * 8)
        grey = image.convert("L")
        last = ImageStat.Stat(grey.crop((8, 8 + 2 * 44, 72, 44 + 2 * 44))).mean[0]
        assert last == pytest.approx(232, abs=6)
        # Where there is no picture there is nothing.
        assert ImageStat.Stat(grey.crop((90, 8 + 2 * 44, 140, 44 + 2 * 44))).mean[0] < 4


def test_every_scene_gives_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    colours = ("red", "lime", "blue")
    graph = ";".join(f"color={c}:s=160x90:r=25:d=2[{c}]" for c in colours) + ";" + "".join(f"[{c}]" for c in colours) + "concat=n=3[v]"
    ffmpeg("-filter_complex", graph, "-map", "[v]", "-pix_fmt", "yuv420p", "-c:v", "libx264", str(path))
    result = execute("frames", [path], {"what": "scenes", "format": "png"}, tmp_path)
    assert result.media.kind == "archive"
    with zipfile.ZipFile(result.path) as archive:
        assert archive.namelist() == ["scene-001-00000.000.png", "scene-002-00002.000.png", "scene-003-00004.000.png"]
        for name, wanted in zip(archive.namelist(), ((255, 0, 0), (0, 255, 0), (0, 0, 255)), strict=True):
            with archive.open(name) as file, Image.open(file) as image:
                assert ImageStat.Stat(image.convert("RGB")).mean == pytest.approx(wanted, abs=12)


@pytest.mark.parametrize(
    "name", ["rotated.mp4", "wide_pixels.mp4", "moving.gif", "moving.webp", "offset.ts", "late_picture.mp4", "see_through.mov", "vp8.webm"]
)
@pytest.mark.parametrize("what", ["poster", "at", "sheet"])
def test_every_kind(media_dir: Path, tmp_path: Path, name: str, what: str) -> None:
    result = execute("frames", [clip(media_dir, name)], {"what": what, "count": 4, "height": 40, "at": 0.7}, tmp_path)
    assert result.media.kind == "image"
    assert result.plan.size_range[0] <= result.size <= result.plan.size_range[1]
    assert result.media.videos[0].height == (40 if what != "sheet" else 56)


@pytest.mark.parametrize(
    ("media", "params", "code"),
    [
        (making.media(kind="audio", videos=()), {}, "no_video"),
        (making.media(), {"what": "at", "at": 30}, "start_past_end"),
        (making.media(), {"what": "at", "at": -1}, "bad_parameter"),
        (making.media(), {"what": "everything"}, "bad_parameter"),
        (making.media(), {"what": "sheet", "count": 100, "columns": 1, "height": 2000}, "bad_parameter"),
        (making.media(), {"quality": 0}, "bad_parameter"),
    ],
)
def test_bad_input(media: Any, params: Mapping[str, Any], code: str) -> None:
    chosen = operations.get("frames")
    with pytest.raises(MediaError) as caught:
        chosen.plan((media,), chosen.read(params))
    assert caught.value.code.name == code
