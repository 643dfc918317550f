"""The loop doctor: the best seam near the cut, taken by the handles, looked at three times."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from . import steps
from .conftest import Visit


@pytest.mark.parametrize("width", [1440, 390])
def test_the_best_seam_is_found_taken_and_seen(visit: Visit, clips: dict[str, Path], width: int) -> None:
    page = visit("/", width=width)
    steps.bring_in(page, clips["car"])
    steps.choose(page, "gif:chat")
    for field, value in (("start", "0.5"), ("duration", "1.5")):
        page.locator(f"[data-{field}]").fill(value)
        page.locator(f"[data-{field}]").press("Tab")
    box = page.locator("[data-doctor]")
    box.get_by_role("button", name="Find the best seam").click()
    seam = box.locator(".doctor-seam").first
    expect(seam).to_contain_text("of 100", timeout=steps.SLOW)
    seam.get_by_role("button", name="Use this").click()
    start, end = steps.cut(page)
    told = seam.locator(".num").inner_text()
    assert told.endswith(f"· {round(end - start, 2):g} s"), told
    expect(steps.quoted(page)).to_contain_text("480 ×")
    box.get_by_label("There and back").check()
    expect(page.locator('[name="gif.pingpong"]')).to_have_value("true")
    box.get_by_label("Cross-fade").check()
    expect(box.locator("[data-doctor-note]")).to_contain_text("a loop video can be cross-faded")
    box.get_by_label("Cut", exact=True).check()
    expect(page.locator('[name="gif.pingpong"]')).to_have_value("false")
    box.get_by_role("button", name="Play the seam three times").click()
    video = box.locator("[data-doctor-video]")
    expect(video).to_have_attribute("data-left", "0", timeout=steps.SLOW)
    expect(video).to_have_js_property("paused", True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("[data-start]").fill("0")
    page.locator("[data-start]").press("Tab")
    expect(box.locator(".doctor-seam")).to_have_count(0)  # it was about another cut
    steps.choose(page, "compress:discord-10mb")
    expect(box).to_be_hidden()
