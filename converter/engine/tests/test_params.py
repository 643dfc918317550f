import json
import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.engine import params as p
from converter.engine.errors import MediaError


def _read_word(raw: object, field: str) -> str:
    if not isinstance(raw, str):
        raise MediaError("bad_parameter", f"{field}: it must be a word.", field=field)
    return raw


@dataclass(frozen=True)
class Params:
    speed: float = p.number(1.0, label="Speed", help="How fast.", minimum=0, above_minimum=True, maximum=10, unit="x")
    width: int | None = p.integer(None, label="Width", help="Empty: as it is.", minimum=2, maximum=4096, optional=True)
    start: float = p.time(0.0, label="Start", help="Where.", minimum=0)
    fit: str = p.choice("cover", {"cover": "Crop", "contain": "Bars"}, label="Fit", help="How.")
    mute: bool = p.flag(False, label="Mute", help="No sound.")
    title: str = p.text("", label="Title", help="A line.", maximum=5)
    words: tuple[str, ...] = p.listing(label="Words", help="Some.", read=_read_word, maximum=2)


def refused(**raw: Any) -> MediaError:
    with pytest.raises(MediaError) as caught:
        p.parse(Params, raw)
    assert caught.value.code.name == "bad_parameter"
    return caught.value


def test_defaults() -> None:
    assert p.parse(Params, {}) == Params()


def test_every_type_from_text_and_from_json() -> None:
    wanted = Params(2.5, 640, 62.5, "contain", True, "abc", ("a", "b"))
    assert (
        p.parse(Params, {"speed": "2.5", "width": "640", "start": "1:02.5", "fit": "contain", "mute": "on", "title": "abc", "words": ["a", "b"]})
        == wanted
    )
    assert (
        p.parse(Params, {"speed": 2.5, "width": 640.0, "start": 62.5, "fit": "contain", "mute": True, "title": "abc", "words": ("a", "b")}) == wanted
    )


def test_what_was_parsed_can_be_stored_and_parsed_again() -> None:
    wanted = p.parse(Params, {"words": ["a"], "width": 64})
    assert p.parse(Params, json.loads(json.dumps(p.as_dict(wanted)))) == wanted


@pytest.mark.parametrize("value", [None, ""])
def test_empty_means_none_only_where_that_is_allowed(value: object) -> None:
    assert p.parse(Params, {"width": value}).width is None
    assert refused(speed=value).field == "speed"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("speed", 0), ("speed", 10.1), ("speed", math.nan), ("speed", "inf"), ("speed", True), ("speed", "fast"), ("speed", 10**400), ("speed", []),
        ("width", 1), ("width", 2.5), ("width", 5000), ("start", -1), ("start", "nan"), ("start", "1:99"),
        ("fit", "stretch"), ("fit", 3), ("fit", ["cover"]), ("mute", "maybe"), ("mute", 2),
        ("title", "abcdef"), ("title", "a\nb"), ("title", "\0"), ("title", 5), ("words", "ab"), ("words", ["a", "b", "c"]),
    ],
)  # fmt: skip
def test_refusals_name_the_field(name: str, value: object) -> None:
    error = refused(**{name: value})
    assert error.field == name
    assert error.detail.startswith(name)


def test_an_element_of_a_list_is_named_by_its_place() -> None:
    assert refused(words=["a", 3]).field == "words[1]"


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    error = refused(colour="red")
    assert error.field == "colour"
    assert "speed" in error.detail


def test_bounds_are_said_in_their_unit() -> None:
    assert refused(speed=11).detail == "speed: 11 is out of range; it must be above 0 and at most 10 x."


def test_specs_are_json_and_in_order() -> None:
    specs = p.specs(Params)
    assert [spec.name for spec in specs] == ["speed", "width", "start", "fit", "mute", "title", "words"]
    shown = json.loads(json.dumps([spec.as_dict() for spec in specs]))
    assert shown[3]["choices"] == [{"value": "cover", "label": "Crop"}, {"value": "contain", "label": "Bars"}]
    assert shown[1]["default"] is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)


@given(st.dictionaries(st.sampled_from([spec.name for spec in p.specs(Params)]) | st.text(max_size=8), _JSON, max_size=4))
def test_anything_is_read_or_refused_and_what_is_read_is_within_bounds(raw: dict[str, Any]) -> None:
    try:
        read = p.parse(Params, raw)
    except MediaError as error:
        assert error.code.name == "bad_parameter"
        assert error.field is not None
        return
    assert 0 < read.speed <= 10
    assert read.width is None or 2 <= read.width <= 4096
    assert read.start >= 0
    assert p.parse(Params, p.as_dict(read)) == read
