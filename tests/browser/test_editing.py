"""The cut: dragged, typed, stepped, and played exactly as it will be made."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from . import steps
from .conftest import Visit

FRAME = 1 / 30
"""Of the talk clip, in seconds."""


def test_handles_move_by_pointer_and_land_on_frames(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["talk"])
    steps.choose(page, "trim:exact")
    total = float(page.locator("[data-handle=out]").get_attribute("aria-valuemax") or 0)
    steps.drag(page, page.locator("[data-handle=in]"), 0.25)
    steps.drag(page, page.locator("[data-handle=out]"), 0.75)
    start, end = steps.cut(page)
    assert start == pytest.approx(total / 4, abs=0.06) and end == pytest.approx(total * 3 / 4, abs=0.06)
    for time in (start, end):
        assert time / FRAME == pytest.approx(round(time / FRAME), abs=0.02)
    length = end - start
    steps.drag(page, page.locator("[data-range]"), 0.1)
    moved = steps.cut(page)
    assert moved[0] < start and moved[1] - moved[0] == pytest.approx(length, abs=0.002)
    assert float(page.locator("[data-duration]").input_value().removeprefix("0:")) == pytest.approx(length, abs=0.002)


def test_handles_move_by_keys_and_tell_where_they_are(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["talk"])
    steps.choose(page, "trim:exact")
    first = page.locator("[data-handle=in]")
    first.focus()
    page.keyboard.press("ArrowRight")
    assert steps.cut(page)[0] == pytest.approx(FRAME, abs=0.002)
    page.keyboard.press("Shift+ArrowRight")
    assert steps.cut(page)[0] == pytest.approx(1 + FRAME, abs=0.02)
    page.keyboard.press("Home")
    assert steps.cut(page)[0] == 0
    page.locator("[data-handle=out]").focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator("[data-handle=out]")).to_have_attribute("aria-valuetext", page.locator("[data-end]").inner_text())
    page.locator("[data-playhead]").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    page.locator("h1").focus()
    page.keyboard.press("i")
    assert steps.cut(page)[0] == pytest.approx(1, abs=0.02)


def test_times_are_typed_as_people_type_them(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["talk"])
    start, duration = page.locator("[data-start]"), page.locator("[data-duration]")
    for typed, shown in (("0:01.5", "0:01.5"), ("2", "0:02"), ("1,25 s", "0:01.25")):
        start.fill(typed)
        start.press("Tab")
        expect(start).to_have_value(shown)
    for field, typed, sentence in (
        (start, "soon", "Write seconds (62.5) or a clock time (1:02.5)."),
        (start, "99", "The clip ends at"),
        (duration, "0", "Choose a duration above zero."),
    ):
        before = field.input_value()
        field.fill(typed)
        field.press("Tab")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(page.locator(".transport .error:visible")).to_contain_text(sentence)
        page.locator("[data-go]").click()  # nothing is made of it
        expect(field).to_be_focused()
        field.fill(before)
        field.press("Tab")
        expect(page.locator(".transport .error:visible")).to_have_count(0)
    expect(page.locator("[data-job]")).to_have_count(0)


@pytest.mark.parametrize("slower", [1, 4])
def test_the_cut_that_plays_is_the_cut_to_the_frame(visit: Visit, clips: dict[str, Path], slower: int) -> None:
    page = visit("/")
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
    steps.bring_in(page, clips["talk"])
    page.locator("[data-start]").fill("1")
    page.locator("[data-duration]").fill("0.5")
    page.locator("[data-duration]").press("Tab")
    start, end = steps.cut(page)
    assert end - start == pytest.approx(0.5, abs=0.002)
    page.locator("[data-play-cut]").click()
    frames, rounds = steps.shown_frames(page, 4), [0]
    for _ in range(30):  # a slow machine shows few; what it shows must be right all the same
        rounds = [k for k in range(1, len(frames)) if frames[k] < frames[k - 1]]
        if len(rounds) >= 2 and max(frames[rounds[0] : rounds[-1]]) >= end - FRAME * 4:
            break
        frames += steps.shown_frames(page, 4)
    expect(page.locator("[data-play-cut]")).to_have_attribute("aria-pressed", "true")
    assert len(rounds) >= 2, f"it did not loop: {frames}"
    inside = frames[rounds[0] :]
    assert min(inside) >= start - FRAME / 2, "a frame before the cut was shown"
    assert max(inside) < end - FRAME / 2 + 0.001, "a frame after the cut was shown"
    assert min(inside) == pytest.approx(start, abs=FRAME / 2)
    assert max(frames[rounds[0] : rounds[-1]]) == pytest.approx(end - FRAME, abs=FRAME * 3), "the cut's end was not reached"
    expect(page.locator("canvas.cover")).to_be_visible()  # it alone is seen while the cut plays, and has only those frames
    page.locator("h1").focus()
    page.keyboard.press("Space")
    expect(page.locator("[data-play-cut]")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("canvas.cover")).to_have_count(0)
    assert start <= float(page.locator("[data-playhead]").get_attribute("aria-valuenow") or 0) < end


def test_a_cut_that_is_played_before_the_clip_has_come_plays_once_it_is_there(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    film = steps.Gate(page, "**/content/")
    steps.bring_in(page, clips["talk"])
    page.locator("[data-start]").fill("1")
    page.locator("[data-duration]").fill("0.5")
    page.locator("[data-duration]").press("Tab")
    page.locator("[data-play-cut]").click()
    film.reached()
    film.open()
    steps.until(page, "(at => 1.05 < at && at < 1.5)(Number(document.querySelector('[data-playhead]').getAttribute('aria-valuenow')))")


def test_while_a_hand_moves_the_strip_is_shown_and_the_frame_once_it_rests(visit: Visit, clips: dict[str, Path]) -> None:
    """Nothing is known yet of how long a seek takes, so this clip counts as slow."""
    page = visit("/")
    steps.bring_in(page, clips["talk"])
    steps.choose(page, "trim:exact")
    expect(page.locator("canvas[data-strip]")).to_be_visible(timeout=steps.SLOW)
    page.evaluate(
        """() => {
            window.laid = 0;
            const added = (changes) => changes.flatMap((change) => [...change.addedNodes]).filter((node) => node.className === "cover");
            const stage = document.querySelector("[data-stage-box]");
            new MutationObserver((changes) => { window.laid += added(changes).length; }).observe(stage, { childList: true, subtree: true });
        }"""
    )
    box, track = steps.place(page.locator("[data-handle=in]")), steps.place(page.locator("[data-track]"))
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] / 2, track["y"] + 20, steps=8)
    steps.until(page, "window.laid > 0")
    steps.drawn(page)  # the last move, too
    start = steps.cut(page)[0]
    steps.until(page, f"Math.abs(document.querySelector('[data-player]').currentTime - {start}) < {FRAME / 2}")  # the hand still holds it
    expect(page.locator("canvas.cover")).to_have_count(0)
    page.mouse.up()
    assert steps.cut(page)[0] == start


def test_a_clip_that_is_too_short_asks_how_to_fill(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["talk"])
    expect(page.locator("[data-short]")).to_contain_text("The clip has only 4 s from here, and 6 s are asked for.")
    expect(steps.quoted(page)).to_contain_text("144 frames")
    page.locator("[data-short] select").select_option("as_is")
    expect(page.locator(".quote-line")).to_contain_text("96 frames", timeout=steps.SLOW)
    page.locator("[data-duration]").fill("3")
    page.locator("[data-duration]").press("Tab")
    expect(page.locator("[data-short]")).to_be_hidden()
    expect(page.locator(".quote-line")).to_contain_text("72 frames", timeout=steps.SLOW)


def test_parameters_come_from_the_operations_and_are_checked(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected.append("400")  # type: ignore[attr-defined]
    steps.bring_in(page, clips["car"])
    page.locator("[data-more] summary").click()
    width = page.locator('[name="gif.width"]')
    expect(width).to_have_value("1280")
    width.fill("99999")
    row = page.locator('[data-params="gif"] [data-param="width"]')
    expect(row.locator("[data-error]")).to_contain_text("99999 is out of range")
    width.fill("320")
    expect(row.locator("[data-error]")).to_be_hidden()
    expect(page.locator("[data-changed]")).to_have_text("· 1 changed")
    steps.choose(page, "compress:small-mp4")
    expect(page.locator('[data-params="gif"]')).to_be_hidden()
    expect(page.locator('[data-params="compress"]')).to_be_visible()


def test_a_quote_that_comes_while_a_finger_is_down_takes_no_press_away(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    quotes = steps.Gate(page, "**/quotes/")
    steps.bring_in(page, clips["car"])
    quotes.reached()
    more = page.locator("[data-more] > summary")
    more.scroll_into_view_if_needed()  # to the panel's lower edge, where the quote takes room from it
    box = steps.place(more)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    with page.expect_response("**/quotes/", timeout=steps.SLOW) as answer:
        quotes.open()
    answer.value.finished()
    steps.drawn(page)
    expect(page.locator(".quote-line")).to_have_count(0)
    page.mouse.up()
    expect(page.locator("[data-more]")).to_have_attribute("open", "")
    steps.quoted(page)


@pytest.mark.parametrize("width", [1440, 390])
def test_what_the_browser_cannot_play_is_played_by_a_stand_in_and_cut_to_the_frame(visit: Visit, clips: dict[str, Path], width: int) -> None:
    page = visit("/", width=width, height=844)
    steps.bring_in(page, clips["mpeg"])
    expect(page.locator("canvas[data-strip]")).to_be_visible(timeout=steps.SLOW)
    steps.until(page, "document.querySelector('[data-player]').videoWidth > 0")  # the stand-in's
    expect(page.locator("[data-stand-in]")).to_be_hidden(timeout=steps.SLOW)
    expect(page.locator("[data-play-cut]")).to_be_enabled(timeout=steps.SLOW)
    expect(page.locator("[data-unplayable]")).to_be_hidden()
    steps.drag(page, page.locator("[data-handle=in]"), 0.5)
    assert steps.cut(page)[0] > 1
    page.locator("[data-playhead]").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    at = float(page.locator("[data-playhead]").get_attribute("aria-valuenow") or 0)
    assert at == pytest.approx(1, abs=1 / 20)
    steps.until(page, f"Math.abs(document.querySelector('[data-player]').currentTime - {at}) < 0.01")
    steps.choose(page, "gif:chat")
    steps.finished(steps.convert(page))


def test_what_no_stand_in_can_be_made_of_is_still_cut(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected.append("500")  # type: ignore[attr-defined]
    page.route("**/preview.mp4", lambda route: route.fulfill(status=500, json={"code": "tool_failed", "detail": "A media tool failed."}))
    steps.bring_in(page, clips["mpeg"])
    expect(page.locator("[data-unplayable]")).to_be_visible(timeout=steps.SLOW)
    expect(page.locator("[data-play-cut]")).to_be_disabled()
    expect(page.locator("canvas[data-strip]")).to_be_visible(timeout=steps.SLOW)
    steps.drag(page, page.locator("[data-handle=in]"), 0.5)
    assert steps.cut(page)[0] > 1


@pytest.mark.parametrize("width", [1440, 390])
def test_sounds_and_pictures_have_their_own_views(visit: Visit, clips: dict[str, Path], width: int) -> None:
    page = visit("/", width=width, height=844)
    steps.bring_in(page, clips["sound"])
    expect(page.locator("audio[data-player]")).to_be_visible()
    expect(page.locator("canvas[data-wave]")).to_be_visible()
    expect(page.locator('input[value="gif:chat"]')).to_have_count(0)
    expect(page.locator("[data-group=part]")).to_be_visible()
    page.goto("/")
    steps.bring_in(page, clips["still"])
    expect(page.locator("img[data-picture]")).to_be_visible()
    expect(page.locator("[data-timeline]")).to_have_count(0)


def test_without_a_pointer(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    # Waited for from the start: the browser has to be told first that it must not open a dialogue of its own.
    with page.expect_file_chooser() as choosing:
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        for _ in range(20):
            if page.evaluate("document.activeElement.matches('[data-file]')"):
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    choosing.value.set_files(clips["car"])
    expect(page.locator("[data-editor]")).to_be_visible(timeout=steps.SLOW)
    expect(page.locator("h1")).to_be_focused()

    def reach(selector: str) -> None:
        for _ in range(60):
            if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"{selector} is not reached by Tab")

    reach("[data-handle=in]")
    page.keyboard.press("Shift+ArrowRight")
    reach("[data-duration]")
    page.keyboard.press("Control+A")
    page.keyboard.type("1")
    reach("input[name=outcome]")
    page.keyboard.press("ArrowDown")
    expect(page.locator('input[value="gif:chat"]')).to_be_checked()
    reach("[data-go]")
    page.keyboard.press("Enter")
    media = steps.finished(page.locator("[data-job]").first)
    expect(media).to_have_js_property("naturalWidth", 480)
    reach("[data-download] button")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "car.gif"
