"""Read from right to left nothing hangs over, and time still runs to the right."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from . import steps
from .conftest import Visit

RIGHT_TO_LEFT = "addEventListener('DOMContentLoaded', () => { document.documentElement.dir = 'rtl'; })"
OUTSIDE = """() => [...document.querySelectorAll("body *")]
  .filter((node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !node.matches(".skip"))
  .filter((node) => !node.closest("[data-timeline], .table-box, .view, .visually-hidden"))
  .filter((node) => { const { left, right, width } = node.getBoundingClientRect(); return width && (left < -1 || right > innerWidth + 1); })
  .map((node) => node.outerHTML.slice(0, 100))"""
"""What a person would have to scroll sideways for."""


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    assert page.evaluate(OUTSIDE) == []


@pytest.mark.parametrize("width", [1440, 390])
def test_from_right_to_left_nothing_hangs_over(visit: Visit, clips: dict[str, Path], width: int) -> None:
    page = visit("about:blank", width=width, height=844)
    page.add_init_script(RIGHT_TO_LEFT)
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    fits(page)
    steps.bring_in(page, clips["talk"])
    steps.choose(page, "trim:exact")
    steps.quoted(page)
    page.locator("[data-handle=in]").focus()
    page.keyboard.press("Shift+ArrowRight")
    assert steps.cut(page)[0] == 1  # time runs to the right all the same
    if width == 1440:
        steps.drag(page, page.locator("[data-handle=in]"), 0.5)
        assert 1.5 < steps.cut(page)[0] < 2.5
    page.locator("[data-more] summary").click()
    page.locator("[data-tool=crop]").click()
    fits(page)
    page.locator("[data-tool=whole]").click()
    page.locator("[data-tool=cropped]").click()
    steps.choose(page, "audio:sound-only")
    steps.finished(steps.convert(page))
    fits(page)
    for path in ("/jobs/", "/exports/", "/uploads/", "/projects/", "/accounts/sign-in/"):
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()
        fits(page)


@pytest.mark.parametrize("width", [1440, 390])
def test_the_bar_on_top_covers_nothing_that_one_comes_to(visit: Visit, width: int) -> None:
    page = visit("/", width=width, height=500)
    place = page.locator("#start-side-title")
    place.evaluate("(node) => node.scrollIntoView({ block: 'start' })")
    top, bar = place.bounding_box(), page.locator(".bar").bounding_box()
    assert top is not None and bar is not None and top["y"] >= bar["y"] + bar["height"]
