"""What the page may cost and where it may look: bytes, hosts, layout, colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from . import steps
from .conftest import Visit

FIRST_LOAD = 150_000
"""Bytes over the wire, everything included."""


def transferred(page: Page, path: str) -> int:
    """Bytes of a load with an empty cache, as the browser counts them."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    counts: list[float] = []

    def loaded(event: dict[str, Any]) -> None:
        counts.append(event["encodedDataLength"])

    session.on("Network.loadingFinished", loaded)
    page.goto(path)
    # What follows in idle time counts too.
    steps.until(page, "performance.getEntriesByType('resource').some((entry) => entry.name.includes('/js/timeline'))")
    page.wait_for_load_state("networkidle")
    return int(sum(counts))


def test_first_load_is_small(visit: Visit) -> None:
    page = visit("about:blank")  # so that nothing of an earlier load is still under way
    total = transferred(page, "/")
    assert 5_000 < total <= FIRST_LOAD, f"{total} bytes"


def test_policy_is_strict_and_kept(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    answer = page.goto("/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    steps.bring_in(page, clips["car"])  # `visit` fails on any violation, any foreign request and any console error
    steps.choose(page, "gif:chat")
    steps.finished(steps.convert(page))
    for path in ("/jobs/", "/exports/", "/projects/"):
        page.goto(path)
    assert page.evaluate("document.querySelectorAll('[style], style, script:not([src]):not([type=\"application/json\"])').length") == 0


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_screen(visit: Visit, clips: dict[str, Path], width: int) -> None:
    page = visit("/", width=width, height=844)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    steps.bring_in(page, clips["talk"])
    page.locator("[data-more] summary").click()
    assert page.evaluate(wide) <= 0
    expect(page.locator("[data-go]")).to_be_in_viewport()
    steps.choose(page, "gif:chat")
    steps.finished(steps.convert(page))
    assert page.evaluate(wide) <= 0
    for path in ("/jobs/", "/exports/", "/nothing/"):
        page.watch.expected.append("404")  # type: ignore[attr-defined]
        page.goto(path)
        assert page.evaluate(wide) <= 0, path


def test_touch_moves_a_handle_on_a_phone(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/", width=390, height=844)
    steps.bring_in(page, clips["talk"])
    box = steps.place(page.locator("[data-handle=out]"))
    session = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for part in range(1, 11):
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x - 15 * part, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    steps.until(page, "(out => 1 < out && out < 3)(Number(document.querySelector('[data-handle=out]').getAttribute('aria-valuenow')))")


def test_the_chosen_theme_stands_before_the_first_paint(visit: Visit) -> None:
    page = visit("/", scheme="light")
    page.get_by_role("button", name="Switch to dark colours").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.add_init_script(
        "addEventListener('DOMContentLoaded', () => { window.first = getComputedStyle(document.body).backgroundColor; }, { once: true })"
    )
    page.reload()
    assert page.evaluate("window.first") == dark
    page.get_by_role("button", name="Switch to light colours").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(visit: Visit, clips: dict[str, Path], scheme: str) -> None:
    page = visit("/", scheme=scheme)
    steps.bring_in(page, clips["talk"])
    steps.quoted(page)
    low = page.evaluate((Path(__file__).parent / "contrast.js").read_text())
    assert low == []
