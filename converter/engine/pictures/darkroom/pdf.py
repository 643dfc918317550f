"""A PDF of pictures, one a page; JPEGs go in as they are, without another encode.

Written by hand after ISO 32000-1 (§7.3–7.5 objects and cross-references, §8.9.5 images, §7.4.4.4 the
PNG predictors of FlateDecode): six kinds of object, no date and no identifier, so that the same
pictures make the same bytes.
"""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import dataclass
from typing import IO

from PIL import Image

LARGEST = 14_400.0
"""Points a side: what readers must support (ISO 32000-1, annex C)."""
PICTURE_DPI = 96.0
PAPERS = {"a4": (595.276, 841.89), "letter": (612.0, 792.0)}
_FRAMES = (0xC0, 0xC1, 0xC2)
"""Baseline, extended and progressive: what DCTDecode has to know."""
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SPACES = {1: "/DeviceGray", 3: "/DeviceRGB", 4: "/DeviceCMYK"}
_PROFILE_SPACES = {1: b"GRAY", 3: b"RGB ", 4: b"CMYK"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One picture ready for its page: `space` is a PDF colour space, `profile` an ICC profile to use instead of it."""

    width: int
    height: int
    data: bytes
    entries: str
    space: str
    channels: int
    profile: bytes = b""
    orientation: int = 1


def embedded(data: bytes, orientation: int, profile: bytes) -> Sheet | None:
    """A JPEG file as it is, but for everything that is not picture; None for the few kinds that PDF does not know."""
    out, at, frame, adobe = bytearray(b"\xff\xd8"), 2, b"", False
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + length
        if marker == 0xDA:
            follows = _NEXT_MARKER.search(data, end)
            end = follows.start() if follows else len(data)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if marker not in _FRAMES:
                return None
            frame = data[at + 4 : end]
        adobe = adobe or (marker == 0xEE and data[at + 4 : at + 9] == b"Adobe")
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker == 0xEE:
            out += data[at:end]
        at = end
        if data[at : at + 2] == b"\xff\xd9":
            break
    if len(frame) < 6 or frame[0] != 8 or frame[5] not in _SPACES:
        return None
    channels, height, width = frame[5], int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    # Adobe's programs, and so everybody, store the amounts of ink upside down.
    inverted = " /Decode [1 0 1 0 1 0 1 0]" if channels == 4 and adobe else ""
    fitting = profile if profile[16:20] == _PROFILE_SPACES[channels] else b""
    entries = f"/BitsPerComponent 8 /Filter /DCTDecode{inverted}"
    return Sheet(width, height, bytes(out) + b"\xff\xd9", entries, _SPACES[channels], channels, fitting, orientation)


def lossless(image: Image.Image) -> Sheet:
    """A picture without alpha in mode 1, L, P or RGB: the packed rows of a PNG are PDF's own."""
    buffer = io.BytesIO()
    image.info = {}
    image.save(buffer, "PNG", compress_level=6)
    data, rows, at, bits, colours = buffer.getvalue(), bytearray(), 8, 8, b""
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            bits = body[8]
        elif kind == b"PLTE":
            colours = body
        elif kind == b"IDAT":
            rows += body
        at += 12 + length
    channels = 3 if image.mode == "RGB" else 1
    space = f"[/Indexed /DeviceRGB {len(colours) // 3 - 1} <{colours.hex()}>]" if colours else _SPACES[channels]
    parameters = f"/DecodeParms << /Predictor 15 /Colors {channels} /BitsPerComponent {bits} /Columns {image.width} >>"
    return Sheet(image.width, image.height, bytes(rows), f"/BitsPerComponent {bits} /Filter /FlateDecode {parameters}", space, channels)


class Document:
    """Writes pages to `file` as they come; holds one picture at a time. `paper`: picture, a4 or letter; `margin` in points."""

    def __init__(self, file: IO[bytes], paper: str, margin: float) -> None:
        self.file, self.paper, self.margin = file, paper, margin
        self.places: dict[int, int] = {}
        self.pages: list[int] = []
        self.at = 0
        # Four bytes above 127 tell programs that this is not text (§7.5.2).
        self._write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")

    def add(self, sheet: Sheet) -> None:
        """Append a page."""
        page, picture, content, profile = (3 + 4 * len(self.pages) + offset for offset in range(4))
        turned = sheet.orientation >= 5
        width, height = (sheet.height, sheet.width) if turned else (sheet.width, sheet.height)
        (across, down), box = self._layout(width, height)
        self.pages.append(page)
        resources = f"/Resources << /XObject << /I {picture} 0 R >> >> /Contents {content} 0 R"
        self._object(page, f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {across:.3f} {down:.3f}] {resources} >>")
        space = f"[/ICCBased {profile} 0 R]" if sheet.profile else sheet.space
        entries = f"/Type /XObject /Subtype /Image /Width {sheet.width} /Height {sheet.height} /ColorSpace {space} {sheet.entries}"
        self._stream(picture, entries, sheet.data)
        matrix = " ".join(f"{number:.3f}" for number in _matrix(sheet.orientation, *box))
        self._stream(content, "", f"q {matrix} cm /I Do Q".encode())
        # Every page has the same four numbers; one without a profile has an empty object there.
        if sheet.profile:
            self._stream(profile, f"/N {sheet.channels} /Filter /FlateDecode", zlib.compress(sheet.profile, 6))
        else:
            self._object(profile, "null")

    def close(self) -> None:
        """Write what holds the pages together. The file is whole only after this."""
        self._object(1, "<< /Type /Catalog /Pages 2 0 R >>")
        kids = " ".join(f"{page} 0 R" for page in self.pages)
        self._object(2, f"<< /Type /Pages /Count {len(self.pages)} /Kids [{kids}] >>")
        start, count = self.at, len(self.places) + 1
        rows = "".join(f"{self.places[number]:010d} 00000 n \n" for number in range(1, count))
        self._write(f"xref\n0 {count}\n0000000000 65535 f \n{rows}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())

    def _layout(self, width: int, height: int) -> tuple[tuple[float, float], tuple[float, float, float, float]]:
        """The page's size, and the picture's box on it (x, y, width, height), in points."""
        if self.paper == "picture":
            unit = min(72 / PICTURE_DPI, (LARGEST - 2 * self.margin) / max(width, height))
            across, down = max(3.0, width * unit + 2 * self.margin), max(3.0, height * unit + 2 * self.margin)
        else:
            across, down = PAPERS[self.paper] if width <= height else PAPERS[self.paper][::-1]
            unit = min((across - 2 * self.margin) / width, (down - 2 * self.margin) / height)
        wide, high = width * unit, height * unit
        return (across, down), ((across - wide) / 2, (down - high) / 2, wide, high)

    def _object(self, number: int, body: str) -> None:
        self.places[number] = self.at
        self._write(f"{number} 0 obj\n{body}\nendobj\n".encode("ascii"))

    def _stream(self, number: int, entries: str, data: bytes) -> None:
        self.places[number] = self.at
        self._write(f"{number} 0 obj\n<< {entries} /Length {len(data)} >>\nstream\n".encode("ascii"))
        self._write(data)
        self._write(b"\nendstream\nendobj\n")

    def _write(self, data: bytes) -> None:
        self.file.write(data)
        self.at += len(data)


def _matrix(orientation: int, x: float, y: float, w: float, h: float) -> tuple[float, float, float, float, float, float]:
    """Put the unit square, which is the stored picture, into the box so that it stands upright (EXIF's eight orientations)."""
    right, top = x + w, y + h
    return {
        2: (-w, 0.0, 0.0, h, right, y),
        3: (-w, 0.0, 0.0, -h, right, top),
        4: (w, 0.0, 0.0, -h, x, top),
        5: (0.0, -h, -w, 0.0, right, top),
        6: (0.0, -h, w, 0.0, x, top),
        7: (0.0, h, w, 0.0, x, y),
        8: (0.0, h, -w, 0.0, right, y),
    }.get(orientation, (w, 0.0, 0.0, h, x, y))
