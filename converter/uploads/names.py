"""Names that users send are text to show, never paths."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 200
LONGEST_EXTENSION = 12
FALLBACK = "file"

# Joiners are invisible too, but Persian, Indic scripts and emoji need them.
_JOINERS = "\u200c\u200d"
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_EXTENSION = re.compile(rf"\.[0-9A-Za-z]{{1,{LONGEST_EXTENSION - 1}}}")


def clean_name(name: str | None) -> str:
    """Display text from a name that somebody sent: 1 to 200 characters, one line, NFC.

    Only what follows the last slash or backslash stays. Control characters, bidirectional marks
    and other invisible ones are dropped, white space becomes single spaces, dots and spaces at
    both ends go. A name that is too long keeps its extension; one with nothing left is `file`.
    """
    base = re.split(r"[/\\]", str(name or ""))[-1]
    base = "".join(" " if _is_space(character) else character for character in base if _is_visible(character))
    base = _trim(unicodedata.normalize("NFC", base))
    if len(base) > LONGEST:
        stem, extension = _split(base)
        base = _trim(stem[: LONGEST - len(extension)]) + extension
    return base.strip(" ." + _JOINERS) or FALLBACK


def _is_space(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in ("Zl", "Zp", "Zs")


def _is_visible(character: str) -> bool:
    return character in _JOINERS or character in "\t\n\r" or unicodedata.category(character) not in _HIDDEN


def _trim(text: str) -> str:
    return " ".join(text.split()).strip(" ." + _JOINERS)


def _split(name: str) -> tuple[str, str]:
    stem, dot, tail = name.rpartition(".")
    return (stem, dot + tail) if stem and _EXTENSION.fullmatch(dot + tail) else (name, "")
