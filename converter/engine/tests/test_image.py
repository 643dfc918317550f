"""Still pictures: every format, upright, in the right colours, within a weight, and nothing told that should not be."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from converter.engine import probe
from converter.engine.errors import MediaError
from converter.engine.operations import get
from converter.engine.operations.base import Plan
from converter.engine.run import Source
from converter.engine.run import plan as plan_of
from converter.engine.tests.making import clip, execute, ffmpeg, media
from converter.engine.tests.making import video as stream
from converter.engine.tests.pictures import camera, corners, matrix_profile, photograph, profile_of, saved, seen
from converter.engine.workbench import Workbench

JPEG = {"quality": 95, "subsampling": 0}


def made(source: Path, params: dict[str, Any], work: Path, preset: str | None = None) -> Image.Image:
    """The result of one picture, decoded."""
    image = Image.open(execute("image", [source], params, work, preset).path)
    image.load()
    return image


def refused(sources: list[Path], params: dict[str, Any], work: Path) -> MediaError:
    """The refusal; nothing may be left that looks like a result."""
    with pytest.raises(MediaError) as caught:
        execute("image", sources, params, work)
    return caught.value


def planned(size: tuple[int, int] = (1920, 1080), kind: str = "png", **params: Any) -> Plan:
    """The plan for a made-up picture."""
    picture = replace(stream(*size, fps=0.0, duration=None), frames=1)
    item = media(picture=picture, sound=False, duration=None, kind="image", container=kind, demuxer="png_pipe", mime="image/png")
    return plan_of("image", [item], params)


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "tif", "bmp", "gif", "avif", "ico"])
def test_every_kind_goes_in(kind: str, tmp_path: Path) -> None:
    source = saved(corners(), tmp_path / f"a.{kind}", **({"sizes": [(96, 64)]} if kind == "ico" else {}))
    image = made(source, {"format": "webp"}, tmp_path)
    assert (image.size, seen(image), image.format) == ((96, 64), list("rgby"), "WEBP")


@pytest.mark.parametrize("target", ["jpeg", "png", "webp", "avif", "tiff", "bmp", "gif", "ico", "jxl"])
def test_every_kind_comes_out(target: str, tmp_path: Path) -> None:
    result = execute("image", [saved(corners(64, 64), tmp_path / "a.png")], {"format": target, "icon_sizes": "64"}, tmp_path)
    assert result.media.container == target
    assert (result.media.video.width, result.media.video.height) == (64, 64)  # type: ignore[union-attr]
    low, high = result.plan.size_range
    assert low <= result.size <= high
    if target != "jxl":
        assert seen(Image.open(result.path)) == list("rgby")


def test_heic_becomes_jpeg(tmp_path: Path) -> None:
    import pillow_heif

    pillow_heif.from_pillow(corners()).save(tmp_path / "a.heic", quality=90)
    image = made(tmp_path / "a.heic", {}, tmp_path)
    assert (image.format, seen(image)) == ("JPEG", list("rgby"))


def test_jpeg_xl_there_and_back_changes_nothing(tmp_path: Path) -> None:
    source = saved(photograph(96, 64), tmp_path / "a.png")
    there = execute("image", [source], {"format": "jxl", "lossless": True, "effort": "fast"}, tmp_path)
    assert made(there.path, {"format": "png"}, tmp_path).tobytes() == photograph(96, 64).tobytes()


@pytest.mark.parametrize("kind", ["png", "tif", "bmp", "webp"])
def test_lossless_is_every_pixel(kind: str, tmp_path: Path) -> None:
    source = saved(photograph(96, 64), tmp_path / "a.png")
    image = made(source, {"format": {"tif": "tiff"}.get(kind, kind), "lossless": True}, tmp_path)
    assert image.convert("RGB").tobytes() == photograph(96, 64).tobytes()


@pytest.mark.parametrize(("kind", "options"), [("jpg", JPEG), ("png", {}), ("webp", {"lossless": True}), ("tif", {})])
def test_pictures_stand_upright_and_say_nothing_of_it(kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    sources = []
    for orientation in range(1, 9):
        stored = corners() if orientation == 1 else corners().transpose(Image.Transpose(undo[orientation]))
        exif = camera(orientation=orientation)
        if kind == "tif":
            # Pillow's TIFF writer takes no nested directories from an object.
            del exif[0x8769], exif[0x8825]
        sources.append(saved(stored, tmp_path / f"{orientation}.{kind}", exif=exif, **options))
    result = execute("image", sources, {"format": "png", "metadata": "keep"}, tmp_path)
    with zipfile.ZipFile(result.path) as archive:
        for name in archive.namelist():
            image = Image.open(io.BytesIO(archive.read(name)))
            assert (image.size, seen(image)) == ((96, 64), list("rgby")), (kind, name)
            assert 0x0112 not in image.getexif()


def test_turning_mirroring_and_cropping_come_after_the_orientation(tmp_path: Path) -> None:
    stored = corners().transpose(Image.Transpose.ROTATE_90)
    source = saved(stored, tmp_path / "a.jpg", exif=camera(orientation=6), **JPEG)
    assert seen(made(source, {"format": "png", "rotate": "90"}, tmp_path)) == list("brYg".lower())
    assert seen(made(source, {"format": "png", "flip": "horizontal"}, tmp_path)) == list("gryb")
    image = made(source, {"format": "png", "crop": "48x32+48+32"}, tmp_path)
    assert (image.size, seen(image)) == ((48, 32), list("yyyy"))


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "avif", "tiff"])
def test_what_a_camera_wrote_is_left_out_or_kept_as_asked(kind: str, tmp_path: Path) -> None:
    source = saved(corners(), tmp_path / "a.jpg", exif=camera(), xmp=b"<x:xmpmeta>GPSLatitude</x:xmpmeta>", comment=b"at home", **JPEG)
    silent = execute("image", [source], {"format": kind}, tmp_path).path.read_bytes()
    assert b"Model 1" not in silent and b"GPSLat" not in silent and b"at home" not in silent
    most = made(source, {"format": kind, "metadata": "keep-without-place"}, tmp_path)
    assert most.getexif()[0x0110] == "Model 1" and most.getexif().get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"
    assert not most.getexif().get_ifd(0x8825) and 0x927C not in most.getexif().get_ifd(0x8769)
    everything = made(source, {"format": kind, "metadata": "keep"}, tmp_path)
    assert everything.getexif().get_ifd(0x8825)[1] == "N"


def test_wide_colours_become_the_same_colours_in_srgb(tmp_path: Path) -> None:
    colours = [(200, 100, 50), (90, 160, 120), (128, 128, 128), (40, 60, 90)]
    source = saved(_stripes(colours), tmp_path / "a.png", icc_profile=matrix_profile())
    image = made(source, {"format": "png"}, tmp_path)
    assert profile_of(image) == ""
    for number, colour in enumerate(colours):
        found: Any = image.getpixel((number * 16 + 8, 8))
        assert max(abs(a - b) for a, b in zip(found, _p3_to_srgb(colour), strict=True)) <= 2, (colour, found, _p3_to_srgb(colour))


def test_a_kept_profile_keeps_numbers_and_profile(tmp_path: Path) -> None:
    source = saved(_stripes([(200, 100, 50)] * 4), tmp_path / "a.png", icc_profile=matrix_profile())
    for kind in ("png", "webp", "tiff"):
        image = made(source, {"format": kind, "profile": "keep", "lossless": True}, tmp_path)
        assert (image.convert("RGB").getpixel((8, 8)), profile_of(image)) == ((200, 100, 50), "Wide P3")


def test_a_broken_profile_is_left_out_with_a_sentence(tmp_path: Path) -> None:
    source = saved(corners(), tmp_path / "a.jpg", icc_profile=b"nonsense" * 40, **JPEG)
    result = execute("image", [source], {"format": "png"}, tmp_path)
    assert seen(Image.open(result.path)) == list("rgby") and any("profile" in sentence for sentence in result.warnings)


def test_press_colours_without_a_profile_are_a_guess_that_is_named(tmp_path: Path) -> None:
    source = saved(corners().convert("CMYK"), tmp_path / "a.jpg", **{"quality": 95})
    result = execute("image", [source], {"format": "png"}, tmp_path)
    assert seen(Image.open(result.path)) == list("rgby") and any("CMYK" in sentence for sentence in result.warnings)


def test_sixteen_bits_keep_their_brightness(tmp_path: Path) -> None:
    values = [0, 257 * 100, 257 * 200, 65535]
    deep = Image.frombytes("I;16", (4, 1), b"".join(value.to_bytes(2, "little") for value in values)).resize((64, 16), Image.Resampling.NEAREST)
    source = saved(deep, tmp_path / "a.png")
    flat = made(source, {"format": "jpeg", "quality": 100}, tmp_path).convert("L")
    assert [abs(flat.getpixel((x, 8)) - value // 257) <= 1 for x, value in zip((8, 24, 40, 56), values, strict=True)] == [True] * 4  # type: ignore[operator]
    kept = made(source, {"format": "png"}, tmp_path)
    assert (kept.mode, kept.getpixel((24, 8))) == ("I;16", 257 * 100)


def test_see_through_stays_or_gets_a_ground(tmp_path: Path) -> None:
    source = saved(Image.new("RGBA", (32, 32), (255, 0, 0, 0)), tmp_path / "a.png")
    for kind in ("png", "webp", "avif", "tiff", "gif", "ico"):
        image = made(source, {"format": kind, "icon_sizes": "32"}, tmp_path).convert("RGBA")
        assert image.getpixel((5, 5))[3] == 0, kind  # type: ignore[index]
    assert made(source, {"format": "bmp"}, tmp_path).getpixel((5, 5)) == (255, 255, 255)
    assert made(source, {"format": "png", "background": "#0000ff"}, tmp_path).getpixel((5, 5)) == (0, 0, 255)


def test_hidden_colours_do_not_bleed_into_edges(tmp_path: Path) -> None:
    image = Image.new("RGBA", (64, 64), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 32, 64))
    small = made(saved(image, tmp_path / "a.png"), {"format": "png", "width": 9}, tmp_path)
    pixels: list[Any] = list(small.getdata())
    assert all(green < 8 for red, green, blue, alpha in pixels if alpha > 8)


def test_a_palette_stays_one_where_nothing_is_scaled(tmp_path: Path) -> None:
    source = saved(corners().quantize(4), tmp_path / "a.png", transparency=1)
    kept = made(source, {"format": "png"}, tmp_path)
    assert kept.mode == "P" and kept.convert("RGBA").tobytes() == Image.open(source).convert("RGBA").tobytes()
    assert made(source, {"format": "png", "longest": 40}, tmp_path).mode == "RGBA"


@pytest.mark.parametrize(("kind", "target"), [("jpeg", 4.5), ("webp", 2.5), ("avif", 2.0)])
def test_a_target_is_met_by_the_highest_quality_that_fits(kind: str, target: float, tmp_path: Path) -> None:
    result = execute("image", [saved(photograph(240, 200), tmp_path / "a.png")], {"format": kind, "target_kb": target, "effort": "fast"}, tmp_path)
    said = next(int(match[1]) for sentence in result.warnings if (match := re.match(r"Quality (\d+) is the highest that fits", sentence)))
    assert result.size <= target * 1000
    above = said + (1 if kind != "avif" else 2)
    over = execute("image", [tmp_path / "a.png"], {"format": kind, "quality": above, "subsampling": "4:2:0", "effort": "fast"}, tmp_path)
    assert over.size > target * 1000


def test_pixels_go_where_the_lowest_quality_is_too_large(tmp_path: Path) -> None:
    source = saved(photograph(), tmp_path / "a.png")
    result = execute("image", [source], {"format": "jpeg", "target_kb": 3.0}, tmp_path)
    width, height = result.media.video.width, result.media.video.height  # type: ignore[union-attr]
    assert result.size <= 3000 and width < 640 and abs(width / height - 1.6) < 0.02
    assert any(f"scaled down to {width}×{height}" in sentence for sentence in result.warnings)
    assert (result.plan.expects.width, result.plan.expects.height) == (width, height)
    error = refused([source], {"format": "jpeg", "target_kb": 3.0, "may_shrink": False}, tmp_path)
    assert error.code.name == "target_unreachable" and "smallest is" in error.detail and error.field == "target_kb"


def test_a_target_that_nothing_fits_is_refused(tmp_path: Path) -> None:
    assert refused([saved(photograph(), tmp_path / "a.png")], {"format": "jpeg", "target_kb": 0.2}, tmp_path).code.name == "target_unreachable"


def test_several_pictures_are_packed_in_their_order_the_same_each_time(tmp_path: Path) -> None:
    sources = [saved(corners(), tmp_path / "x.png"), saved(photograph(80, 60), tmp_path / "y.jpg", exif=camera())]
    one, two = (execute("image", sources, {"format": "same"}, tmp_path) for _ in range(2))
    assert one.sha256 == two.sha256 and one.media.kind == "archive"
    with zipfile.ZipFile(one.path) as archive:
        assert archive.namelist() == ["001.png", "002.jpg"]
        assert seen(Image.open(io.BytesIO(archive.read("001.png")))) == list("rgby")
    assert [path.name for path in one.path.parent.iterdir()] == [one.path.name]


def test_a_bad_picture_among_good_ones_is_named(tmp_path: Path) -> None:
    good = saved(corners(), tmp_path / "a.png")
    bad = tmp_path / "b.jpg"
    bad.write_bytes(saved(photograph(), tmp_path / "c.jpg").read_bytes()[:9000])
    error = refused([good, bad], {"format": "jpeg"}, tmp_path)
    assert error.code.name == "corrupt_media" and error.detail.startswith("Picture 2:")


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif", "bmp", "gif", "avif"])
@pytest.mark.parametrize("part", [0.6, 0.97])
def test_a_cut_off_picture_is_refused(kind: str, part: float, tmp_path: Path) -> None:
    whole = saved(photograph(200, 120), tmp_path / f"whole.{kind}").read_bytes()
    (tmp_path / f"cut.{kind}").write_bytes(whole[: int(len(whole) * part)])
    assert refused([tmp_path / f"cut.{kind}"], {"format": "png"}, tmp_path).code.name == "corrupt_media"


def test_kinds_of_source_that_do_not_fit(media_dir: Path, tmp_path: Path) -> None:
    assert refused([clip(media_dir, "small.mp4")], {}, tmp_path).code.name == "unsupported_media"
    result = execute("image", [clip(media_dir, "moving.gif")], {"format": "png"}, tmp_path)
    assert result.media.kind == "image" and any("first picture" in sentence for sentence in result.warnings)


def test_a_wrong_extension_does_not_matter(tmp_path: Path) -> None:
    source = saved(corners(), tmp_path / "a.png")
    assert seen(made(source.rename(tmp_path / "a.jpg"), {"format": "webp"}, tmp_path)) == list("rgby")


@pytest.mark.parametrize("kind", ["jpeg", "webp", "avif", "tiff", "ico"])
def test_a_single_pixel(kind: str, tmp_path: Path) -> None:
    source = saved(Image.new("RGB", (1, 1), (255, 0, 0)), tmp_path / "a.png")
    assert made(source, {"format": kind, "icon_sizes": "16"}, tmp_path).size == ((16, 16) if kind == "ico" else (1, 1))


def test_an_8k_picture_costs_a_few_copies_of_it(tmp_path: Path) -> None:
    # Made by another process: what this one once held would count as its children's peak.
    source = tmp_path / "a.jpg"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=7680x4320:d=0.04", "-frames:v", "1", "-update", "1", "-pix_fmt", "yuvj420p", str(source))
    result = execute("image", [source], {"longest": 800}, tmp_path)
    # libjpeg leaves out what a small picture can't show; ffmpeg, which looks for damage, holds all of it once.
    assert result.media.video.width == 800 and result.metrics.peak_memory < 300_000_000  # type: ignore[union-attr]


def test_damage_in_the_middle_of_a_jpeg_is_refused(tmp_path: Path) -> None:
    data = bytearray(saved(photograph(), tmp_path / "whole.jpg").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(value ^ 0x5A for value in data[middle : middle + 40])
    (tmp_path / "broken.jpg").write_bytes(data)
    assert refused([tmp_path / "broken.jpg"], {"format": "png"}, tmp_path).code.name == "corrupt_media"


def test_long_texts_in_a_png_do_no_harm(tmp_path: Path) -> None:
    texts = PngInfo()
    texts.add_text("story", "x" * 5_000_000, zip=True)
    assert seen(made(saved(corners(), tmp_path / "a.png", pnginfo=texts), {"format": "webp"}, tmp_path)) == list("rgby")
    texts.add_text("bomb", "x" * 200_000_000, zip=True)
    assert refused([saved(corners(), tmp_path / "b.png", pnginfo=texts)], {"format": "webp"}, tmp_path).code.name == "corrupt_media"


def test_a_picture_beyond_the_limit_is_never_opened(tmp_path: Path) -> None:
    source = saved(Image.new("1", (10_000, 10_000)), tmp_path / "a.png")
    with pytest.raises(MediaError) as caught:
        probe.inspect(source)
    assert caught.value.code.name == "too_many_pixels"


def test_a_favicon_has_its_sizes(tmp_path: Path) -> None:
    image = Image.open(execute("image", [saved(corners(90, 60), tmp_path / "a.png")], {}, tmp_path, "favicon-ico").path)
    assert image.info["sizes"] == {(16, 16), (32, 32), (48, 48)} and seen(image) == list("rgby")


@pytest.mark.parametrize("orientation", [1, 4, 6])
def test_a_jpeg_goes_into_a_pdf_without_another_encode(orientation: int, tmp_path: Path) -> None:
    source = saved(photograph(80, 48), tmp_path / "a.jpg", exif=camera(orientation=orientation), comment=b"at home")
    result = execute("image", [source], {"format": "pdf"}, tmp_path)
    data = result.path.read_bytes()
    inside = data[data.index(b"\xff\xd8") : data.index(b"\xff\xd9") + 2]
    assert Image.open(io.BytesIO(inside)).tobytes() == Image.open(source).tobytes()
    assert b"Model 1" not in data and b"at home" not in data and result.media.kind == "document"
    sides = [float(word) for word in re.findall(rb"MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)[0]]
    assert sides == ([36.0, 60.0] if orientation >= 5 else [60.0, 36.0])


def test_a_pdf_has_a_page_for_each_picture_and_all_pages_when_asked(tmp_path: Path) -> None:
    pages = tmp_path / "pages.tif"
    corners().save(pages, save_all=True, append_images=[corners(50, 80), corners(30, 30)], compression="tiff_lzw")
    sources = [saved(corners(), tmp_path / "a.png"), saved(photograph(60, 40), tmp_path / "b.webp"), pages]
    first = execute("image", sources, {"format": "pdf", "page": "letter", "margin": 20}, tmp_path)
    every = execute("image", sources, {"format": "pdf", "page": "a4", "pages": "all"}, tmp_path)
    again = execute("image", sources, {"format": "pdf", "page": "a4", "pages": "all"}, tmp_path)
    assert first.path.read_bytes().count(b"/Type /Page ") == 3 and every.path.read_bytes().count(b"/Type /Page ") == 5
    assert any("Only the first of 3" in sentence for sentence in first.warnings) and every.sha256 == again.sha256


def test_a_pdf_whose_table_lies_is_no_success(tmp_path: Path) -> None:
    result = execute("image", [saved(corners(), tmp_path / "a.png")], {"format": "pdf"}, tmp_path)
    result.path.write_bytes(result.path.read_bytes().replace(b"1 0 obj", b"9 0 obj", 1))
    with pytest.raises(MediaError) as caught:
        get("image").check(result.plan, result.path, result.media)
    assert caught.value.code.name == "tool_failed"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"format": "jpeg", "quality": 80, "target_kb": 50}, "quality"),
        ({"format": "png", "target_kb": 50}, "target_kb"),
        ({"format": "webp", "target_kb": 50, "lossless": True}, "target_kb"),
        ({"format": "png", "quality": 50}, "quality"),
        ({"format": "jpeg", "lossless": True}, "lossless"),
        ({"longest": 10, "width": 10}, "longest"),
        ({"background": "white"}, "background"),
        ({"icon_sizes": "16,1000"}, "icon_sizes"),
        ({"crop": "banana"}, "crop"),
        ({"crop": "0:5"}, "crop"),
        ({"crop": "3000x20"}, "crop"),
        ({"crop": "100x100+1900+0"}, "crop"),
        ({"format": "webp", "enlarge": True, "longest": 16384}, "format"),
    ],
)
def test_wishes_that_do_not_go_together(params: dict[str, Any], field: str) -> None:
    with pytest.raises(MediaError) as caught:
        planned(**params)
    assert (caught.value.code.name, caught.value.field) == ("bad_parameter", field)


@pytest.mark.parametrize("preset", [preset.name for preset in get("image").presets])
def test_every_preset_plans_and_makes(preset: str, tmp_path: Path) -> None:
    result = execute("image", [saved(photograph(64, 48), tmp_path / "a.jpg", exif=camera())], {}, tmp_path, preset)
    json.dumps(result.plan.as_dict())
    assert result.plan.size_range[0] <= result.size <= result.plan.size_range[1]
    assert b"Model 1" not in result.path.read_bytes() or preset == "without-place"


def test_the_child_may_read_nothing_else(tmp_path: Path) -> None:
    from converter.engine.pictures import develop

    source = saved(corners(), tmp_path / "a.png")
    bench = Workbench(tmp_path / "work", (Source(source, probe.inspect(source)),))
    (tmp_path / "work").mkdir()
    script = tmp_path / "peek.py"
    script.write_text(f"open({str(source)!r})")
    with pytest.raises(MediaError):
        bench.python(script, [], readable=(develop.DARKROOM,))


def _stripes(colours: list[tuple[int, int, int]]) -> Image.Image:
    image = Image.new("RGB", (16 * len(colours), 16))
    for number, colour in enumerate(colours):
        image.paste(colour, (number * 16, 0, number * 16 + 16, 16))
    return image


def _p3_to_srgb(colour: tuple[int, int, int]) -> tuple[int, ...]:
    """By CSS Color 4's matrix and the sRGB curve; the source has gamma 2.2 (563/256)."""
    linear = [(value / 255) ** (563 / 256) for value in colour]
    rows = ((1.2249402, -0.2249402, 0.0), (-0.0420570, 1.0420570, 0.0), (-0.0196376, -0.0786361, 1.0982736))
    mixed = [sum(a * b for a, b in zip(row, linear, strict=True)) for row in rows]
    curve = [12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055 for v in mixed]
    return tuple(round(255 * min(1.0, max(0.0, value))) for value in curve)
