"""Cutting like at a desk: several parts, zoom, undo, crop and turn, all of it true to what is made."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from . import steps
from .conftest import Visit

FRAME = 1 / 30
"""Of the talk clip, in seconds."""


def blur(page: Page) -> None:
    """Let no field have the keys."""
    page.evaluate("document.activeElement.blur()")


def work(page: Page) -> dict[str, int]:
    """What the timeline has counted: layouts it asked for, drawings, and moves."""
    counted: dict[str, int] = page.evaluate("({ ...document.querySelector('[data-editor]').editor.timeline.work })")
    return counted


def part(page: Page, start: str, duration: str) -> None:
    """Type the part in hand."""
    page.locator("[data-start]").fill(start)
    page.locator("[data-duration]").fill(duration)
    page.locator("[data-duration]").press("Tab")
    blur(page)


@pytest.mark.parametrize("width", [1440, 390])
def test_several_parts_are_made_undone_kept_and_cut(visit: Visit, clips: dict[str, Path], width: int) -> None:
    page = visit("/", width=width, height=844)
    steps.bring_in(page, clips["talk"])
    steps.choose(page, "trim:exact")
    part(page, "0.5", "1")
    page.locator("[data-playhead]").focus()
    page.keyboard.press("Home")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    blur(page)
    page.keyboard.press("a")
    rows = page.locator(".part-row")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("1 s")
    assert steps.cut(page) == (2, 3)
    page.get_by_label("End of part 2").fill("2.5")
    page.get_by_label("End of part 2").press("Tab")
    expect(steps.quoted(page)).to_contain_text("1.5 s")
    page.get_by_label("End of part 2").fill("1")
    page.get_by_label("End of part 2").press("Tab")
    expect(page.locator("[data-parts-error]")).to_have_text("A part ends after its start.")
    blur(page)
    page.keyboard.press("p")
    assert steps.cut(page) == (0.5, 1.5)
    page.keyboard.press("Delete")
    expect(page.locator("[data-parts-list]")).to_be_hidden()
    for _ in range(2):
        page.keyboard.press("Control+z")
    expect(rows.nth(1)).to_contain_text("1 s")
    page.locator("[data-redo]").click()
    page.reload()
    steps.choose(page, "trim:exact")
    expect(rows).to_have_count(2)
    expect(page.get_by_label("End of part 2")).to_have_value("0:02.5")
    expect(page.locator("[data-redo]")).to_be_enabled()
    expect(steps.quoted(page)).to_contain_text("1.5 s")
    media = steps.finished(steps.convert(page))
    steps.until(page, "document.querySelector('[data-result-media]').duration > 1")
    assert media.evaluate("(media) => media.duration") == pytest.approx(1.5, abs=0.05)
    steps.choose(page, "gif:chat")
    expect(page.locator("[data-parts-note]")).to_contain_text("This outcome takes one part")
    expect(page.locator(".quote-line")).to_contain_text("12 frames", timeout=steps.SLOW)  # one second of the first


def test_parts_play_in_turn_and_nothing_else(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["talk"])
    steps.choose(page, "trim:exact")
    part(page, "0.5", "0.4")
    page.evaluate("document.querySelector('[data-editor]').editor.cut.add({ start: 2, end: 2.3 })")
    page.locator("[data-play-cut]").click()
    frames: list[float] = []
    for _ in range(20):  # a slow machine shows few; what it shows must be right all the same
        frames += steps.shown_frames(page, 3)
        if sum(later < earlier - 1 for earlier, later in pairwise(frames)) >= 2:
            break
    first = next(k for k, time in enumerate(frames) if time < 1)
    shown = frames[first:]
    assert all(0.5 - FRAME / 2 <= time < 0.9 - FRAME / 2 or 2 - FRAME / 2 <= time < 2.3 - FRAME / 2 for time in shown), shown
    jumps = [(earlier, later) for earlier, later in pairwise(shown) if abs(later - earlier) > 0.7]
    assert len(jumps) >= 2 and all((earlier < 1) != (later < 1) for earlier, later in jumps)


def test_a_drag_measures_and_draws_nothing(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["talk"])
    steps.choose(page, "trim:exact")
    expect(page.locator("canvas[data-strip]")).to_be_visible(timeout=steps.SLOW)
    page.locator("[data-zoom='1']").click()
    expect(page.locator("[data-zoom-level]")).to_have_text("2×")
    page.keyboard.press("0")
    blur(page)
    page.keyboard.press("0")
    expect(page.locator("[data-zoom-level]")).to_have_text("1×")
    steps.until(page, "document.querySelector('[data-editor]').editor.snapping.complete")
    steps.until(page, "document.querySelector('[data-editor]').editor.timeline.strip.quiet")  # finer pictures were wanted while it was zoomed
    steps.drawn(page)
    before = work(page)
    steps.drag(page, page.locator("[data-handle=in]"), 0.4, steps=30)
    after = work(page)
    assert after["measured"] - before["measured"] == 1, "the track is measured once for a drag"
    assert after["drawn"] == before["drawn"], "a drag draws no canvas"
    assert after["placed"] > before["placed"]


def test_edges_are_held_at_marks_unless_a_person_lets_go(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["talk"])
    steps.choose(page, "trim:exact")
    page.route("**/markers.json", lambda route: route.fulfill(json={"keyframes": [0, 2], "scenes": [3], "silences": [[1, 1.5]]}))
    page.reload()
    steps.choose(page, "trim:exact")
    expect(page.locator("[data-mark='1']")).to_be_enabled(timeout=steps.SLOW)
    track = page.locator("[data-track]").bounding_box()
    handle = page.locator("[data-handle=in]")
    assert track is not None
    near = 2 / float(handle.get_attribute("aria-valuemax") or 0) + 5 / track["width"]
    steps.drag(page, handle, near)
    assert steps.cut(page)[0] == 2
    expect(handle).to_have_attribute("aria-valuetext", "0:02, keyframe: lossless here")
    page.keyboard.down("Alt")
    steps.drag(page, handle, near)
    page.keyboard.up("Alt")
    assert steps.cut(page)[0] > 2
    page.locator("[data-snap]").click()
    expect(page.locator("[data-snap]")).to_have_attribute("aria-pressed", "false")
    steps.drag(page, handle, near)
    assert steps.cut(page)[0] > 2
    page.locator("[data-playhead]").focus()
    page.keyboard.press("Home")
    blur(page)
    for expected in (1, 1.5, 2, 3):
        page.keyboard.press("n")
        assert float(page.locator("[data-playhead]").get_attribute("aria-valuenow") or 0) == pytest.approx(expected, abs=FRAME)
    expect(page.locator("[data-announcer]")).to_have_text("0:03, scene")
    page.keyboard.press("b")
    assert float(page.locator("[data-playhead]").get_attribute("aria-valuenow") or 0) == pytest.approx(2, abs=FRAME)


def test_marks_come_from_the_clip_itself(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["talk"])
    steps.until(page, "document.querySelector('[data-editor]').editor.snapping.complete")
    marks = page.evaluate("document.querySelector('[data-editor]').editor.snapping.marks")
    assert marks["keyframes"][0] == 0 and isinstance(marks["scenes"], list) and isinstance(marks["silences"], list)
    expect(page.locator("[data-marks-note]")).to_be_empty()


def test_the_view_zooms_and_moves_and_keeps_the_handles_reachable(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["talk"])
    steps.choose(page, "trim:exact")
    track = page.locator("[data-track]").bounding_box()
    assert track is not None
    blur(page)
    for _ in range(3):
        page.keyboard.press("+")
    expect(page.locator("[data-zoom-level]")).not_to_have_text("1×")
    view: dict[str, Any] = page.evaluate("(({ from, to }) => ({ from, to }))(document.querySelector('[data-editor]').editor.timeline.view)")
    assert view["to"] - view["from"] < 2
    last = page.locator("[data-handle=out]")
    expect(last).to_have_class("handle out away")
    last.focus()
    expect(last).to_have_class("handle out")
    bar = page.locator("[data-scroll]")
    expect(bar).to_have_attribute("aria-valuenow", "100")
    bar.focus()
    page.keyboard.press("Home")
    expect(bar).to_have_attribute("aria-valuenow", "0")
    page.mouse.move(track["x"] + track["width"] / 2, track["y"] + 20)
    page.keyboard.down("Control")
    page.mouse.wheel(0, 4000)
    page.keyboard.up("Control")
    expect(page.locator("[data-zoom-level]")).to_have_text("1×")


@pytest.mark.parametrize("width", [1440, 390])
def test_what_is_cropped_turned_and_sped_up_is_made_so(visit: Visit, clips: dict[str, Path], width: int) -> None:
    page = visit("/", width=width, height=844)
    page.watch.expected.append("400")  # type: ignore[attr-defined]
    steps.bring_in(page, clips["talk"])
    steps.choose(page, "trim:exact")
    blur(page)
    page.keyboard.press("c")
    expect(page.locator("[data-crop]")).to_be_focused()
    page.locator("[data-ratio]").select_option("1:1")
    field = {name: page.locator(f"[data-crop-field={name}]") for name in ("x", "y", "width", "height")}
    side = int(field["width"].input_value())
    assert side == int(field["height"].input_value()) <= 360
    field["width"].fill("200")
    field["width"].press("Tab")
    expect(field["height"]).to_have_value("200")
    left = int(field["x"].input_value())
    page.locator("[data-crop]").focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(field["x"]).to_have_value(str(left + 9))
    page.locator("[data-ratio]").select_option("")
    page.locator("[data-crop]").focus()
    for _ in range(4):
        page.keyboard.press("Alt+Shift+ArrowDown")
    expect(field["height"]).to_have_value("240")
    page.keyboard.press("Escape")
    expect(page.locator("[data-crop]")).to_be_hidden()
    page.locator("[data-tool=turn]").click()
    page.locator("[data-speed]").fill("2")
    page.locator("[data-speed]").press("Tab")
    box = page.locator("[data-view]").bounding_box()
    assert box is not None and box["width"] / box["height"] == pytest.approx(240 / 200, rel=0.02)
    assert page.evaluate("document.querySelector('[data-player]').playbackRate") == 2
    expect(steps.quoted(page)).to_contain_text("240 × 200")
    expect(steps.quoted(page)).to_contain_text("2 s")
    page.locator("[data-speed]").fill("9")
    page.locator("[data-speed]").press("Tab")
    expect(page.locator("[data-tools-error]")).to_have_text("Choose a speed from 0.25 to 4.")
    page.locator("[data-tool=reverse]").click()
    expect(page.locator("[data-tools-state]")).to_contain_text("here it plays forwards")
    page.locator("[data-undo]").click()
    media = steps.finished(steps.convert(page))
    expect(media).to_have_js_property("videoWidth", 240, timeout=steps.SLOW)
    expect(media).to_have_js_property("videoHeight", 200)
    steps.choose(page, "trim:smart")
    expect(page.locator("[data-tools-error]")).to_contain_text("Copied pictures can't be changed")
    page.locator("[data-tool=plain]").click()
    expect(page.locator("[data-tools-error]")).to_be_hidden()


def test_every_key_is_listed_and_single_keys_can_be_turned_off(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["car"])
    blur(page)
    page.keyboard.press("?")
    sheet = page.locator("[data-keys]")
    expect(sheet).to_be_visible()
    listed = {key.strip().lower() for key in sheet.locator("kbd").all_inner_texts()}
    assert {*"ionbmaspcrhv,.+0", "space", "delete", "escape"} <= listed
    sheet.get_by_label("Single keys do something").uncheck()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    blur(page)
    page.keyboard.press("c")
    expect(page.locator("[data-crop]")).to_be_hidden()
