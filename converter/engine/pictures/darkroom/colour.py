"""What a picture's numbers mean: profiles, press colours, depth, and what lies behind transparency."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

from PIL import Image, ImageCms

from .opening import MAX_PROFILE, Picture, Refused

__all__ = ["MAX_PROFILE", "flattened", "has_alpha", "plain", "see_through", "to_srgb"]

_PLAIN = frozenset({"L", "LA", "RGB", "RGBA"})


def has_alpha(image: Image.Image) -> bool:
    """Whether any pixel of it may be see-through."""
    return image.mode in ("LA", "RGBA", "PA", "La", "RGBa") or "transparency" in image.info


def see_through(image: Image.Image) -> bool:
    """Whether any pixel of it really is; encoders leave out an alpha that hides nothing."""
    return has_alpha(image) and image.convert("RGBA").getchannel("A").getextrema() != (255, 255)


def to_srgb(picture: Picture) -> None:
    """Make `picture` sRGB (grey stays grey) without a profile. Broken profiles are left out, with a note.

    Relative colorimetric with black-point compensation, as browsers and the ICC's own recommendation
    for screens have it. Raises `Refused` for modes that have no meaning as colours.
    """
    image, profile = picture.image, picture.profile
    picture.profile = b""
    if image.mode == "CMYK":
        picture.image = _from_profile(image, profile, picture) or _press(image, picture)
    elif image.mode == "LAB":
        picture.image = _transformed(image, ImageCms.createProfile("LAB"), "RGB")
    elif profile and not _is_srgb(profile):
        base = plain(image)
        picture.image = _from_profile(base, profile, picture) or base
    if picture.image.mode not in _PLAIN and picture.image.mode not in ("1", "P", "I;16", "PA"):
        picture.image = plain(picture.image)


def plain(image: Image.Image) -> Image.Image:
    """`image` as L, LA, RGB or RGBA with 8 bits a channel. Raises `Refused` for floating-point pictures."""
    if image.mode in _PLAIN and "transparency" not in image.info:
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith("I;16"):
        # 65535 / 255 = 257: the brightest stays the brightest.
        return image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    if image.mode in ("I", "F"):
        raise Refused("unsupported_media", "The picture has 32 bits a channel, whose brightness is not defined; export it with 8 or 16 bits.")
    if "transparency" in image.info or image.mode in ("PA", "RGBa", "La"):
        return image.convert("RGBA")
    return image.convert("RGB")


def flattened(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """`image` on a ground of that colour, without alpha."""
    if not has_alpha(image):
        return image
    grey = image.mode == "LA" and len(set(background)) == 1
    over = image.convert("RGBA")
    ground = Image.new("RGB", image.size, background)
    ground.paste(over.convert("RGB"), mask=over.getchannel("A"))
    return ground.convert("L") if grey else ground


def _from_profile(image: Image.Image, profile: bytes, picture: Picture) -> Image.Image | None:
    """`image` in sRGB; None with a note when its profile can't be used."""
    if not profile:
        return None
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    base = image.convert("L" if image.mode == "LA" else "RGB") if alpha is not None else image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if space != {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}[base.mode]:
            if base.mode != "L" or space != "RGB":
                raise ImageCms.PyCMSError(f"a profile for {space} on a picture in {base.mode}")
            base = base.convert("RGB")
        made = _transformed(base, source, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        picture.notes.append("The colour profile is damaged or does not fit the picture; it was left out.")
        return None
    if base.mode == "L":
        made = made.convert("L")
    if alpha is not None:
        made = made.convert("LA" if made.mode == "L" else "RGBA")
        made.putalpha(alpha)
    return made


def _transformed(image: Image.Image, source: Any, mode: str) -> Image.Image:
    transform = ImageCms.buildTransform(
        source, _srgb(), image.mode, mode, ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
    )
    made = ImageCms.applyTransform(image, transform)
    if made is None:
        raise ImageCms.PyCMSError("nothing was made")
    made.info.pop("icc_profile", None)
    return made


def _press(image: Image.Image, picture: Picture) -> Image.Image:
    picture.notes.append("The picture is in press colours (CMYK) without a profile; its colours on screen are a guess.")
    return image.convert("RGB")


@cache
def _srgb() -> Any:
    return ImageCms.createProfile("sRGB")


def _is_srgb(profile: bytes) -> bool:
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).startswith("sRGB")
    except (ImageCms.PyCMSError, OSError):
        return False
