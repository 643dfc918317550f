"""The page in Chromium: how soon it answers on a phone, and how it behaves with ten minutes of 1080p."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.browsing import PATIENCE, PHONE, WATCH, awaited, slowed
from benchmarks.server import Server
from benchmarks.table import Table

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROFILES = {
    "phone, 4G": {"latency": 60.0, "down": 9000.0, "up": 1500.0, "processor": 4.0},
    "phone, slow 4G": {"latency": 150.0, "down": 1638.4, "up": 750.0, "processor": 4.0},
}
"""Line and processor as Chromium's own tools give them: WebPageTest's 4G, and Lighthouse's mobile profile."""
LONGEST_TASK = 50.0
"""Milliseconds; from here on Chromium calls a task long, and a drag is seen to stop."""
_FIRST = {
    "profile": ("profile", ""),
    "paint": ("first paint, ms", ".0f"),
    "ready": ("answers, ms", ".0f"),
    "before": ("kB before it answers", ".0f"),
    "all": ("kB in all", ".0f"),
    "shift": ("layout shift", ".3f"),
    "task": ("longest task, ms", ".0f"),
}
_TRANSFERRED = """(until) => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter((entry) => entry.responseEnd <= (until ?? Infinity)).reduce((sum, entry) => sum + entry.transferSize, 0)"""
"""Bytes over the wire that had arrived at a time in milliseconds; all for none."""
_FILM = {
    "what": ("what", ""),
    "seconds": ("s", ".2f"),
    "task": ("longest task, ms", ".0f"),
    "cpu": ("most CPU of a task, ms", ".0f"),
    "shift": ("layout shift", ".3f"),
}


def first_look(browser: Browser, server: Server) -> Table:
    """How soon the empty workshop answers with an empty cache."""
    table = Table("First page on a phone", _FIRST)
    for name, profile in PROFILES.items():
        context = browser.new_context(base_url=server.address, **PHONE)
        context.add_init_script(WATCH)
        page = context.new_page()
        slowed(page, **profile)
        page.goto("/")
        ready = awaited(page, "cutroom:ready")
        page.wait_for_load_state("networkidle")
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
        before, everything = (page.evaluate(_TRANSFERRED, until) / 1000 for until in (ready, None))
        shift, task = _noticed(page)
        table.notes += _shifted(page)
        table.add(profile=name, paint=paint, ready=ready, before=before, all=everything, shift=shift, task=task)
        context.close()
        if name == "phone, 4G":
            table.target("interactive in less than 1 s on a throttled phone", ready, 1000, unit=" ms", form=".0f")
        table.target(f"no layout shift ({name})", shift, 0.0, form=".3f")
    table.notes.append(
        "Answers: our modules have run, and what is pressed does something. Processor four times slower, cache empty."
        " The editor's modules follow once it has answered, in idle time."
    )
    return table


def long_film(browser: Browser, server: Server, film: Path) -> Table:
    """A film brought in and cut: from its last byte sent to strip and peaks drawn, and what a drag of each handle costs."""
    table = Table(f"Ten minutes of 1080p in the page ({film.stat().st_size / 1e6:.0f} MB)", _FILM)
    context = browser.new_context(base_url=server.address, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto("/")
    awaited(page, "cutroom:ready")
    page.set_input_files("[data-file]", film)
    sent, strip, peaks = (awaited(page, f"cutroom:{what}") for what in ("sent", "strip", "peaks"))
    table.add(what="last byte sent → filmstrip drawn", seconds=(strip - sent) / 1000)
    table.add(what="last byte sent → waveform drawn", seconds=(peaks - sent) / 1000)
    table.target("filmstrip and waveform ready ≤ 3 s after the upload", (max(strip, peaks) - sent) / 1000, 3, unit=" s", form=".2f")
    page.wait_for_load_state("networkidle")
    shift, task = _noticed(page)
    table.notes += _shifted(page)
    table.add(what="opened, until everything stands", task=task, shift=shift)
    table.target("no layout shift while it opens", shift, 0.0, form=".3f")
    worst = 0.0
    for node, name in (("[data-handle=in]", "start"), ("[data-handle=out]", "end"), ("[data-playhead]", "playhead")):
        task, cpu = _dragged(browser, page, node)
        worst = max(worst, task)
        table.add(what=f"{name} dragged over the film", task=task, cpu=cpu)
    table.target(f"no task longer than {LONGEST_TASK:g} ms while dragging", worst, LONGEST_TASK, unit=" ms", form=".0f")
    table.notes.append(
        "A task of 50 ms or less is not told by Chromium, and stands as 0. Everything runs on the same two cores: where a task was long and took"
        " little CPU, something else had the core meanwhile."
    )
    context.close()
    return table


def _noticed(page: Page) -> tuple[float, float]:
    """The sum of layout shifts and the longest task, in milliseconds, of all that was noticed."""
    seen: dict[str, Any] = page.evaluate("window.watched")
    return sum(value for _, value, _ in seen["shifts"]), max((duration for _, duration in seen["tasks"]), default=0.0)


def _shifted(page: Page) -> list[str]:
    """What moved without anybody's doing, and when."""
    shifts: list[Any] = page.evaluate("window.watched.shifts")
    return [f"Shifted by {value:.3f} after {at:.0f} ms: `{', '.join(names)[:300]}`" for at, value, names in shifts]


def _dragged(browser: Browser, page: Page, selector: str) -> tuple[float, float]:
    """Drag a node there and back over the track; the longest task meanwhile (0 when none was long) and the most CPU of one, in milliseconds."""
    boxes: list[Any] = [page.locator(place).bounding_box() for place in (selector, "[data-track]")]
    node, track = boxes
    y = node["y"] + min(node["height"] / 2, 20)
    page.mouse.move(node["x"] + node["width"] / 2, y)
    page.evaluate("window.watched.tasks.length = 0")
    browser.start_tracing(page=page, categories=["toplevel"])
    page.mouse.down()
    for share in (0.3, 0.7, 0.4, 0.6):
        page.mouse.move(track["x"] + track["width"] * share, y, steps=40)
    page.mouse.up()
    page.wait_for_timeout(500)
    return _noticed(page)[1], _most_cpu(browser.stop_tracing())


def _most_cpu(trace: bytes) -> float:
    """The most CPU that one task of a page's main thread took, in milliseconds."""
    events: list[dict[str, Any]] = json.loads(trace)["traceEvents"]
    main = {(event["pid"], event["tid"]) for event in events if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"}
    return max((event.get("tdur", 0) / 1000 for event in events if (event["pid"], event["tid"]) in main and event["ph"] == "X"), default=0.0)
