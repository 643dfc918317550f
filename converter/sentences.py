"""Sentences of the engine in the reader's language, values and all.

The engine says plain English, and what it says is stored and handed on as text. A sentence with values in it is known again
by its shape, `The file has %(streams)s streams.`, which stands in the catalogue (config/sentences.py gathers it from the
source); the values are put into the translated shape, themselves translated where they are words of ours.
"""

from __future__ import annotations

import re
from functools import lru_cache

from django.conf import settings
from django.utils.formats import get_format
from django.utils.translation import get_language, gettext
from django.utils.translation.trans_real import translation

PREFIX = re.compile(r"[a-z_]+[\w.\[\]]*: ")
"""The name of the field at fault, which pages take away where the sentence stands beside that field."""
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
_UNITS = r" ?(?:[KMG]?B|k?bit/s|k?Hz|s|fps|px|pt|%|×|dB|dBFS|dBTP|LUFS|[Mm]egapixels?|[Mm]egapixel[ns]?|[Ss]ekunden|[Bb]ildern?|-fach)(?!\w)"
_DECIMAL, _UNIT, _MEASURED = re.compile(r"-?\d+\.\d+"), re.compile(_UNITS), re.compile(rf"-?\d+\.\d+{_UNITS}")
"""A plain decimal, the unit that follows it, and both as one value: only those get the language's decimal point, nothing that one types again."""
_DEEPEST = 3
"""A sentence in a sentence in a sentence."""

Shape = tuple[tuple[str, ...], tuple[str, ...], str]
"""What stands between the values, the values' names, and the shape in the other language."""


def translated(sentence: str) -> str:
    """A sentence in the language of the present request; as it is where the catalogue does not know it."""
    language = get_language() or settings.LANGUAGE_CODE
    if not sentence or language == settings.LANGUAGE_CODE:
        return sentence
    prefix = PREFIX.match(sentence)
    at = prefix.end() if prefix else 0
    told = _known(sentence[at:], language)
    return sentence if told is None else sentence[:at] + told


def _known(text: str, language: str, depth: int = 0) -> str | None:
    """The translation of a sentence, of a part of one, or of several in a row; None where there is none."""
    if (whole := gettext(text)) != text:
        return whole
    for between, names, other in _shapes(language):
        values = _values(between, text)
        if values is not None:
            put = {name: _value(value, language, depth) for name, value in zip(names, values, strict=True)}
            return _filled(other, put, language)
    if text.endswith(".") and (part := _known(text[:-1], language, _DEEPEST)) is not None:
        return f"{part}."
    return _in_a_row(text, language, depth)


def _filled(shape: str, put: dict[str, str], language: str) -> str:
    def value(match: re.Match[str]) -> str:
        found = put.get(match[1], match[0])
        unit = _UNIT.match(shape, match.end())
        measured = (unit and _DECIMAL.fullmatch(found)) or _MEASURED.fullmatch(found)
        return _pointed(found, language) if measured else found

    return _PLACEHOLDER.sub(value, shape)


def _pointed(value: str, language: str) -> str:
    return value.replace(".", str(get_format("DECIMAL_SEPARATOR", lang=language)))


def _value(value: str, language: str, depth: int) -> str:
    if depth >= _DEEPEST:
        return value
    words = [_known(word, language, _DEEPEST) for word in value.split(" or ")] if " or " in value else [None]
    if all(word is not None for word in words):
        return gettext(" or ").join(filter(None, words))
    return _known(value, language, depth + 1) or value


def _in_a_row(text: str, language: str, depth: int) -> str | None:
    head, dot, tail = text.partition(". ")
    if not dot or depth >= _DEEPEST:
        return None
    first, then = _known(f"{head}.", language, _DEEPEST), _known(tail, language, depth + 1)
    return None if first is None and then is None else f"{first or head + '.'} {then or tail}"


def _values(between: tuple[str, ...], text: str) -> list[str] | None:
    """The values of a text of this shape, each as short as can be; in one go, so that no text takes long."""
    if not text.startswith(between[0]) or not text.endswith(between[-1]):
        return None
    at, end, values = len(between[0]), len(text) - len(between[-1]), []
    for literal in between[1:-1]:
        found = text.find(literal, at + 1, end)
        if found < 0:
            return None
        values.append(text[at:found])
        at = found + len(literal)
    return [*values, text[at:end]] if at < end else None


@lru_cache(maxsize=8)
def _shapes(language: str) -> tuple[Shape, ...]:
    """A language's sentences with values in them, those with most words of their own first."""
    found: list[Shape] = []
    for source, other in translation(language)._catalog.items():  # type: ignore[attr-defined]  # as Django's own JavaScriptCatalog does
        if isinstance(source, str) and isinstance(other, str) and _PLACEHOLDER.search(source):
            parts = _PLACEHOLDER.split(source)
            if all(parts[2:-1:2]) and re.search(r"[A-Za-z]{2}", "".join(parts[::2])):
                found.append((tuple(parts[::2]), tuple(parts[1::2]), other))
    return tuple(sorted(found, key=lambda shape: -sum(map(len, shape[0]))))
