"""What the page's scripts must know to refuse a file with the server's own words."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings

from converter.engine.errors import CODES
from converter.engine.sniff import EMPTY
from converter.sentences import translated
from converter.uploads.incoming import too_large

register = template.Library()

_TOLD = ("unsupported_media", "corrupt_media", "mismatched_type", "too_large", "too_long", "too_many_pixels", "disk_full")
"""What an upload may be refused with."""


@register.simple_tag
def intake_data() -> dict[str, Any]:
    """Limits in bytes, and the sentence and hint of every code that refuses a file."""
    return {
        "maxBytes": settings.MAX_UPLOAD_BYTES,
        "empty": translated(EMPTY),
        "tooLarge": translated(too_large(settings.MAX_UPLOAD_BYTES).detail),
        "refusals": {name: {"detail": translated(CODES[name].sentence), "hint": translated(CODES[name].hint)} for name in _TOLD},
    }
