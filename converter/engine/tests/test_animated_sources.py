"""GIF, WebP, APNG and AVIF as sources: what a person sees, when they see it, and what lies under nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from converter.engine import probe
from converter.engine.errors import MediaError
from converter.engine.tests import making
from converter.engine.tests.making import execute

COLOURS = ((220, 30, 30), (30, 200, 30), (40, 40, 230), (230, 220, 20))
DELAYS = (100, 300, 50, 150)
"""Milliseconds that each colour is shown."""
EXACT = {"width": 64, "height": 64, "fps": 20, "duration": None, "format": "apng"}


def cards(path: Path, **more: object) -> Path:
    """Four colours, one after another, each for its own time."""
    pictures = [Image.new("RGB", (64, 64), colour) for colour in COLOURS]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=list(DELAYS), **more)
    return path


def shown(path: Path) -> list[Image.Image]:
    with Image.open(path) as opened:
        found = []
        for number in range(opened.n_frames):
            opened.seek(number)
            found.append(opened.convert("RGBA"))
    return found


def nearest(pixel: tuple[int, ...]) -> int:
    return min(range(len(COLOURS)), key=lambda number: sum(abs(a - b) for a, b in zip(pixel, COLOURS[number], strict=False)))


@pytest.mark.parametrize("name", ["cards.gif", "cards.webp", "cards.png", "cards.avif"])
def test_each_frame_is_shown_for_its_own_time(tmp_path: Path, name: str) -> None:
    path = cards(tmp_path / name, loop=0, **({"quality": 100} if name.endswith("avif") else {}))
    found = probe.inspect(path)
    assert (found.kind, found.duration) == ("animation", pytest.approx(0.6, abs=0.005))
    result = execute("animation", [path], EXACT, tmp_path)
    assert [nearest(picture.getpixel((32, 32))) for picture in shown(result.path)] == [0] * 2 + [1] * 6 + [2] + [3] * 3


@pytest.mark.parametrize(("loop", "plays"), [(0, 0), (1, 2), (4, 5)])
def test_plays_of_a_gif(tmp_path: Path, loop: int, plays: int) -> None:
    # The file counts repetitions, people count plays.
    assert probe.inspect(cards(tmp_path / "a.gif", loop=loop)).loop == plays


@pytest.mark.parametrize(("name", "loop"), [("a.webp", 0), ("a.webp", 3), ("a.png", 0), ("a.png", 3)])
def test_plays_of_others(tmp_path: Path, name: str, loop: int) -> None:
    assert probe.inspect(cards(tmp_path / name, loop=loop)).loop == loop


@pytest.mark.parametrize(("disposal", "left"), [(1, True), (2, False), (3, False)])
def test_what_a_frame_leaves_behind(tmp_path: Path, disposal: int, left: bool) -> None:
    """Keep, clear, and restore: each frame draws one dot on nothing."""
    pictures = []
    for number in range(3):
        picture = Image.new("RGBA", (60, 20), (0, 0, 0, 0))
        ImageDraw.Draw(picture).rectangle((20 * number, 0, 20 * number + 19, 19), fill=(250, 250, 250, 255))
        pictures.append(picture)
    path = tmp_path / "dots.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100, disposal=disposal, loop=0, optimize=False)
    asked = {"width": 60, "height": 20, "fps": 10, "duration": None, "format": "apng", "lossless": True}
    dots = [
        [picture.getpixel((20 * at + 10, 10))[3] > 128 for at in range(3)] for picture in shown(execute("animation", [path], asked, tmp_path).path)
    ]
    wanted = [[at <= now if left else at == now for at in range(3)] for now in range(3)]
    assert dots == wanted


@pytest.mark.parametrize("name", ["clear.gif", "clear.webp", "clear.png"])
def test_transparency_of_a_source_stays_or_becomes_black(tmp_path: Path, name: str) -> None:
    pictures = []
    for number in range(4):
        picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
        ImageDraw.Draw(picture).ellipse((10 + 4 * number, 10, 50, 50), fill=(200, 60, 20, 255))
        pictures.append(picture)
    path = tmp_path / name
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=100, loop=0, disposal=2, **({"lossless": True} if "webp" in name else {})
    )
    for form, corner in (("webp", (0, 0, 0, 0)), ("apng", (0, 0, 0, 0))):
        (tmp_path / form).mkdir()
        first = shown(execute("animation", [path], {**EXACT, "format": form, "fps": 10}, tmp_path / form).path)[0]
        assert first.getpixel((2, 2))[3] == corner[3]
        assert first.getpixel((32, 30))[3] == 255
    (tmp_path / "gif").mkdir()
    flat = shown(execute("gif", [path], {"width": 64, "fps": 10, "duration": None, "fill": "as_is"}, tmp_path / "gif").path)[0]
    assert max(flat.getpixel((2, 2))[:3]) < 12


@pytest.mark.parametrize("name", ["one.gif", "one.webp", "one.png"])
def test_a_single_frame_does_not_move(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.new("RGB", (64, 64), COLOURS[0]).save(path)
    assert probe.inspect(path).kind == "image"
    with pytest.raises(MediaError) as caught:
        execute("animation", [path], {}, tmp_path)
    assert caught.value.code.name == "no_video"


@pytest.mark.parametrize("name", ["cards.gif", "cards.webp", "cards.png"])
def test_a_part_begins_with_what_is_seen_there(tmp_path: Path, name: str) -> None:
    path = cards(tmp_path / name, loop=0)
    result = execute("animation", [path], {**EXACT, "start": 0.25, "duration": 0.25, "reverse": True}, tmp_path)
    assert [nearest(picture.getpixel((32, 32))) for picture in shown(result.path)] == [3, 2, 1, 1, 1]


def test_an_animation_becomes_a_video(tmp_path: Path) -> None:
    result = execute("animation", [cards(tmp_path / "cards.gif", loop=0)], {**EXACT, "format": "mp4"}, tmp_path)
    assert len(making.times(result.path)) == 12
