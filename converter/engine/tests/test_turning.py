"""Two crops and turns in a row against the same as one, on real pictures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from converter.engine.chain.turning import Turn, within
from converter.engine.edits import Crop

_TURNS = st.builds(Turn, st.sampled_from((0, 90, 180, 270)), st.sampled_from(("none", "horizontal", "vertical", "both")))
_PILLOW = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


def _numbered(width: int, height: int) -> Image.Image:
    """A picture whose every pixel is different."""
    picture = Image.new("I", (width, height))
    picture.putdata(range(width * height))
    return picture


def _turned(picture: Image.Image, turn: Turn) -> Image.Image:
    picture = picture.transpose(_PILLOW[turn.rotate]) if turn.rotate else picture
    if turn.flip in ("horizontal", "both"):
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if turn.flip in ("vertical", "both") else picture


def _cropped(picture: Image.Image, part: Crop) -> Image.Image:
    return picture.crop((part.x, part.y, part.x + part.width, part.y + part.height))


def _same(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and list(one.getdata()) == list(other.getdata())


@st.composite
def _parts(draw: st.DrawFn, width: int, height: int) -> Crop:
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return Crop(x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))


@given(_TURNS, _TURNS, st.integers(1, 7), st.integers(1, 7))
def test_two_turns_are_one(one: Turn, other: Turn, width: int, height: int) -> None:
    picture = _numbered(width, height)
    assert _same(_turned(_turned(picture, one), other), _turned(picture, one.then(other)))


@given(st.data(), _TURNS, st.integers(1, 7), st.integers(1, 7))
def test_a_crop_after_a_turn_is_another_crop_before_it(data: st.DataObject, turn: Turn, width: int, height: int) -> None:
    picture = _numbered(width, height)
    after = _turned(picture, turn)
    part = data.draw(_parts(*after.size))
    assert _same(_cropped(after, part), _turned(_cropped(picture, turn.before(part, width, height)), turn))


@given(st.data(), st.integers(2, 8), st.integers(2, 8))
def test_a_crop_of_a_crop_is_one_crop(data: st.DataObject, width: int, height: int) -> None:
    picture = _numbered(width, height)
    outer = data.draw(_parts(width, height))
    inner = data.draw(_parts(outer.width, outer.height))
    assert _same(_cropped(_cropped(picture, outer), inner), _cropped(picture, within(inner, outer)))
