"""What a file is, by its own first bytes; its name is only compared with that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from .errors import MediaError

HEAD_BYTES = 64 * 1024
EMPTY = "The file is empty."
Hint = Literal["video", "audio", "image", "animation"]


@dataclass(frozen=True, slots=True)
class Sniffed:
    """A recognised type: our name for it, ffmpeg's demuxer, its MIME type, and what it most likely holds."""

    container: str
    demuxer: str
    mime: str
    kind_hint: Hint


_TYPES: dict[str, Sniffed] = {
    sniffed.container: sniffed
    for sniffed in (
        Sniffed("mp4", "mov", "video/mp4", "video"),
        Sniffed("mov", "mov", "video/quicktime", "video"),
        Sniffed("m4a", "mov", "audio/mp4", "audio"),
        Sniffed("3gp", "mov", "video/3gpp", "video"),
        Sniffed("avif", "mov", "image/avif", "image"),
        Sniffed("heic", "mov", "image/heic", "image"),
        Sniffed("webm", "matroska", "video/webm", "video"),
        Sniffed("matroska", "matroska", "video/x-matroska", "video"),
        Sniffed("avi", "avi", "video/x-msvideo", "video"),
        Sniffed("flv", "flv", "video/x-flv", "video"),
        Sniffed("asf", "asf", "video/x-ms-wmv", "video"),
        Sniffed("mpegts", "mpegts", "video/mp2t", "video"),
        Sniffed("mpeg", "mpeg", "video/mpeg", "video"),
        Sniffed("gif", "gif", "image/gif", "animation"),
        Sniffed("webp", "webp_pipe", "image/webp", "image"),
        Sniffed("webp_animated", "webp_anim", "image/webp", "animation"),
        Sniffed("png", "png_pipe", "image/png", "image"),
        Sniffed("apng", "apng", "image/apng", "animation"),
        Sniffed("jpeg", "jpeg_pipe", "image/jpeg", "image"),
        Sniffed("bmp", "bmp_pipe", "image/bmp", "image"),
        Sniffed("tiff", "tiff_pipe", "image/tiff", "image"),
        Sniffed("ico", "ico", "image/x-icon", "image"),
        Sniffed("jxl", "jpegxl_pipe", "image/jxl", "image"),
        Sniffed("wav", "wav", "audio/wav", "audio"),
        Sniffed("w64", "w64", "audio/x-w64", "audio"),
        Sniffed("flac", "flac", "audio/flac", "audio"),
        Sniffed("ogg", "ogg", "audio/ogg", "audio"),
        Sniffed("mp3", "mp3", "audio/mpeg", "audio"),
        Sniffed("aac", "aac", "audio/aac", "audio"),
        Sniffed("aiff", "aiff", "audio/aiff", "audio"),
        Sniffed("caf", "caf", "audio/x-caf", "audio"),
        Sniffed("amr", "amr", "audio/amr", "audio"),
    )
}

_HEIF = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_QUICKTIME_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_JXL_BOX = b"\0\0\0\x0cJXL \r\n\x87\n"

# Things that are not media, in the words of the person who sees the refusal.
_FOREIGN: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), what)
    for pattern, what in (
        (rb"#EXTM3U|\[playlist\]|ffconcat version", "a playlist"),
        (rb".{0,1024}<(?:MPD|SmoothStreamingMedia)[\s>]", "a streaming manifest"),
        (rb"v=0\s*\r?\no=", "a session description"),
        (rb"PK\x03\x04|PK\x05\x06|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c|\x1f\x8b\x08|BZh\d|\xfd7zXZ", "an archive"),
        (rb"%PDF-", "a PDF document"),
        (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript document"),
        (rb"\x7fELF|MZ.{62}|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe", "a program"),
        (rb"push graphic-context|viewbox \d", "a drawing script"),
        (rb".{0,1024}<svg[\s>]", "an SVG drawing"),
        (rb".{0,512}<(?:!doctype html|html|head|body|script|iframe)[\s>]", "a web page"),
        (rb"<\?xml|<!DOCTYPE", "an XML document"),
        (rb"YUV4MPEG2 ", "an uncompressed video stream"),
    )
)
FOREIGN_WORDS = (*(what for _, what in _FOREIGN), "a text")
"""Everything that `foreign` may say."""
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1f\x7f]")
_MEDIA_NAMES = re.compile(
    r"mp4|m4[vab]|mov|qt|3g[p2]|webm|mk[va]|avi|wm[va]|asf|flv|m?2?ts|mpe?g|vob|gif|webp|a?png|jpe?g?|jfif|bmp|tiff?|ico|hei[cf]|avif|jxl|"
    r"wave?|w64|flac|og[gav]|opus|mp3|aac|aif[fc]?|caf|amr"
)


