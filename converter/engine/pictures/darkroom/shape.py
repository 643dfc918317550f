"""Turn, cut and scale a picture. Sizes and boxes are pixels of the upright source."""

from __future__ import annotations

from typing import Any

from PIL import Image

SCALABLE = frozenset({"L", "LA", "RGB", "RGBA", "CMYK", "I;16", "LAB", "YCbCr"})
_ROTATIONS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
_FLIPS = {"horizontal": Image.Transpose.FLIP_LEFT_RIGHT, "vertical": Image.Transpose.FLIP_TOP_BOTTOM}


def shaped(image: Image.Image, shape: dict[str, Any]) -> Image.Image:
    """`image` turned by `rotate` (degrees clockwise), mirrored by `flip`, cut to `box` and scaled to `size`.

    `box` is in pixels of the turned picture at its full size `whole`; `image` may have been decoded smaller.
    """
    if shape["rotate"]:
        image = image.transpose(_ROTATIONS[shape["rotate"]])
    if shape["flip"] in _FLIPS:
        image = image.transpose(_FLIPS[shape["flip"]])
    (left, top, right, bottom), size = shape["box"], (shape["size"][0], shape["size"][1])
    across, down = image.width / shape["whole"][0], image.height / shape["whole"][1]
    box = (left * across, top * down, right * across, bottom * down)
    if (box[2] - box[0], box[3] - box[1]) == size and all(side == int(side) for side in box):
        whole = box == (0, 0, *image.size)
        return image if whole else image.crop((int(box[0]), int(box[1]), int(box[2]), int(box[3])))
    image = scalable(image)
    # Pillow multiplies colour by alpha before it scales LA and RGBA, and divides after: hidden colours don't bleed.
    return image.resize(size, Image.Resampling.LANCZOS, box=box)


def scalable(image: Image.Image) -> Image.Image:
    """The same picture in a mode whose samples may be averaged: palettes and black-and-white are not."""
    if image.mode in SCALABLE and not (image.mode in ("L", "RGB") and "transparency" in image.info):
        return image
    if "transparency" in image.info or image.mode in ("PA", "RGBa", "La"):
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")


def padded(image: Image.Image, canvas: tuple[int, int], colour: tuple[int, int, int] | None) -> Image.Image:
    """`image`, RGB or RGBA, in the middle of a canvas of `colour`; None is transparent."""
    mode = "RGBA" if colour is None else image.mode
    filling = (0, 0, 0, 0) if colour is None else (*colour, 255) if mode == "RGBA" else colour
    sheet = Image.new(mode, canvas, filling)
    place = ((canvas[0] - image.width) // 2, (canvas[1] - image.height) // 2)
    sheet.paste(image.convert(mode), place)
    return sheet


def smaller(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A finished picture scaled down once more."""
    return scalable(image).resize(size, Image.Resampling.LANCZOS)
