"""What a visitor does, named as a visitor would."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Download, Locator, Page, expect

SLOW = 120_000
"""Milliseconds that an encode may take on a busy machine."""


def bring_in(page: Page, clip: Path) -> None:
    """Choose a file and wait for the editor."""
    page.set_input_files("[data-file]", clip)
    expect(page.locator("[data-editor]")).to_be_visible(timeout=SLOW)


def row(page: Page, name: str) -> Locator:
    """The row of a file that is being brought in."""
    return page.locator("[data-row]").filter(has=page.locator("[data-name]").get_by_text(name, exact=True))


def choose(page: Page, outcome: str) -> None:
    """Press a card."""
    group = page.locator("details.choices", has=page.locator(f'input[value="{outcome}"]'))
    if group.get_attribute("open") is None:
        group.locator("summary").click()
    page.locator("label.choice", has=page.locator(f'input[value="{outcome}"]')).click()


def quoted(page: Page) -> Locator:
    """The quote's line, once it stands for the present choice."""
    expect(page.locator("[data-quote]:not(.stale) .quote-line")).to_be_visible(timeout=SLOW)
    return page.locator(".quote-line")


def convert(page: Page) -> Locator:
    """Press Convert; the job's card."""
    before = page.locator("[data-job]").count()
    page.locator("[data-go]").click()
    expect(page.locator("[data-job]")).to_have_count(before + 1)
    return page.locator("[data-job]").first


def finished(card: Locator) -> Locator:
    """Wait for the result and return what shows it."""
    media = card.locator("[data-result-media]")
    expect(media).to_be_visible(timeout=SLOW)
    return media


def download(page: Page, button: Locator) -> Download:
    """Press a button that leads to a file."""
    with page.expect_download(timeout=SLOW) as waiting:
        button.click()
    return waiting.value


def until(page: Page, expression: str, wanted: Any = True) -> None:
    """Wait until an expression has a value. (Playwright's own `wait_for_function` needs the `eval` that our policy forbids.)"""
    deadline = time.monotonic() + SLOW / 1000
    while (found := page.evaluate(expression)) != wanted:
        assert time.monotonic() < deadline, f"{expression} is {found!r}"
        page.wait_for_timeout(50)


def cut(page: Page) -> tuple[float, float]:
    """Start and end as the handles tell them."""
    return tuple(float(page.locator(f"[data-handle={edge}]").get_attribute("aria-valuenow") or "nan") for edge in ("in", "out"))  # type: ignore[return-value]


def drag(page: Page, handle: Locator, to: float, *, steps: int = 8) -> None:
    """Drag a handle to a fraction of the track with the pointer."""
    box, track = handle.bounding_box(), page.locator("[data-track]").bounding_box()
    assert box is not None and track is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    offset = box["x"] + box["width"] / 2 - _edge(handle, box)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] * to + offset, track["y"] + 20, steps=steps)
    page.mouse.up()


def _edge(handle: Locator, box: Any) -> float:
    """Where on the time axis a handle points to: `in` ends there, `out` and the bar begin there."""
    return float(box["x"] + box["width"]) if handle.get_attribute("data-handle") == "in" else float(box["x"])


def shown_frames(page: Page, seconds: float) -> list[float]:
    """The times of the frames that the preview shows during some time, as the playhead tells them."""
    frames: list[float] = page.evaluate(
        """(wait) => new Promise((resolve) => {
            const head = document.querySelector("[data-playhead]");
            const times = [];
            const note = () => times.push(Number(head.getAttribute("aria-valuenow")));
            new MutationObserver(note).observe(head, { attributes: true, attributeFilter: ["aria-valuenow"] });
            setTimeout(() => resolve(times), wait * 1000);
        })""",
        seconds,
    )
    return frames
