"""A German page is German where things go wrong, too: each refusal here is provoked for real."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from . import steps
from .conftest import Visit

ENGLISH = re.compile(r"\b(the|is|are|of|and|not|must|file)\b")


def german(place: Locator, sentence: str) -> None:
    """It says the sentence, and nothing English beside it."""
    expect(place).to_contain_text(sentence, timeout=steps.SLOW)
    assert not ENGLISH.search(place.inner_text()), place.inner_text()


def refused(page: Page, clip: Path, sentence: str) -> None:
    page.set_input_files("[data-file]", clip)
    german(steps.row(page, clip.name).locator("[data-problem]"), sentence)


def test_refusals_are_german(visit: Visit, clips: dict[str, Path], tmp_path: Path) -> None:
    page = visit("/")
    page.watch.expected += ["400", "415", "422"]  # type: ignore[attr-defined]
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    refused(page, clips["huge"], "Die Datei ist größer als die erlaubten 2,1 GB.")
    refused(page, clips["page"], "Der Name endet auf .mp4, aber die Datei ist eine Webseite.")
    refused(page, clips["broken"], "Die Datei ist abgeschnitten")
    page.locator("[data-all=clear]").click()

    steps.bring_in(page, clips["talk"])
    steps.quoted(page)
    german(page.locator("[data-quote]"), "Das Bild wird von 640×360 aus 2,0-fach vergrößert und wirkt daher weich.")
    page.locator("[data-more] summary").click()
    for value, sentence in (("99999", "99999 liegt außerhalb; erlaubt ist 16 bis 4096 px."), ("4096", "ist zu groß; höchstens")):
        page.locator('[name="gif.width"]').fill(value)
        page.locator('[name="gif.height"]').fill("4096")
        german(page.locator('[data-params="gif"] [data-param="width"] [data-error]'), sentence)
    german(page.locator("[data-quote] .notice"), "Breite: ")


def test_refusals_are_german_without_scripts(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/", scripts=False)
    page.watch.expected += ["400", "415", "422"]  # type: ignore[attr-defined]
    page.get_by_role("button", name="Deutsch").click()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.set_input_files("#file", clips["page"])
    page.get_by_role("button", name="Hochladen").click()
    german(page.locator("[data-problem]"), "aber die Datei ist eine Webseite.")
    page.set_input_files("#file", clips["talk"])
    page.get_by_role("button", name="Hochladen").click()
    page.fill("#start", "9:99")
    page.get_by_role("button", name="Umwandeln").click()
    german(page.locator("#start-error"), "ist keine Zeit; schreiben Sie Sekunden (62.5) oder eine Uhrzeit (1:02.5).")
    page.fill("#start", "100")
    page.get_by_role("button", name="Umwandeln").click()
    german(page.locator("#start-error"), "1:40 liegt am oder hinter dem Ende der Aufnahme")
