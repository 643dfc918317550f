"""What every page must keep to, whoever looks at it: axe-core's rules, the size of what is pressed, and nothing that hangs over."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SMALLEST = 24
"""CSS pixels of a target (WCAG 2.2, 2.5.8), unless it stands in a sentence."""

_SMALL = """(smallest) => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary, [role=slider], [role=button]')]
  .filter((node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !node.closest('[inert]'))
  .filter((node) => !(node.matches('a') && getComputedStyle(node).display === 'inline'))
  .filter((node) => !node.matches('.visually-hidden, .skip, [data-playhead]') && !node.closest('label')?.checkVisibility())
  .map((node) => [node.outerHTML.slice(0, 120), node.getBoundingClientRect()])
  .filter(([, box]) => box.width && box.height && (box.width < smallest || box.height < smallest))
  .map(([text, box]) => `${Math.round(box.width)} × ${Math.round(box.height)}: ${text}`)"""
_RUN = """async (only) => {
  const found = await axe.run(document, { runOnly: only, resultTypes: ["violations"] });
  return found.violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html, any, all, none }) => (
    { html: html.slice(0, 160), why: [any, all, none].flat().map((check) => check.message).join("; ") })) }));
}"""
"""Only what is told crosses over: the whole of axe's answer is megabytes."""


@cache
def _axe() -> str:
    return Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")


def findings(page: Page) -> list[str]:
    """Everything that is wrong with the page as it stands now, a line each."""
    page.wait_for_load_state()  # what has just answered a form may still lack its stylesheet
    lines = _told(page, {"type": "tag", "values": RULES})
    if page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
        lines.append(f"the page is wider than its window: {page.evaluate('document.documentElement.scrollWidth')} pixels")
    return lines + [f"too small to press, {line}" for line in page.evaluate(_SMALL, SMALLEST)]


def colours(page: Page) -> list[str]:
    """What is wrong with the page's colours; nothing else depends on whether they are light or dark."""
    return _told(page, {"type": "rule", "values": ["color-contrast"]})


def _told(page: Page, only: dict[str, Any]) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    found: list[dict[str, Any]] = page.evaluate(_RUN, only)
    return [
        f"{rule['id']} ({rule['impact']}): {node['html']} — {node['why']}"
        for rule in found
        for node in rule["nodes"]
        if not (rule["id"] == "target-size" and _elsewhere(node))
    ]


def _elsewhere(node: dict[str, Any]) -> bool:
    """Whether a target that axe finds too small can be reached at its full size.

    Edges and playhead lie over each other where a cut is short; the fields for its times and the track do the same
    (WCAG 2.2, 2.5.8, Equivalent). What the bar that sticks to a phone's bottom covers comes out by scrolling.
    """
    return "obscured" in node["why"] or any(name in node["html"] for name in ("data-handle=", "data-playhead", "data-range"))
