"""Sentences with values in them: gathered from the source, and known again where somebody reads them in another language."""

from __future__ import annotations

import pytest
from django.utils import translation

from config.sentences import sentences
from converter.engine.errors import MediaError
from converter.engine.operations import all_operations
from converter.engine.params import parse, specs
from converter.sentences import translated

SOURCE = '''
"""A module. It says nothing."""
def refuse(n, limit, name):
    """Say why. Nothing else."""
    logger.info(f"the log has {n} lines of it.")
    raise MediaError("too_large", f"The file has {n.streams} streams; at most {limit:g} are allowed.", log=f"{name} is for the log.")
def plural(n):
    raise MediaError("bad_parameter", f"upload: there {'is' if n == 1 else 'are'} {n} file{'' if n == 1 else 's'} too many.")
def _bad(spec, why):
    return MediaError("bad_parameter", f"{spec.name}: {why}.")
def number(value):
    raise _bad(spec, f"{value!r} is not a number")
'''


def test_shapes_are_read_from_the_source() -> None:
    assert sorted(set(sentences(SOURCE))) == [
        "%(value)s is not a number",
        "The file has %(streams)s streams; at most %(limit)s are allowed.",
        "there are %(n)s files too many.",
        "there is %(n)s file too many.",
    ]


@pytest.mark.parametrize(
    ("said", "german"),
    [
        ("The disk is full.", "Die Festplatte ist voll."),
        ("The file is larger than the 2.1 GB that are allowed.", "Die Datei ist größer als die erlaubten 2,1 GB."),
        (
            "start: 9:00 lies at or after the end of the media, which lasts 0:04.",
            "start: 9:00 liegt am oder hinter dem Ende der Aufnahme, die 0:04 dauert.",
        ),
        ("width: 99999 is out of range; it must be at least 16 and at most 4096 px.", "width: 99999 liegt außerhalb; erlaubt ist 16 bis 4096 px."),
        (
            "The name ends in .mp4, but the file is a web page. Send the media file itself.",
            "Der Name endet auf .mp4, aber die Datei ist eine Webseite. Schicken Sie die Mediendatei selbst.",
        ),
        (
            "The picture is cropped at the left and right: 24% of it is not shown.",
            "Das Bild wird links und rechts beschnitten: 24% davon sind nicht zu sehen.",
        ),
        (
            "width: a GIF of 4096×4096 is too large; at most 8.8 megapixels work, such as 3840×2160.",
            "width: ein GIF von 4096×4096 ist zu groß; höchstens 8,8 Megapixel gehen, etwa 3840×2160.",
        ),
        ("Nobody ever said this: 1.", "Nobody ever said this: 1."),
        ("", ""),
    ],
)
def test_a_sentence_is_known_again_with_its_values(said: str, german: str) -> None:
    with translation.override("de"):
        assert translated(said) == german
    with translation.override("en"):
        assert translated(said) == said


def test_what_looks_like_a_sentence_takes_no_time() -> None:
    """A value is somebody's text: however many ways there were to read it, it is read once."""
    with translation.override("de"):
        for text in ("The file has " + "; at most " * 45 + ".", "×" * 500, "a: " * 160, ". " * 240, " or " * 120 + "."):
            assert isinstance(translated(text[:500]), str)


@pytest.mark.parametrize("name", sorted(all_operations()))
def test_every_refusal_of_a_parameter_is_german_on_a_german_page(name: str) -> None:
    """Each parameter of each operation, with a value that it can't take."""
    params = all_operations()[name].params
    for spec in specs(params):
        with pytest.raises(MediaError) as refusal:
            parse(params, {spec.name: float("nan") if spec.type in ("number", "integer", "time") else 1.5})
        with translation.override("de"):
            assert translated(refusal.value.detail) != refusal.value.detail
