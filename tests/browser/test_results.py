"""Judging a result: laid over its source, its likeness in words, and taken further."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from . import steps
from .conftest import Visit


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_a_result_is_laid_over_its_source_and_worked_on(visit: Visit, clips: dict[str, Path], width: int, scheme: str) -> None:
    page = visit("/", width=width, height=900, scheme=scheme)
    steps.bring_in(page, clips["talk"])
    page.goto(page.url)
    steps.choose(page, "compress:small-mp4")
    card = steps.convert(page)
    steps.finished(card)
    expect(card.locator(".facts")).to_contain_text("it was made of")

    box = card.locator("[data-compare]")
    box.locator("summary").click()
    expect(box.locator(".compare-words")).to_contain_text("SSIM 0.", timeout=steps.SLOW)
    halves = box.locator(".compare-half")
    expect(halves).to_have_count(2)
    for half in halves.all():
        expect(half).to_have_js_property("complete", True, timeout=steps.SLOW)
    slider = box.get_by_role("slider", name="How much of the source is shown")
    slider.focus()
    slider.press("End")
    assert box.locator(".compare-frame").evaluate("(frame) => frame.style.getPropertyValue('--at')") == "100%"
    slider.press("Home")
    moments = box.get_by_role("group", name="Moment").get_by_role("button")
    expect(moments).to_have_count(3)
    moments.nth(2).click()
    expect(moments.nth(2)).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    card.get_by_role("button", name="Work on with it").click()
    expect(page.locator("[data-editor]")).to_be_visible(timeout=steps.SLOW)
    expect(page.locator("h1")).to_contain_text("talk")
