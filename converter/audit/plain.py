"""Values as every database keeps them: the trail must read back what it wrote, byte for byte."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .scrub import scrub, scrub_value

LONGEST_TEXT = 500
DEEPEST = 6


def text(raw: object, longest: int = LONGEST_TEXT) -> str:
    """At most `longest` characters, without secrets, NUL (PostgreSQL keeps none) and halves of surrogates."""
    return scrub(str(raw)[: longest * 8]).replace("\0", "").encode("utf-8", "replace").decode()[:longest]


def value(raw: object, depth: int = 0) -> object:
    """A JSON value that survives storage unchanged."""
    if raw is None or isinstance(raw, bool):
        return raw
    if isinstance(raw, int):
        return raw if abs(raw) < 2**63 else str(raw)
    if isinstance(raw, float):
        return raw if math.isfinite(raw) else str(raw)
    if depth >= DEEPEST:
        return text(raw)
    if isinstance(raw, Mapping):
        return {text(key, 100): value(scrub_value(item, str(key)), depth + 1) for key, item in raw.items()}
    if isinstance(raw, (list, tuple, set, frozenset)):
        return [value(item, depth + 1) for item in raw]
    return text(raw)
