"""What a Chrome kit holds beside the pictures: colours, manifests, a new-tab page, and the facts in words.

Facts about Chrome are from Chromium's own source (docs/engine.md, "Chrome kit").
"""

from __future__ import annotations

from .colours import PAIRS, Colour, contrast, dominant, theme_colours
from .texts import files

__all__ = ["LEAST_CONTRAST", "MAX_THEME_BYTES", "PAIRS", "Colour", "contrast", "dominant", "files", "theme_colours"]

MAX_THEME_BYTES = 16_777_216
"""Largest theme image when decoded, four bytes a pixel (Chromium, extensions' image sanitizer): 1920×1080 passes, 3840×2160 fails."""
LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3: text and what it stands on."""
