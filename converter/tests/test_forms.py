"""The workshop's form knows no operation by name: everything comes from the registry."""

from __future__ import annotations

import pytest

from converter.engine.operations import all_operations, get
from converter.engine.params import specs
from converter.forms import FAVOURITE, RANGE, ConvertForm, first_choice, groups, initial_for, offered
from converter.templatetags import cutroom


def test_every_operation_on_one_file_is_offered_with_all_its_presets():
    single = {operation.name: operation for operation in all_operations().values() if operation.alone or operation.presets}
    shown = {group.operation: [outcome.preset for outcome in group.outcomes] for group in groups()}
    assert set(shown) == set(single)
    for name, operation in single.items():
        assert shown[name] == [*(preset.name for preset in operation.presets), *([""] if operation.alone else [])]


def test_the_favourite_stands_first_and_fits_only_what_moves():
    assert offered()[0].name == "gif" and first_choice("video") == first_choice("animation") == FAVOURITE
    assert "audio" in get(first_choice("audio").partition(":")[0]).accepts
    assert first_choice("image").startswith("image:")
    assert first_choice("nothing known") == ""


def test_every_parameter_has_a_field_and_a_template():
    form = ConvertForm()
    for name, parameters in form.parameters():
        known = specs(all_operations()[name].params)
        assert [p.spec.name for p in parameters] == [spec.name for spec in known if spec.name not in RANGE and spec.type != "list"]
        for parameter in parameters:
            assert parameter.template.startswith("workshop/params/") and parameter.bound.html_name == f"{name}.{parameter.spec.name}"


def test_only_what_was_given_is_asked_for():
    form = ConvertForm({"outcome": "gif:chat", "start": "0:01.5", "duration": "", "gif.width": "320", "gif.fit": "", "trim.mode": "copy"})
    assert form.is_valid(), form.errors
    assert form.request() == ("gif", "chat", {"start": "0:01.5", "width": "320"})


@pytest.mark.parametrize(
    ("data", "field", "sentence"),
    [
        ({"outcome": "gif:chat", "start": "soon"}, "start", "is not a time"),
        ({"outcome": "gif:chat", "duration": "0"}, "duration", "0"),
        ({"outcome": "gif:chat", "gif.width": "99999"}, "gif.width", "99999 is out of range; it must be at least 16 and at most 4096 px."),
        ({"outcome": "gif:chat", "gif.fps": "nan"}, "gif.fps", "not a finite number"),
        ({"outcome": "trim:", "trim.mode": "best"}, "trim.mode", "is not one of exact, smart, copy"),
        ({"outcome": "paint:"}, "outcome", "Select a valid choice"),
        ({}, "outcome", "required"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(data, field, sentence):
    form = ConvertForm(data)
    assert not form.is_valid()
    assert list(form.errors) == [field]
    assert sentence in form.errors[field][0]


def test_a_job_is_repeated_with_its_values():
    params = {"start": 61.5, "duration": None, "width": 640, "height": None, "fps": 12.0, "fit": "cover"}
    assert initial_for("gif", "chat", params) == {"outcome": "gif:chat", "start": "1:01.5", "gif.width": 640, "gif.fps": "12", "gif.fit": "cover"}


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 KB"), (999_700, "1.0 MB"), (44_600_000, "44.6 MB"), (2**31, "2.1 GB"), (None, "–"), ("", "–")],
)
def test_sizes_read_as_on_a_label(count, shown):
    assert cutroom.size(count) == shown


def test_times_read_as_they_are_typed():
    assert [cutroom.clock(t) for t in (0, 5.055, 62.5, 3723, None)] == ["0:00", "0:05.05", "1:02.5", "1:02:03", "–"]
    assert [cutroom.lasting(t) for t in (6.0, 1.5, 5.004)] == ["6 s", "1.5 s", "5 s"]


@pytest.mark.parametrize(
    ("kind", "mime", "codec", "element"),
    [
        ("video", "video/mp4", "h264", "video"),
        ("video", "video/mp4", "hevc", ""),
        ("video", "video/x-matroska", "h264", ""),
        ("audio", "audio/mpeg", None, "audio"),
        ("audio", "audio/aiff", None, ""),
        ("animation", "image/gif", "gif", "img"),
        ("image", "image/tiff", "tiff", ""),
        ("archive", "application/zip", None, ""),
    ],
)
def test_results_are_shown_in_what_browsers_have_for_them(kind: str, mime: str, codec: str | None, element: str) -> None:
    assert cutroom.shown_as({"kind": kind, "mime": mime, "video_codec": codec}) == element
