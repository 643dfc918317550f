"""Static files: hashed names in a manifest, compressed, served by WhiteNoise."""

from __future__ import annotations

from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestStorage(CompressedManifestStaticFilesStorage):
    """Hashed names when collected; plain names before (tests, a fresh clone)."""

    manifest_strict = False


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """WhiteNoise."""
