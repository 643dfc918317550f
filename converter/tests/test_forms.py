"""The workshop's form knows no operation by name: everything comes from the registry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from converter.engine.operations import all_operations, get
from converter.engine.operations.base import Preset
from converter.engine.operations.wishes import OWN, WISHES
from converter.engine.params import specs
from converter.engine.tests import making
from converter.forms import ConvertForm, initial_for
from converter.outcomes import FAVOURITE, RANGE, first_choice, groups, offered
from converter.templatetags import cutroom


def test_every_operation_on_one_file_is_offered_with_all_its_presets():
    single = {operation.name: operation for operation in all_operations().values() if operation.alone or operation.presets}
    shown: dict[str, list[str]] = {}
    for outcome in (outcome for group in groups() for outcome in group.outcomes):
        shown.setdefault(outcome.operation, []).append(outcome.preset)
    assert set(shown) == set(single)
    for name, operation in single.items():
        assert sorted(shown[name]) == sorted([*(preset.name for preset in operation.presets), *([""] if operation.alone else [])])


def test_cards_stand_under_what_people_want():
    by_wish = {group.name: [outcome.value for outcome in group.outcomes] for group in groups()}
    assert set(by_wish) == set(WISHES)
    assert by_wish["gif"][:2] == ["gif:chrome-background", "gif:chat"]
    assert "compress:discord-10mb" in by_wish["send"] and "audio:podcast-loudness" in by_wish["sound"]
    assert by_wish[OWN] == [f"{operation.name}:" for operation in offered() if operation.alone]


def test_a_new_operation_needs_no_line_here(monkeypatch):
    class Fresh(type(get("trim"))):  # type: ignore[misc]
        name, wish, presets = "fresh", "a wish nobody knows", (Preset("one", "One", "Once.", {}),)

    monkeypatch.setattr("converter.outcomes.all_operations", lambda: {**all_operations(), "fresh": Fresh()})
    assert {"fresh:one", "fresh:"} <= {outcome.value for group in groups() if group.name == OWN for outcome in group.outcomes}


def test_limits_say_whose_they_are_and_where_that_is_written():
    limits = [preset.limit for operation in all_operations().values() for preset in operation.presets if preset.limit]
    assert {limit.where for limit in limits} >= {"Discord", "WhatsApp", "Gmail"}
    assert all(limit.source.startswith("https://") and limit.bytes_ > 0 for limit in limits)
    preset = next(preset for preset in get("compress").describe()["presets"] if preset["name"] == "discord-10mb")
    assert preset["wish"] == "send" and preset["limit"]["bytes"] == 10_000_000 and preset["limit"]["confirmed"] is False


def test_the_favourite_stands_first_and_fits_only_what_moves():
    assert offered()[0].name == "gif" and first_choice(groups(making.media())) == FAVOURITE
    silent = [outcome.value for group in groups(making.media(sound=False)) for outcome in group.outcomes]
    assert "gif:chat" in silent and "audio:sound-only" not in silent
    assert first_choice([]) == ""


def test_a_sound_and_a_picture_get_their_own_cards_first():
    sound = groups(making.media(picture=None, kind="audio", container="mp3", mime="audio/mpeg"))
    assert sound[0].name == "sound" and first_choice(sound).startswith("audio:")
    assert all("audio" in outcome.accepts for group in sound for outcome in group.outcomes)
    still = replace(making.video(fps=0.0, duration=None, codec="mjpeg", frames=1), frame_rate="0/1")
    picture = groups(making.media(picture=still, sound=False, duration=None, kind="image", container="jpeg", mime="image/jpeg"))
    assert picture[0].name == "picture" and first_choice(picture).startswith("image:")


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
