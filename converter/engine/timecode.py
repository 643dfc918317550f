"""Times as people type them."""

from __future__ import annotations

import math
import re

from .errors import MediaError

_CLOCK = re.compile(r"(?:(?:(?P<h>\d{1,4}):)?(?P<m>\d{1,4}):)?(?P<s>\d{1,7}(?:[.,]\d{0,9})?|[.,]\d{1,9})\s*s?", re.ASCII)


def parse_time(value: object, *, field: str = "time") -> float:
    """Seconds from a number, `"62.5"`, `"62.5s"`, `"1:02.5"` or `"1:00:02"`.

    Raises `MediaError("bad_parameter")` for anything else, NaN and infinity included. A negative
    number is returned as it is: its range is the parameter's business.
    """
    if isinstance(value, bool):
        raise _bad(value, field)
    if isinstance(value, (int, float)):
        try:
            seconds = float(value)
        except OverflowError:
            raise _bad(value, field) from None
        if not math.isfinite(seconds):
            raise _bad(value, field)
        return seconds
    text = str(value).strip()
    sign = 1.0
    if text.startswith(("+", "-")):
        sign = -1.0 if text[0] == "-" else 1.0
        text = text[1:]
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise _bad(value, field)
    minutes, seconds = int(match["m"] or 0), float(match["s"].replace(",", "."))
    if (match["h"] is not None and minutes >= 60) or (match["m"] is not None and seconds >= 60):
        raise _bad(value, field)
    return sign * (int(match["h"] or 0) * 3600 + minutes * 60 + seconds)


def format_time(seconds: float) -> str:
    """`1:02.5` or `1:00:02.25` from seconds, to the millisecond, without trailing zeros."""
    milliseconds = round(abs(seconds) * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, part = divmod(milliseconds, 1000)
    tail = f"{whole:02d}" + (f".{part:03d}".rstrip("0") if part else "")
    sign = "-" if seconds < 0 else ""
    return f"{sign}{hours}:{minutes:02d}:{tail}" if hours else f"{sign}{minutes}:{tail}"


def _bad(value: object, field: str) -> MediaError:
    shown = repr(value)[:60]
    return MediaError("bad_parameter", f"{field}: {shown} is not a time; write seconds (62.5) or a clock time (1:02.5).", field=field)
