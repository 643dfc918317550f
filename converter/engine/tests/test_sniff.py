from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.engine.errors import MediaError
from converter.engine.sniff import HEAD_BYTES, Sniffed, foreign, identify, sniff

MP3_FRAME = bytes.fromhex("fffb9064") + b"\0" * 413
AAC_FRAME = bytes.fromhex("fff15080017ffc") + b"\0" * 4


def ftyp(major: bytes, *others: bytes) -> bytes:
    body = major + b"\0\0\2\0" + b"".join(others)
    return struct.pack(">I", 8 + len(body)) + b"ftyp" + body + b"\0" * 64


def ebml(doctype: bytes) -> bytes:
    body = b"\x42\x86\x81\x01" + b"\x42\x82" + bytes([0x80 | len(doctype)]) + doctype
    return b"\x1a\x45\xdf\xa3" + bytes([0x80 | len(body)]) + body + b"\0" * 64


GIF = b"GIF89a\x02\0\x02\0\x80\0\0" + b"\0" * 6 + b"\x2c" + b"\0" * 20


@pytest.mark.parametrize(
    ("head", "container", "demuxer"),
    [
        (ftyp(b"isom", b"iso2", b"mp41"), "mp4", "mov"),
        (ftyp(b"qt  "), "mov", "mov"),
        (ftyp(b"M4A ", b"isom"), "m4a", "mov"),
        (ftyp(b"3gp5"), "3gp", "mov"),
        (ftyp(b"avif", b"mif1"), "avif", "mov"),
        (ftyp(b"mif1", b"avif"), "avif", "mov"),
        (ftyp(b"heic", b"mif1"), "heic", "mov"),
        (b"\0\0\0\x08wide\0\0\0\0mdat" + b"\0" * 20, "mov", "mov"),
        (b"\0\0\1\0moov" + b"\0" * 20, "mov", "mov"),
        (ebml(b"webm"), "webm", "matroska"),
        (ebml(b"matroska"), "matroska", "matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "avi", "avi"),
        (b"RIFF\0\0\0\0WAVEfmt ", "wav", "wav"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "wav", "wav"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp", "webp_pipe"),
        (b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0" + b"\0" * 6, "webp_animated", "webp_anim"),
        (b"FORM\0\0\0\0AIFF", "aiff", "aiff"),
        (b"FORM\0\0\0\0AIFC", "aiff", "aiff"),
        (GIF, "gif", "gif"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 17 + b"\0\0\0\0IDAT", "png", "png_pipe"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 17 + b"\0\0\0\x08acTL\0\0\0\0IDAT", "apng", "apng"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "jpeg", "jpeg_pipe"),
        (b"BM" + b"\0" * 12 + struct.pack("<I", 40) + b"\0" * 30, "bmp", "bmp_pipe"),
        (b"II*\0\x08\0\0\0", "tiff", "tiff_pipe"),
        (b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0" + b"\0" * 20, "ico", "ico"),
        (b"\xff\x0a" + b"\0" * 20, "jxl", "jpegxl_pipe"),
        (b"fLaC\0\0\0\x22", "flac", "flac"),
        (b"OggS\0\2" + b"\0" * 20, "ogg", "ogg"),
        (b"ID3\x04\0\0\0\0\0\x05abcde" + MP3_FRAME * 2, "mp3", "mp3"),
        (b"ID3\x04\0\0\0\x7f\x7f\x7f" + b"\0" * 100, "mp3", "mp3"),
        (b"ID3\x04\0\0\0\0\0\x05abcdefLaC", "flac", "flac"),
        (MP3_FRAME * 2, "mp3", "mp3"),
        (b"#!AMR\n" + b"\0" * 20, "amr", "amr"),
        (b"caff\0\1\0\0desc", "caf", "caf"),
        (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + b"\0" * 20, "asf", "asf"),
        (b"FLV\x01\x05\0\0\0\x09", "flv", "flv"),
        ((b"\x47" + b"\0" * 187) * 5, "mpegts", "mpegts"),
        ((b"\0\0\0\0\x47" + b"\0" * 187) * 5, "mpegts", "mpegts"),
        (b"\0\0\1\xba\x44" + b"\0" * 20, "mpeg", "mpeg"),
    ],
)
def test_types_by_content(head: bytes, container: str, demuxer: str) -> None:
    found = sniff(head)
    assert isinstance(found, Sniffed)
    assert (found.container, found.demuxer) == (container, demuxer)


@pytest.mark.parametrize(
    "head",
    [
        b"GIF89a=1;alert(1)//" + b"\0" * 30,
        b"GIF89a\0\0\x02\0\0\0\0\x2c" + b"\0" * 20,
        MP3_FRAME + b"\0" * 500,
        b"\xff",
        b"BM" + b"x" * 60,
        b"RIFF\0\0\0\0ACON",
        ebml(b"other"),
        b"\x47" + b"\0" * 400,
        b"\0" * 4096,
    ],
)
def test_what_only_begins_like_media(head: bytes) -> None:
    assert sniff(head) is None


@given(st.binary(max_size=600))
def test_any_bytes_are_recognised_or_not_without_a_fault(head: bytes) -> None:
    sniff(head)
    for magic in (b"ID3\x04\0\0", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\0\0\0\x20ftyp", b"\x1a\x45\xdf\xa3", b"\xff\xfb\x90"):
        sniff(magic + head)
    foreign(head)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\xef\xbb\xbf \n<html><script>", "web page"),
        (b"#EXTM3U\n", "playlist"),
        (b"ffconcat version 1.0\nfile x\n", "playlist"),
        (b'<?xml version="1.0"?><MPD xmlns="x">', "manifest"),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "session"),
        (b"PK\x03\x04" + b"\0" * 20, "archive"),
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0\n", "PostScript"),
        (b'<?xml version="1.0"?><svg xmlns="x">', "SVG"),
        (b"\x7fELF" + b"\0" * 20, "program"),
        (b"push graphic-context\nviewbox 0 0 1 1\n", "drawing"),
        (b"Just some words.\n", "text"),
        ("Nur ein paar Wörter. Größe".encode()[:-1], "text"),
        (b"YUV4MPEG2 W9 H9\n", "uncompressed"),
    ],
)
def test_other_things_are_named(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    for name, code in (
        ("Holiday.MP4", "mismatched_type"),
        ("C:\\x\\a.GiF", "mismatched_type"),
        ("page.html", "unsupported_media"),
        ("", "unsupported_media"),
    ):
        with pytest.raises(MediaError, match=word) as caught:
            identify(path, name)
        assert caught.value.code.name == code


@pytest.mark.parametrize("name", ["a.mp4", "", ".mp4", "-i.mp4", "a\0b", "%d.mp4", "x" * 4096 + ".mp4", "../../etc/passwd", "\u202e4pm.exe", "é.mp4"])
def test_unknown_and_empty_whatever_the_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "noise").write_bytes(bytes(range(128, 256)) * 4)
    (tmp_path / "empty").write_bytes(b"")
    for file, code in (("noise", "unsupported_media"), ("empty", "corrupt_media")):
        with pytest.raises(MediaError) as caught:
            identify(tmp_path / file, name)
        assert caught.value.code.name == code


def test_a_wrong_media_extension_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(ftyp(b"isom"))
    assert identify(tmp_path / "a", "picture.jpg").container == "mp4"


def test_only_the_head_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(b"fLaC")
        file.truncate(1 << 40)
    assert identify(path, "a.flac").container == "flac"
    assert HEAD_BYTES <= 1 << 20