def sniff(head: bytes) -> Sniffed | None:
    """The type of a file that begins with `head` (up to `HEAD_BYTES`), or None."""
    for look in (_magic, _iso, _riff, _matroska, _transport, _sound):
        name = look(head)
        if name:
            return _TYPES[name]
    return None


def foreign(head: bytes) -> str:
    """What a file that is no media is, in words (`a web page`), or empty where nothing is known."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n\0")
    known = next((what for pattern, what in _FOREIGN if pattern.match(text)), "")
    return known or ("a text" if _is_text(head) else "")


def _is_text(head: bytes) -> bool:
    if len(head) < 4 or _CONTROL.search(head):
        return False
    try:
        # The last character may have been cut in two.
        head[:-3].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 8
    return True


def identify(path: Path, name: str = "") -> Sniffed:
    """The type of a file by its content.

    `name` is the name that the person gave it: it decides only how a refusal is worded. Raises
    `MediaError`: `corrupt_media` for an empty file, `mismatched_type` where the content is known
    to be something else than a media name says, `unsupported_media` for all else.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise MediaError("corrupt_media", EMPTY)
    sniffed = sniff(head)
    if sniffed is not None:
        return sniffed
    what = foreign(head)
    extension = PurePosixPath(name.replace("\\", "/")).suffix.lower().lstrip(".")
    if what and _MEDIA_NAMES.fullmatch(extension):
        raise MediaError("mismatched_type", f"The name ends in .{extension}, but the file is {what}. Send the media file itself.")
    if what:
        raise MediaError("unsupported_media", f"The file is {what}, not media.")
    raise MediaError("unsupported_media")


def _magic(head: bytes) -> str:
    simple = (
        (b"\xff\xd8\xff", "jpeg"), (b"II*\0", "tiff"), (b"MM\0*", "tiff"), (b"II+\0", "tiff"), (b"MM\0+", "tiff"), (b"FLV\x01", "flv"),
        (_ASF, "asf"), (_W64, "w64"), (b"fLaC", "flac"), (b"OggS\0", "ogg"), (b"caff\0\x01", "caf"), (b"#!AMR", "amr"), (_JXL_BOX, "jxl"),
        (b"\xff\x0a", "jxl"),
    )  # fmt: skip
    for magic, name in simple:
        if head.startswith(magic):
            return name
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif" if _sane_gif(head) else ""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        # An animated PNG says so in a chunk before the first picture data.
        before = head.partition(b"IDAT")[0]
        return "apng" if b"acTL" in before else "png"
    if head.startswith(b"BM") and len(head) >= 18 and int.from_bytes(head[14:18], "little") in (12, 40, 52, 56, 64, 108, 124):
        return "bmp"
    if head.startswith(b"\0\0\1\0") and len(head) >= 22 and head[4] > 0 and head[5] == 0 and head[9] == 0:
        return "ico"
    return ""


def _sane_gif(head: bytes) -> bool:
    """A logical screen, and then a block of a kind that exists: other texts begin with GIF89a too."""
    if len(head) < 14:
        return False
    width, height, flags = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little"), head[10]
    first = 13 + (3 << (1 + (flags & 7)) if flags & 0x80 else 0)
    return width > 0 and height > 0 and (len(head) <= first or head[first] in b"\x21\x2c\x3b")


