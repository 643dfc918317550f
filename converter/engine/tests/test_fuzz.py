"""Whatever anybody sends to our own parsers comes out as a value or as one clear refusal, never as another exception."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from converter.engine import captions, timecode
from converter.engine.errors import MediaError
from converter.engine.gif.blocks import read_blocks
from converter.engine.operations import all_operations
from converter.engine.params import as_dict, specs

# The same examples every time: a find is written down as a test of its own, not met by chance.
STEADY = settings(derandomize=True, deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(["nan", "inf", "1e999", "1:02.5", "-0", "٣", "\x00", "9" * 500, "NULL", "0x10", "{}", "[[[["])
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4), max_leaves=12)


def refused(error: MediaError, *codes: str) -> None:
    assert error.code.name in codes, f"{error.code.name}: {error.detail}"
    assert error.detail and len(error.detail) <= 500


@STEADY
@given(JSON)
def test_any_value_is_a_time_or_refused(value: object) -> None:
    try:
        seconds = timecode.parse_time(value, field="start")
    except MediaError as error:
        refused(error, "bad_parameter")
        assert error.field == "start"
    else:
        assert abs(seconds) < float("inf")
        assert timecode.format_time(seconds)


def given_to(operation: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with the operation's own names and anything as values; some have names that it does not know."""
    names = [spec.name for spec in specs(all_operations()[operation].params)]
    values = JSON
    for spec in specs(all_operations()[operation].params):
        if spec.choices:
            values = values | st.sampled_from(sorted(spec.choices))
    return st.dictionaries(st.sampled_from(names) | st.text(max_size=8), values, max_size=5)


@pytest.mark.parametrize("operation", sorted(all_operations()))
def test_any_object_is_parameters_or_refused(operation: str) -> None:
    chosen = all_operations()[operation]

    @STEADY
    @given(given_to(operation), st.none() | st.text(max_size=8))
    def tried(raw: dict[str, Any], preset: str | None) -> None:
        try:
            params = chosen.read(raw, preset)
        except MediaError as error:
            refused(error, "bad_parameter", "empty_range")
            return
        stored = json.loads(json.dumps(chosen.stored(params)))
        # What was accepted once, is accepted again as it was stored, and means the same.
        assert as_dict(chosen.read(stored)) == as_dict(params)

    tried()


STEP = st.fixed_dictionaries(
    {"operation": st.sampled_from([*sorted(all_operations()), "", "nothing"]) | JSON}, optional={"params": JSON, "preset": JSON, "more": JSON}
)


@STEADY
@given(st.lists(STEP | JSON, max_size=6) | JSON)
def test_any_recipe_is_read_or_refused(steps: object) -> None:
    chosen = all_operations()["pipeline"]
    try:
        chosen.read({"steps": steps})
    except MediaError as error:
        refused(error, "bad_parameter", "empty_range")


@STEADY
@given(st.text(max_size=400), st.sampled_from(sorted(captions.PLACES)), st.floats(3, 40), st.integers(16, 4096), st.integers(16, 4096))
def test_any_words_make_a_caption_or_are_refused(words: str, place: str, percent: float, width: int, height: int) -> None:
    try:
        made = captions.caption(words, place, percent, width, height)
    except MediaError as error:
        refused(error, "bad_parameter")
        return
    if made is not None:
        # Words reach ffmpeg in a file, never in the filter.
        assert "'" not in words or words not in made.filter()


HEAD = b"GIF89a\x10\x00\x10\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
PIECES = st.sampled_from(
    [
        b"\x21\xf9\x04\x08\x05\x00\x00\x00",
        b"\x2c\x00\x00\x00\x00\x10\x00\x10\x00\x00\x02\x02\x4c\x01\x00",
        b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00",
        b"\x21\xfe\x03abc\x00",
        b"\x3b",
    ]
)


@STEADY
@given(st.lists(PIECES | st.binary(max_size=12), max_size=12), st.integers(0, 400), st.booleans())
def test_any_bytes_are_a_gif_or_refused(pieces: list[bytes], cut: int, headed: bool) -> None:
    data = ((HEAD if headed else b"") + b"".join(pieces))[: 400 - cut]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.gif"
        path.write_bytes(data)
        try:
            blocks = list(read_blocks(path))
        except MediaError as error:
            refused(error, "corrupt_media", "tool_failed", "unsupported_media")
        else:
            assert len(blocks) <= len(data)
