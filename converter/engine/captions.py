"""Words burned into a picture, by ffmpeg's drawtext with a font of ours: servers have none.

The text goes through a file in the work directory and `expansion=none`, so that no character of it means anything to
ffmpeg. Lines are broken here, by the widths that the font itself states (OpenType: tables `cmap`, `hhea`, `hmtx`).
"""

from __future__ import annotations

import shutil
import struct
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from .errors import MediaError
from .ffmpeg import find_ffmpeg

PLACES = {"top": "At the top", "middle": "In the middle", "bottom": "At the bottom"}
LONGEST = 300
_TEXT, _FONT = "caption.txt", "caption.ttf"
_PACKAGE, _FILE = "ttf_opensans", "ttf/OpenSans-SemiBold.ttf"
_WIDEST, _TALLEST = 0.94, 0.9
"""Parts of the picture that the words may take."""
_LINE = 1.3
"""Line height in sizes of the letters: what Open Sans asks for is 1.36."""
_SMALLEST = 8
_EDGE = 1 / 14
"""Width of the dark edge around letters, in their size: they must be read on anything."""
_IGNORED = frozenset("\u200b\u200c\u200d\u200e\u200f\ufe0e\ufe0f")
"""Characters that only steer others and need no shape of their own."""


@dataclass(frozen=True, slots=True)
class Font:
    """What is known of a font: its glyph for each character, and each glyph's width in parts of the size."""

    path: Path
    glyphs: dict[int, int]
    widths: tuple[float, ...]

    def width(self, text: str) -> float:
        """The length of a line in sizes of the letters, before any kerning."""
        return sum(self.widths[min(self.glyphs.get(ord(character), 0), len(self.widths) - 1)] for character in text)

    def lacks(self, text: str) -> str:
        """The characters of `text` that the font can't show, each once."""
        return "".join(dict.fromkeys(c for c in text if not c.isspace() and c not in _IGNORED and ord(c) not in self.glyphs))


@dataclass(frozen=True, slots=True)
class Caption:
    """Words with their size in pixels and their place, broken into lines."""

    lines: tuple[str, ...]
    size: int
    place: str

    def filter(self) -> str:
        """The drawtext filter; `write` must have put the files beside it."""
        y = {"top": "h*0.04", "middle": "(h-text_h)/2", "bottom": "h*0.96-text_h"}[self.place]
        edge = max(1, round(self.size * _EDGE))
        gap = round(self.size * 0.1)
        return (
            f"drawtext=fontfile={_FONT}:textfile={_TEXT}:expansion=none:fontsize={self.size}:fontcolor=white:borderw={edge}:bordercolor=black"
            f":line_spacing={gap}:text_align=C:x=(w-text_w)/2:y={y}"
        )

    def write(self, work: Path) -> None:
        """Put the words and the font into the work directory."""
        (work / _TEXT).write_text("\n".join(self.lines), encoding="utf-8")
        shutil.copyfile(font().path, work / _FONT)


def caption(text: str, place: str, percent: float, width: int, height: int) -> Caption | None:
    """The caption for a picture of that size, letters at most `percent` of its height; None for no words.

    Raises `MediaError("bad_parameter")` naming the characters that can't be shown, or what is missing here.
    """
    words = text.split()
    if not words:
        return None
    if not find_ffmpeg().has("filters", "drawtext"):
        raise MediaError("bad_parameter", "caption: this ffmpeg can't draw text (it lacks the filter drawtext).", field="caption")
    known = font()
    if lacking := known.lacks(text):
        shown = " ".join(lacking[:12])
        why = f"caption: the font has no shape for {shown}; Latin, Greek and Cyrillic letters, digits and punctuation work."
        raise MediaError("bad_parameter", why, field="caption")
    for size in range(max(_SMALLEST, round(height * percent / 100)), _SMALLEST - 1, -1):
        lines = _broken(words, known, width * _WIDEST / size)
        if lines and len(lines) * size * _LINE <= height * _TALLEST:
            return Caption(lines, size, place)
    raise MediaError("bad_parameter", f"caption: so many words can't be read in a picture of {width}×{height}; use fewer.", field="caption")


def _broken(words: list[str], known: Font, widest: float) -> tuple[str, ...]:
    """Lines no longer than `widest`; empty where a single word is longer."""
    lines = [words[0]]
    for word in words[1:]:
        longer = f"{lines[-1]} {word}"
        if known.width(longer) <= widest:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines) if all(known.width(line) <= widest for line in lines) else ()


@cache
def font() -> Font:
    """The font that captions are drawn with. Raises `MediaError("bad_parameter")` where its package is missing."""
    found = find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise MediaError("bad_parameter", "caption: no font is installed here; the package ttf-opensans brings one.", field="caption")
    path = Path(next(iter(found.submodule_search_locations))) / _FILE
    data = path.read_bytes()
    tables = {name: (at, size) for name, at, size in _directory(data)}
    (unit,) = struct.unpack_from(">H", data, tables[b"head"][0] + 18)
    (count,) = struct.unpack_from(">H", data, tables[b"hhea"][0] + 34)
    widths = tuple(struct.unpack_from(">H", data, tables[b"hmtx"][0] + 4 * glyph)[0] / unit for glyph in range(count))
    return Font(path, _characters(data, tables[b"cmap"][0]), widths)


def _directory(data: bytes) -> list[tuple[bytes, int, int]]:
    (count,) = struct.unpack_from(">H", data, 4)
    entries = (struct.unpack_from(">4sIII", data, 12 + 16 * number) for number in range(count))
    return [(name, at, size) for name, _, at, size in entries]


def _characters(data: bytes, at: int) -> dict[int, int]:
    """Glyphs by character, from the Unicode subtable of format 4 (OpenType, cmap)."""
    (count,) = struct.unpack_from(">H", data, at + 2)
    records = [struct.unpack_from(">HHI", data, at + 4 + 8 * number) for number in range(count)]
    starts = [at + offset for platform, encoding, offset in records if (platform, encoding) in ((3, 1), (0, 3))]
    start = next(place for place in starts if struct.unpack_from(">H", data, place)[0] == 4)
    (double,) = struct.unpack_from(">H", data, start + 6)
    found: dict[int, int] = {}
    for segment in range(0, double, 2):
        (last,) = struct.unpack_from(">H", data, start + 14 + segment)
        (first,) = struct.unpack_from(">H", data, start + 16 + double + segment)
        (delta,) = struct.unpack_from(">H", data, start + 16 + 2 * double + segment)
        place = start + 16 + 3 * double + segment
        (offset,) = struct.unpack_from(">H", data, place)
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code if not offset else struct.unpack_from(">H", data, place + offset + 2 * (code - first))[0]
            if glyph or not offset:
                glyph = (glyph + delta) & 0xFFFF
            if glyph:
                found[code] = glyph
    return found
