"""Hostile names become one harmless line of text."""

from __future__ import annotations

import importlib.util
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.uploads.names import clean_name

HOSTILE = [
    "../../etc/cron.d/x", "..\\..\\x.mp4", "a\x00b.mp4", "\u202e4pm.exe", "x" * 4096 + ".mp4", "CON.mp4", "-i.mp4", "-y", "pipe:0",
    "concat:a|b", "http:x.mp4", "%d.mp4", "a%05d.png", "a\nb.mp4", "a\r\nSet-Cookie: x=1.mp4", '"; filename="x.html', ".htaccess",
    "é.mp4", "e\u0301.mp4", "\U0001f600.mp4", "", " ", ".", "..", "~root", "$(id).mp4", "`id`.mp4", "<img src=x onerror=alert(1)>.png",
]  # fmt: skip


def shared_names() -> list[str]:
    """The names of the shared corpus where it is at hand."""
    path = Path(__file__).resolve().parents[4] / "shared" / "hostile" / "generate.py"
    if not path.is_file():
        return []
    spec = importlib.util.spec_from_file_location("hostile_generate", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.NAMES)


def check(name: str) -> None:
    assert 1 <= len(name) <= 200
    assert "/" not in name and "\\" not in name
    assert all(unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp") for c in name)
    assert all(unicodedata.category(c) != "Cf" or c in "\u200c\u200d" for c in name)
    assert unicodedata.is_normalized("NFC", name)
    assert name == name.strip() and name not in (".", "..")
    assert clean_name(name) == name


@pytest.mark.parametrize("name", list(dict.fromkeys(HOSTILE + shared_names())))
def test_hostile_names(name: str) -> None:
    check(clean_name(name))


@given(st.text(alphabet=st.characters(codec=None), max_size=600) | st.sampled_from(HOSTILE) | st.none())
def test_any_name(name: str | None) -> None:
    check(clean_name(name))


@given(st.text(min_size=300, max_size=900), st.sampled_from(["mp4", "gif", "webm", "m4a"]))
def test_a_long_name_keeps_its_extension(stem: str, extension: str) -> None:
    cleaned = clean_name("x" + stem.replace("/", "").replace("\\", "") + "." + extension)
    check(cleaned)
    assert cleaned.endswith("." + extension)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/cron.d/x", "x"),
        ("..\\..\\x.mp4", "x.mp4"),
        ("a\x00b.mp4", "ab.mp4"),
        ("\u202e4pm.exe", "4pm.exe"),
        ("a\nb.mp4", "a b.mp4"),
        ("a\r\nSet-Cookie: x=1.mp4", "a Set-Cookie: x=1.mp4"),
        (".htaccess", "htaccess"),
        ("e\u0301.mp4", "é.mp4"),
        ("", "file"),
        ("..", "file"),
        (" \u200b ", "file"),
        ("holiday  film.mov", "holiday film.mov"),
        ("\u06a9\u062a\u0627\u0628\u200c\u0647\u0627.mp4", "\u06a9\u062a\u0627\u0628\u200c\u0647\u0627.mp4"),
    ],
)
def test_known_names(name: str, expected: str) -> None:
    assert clean_name(name) == expected
