"""The formats of still pictures: names, types, and what each can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

READERS: Mapping[str, tuple[str, ...]] = {
    "jpeg": ("JPEG", "MPO"),
    "png": ("PNG",),
    "apng": ("PNG",),
    "webp": ("WEBP",),
    "avif": ("AVIF",),
    "heic": ("HEIF",),
    "tiff": ("TIFF",),
    "bmp": ("BMP", "DIB"),
    "ico": ("ICO",),
    "gif": ("GIF",),
    "jxl": ("PNG",),
}
"""Container → the only Pillow plug-ins that may read it. JPEG XL was turned into a PNG by ffmpeg before."""
LOSSY_SOURCES = frozenset({"jpeg", "webp", "avif", "heic", "jxl"})


@dataclass(frozen=True, slots=True)
class Format:
    """One format to write. `quality` is the usual one (1–100), None where there is none; `largest` the longest side in pixels."""

    name: str
    title: str
    extension: str
    mime: str
    container: str
    quality: int | None = None
    lossless: bool = True
    fits: bool = False
    """A number of bytes can be met by lowering the quality."""
    alpha: bool = True
    largest: int = 65_535


FORMATS: Mapping[str, Format] = {
    form.name: form
    for form in (
        Format("jpeg", "JPEG", "jpg", "image/jpeg", "jpeg", 85, lossless=False, fits=True, alpha=False, largest=65_500),
        Format("png", "PNG", "png", "image/png", "png"),
        Format("webp", "WebP", "webp", "image/webp", "webp", 80, fits=True, largest=16_383),
        Format("avif", "AVIF", "avif", "image/avif", "avif", 60, lossless=False, fits=True),
        Format("jxl", "JPEG XL", "jxl", "image/jxl", "jxl", 85),
        Format("tiff", "TIFF", "tif", "image/tiff", "tiff"),
        Format("bmp", "BMP", "bmp", "image/bmp", "bmp", alpha=False),
        Format("gif", "GIF", "gif", "image/gif", "gif"),
        Format("ico", "ICO", "ico", "image/x-icon", "ico"),
        Format("pdf", "PDF", "pdf", "application/pdf", "pdf", 90, alpha=False),
    )
}
"""Qualities: where a trained eye begins to see a difference beside the source at normal distance, by each encoder's own documentation."""
_SAME: Mapping[str, str] = {"heic": "jpeg", "apng": "png"}


def wanted(name: str, container: str) -> Format:
    """The format to write: by its name, or for `same` that of the source (HEIC becomes JPEG, which everybody can open)."""
    return FORMATS[_SAME.get(container, container) if name == "same" else name]
