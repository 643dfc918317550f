"""Watching it happen: on every page, in the title, and told when nobody looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from . import steps
from .conftest import Site, Visit

ELSEWHERE = """
document.hasFocus = () => false;
window.told = [];
window.Notification = class extends EventTarget {
  static permission = localStorage.getItem("allowed") ?? "default";
  static async requestPermission() { localStorage.setItem("allowed", "granted"); return (this.permission = "granted"); }
  constructor(title, { body, tag }) { super(); window.told.push([title, body, tag]); }
};
"""
"""A system that shows notifications, which Chromium has none of without a screen, and a person who looks at another window."""


@pytest.fixture
def still(site: Site) -> Iterator[Site]:
    """The site while no job is begun."""
    site.manage("drain")
    yield site
    site.manage("drain", "--resume")


@pytest.mark.parametrize("width", [1440, 390])
def test_jobs_are_watched_from_every_page(still: Site, visit: Visit, clips: dict[str, Path], width: int) -> None:
    page = visit("/jobs/", width=width, height=844)
    page.add_init_script(ELSEWHERE)
    page.goto("/")
    steps.bring_in(page, clips["car"])
    steps.choose(page, "gif:chat")
    first = steps.convert(page)
    expect(first).to_contain_text("Waiting for a worker")
    second = steps.convert(page)
    expect(second).to_contain_text("1 ahead of you")
    page.locator("[data-notify]").click()
    expect(page.locator("[data-notify]")).to_be_hidden()

    page.goto("/exports/")
    button = page.locator("[data-dock-open]")
    expect(button).to_have_text("2 jobs · 0 %")
    expect(page).to_have_title(re.compile("^0 % · "))
    button.click()
    cards = page.locator("[data-dock-tray] [data-job]")
    expect(cards).to_have_count(2)
    cards.first.get_by_role("button", name="Cancel").click()
    expect(cards.first).to_have_attribute("data-status", "cancelled")
    page.keyboard.press("Escape")
    expect(page.locator("[data-dock-panel]")).to_be_hidden()
    expect(button).to_be_focused()

    still.manage("drain", "--resume")
    expect(button).to_have_text("2 jobs are over", timeout=steps.SLOW)
    steps.until(page, "window.told.at(-1)?.slice(0, 2).join(' | ')", "Chat GIF: Done | car.mp4")
    page.goto("/jobs/")  # not looked at yet: it is still told
    expect(button).to_have_text(re.compile("over"))
    button.click()
    expect(cards.last).to_contain_text("Done")
    page.goto("/jobs/")
    page.wait_for_load_state("networkidle")
    expect(page.locator("[data-dock]")).to_be_hidden()


def test_a_lost_server_is_told_on_the_card(still: Site, visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected += ["ERR_FAILED"]  # type: ignore[attr-defined]
    steps.bring_in(page, clips["car"])
    steps.choose(page, "gif:chat")
    card = steps.convert(page)
    page.route("**/api/v1/jobs/**", lambda route: route.abort())
    page.reload()
    expect(card).to_contain_text("No connection; looking again…", timeout=steps.SLOW)
    page.unroute("**/api/v1/jobs/**")
    expect(card).to_contain_text("Waiting for a worker", timeout=steps.SLOW)
    expect(card.locator("[data-eta]")).to_be_empty(timeout=steps.SLOW)
    card.get_by_role("button", name="Cancel").click()
    expect(card).to_have_attribute("data-status", "cancelled", timeout=steps.SLOW)


def test_a_card_that_is_drawn_anew_takes_the_keys_from_nobody(still: Site, visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["car"])
    steps.choose(page, "gif:chat")
    card = steps.convert(page)
    card.get_by_role("button", name="Cancel").focus()
    drawing = steps.Gate(page, re.compile(r"\?part=card"))
    still.manage("drain", "--resume")
    drawing.reached()
    page.locator("[data-start]").focus()
    drawing.open()
    steps.finished(card)
    expect(page.locator("[data-start]")).to_be_focused()
