"""What a file says about its media in words: what is kept, how it is cleaned, how it is written.

Only names are kept: title, artist, album and their like, chapters, languages. A file may also hold
the place where it was filmed, the device and its serial number, the person who edited it; nothing
of that is read (`probe_child.NAMES`), so nothing of it can be written by mistake.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .media import Chapter, Kind, SubtitleStream

LONGEST = 300
"""Characters of one tag, title or name."""
_WRITTEN = frozenset({"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text"})
"""Subtitles that are text; the others are pictures."""
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_YEAR = re.compile(r"\d{4}")
_SPECIAL = re.compile(r"([=;#\\])")


def clean(text: str) -> str:
    """One line that can be shown and written anywhere: no control characters, no marks that turn the direction, bounded."""
    shown = "".join(" " if character.isspace() else character for character in text)
    # Cc: control characters; Cf: invisible marks (direction, joiners); Co, Cs, Cn: what no font has.
    kept = "".join(character for character in shown if unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs", "Cn"))
    return " ".join(kept.replace("\N{REPLACEMENT CHARACTER}", "").split())[:LONGEST].strip()


def clean_language(text: str) -> str:
    """An ISO 639 code, or nothing where it is none or says that nobody knows."""
    code = text.strip().lower().partition("-")[0]
    return code if _LANGUAGE.fullmatch(code) and code != "und" else ""


def known(raw: Mapping[str, str], kind: Kind) -> tuple[tuple[str, str], ...]:
    """The tags worth keeping, cleaned. A date is the year of a recording; on a video it says when somebody stood there."""
    tags = {name: clean(value) for name, value in raw.items()}
    year = _YEAR.match(tags.pop("date", ""))
    if year is not None and kind == "audio":
        tags["date"] = year[0]
    return tuple(sorted((name, value) for name, value in tags.items() if value))


def words(answer: Mapping[str, Any], duration: float, kind: Kind) -> dict[str, Any]:
    """What the probe's child heard of subtitles, chapters and tags, as fields of `Media`."""
    return {
        "subtitles": subtitles(answer["streams"]),
        "chapters": chapters(answer.get("chapters", ()), duration),
        "tags": known(answer.get("tags", {}), kind),
    }


def subtitles(streams: Iterable[dict[str, Any]]) -> tuple[SubtitleStream, ...]:
    """The subtitles among the streams that the probe's child describes."""
    return tuple(
        SubtitleStream(stream["index"], stream["codec"], stream["codec"] in _WRITTEN, clean_language(stream["language"]), clean(stream["title"]))
        for stream in streams
        if stream["type"] == "subtitle"
    )


def chapters(raw: Iterable[dict[str, Any]], duration: float) -> tuple[Chapter, ...]:
    """Those chapters that lie in the media and have a length, in order, without overlaps."""
    found: list[Chapter] = []
    for item in sorted(raw, key=lambda chapter: float(chapter["start"])):
        start, end = max(found[-1].end if found else 0.0, item["start"]), min(duration, item["end"])
        if end > start:
            found.append(Chapter(start, end, clean(item["title"])))
    return tuple(found)


def arguments(tags: Sequence[tuple[str, str]], chapters: int | None = None) -> tuple[str, ...]:
    """Options that write these tags and, from the input with that number, chapters; all else that a source says is dropped."""
    # Dropping everything at once (`-map_metadata -1`) would take the chapters' titles as well.
    bare = ("-map_metadata", "-1", "-map_chapters", "-1")
    marked = ("-map_metadata:g", "-1", "-map_metadata:s", "-1", "-map_chapters", str(chapters))
    names = tuple(word for name, value in tags for word in ("-metadata", f"{name}={value}"))
    return (*(bare if chapters is None else marked), *names)


def stream_arguments(kind: str, number: int, language: str, title: str) -> tuple[str, ...]:
    """Options that name one stream of the result; `kind` is `a` or `s`, `number` counts from 0 within its kind."""
    pairs = (("language", language), ("title", title))
    return tuple(word for name, value in pairs if value for word in (f"-metadata:s:{kind}:{number}", f"{name}={value}"))


def chapter_file(chapters: Sequence[Chapter]) -> str:
    """The chapters in ffmpeg's own text format (ffmpeg-formats, "Metadata"), to be read as a further input."""
    lines = [";FFMETADATA1"]
    for number, chapter in enumerate(chapters, start=1):
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={round(chapter.start * 1000)}", f"END={round(chapter.end * 1000)}"]
        lines.append("title=" + _SPECIAL.sub(r"\\\1", clean(chapter.title) or f"Chapter {number}"))
    return "\n".join(lines) + "\n"
