"""Keeping secrets out of what is kept: log lines, audit entries and stored errors pass through `scrub`.

It knows the shapes of our own tokens and the usual places of others (headers, queries, addresses with a password,
webhooks). It is the second wall: the first is not to pass secrets at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

GONE = "…"

_NAMES = (
    r"[\w-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|signature|credentials?|authorization|cookie)[\w-]*"
)
SECRET_NAME = re.compile(rf"(?i)\A{_NAMES}\Z")
"""Names of fields whose value is nobody's business."""

_RULES = [
    # Headers as text, as Python's or JSON's pairs, to the end of the line or of the quotes.
    (r"(?i)\b((?:proxy-)?authorization[\"']?\s*[:=,]\s*[\"']?(?:(?:bearer|basic|digest|token)\s+)?)[^\s\"',;}]+", rf"\1{GONE}"),
    (r"(?i)\b((?:set-)?cookie[\"']?\s*[:=,]\s*[\"']?)[^\r\n\"']+", rf"\1{GONE}"),
    (r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]{8,}", rf"\1{GONE}"),
    (r"\b((?:sessionid|csrftoken|cutroom_\w+)=)[^;\s\"']+", rf"\1{GONE}"),
    # Our one-time links and tokens, wherever they stand.
    (r"(/download/)[^/\s\"'?&]+", rf"\1{GONE}"),
    (r"\bcut_[A-Za-z0-9_-]{16,}", f"cut_{GONE}"),
    (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?", GONE),
    (r"(?<![\w-])(?=[A-Za-z0-9_-]*[a-z])(?=[A-Za-z0-9_-]*[A-Z])(?=[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]{43}(?![\w-])", GONE),
    (r"\botpauth://[^\s\"']+", f"otpauth://{GONE}"),
    # Addresses with a name or password in them, and webhooks, whose path is the password.
    (r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@\"'<>]+@", rf"\1{GONE}@"),
    (r"(?i)(/api/(?:v\d+/)?webhooks/)[^\s\"'?]+", rf"\1{GONE}"),
    (r"(?i)(hooks\.[\w.-]+/)[^\s\"'?]+", rf"\1{GONE}"),
    (r"(?i)([?&](?:token|key|sig|signature|secret|code|auth|password|access_token|refresh_token|api_key|x-amz-[\w-]+)=)[^&\s\"'#]+", rf"\1{GONE}"),
    # name=value, "name": "value", and name: value where a value and no sentence follows.
    (rf"(?i)(?<![\w-])({_NAMES}\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s\"',;&}}]+)", rf"\1{GONE}"),
    (rf"(?i)([\"']{_NAMES}[\"']\s*:\s*)(\"[^\"]*\"|'[^']*'|[^\s\"',;}}]+)", rf"\1{GONE}"),
    (rf"(?im)(?<![\w-])({_NAMES}:\s+)(?:\S{{16,}}|\S+(?=\s*$))", rf"\1{GONE}"),
]
_COMPILED = [(re.compile(pattern), replacement) for pattern, replacement in _RULES]


def scrub(text: str) -> str:
    """The text without what only its bearer may know. Doing it twice changes nothing more."""
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    return text


def scrub_value(value: Any, name: str = "", depth: int = 0) -> Any:
    """A value without secrets: by the name it stands under, and within its texts, lists and dictionaries. Other objects stay."""
    if name and value not in (None, "", False, True) and SECRET_NAME.match(name) and not isinstance(value, (Mapping, int, float)):
        return GONE
    if isinstance(value, str):
        return scrub(value)
    if depth < 6 and isinstance(value, Mapping):
        return {key: scrub_value(item, str(key), depth + 1) for key, item in value.items()}
    if depth < 6 and isinstance(value, (list, tuple)):
        return [scrub_value(item, "", depth + 1) for item in value]
    return value
