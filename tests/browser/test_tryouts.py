"""Fitting under a size, seen before anything is made: real samples side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from . import steps
from .conftest import Visit


@pytest.mark.parametrize("width", [1440, 390])
def test_samples_are_shown_side_by_side_and_one_is_taken(visit: Visit, clips: dict[str, Path], width: int) -> None:
    page = visit("/", width=width)
    page.watch.expected.append("422")  # type: ignore[attr-defined]
    steps.bring_in(page, clips["talk"])
    steps.choose(page, "compress:discord-10mb")
    box = page.locator("[data-tryouts]")
    expect(page.locator("[data-tryouts-mb]")).to_have_value("10")
    page.locator("[data-tryouts-mb]").fill("0.01")
    box.get_by_role("button", name="Try it").click()
    expect(page.locator("[data-tryouts-said]")).to_contain_text("MB would work", timeout=steps.SLOW)
    expect(page.locator("[data-tryouts-said]")).to_have_class("error")
    page.locator("[data-tryouts-mb]").fill("0.2")
    page.locator("[data-tryouts-mb]").press("Enter")  # tries, and converts nothing
    expect(box.locator(".tryout[data-state]")).to_have_count(3, timeout=steps.SLOW)
    made = box.locator(".tryout[data-state=made]")
    expect(made.first).to_contain_text("never more than 200 KB")
    width_shown = int(made.first.locator(".tryout-facts").inner_text().split("×")[0])
    expect(made.first.locator("video")).to_have_js_property("videoWidth", width_shown, timeout=steps.SLOW)
    expect(page.locator("[data-job]")).to_have_count(0)
    small = made.last
    height = int(small.locator(".tryout-facts").inner_text().split("×")[1].split("·")[0])
    small.get_by_role("button", name="Use this").click()
    expect(small.get_by_role("button", name="Use this")).to_have_attribute("aria-pressed", "true")
    expect(page.locator('[name="compress.target_mb"]')).to_have_value("0.2")
    expect(steps.quoted(page)).to_contain_text(f"× {height}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("[data-start]").fill("1")
    page.locator("[data-start]").press("Tab")
    expect(box.locator(".tryout")).to_have_count(0)  # they were of another cut
    steps.choose(page, "trim:exact")
    expect(box).to_be_hidden()
