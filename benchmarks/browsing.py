"""A real Chromium for rows that measure the page, and what it notices of a page's smoothness."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 240_000
"""Milliseconds for anything that a page does."""
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
WATCH = """
window.watched = { shifts: [], tasks: [] };
new PerformanceObserver((list) => {
  const name = ({ node }) => (node?.nodeType === 1 ? node : node?.parentElement)?.cloneNode(false).outerHTML ?? "what is gone";
  for (const { hadRecentInput, startTime, value, sources } of list.getEntries())
    if (!hadRecentInput) window.watched.shifts.push([startTime, value, sources.map(name)]);
}).observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.watched.tasks.push([entry.startTime, entry.duration]);
}).observe({ type: "longtask", buffered: true });
"""
"""Notes layout shifts that no person caused: [milliseconds since the page began, value, elements]; and tasks above 50 ms: [same, milliseconds]."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium from PATH, else Playwright's own. Raises `LookupError` where there is neither, or no Playwright."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise LookupError("playwright is not installed (requirements-dev.txt)") from error
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        except Error as error:
            raise LookupError(f"no Chromium: {str(error).splitlines()[0]}") from error
        try:
            yield browser
        finally:
            browser.close()


def slowed(page: Page, *, latency: float, down: float, up: float, processor: float) -> None:
    """Let a page have a phone's line and processor. Milliseconds, kbit/s, times slower."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    conditions = {"offline": False, "latency": latency, "downloadThroughput": down * 125, "uploadThroughput": up * 125}
    session.send("Network.emulateNetworkConditions", conditions)
    session.send("Emulation.setCPUThrottlingRate", {"rate": processor})


def mark(page: Page, name: str) -> float | None:
    """When the page made a mark of its own for the last time, in milliseconds since it began; None before."""
    found: float | None = page.evaluate("(name) => performance.getEntriesByName(name, 'mark').at(-1)?.startTime ?? null", name)
    return found


def awaited(page: Page, name: str) -> float:
    """The same, waited for. Raises `RuntimeError` when it does not come."""
    for _ in range(PATIENCE // 50):
        if (at := mark(page, name)) is not None:
            return at
        page.wait_for_timeout(50)
    raise RuntimeError(f"the page never came to {name}")
