import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.engine.errors import MediaError
from converter.engine.timecode import format_time, parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("62.5", 62.5),
        ("62,5", 62.5),
        (" 62.5s ", 62.5),
        ("1:02.5", 62.5),
        ("01:00:02", 3602),
        ("0:00.040", 0.04),
        (".5", 0.5),
        ("90:00", 5400),
        ("-3", -3),
        ("+3", 3),
        (7, 7),
        (2.25, 2.25),
    ],
)
def test_what_people_write(text: object, seconds: float) -> None:
    assert parse_time(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "abc",
        "1:2:3:4",
        "1:60",
        "1:61:00",
        "1:-2",
        "nan",
        "inf",
        "1e5",
        "0x10",
        "--1",
        "1..2",
        "٣",
        None,
        True,
        [],
        math.nan,
        math.inf,
        10**400,
    ],
)
def test_what_is_no_time_names_the_field(text: object) -> None:
    with pytest.raises(MediaError) as caught:
        parse_time(text, field="start")
    assert caught.value.code.name == "bad_parameter"
    assert caught.value.field == "start"
    assert "start" in caught.value.detail


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (62.5, "1:02.5"), (3602.25, "1:00:02.25"), (59.9996, "1:00"), (0.001, "0:00.001"), (-1.5, "-0:01.5"), (86400, "24:00:00")],
)
def test_format(seconds: float, text: str) -> None:
    assert format_time(seconds) == text


@given(st.floats(min_value=-1e6, max_value=1e6))
def test_what_is_shown_can_be_typed_back(seconds: float) -> None:
    assert parse_time(format_time(seconds)) == pytest.approx(seconds, abs=0.00051)


@given(st.text(max_size=40))
def test_any_text_is_a_finite_time_or_a_clear_refusal(text: str) -> None:
    try:
        seconds = parse_time(text)
    except MediaError as error:
        assert error.code.name == "bad_parameter"
    else:
        assert math.isfinite(seconds)
