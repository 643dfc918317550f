"""What comes late: the editor's modules, a script after its page, an answer after a newer wish."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from . import steps
from .conftest import Visit

EDITOR = "**/js/timeline*.js"
"""One of the modules that only the editor needs, not even its first."""


@pytest.mark.parametrize("width", [1440, 390])
def test_a_module_that_does_not_come_is_told_and_tried_again(visit: Visit, clips: dict[str, Path], width: int) -> None:
    page = visit("about:blank", width=width, height=844)
    page.watch.expected += ["ERR_CONNECTION_RESET", "Failed to fetch dynamically imported module"]  # type: ignore[attr-defined]
    page.route(EDITOR, lambda route: route.abort("connectionreset"))
    page.goto("/")
    page.set_input_files("[data-file]", clips["car"])
    box = page.locator("[data-unreachable]")
    expect(box).to_contain_text("The server did not answer, so this could not be opened. Nothing is lost.")
    expect(box).to_be_in_viewport()
    expect(steps.row(page, "car.mp4")).to_have_attribute("data-state", "ready")
    box.get_by_role("button", name="Try again").click()
    expect(box).to_be_visible()
    page.unroute(EDITOR)
    box.get_by_role("button", name="Try again").click()
    expect(page.locator("[data-editor]")).to_be_visible()
    steps.quoted(page)
    expect(box).to_be_hidden()


def test_a_page_with_an_editor_asks_for_it_at_once_and_gets_over_its_absence(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected += ["ERR_CONNECTION_RESET"]  # type: ignore[attr-defined]
    steps.until(page, "performance.getEntriesByType('resource').some((entry) => entry.name.includes('/js/timeline'))")  # in idle time
    steps.bring_in(page, clips["car"])
    page.reload()
    steps.quoted(page)
    page.route(EDITOR, lambda route: route.abort("connectionreset"))
    page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.reload()
    again = page.locator("[data-unreachable]").get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    page.unroute(EDITOR)
    again.click()
    expect(page.locator("[data-unreachable]:visible, .quote-line").first).to_be_visible()
    if again.is_visible():  # a browser that remembers failures: the page is drawn anew
        again.click()
    steps.quoted(page)


def test_the_page_answers_before_the_editor_is_there(visit: Visit, clips: dict[str, Path]) -> None:
    held: list[Route] = []
    free: list[bool] = []
    page = visit("about:blank")
    page.route(EDITOR, lambda route: route.continue_() if free else held.append(route))
    page.goto("/")
    steps.until(page, "performance.getEntriesByName('cutroom:ready').length")
    page.set_input_files("[data-file]", clips["car"])
    expect(steps.row(page, "car.mp4")).to_have_attribute("data-state", "ready")
    steps.until(page, "performance.getEntriesByType('resource').some((entry) => entry.name.includes('filmstrip.jpg'))")
    expect(page.locator("[data-editor]")).to_have_count(0)
    free.append(True)
    for route in held:
        route.continue_()
    expect(page.locator("[data-editor]")).to_be_visible()


def test_a_file_that_is_chosen_before_the_page_listens_is_taken(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("about:blank")
    script = steps.Gate(page, "**/js/intake*.js")
    page.goto("/", wait_until="commit")
    page.set_input_files("[data-file]", clips["car"])
    script.reached()
    script.open()
    expect(page.locator("[data-editor]")).to_be_visible(timeout=steps.SLOW)
    expect(page.locator("h1")).to_have_text("car.mp4")


def test_a_film_that_was_found_without_pictures_before_anybody_listened_is_told(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected.append("500")  # type: ignore[attr-defined]
    steps.bring_in(page, clips["talk"])
    page.route("**/preview.mp4", lambda route: route.fulfill(status=500, json={"code": "tool_failed", "detail": "A media tool failed."}))
    script = steps.Gate(page, "**/js/player*.js")
    page.reload(wait_until="commit")
    script.reached()
    steps.until(page, "document.querySelector('[data-player]')?.readyState > 0")
    page.evaluate("Object.defineProperty(document.querySelector('[data-player]'), 'videoWidth', { value: 0 })")
    script.open()
    expect(page.locator("[data-unplayable]")).to_be_visible(timeout=steps.SLOW)


def test_the_newest_wish_is_shown_though_an_older_one_is_answered_last(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    for clip in ("car", "still"):
        page.goto("/")
        steps.bring_in(page, clips[clip])
    page.goto("/")
    older, newer = (page.locator(".recent-item", has_text=name) for name in ("car.mp4", "still.png"))
    wanted = re.compile(re.escape((older.get_attribute("href") or "").partition("?")[2]))
    answer = steps.Gate(page, wanted)
    older.click()
    answer.reached()
    newer.click()
    expect(page.locator("h1")).to_have_text("still.png", timeout=steps.SLOW)
    with page.expect_event("requestfinished", lambda request: bool(wanted.search(request.url))):
        answer.open()
    page.evaluate("fetch(location.href).then((answer) => answer.text())")  # for longer than it takes to read the older answer
    steps.drawn(page)
    expect(page.locator("h1")).to_have_text("still.png")
    assert not wanted.search(page.url)