def _iso(head: bytes) -> str:
    if len(head) < 12:
        return ""
    size, kind = int.from_bytes(head[:4], "big"), head[4:8]
    if kind != b"ftyp":
        return "mov" if kind in _QUICKTIME_ATOMS and (size >= 8 or size in (0, 1)) else ""
    major = head[8:12]
    brands = {major} | {head[i : i + 4] for i in range(16, min(size, len(head), 256) - 3, 4)}
    if major in (b"avif", b"avis") or (major in _HEIF and b"avif" in brands):
        return "avif"
    if major in _HEIF:
        return "heic"
    if major == b"qt  ":
        return "mov"
    if major in (b"M4A ", b"M4B ", b"M4P ", b"F4A "):
        return "m4a"
    return "3gp" if major[:3] in (b"3gp", b"3g2", b"3ge", b"3gg") else "mp4"


def _riff(head: bytes) -> str:
    form, kind = head[:4], head[8:12]
    if form in (b"RIFF", b"RIFX", b"RF64", b"BW64") and kind == b"WAVE":
        return "wav"
    if form == b"RIFF" and kind in (b"AVI ", b"AVIX"):
        return "avi"
    if form == b"RIFF" and kind == b"WEBP":
        animated = head[12:16] == b"VP8X" and len(head) > 20 and bool(head[20] & 2)
        return "webp_animated" if animated else "webp"
    return "aiff" if form == b"FORM" and kind in (b"AIFF", b"AIFC") else ""


def _matroska(head: bytes) -> str:
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return ""
    # DocType: id 42 82, a length of one byte, the name.
    at = head.find(b"\x42\x82", 4, 4096)
    if at < 0 or at + 3 > len(head):
        return ""
    length = head[at + 2] & 0x7F
    return {b"webm": "webm", b"matroska": "matroska"}.get(head[at + 3 : at + 3 + length].rstrip(b"\0"), "")


def _transport(head: bytes) -> str:
    for packet, offset in ((188, 0), (192, 4), (204, 0)):
        syncs = head[offset : offset + packet * 8 : packet]
        if len(head) >= offset + packet * 2 + 1 and set(syncs) == {0x47}:
            return "mpegts"
    if head.startswith(b"\0\0\1\xba") and len(head) > 4 and head[4] >> 4 in (2, 3, 4, 5, 6, 7):
        return "mpeg"
    return ""


def _sound(head: bytes) -> str:
    at = 0
    while head[at : at + 3] == b"ID3" and len(head) > at + 10:
        size = head[at + 6] << 21 | head[at + 7] << 14 | head[at + 8] << 7 | head[at + 9]
        at += 10 + size + (10 if head[at + 5] & 0x10 else 0)
        if at >= len(head):
            # A large cover picture stands before the sound: the tag itself is proof enough.
            return "mp3"
    rest = head[at:].lstrip(b"\0")[:HEAD_BYTES]
    if rest[:4] == b"fLaC":
        return "flac"
    for length_of, name in ((_aac_length, "aac"), (_mp3_length, "mp3")):
        first = length_of(rest)
        if first and (length_of(rest[first:]) or (at and len(rest) <= first)):
            return name
    return ""


_MP3_RATES = {
    (3, 1): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (3, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (2, 1): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def _mp3_length(frame: bytes) -> int:
    """Bytes of the MPEG audio frame (layer II or III) at the start of `frame`, or 0."""
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        return 0
    version, layer = frame[1] >> 3 & 3, frame[1] >> 1 & 3
    rates = _MP3_RATES.get((3 if version == 3 else 2, layer))
    bits, sampling = frame[2] >> 4, frame[2] >> 2 & 3
    if version == 1 or rates is None or bits in (0, 15) or sampling == 3:
        return 0
    frequency = (44100, 48000, 32000)[sampling] >> {3: 0, 2: 1, 0: 2}[version]
    factor = 72 if layer == 1 and version != 3 else 144
    return factor * rates[bits] * 1000 // frequency + (frame[2] >> 1 & 1)


def _aac_length(frame: bytes) -> int:
    """Bytes of the ADTS frame at the start of `frame`, or 0."""
    if len(frame) < 7 or frame[0] != 0xFF or frame[1] & 0xF6 != 0xF0 or frame[2] >> 2 & 15 > 12:
        return 0
    length = (frame[3] & 3) << 11 | frame[4] << 3 | frame[5] >> 5
    return length if length > 7 else 0
