"""What a visitor does, named as a visitor would."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Download, Error, Locator, Page, Request, Route, expect

SLOW = 300_000
"""Milliseconds that an encode may take on a busy machine."""

NO_HASTE = "Math.random = () => 10_000"
"""For the page: an upload whose connection was lost rests for hours, and goes on only where a person wants it to."""


def bring_in(page: Page, clip: Path) -> None:
    """Choose a file and wait for the editor."""
    page.set_input_files("[data-file]", clip)
    expect(page.locator("[data-editor]")).to_be_visible(timeout=SLOW)
    awake(page)


def awake(page: Page) -> None:
    """Wait until the editor that is drawn listens."""
    until(page, "Boolean(document.querySelector('[data-editor]')?.editor)")


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
    while (found := _value(page, expression)) != wanted:
        assert time.monotonic() < deadline, f"{expression} is {found!r}"
        page.wait_for_timeout(50)


def happens(page: Page, reached: Callable[[], Any]) -> None:
    """Wait until something of the test's own is so, and let the page's events come meanwhile."""
    deadline = time.monotonic() + SLOW / 1000
    while not reached():
        assert time.monotonic() < deadline, "it did not happen"
        page.wait_for_timeout(50)


class Gate:
    """Holds what a page asks for at some address until it is opened; `of` says of which requests, if not all."""

    def __init__(self, page: Page, where: Any, of: Callable[[Request], bool] = lambda _: True) -> None:
        self.page, self.of = page, of
        self.held: list[Route] = []
        self._open = False
        page.route(where, self._came)

    def _came(self, route: Route) -> None:
        if self._open or not self.of(route.request):
            route.continue_()
        else:
            self.held.append(route)

    def reached(self) -> None:
        """Wait until something stands before it."""
        happens(self.page, lambda: self.held)

    def open(self) -> None:
        """Let everything through from now on."""
        self._open = True
        for route in self.held:
            route.continue_()


def _value(page: Page, expression: str) -> Any:
    """What an expression has now; None while another page takes this one's place."""
    try:
        return page.evaluate(expression)
    except Error as error:
        if "navigat" not in str(error):
            raise
        return None


def drawn(page: Page) -> None:
    """Wait until everything that was to happen in the next frame has happened."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def place(locator: Locator) -> Any:
    """Where something is, once it stays there from one frame to the next."""
    before, box = None, locator.bounding_box()
    deadline = time.monotonic() + SLOW / 1000
    while box is None or box != before:
        assert time.monotonic() < deadline, f"{locator} is at {box}"
        drawn(locator.page)
        before, box = box, locator.bounding_box()
    return box


def press(button: Locator) -> None:
    """Press a button of something that may be drawn anew at any moment: between a finger's down and up it would be another button."""
    button.dispatch_event("click")


def cut(page: Page) -> tuple[float, float]:
    """Start and end as the handles tell them."""
    return tuple(float(page.locator(f"[data-handle={edge}]").get_attribute("aria-valuenow") or "nan") for edge in ("in", "out"))  # type: ignore[return-value]


def drag(page: Page, handle: Locator, to: float, *, steps: int = 8) -> None:
    """Drag a handle to a fraction of the track with the pointer."""
    box, track = place(handle), place(page.locator("[data-track]"))
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
