"""No page and no state of it breaks axe-core's rules, at both widths and in both schemes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, expect

from . import steps
from .audit import findings
from .conftest import Visit

LOOKS = [(1440, "light"), (390, "dark"), (1440, "dark"), (390, "light")]


class Auditor:
    """Goes over pages in every look and gathers what is wrong, so that one run tells all."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.wrong: list[tuple[str, str]] = []

    def page(self, page: Page, name: str) -> None:
        """The page as it stands."""
        self.wrong += [(name, line) for line in findings(page)]

    def looks(self, path: str, like: Page | None = None, *, ready: str = "main") -> Iterator[tuple[Page, str]]:
        """The address in every look, once `ready` is there."""
        for width, scheme in LOOKS:
            page = self.visit(path, width=width, height=900, scheme=scheme, like=like)
            expect(page.locator(ready).first).to_be_visible(timeout=steps.SLOW)
            yield page, f"{path} {width} {scheme}"
            page.context.close()

    def all(self, *paths: str, like: Page | None = None) -> None:
        """Several addresses in every look."""
        for path in paths:
            for page, name in self.looks(path, like):
                self.page(page, name)

    def done(self) -> None:
        """Nothing was wrong."""
        told: dict[str, list[str]] = {}
        for where, line in self.wrong:
            told.setdefault(line, []).append(where)
        assert not told, "\n".join(f"{line}\n    {len(places)} × {places[0]}" for line, places in sorted(told.items()))


def test_pages_without_anything_on_them(visit: Visit) -> None:
    auditor = Auditor(visit)
    auditor.all("/", "/jobs/", "/exports/", "/uploads/", "/projects/", "/accounts/sign-in/", "/accounts/sign-up/")
    for page, name in auditor.looks(f"/jobs/{uuid.uuid4()}/"):
        page.watch.expected.append("404")  # type: ignore[attr-defined]
        auditor.page(page, name)
    auditor.done()


def test_the_workshop_from_a_clip_to_its_result(visit: Visit, clips: dict[str, Path]) -> None:
    auditor = Auditor(visit)
    first = visit("/")
    steps.bring_in(first, clips["talk"])
    where = first.url
    steps.choose(first, "compress:small-mp4")
    auditor.page(first, "a chosen card")
    steps.finished(steps.convert(first))
    for page, name in auditor.looks(where, first, ready=".quote-line"):
        auditor.page(page, name)
        page.locator("[data-more] summary").click()
        page.locator("[data-show]").first.click()
        page.locator("[data-compare] summary").click()
        expect(page.locator(".compare-words")).to_be_visible(timeout=steps.SLOW)
        page.keyboard.press("Escape")
        auditor.page(page, f"{name}, all open")
    auditor.all("/jobs/", "/exports/", "/uploads/", like=first)
    auditor.done()


def test_refusals_and_links(visit: Visit, clips: dict[str, Path]) -> None:
    auditor = Auditor(visit)
    first = visit("/")
    first.watch.expected += ["415", "422", "410"]  # type: ignore[attr-defined]
    first.set_input_files("[data-file]", clips["broken"])
    expect(first.locator("[role=alert]:visible, .incoming .error:visible, .notice.bad:visible").first).to_be_visible(timeout=steps.SLOW)
    auditor.page(first, "a refused file")
    auditor.done()


def test_in_german_it_works_the_same(visit: Visit, clips: dict[str, Path]) -> None:
    """Numbers in attributes must not follow the language: a comma there would break the cut."""
    auditor = Auditor(visit)
    page = visit("/", width=390, height=844)
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.set_input_files("[data-file]", clips["talk"])
    expect(page.locator("[data-editor]")).to_be_visible(timeout=steps.SLOW)
    page.fill("[data-start]", "0.5")
    page.fill("[data-duration]", "1.5")
    page.press("[data-duration]", "Tab")
    assert steps.cut(page) == (0.5, 2.0)
    expect(page.get_by_role("button", name="Umwandeln", exact=True)).to_be_visible()
    auditor.page(page, "the editor in German")
    steps.finished(steps.convert(page))
    expect(page.locator("[data-job]").first).to_contain_text("Fertig")
    auditor.done()
