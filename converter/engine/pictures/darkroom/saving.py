"""Write a finished picture in one of the formats, the same bytes each time."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image

from . import colour, shape

_LEVELS = {"fast": 3, "balanced": 6, "best": 9}
_METHODS = {"fast": 2, "balanced": 4, "best": 6}
_SPEEDS = {"fast": 9, "balanced": 7, "best": 4}
"""Of zlib, libwebp and libaom: how long they may look for a smaller file."""
FINE = 90
"""Qualities from which colour keeps its full resolution, where nothing else was asked: below, nobody sees the difference."""
_KEEPS_ALPHA = frozenset({"png", "webp", "avif", "jxl", "tiff", "ico", "gif"})
_KEEPS_PALETTE = frozenset({"png", "gif", "tiff", "bmp"})
_KEEPS_PROFILE = frozenset({"jpeg", "png", "webp", "avif", "jxl", "tiff"})
_KEEPS_PRESS = frozenset({"jpeg", "tiff"})


@dataclass(frozen=True, slots=True)
class Extras:
    """What is written beside the pixels."""

    exif: bytes = b""
    profile: bytes = b""


def keeps_profile(form: str) -> bool:
    """Whether a file of that format can carry a colour profile."""
    return form in _KEEPS_PROFILE


def fitting(image: Image.Image, form: str, background: tuple[int, int, int] | None) -> Image.Image:
    """`image` in a mode that `form` can hold; `background` (None: white) shows where it can't be see-through."""
    if image.mode == "CMYK" and form in _KEEPS_PRESS:
        return image
    if form in _KEEPS_PALETTE and image.mode in ("P", "1") and (form != "bmp" or not colour.has_alpha(image)):
        return image
    if image.mode.startswith("I;16") and form in ("png", "tiff", "jxl"):
        return image
    image = colour.plain(image)
    if form in _KEEPS_ALPHA and background is None:
        return image
    return colour.flattened(image, background or (255, 255, 255))


def encoded(image: Image.Image, how: dict[str, Any], quality: int | None, extras: Extras) -> bytes:
    """The file's bytes. `quality` is 1 to 100 and only for the formats that have one."""
    buffer = io.BytesIO()
    options: dict[str, Any] = {}
    if extras.exif and how["format"] in ("jpeg", "png", "webp", "avif", "tiff", "jxl"):
        options["exif"] = extras.exif
    if extras.profile and how["format"] in _KEEPS_PROFILE:
        options["icc_profile"] = extras.profile
    # Pillow writes what it finds in `info` (comments, profiles, dots per inch) unless told otherwise.
    image.info = {key: value for key, value in image.info.items() if key == "transparency"}
    if how["format"] == "ico":
        return _icon(image, how["icon_sizes"])
    if how["format"] == "gif":
        image, more = _indexed(image)
        options |= more
    name, more = _options(how, quality, extras)
    image.save(buffer, name, **options, **more)
    return buffer.getvalue()


def _options(how: dict[str, Any], quality: int | None, extras: Extras) -> tuple[str, dict[str, Any]]:
    form, effort = how["format"], how["effort"]
    sampling = how["subsampling"]
    if sampling == "auto":
        sampling = "4:4:4" if quality is not None and quality >= FINE and how["target"] is None else "4:2:0"
    if form == "jpeg":
        return "JPEG", {"quality": quality, "subsampling": sampling, "progressive": how["progressive"], "optimize": True}
    if form == "webp":
        lossless = {"lossless": True, "quality": 75} if how["lossless"] else {"quality": quality}
        return "WEBP", {"method": _METHODS[effort], **lossless}
    if form == "avif":
        return "AVIF", {"quality": quality, "speed": _SPEEDS[effort], "subsampling": sampling, "max_threads": how["threads"]}
    if form in ("png", "jxl"):
        level = 1 if form == "jxl" else _LEVELS[effort]
        return "PNG", {"compress_level": level, "optimize": effort == "best" and form == "png"}
    if form == "tiff":
        # libtiff can't write the directories that EXIF nests; Pillow's own writer can, and packs nothing.
        return "TIFF", {} if extras.exif else {"compression": "tiff_adobe_deflate"}
    return {"bmp": "BMP", "gif": "GIF"}[form], {}


def _indexed(image: Image.Image) -> tuple[Image.Image, dict[str, Any]]:
    """At most 256 colours, error-diffused; alpha becomes all or nothing, as GIF has it."""
    if image.mode in ("P", "1", "L") and not colour.has_alpha(image):
        return image, {}
    if not colour.has_alpha(image):
        base = image.convert("RGB")
        return base.quantize(palette=base.quantize(256, Image.Quantize.MEDIANCUT), dither=Image.Dither.FLOYDSTEINBERG), {}
    over = image.convert("RGBA")
    hidden = over.getchannel("A").point(lambda value: 255 if value < 128 else 0)
    base = over.convert("RGB")
    made = base.quantize(palette=base.quantize(255, Image.Quantize.MEDIANCUT), dither=Image.Dither.FLOYDSTEINBERG)
    made.paste(255, mask=hidden)
    return made, {"transparency": 255}


def _icon(image: Image.Image, sizes: list[int]) -> bytes:
    side = max(image.size)
    square = shape.padded(image.convert("RGBA"), (side, side), None)
    made = [square.resize((size, size), Image.Resampling.LANCZOS) for size in sorted(sizes, reverse=True)]
    buffer = io.BytesIO()
    made[0].save(buffer, "ICO", sizes=[one.size for one in made], append_images=made[1:], bitmap_format="png")
    return buffer.getvalue()
