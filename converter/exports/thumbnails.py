"""A small picture of an export, made when first asked for and kept beside what is derived from uploads."""

from __future__ import annotations

from pathlib import Path

from converter.engine.thumbnail import thumbnail as make_thumbnail
from converter.engine.workbench import Source
from converter.uploads import derived, storage

from .models import Export
from .services import require_bytes


def thumbnail(export: Export) -> Path:
    """A small JPEG of the export. Raises `MediaError`: `no_video` where there is nothing to see, `gone`, and what the engine raises."""
    source = Source(require_bytes(export), export.media)
    return derived.cached(export, f"thumbnail-{derived.VERSION}.jpg", lambda target: make_thumbnail(source, target, limits=storage.limits()))
