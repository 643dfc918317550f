"""What a camera wrote beside the picture (EXIF), and how much of it goes along.

XMP and IPTC never do: they repeat the place and the orientation in ways that can't be cut out safely.
Nor does the thumbnail, which may show what was cropped away, nor the maker's own block, whose
offsets break and whose content nobody knows.
"""

from __future__ import annotations

import struct
from typing import Any

from PIL import ExifTags, Image

PLACE, DETAILS = 0x8825, 0x8769
_KEPT = frozenset({0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298, 0x4746, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F})
"""Title, camera, software, date, artist, copyright, rating: what is about the picture rather than its storage."""
_DROPPED_DETAILS = frozenset({0x927C, 0xA005, 0x9286})
"""Maker's block, interoperability, user comment (programs write places into it)."""
_LONGEST = 65_000
"""A JPEG's segment has 65,533 bytes."""


def kept(exif: Image.Exif, choice: str, size: tuple[int, int], *, srgb: bool) -> tuple[bytes, str]:
    """EXIF for a picture of `size` (`choice`: strip, keep, keep-without-place), and a sentence where it had to go."""
    if choice == "strip" or not len(exif):
        return b"", ""
    try:
        data = _rewritten(exif, place=choice == "keep", size=size, srgb=srgb)
    except (struct.error, ValueError, TypeError, LookupError, OSError, AttributeError, ArithmeticError):
        return b"", "The picture's own notes (EXIF) are damaged and were left out."
    if len(data) > _LONGEST:
        return b"", "The picture's own notes (EXIF) are too long and were left out."
    return data, ""


def _rewritten(exif: Image.Exif, *, place: bool, size: tuple[int, int], srgb: bool) -> bytes:
    fresh = Image.Exif()
    for tag, value in exif.items():
        if tag in _KEPT:
            fresh[tag] = value
    details: dict[int, Any] = {tag: value for tag, value in exif.get_ifd(DETAILS).items() if tag not in _DROPPED_DETAILS}
    if details:
        details[ExifTags.Base.ExifImageWidth], details[ExifTags.Base.ExifImageHeight] = size
        if srgb:
            details[ExifTags.Base.ColorSpace] = 1
        fresh[DETAILS] = details
    if place and (where := dict(exif.get_ifd(PLACE))):
        fresh[PLACE] = where
    return fresh.tobytes() if len(fresh) else b""


def tells_place(image: Image.Image) -> bool:
    """Whether anything in an opened picture says where it was taken."""
    blocks = (image.info.get("xmp"), image.info.get("XML:com.adobe.xmp"), image.info.get("Raw profile type exif"))
    return bool(image.getexif().get_ifd(PLACE)) or any(blocks)
