"""One's own files on their pages: found, packed, deleted and brought back, with a keyboard and on a phone."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from . import steps
from .conftest import Visit


@pytest.fixture
def full(visit: Visit, clips: dict[str, Path]) -> Page:
    """A visitor with two uploads and two exports."""
    page = visit("/")
    for clip in ("still", "sound"):
        page.goto("/")
        steps.bring_in(page, clips[clip])
        steps.finished(steps.convert(page))
    return page


def test_files_are_found_packed_deleted_and_brought_back(full: Page) -> None:
    full.goto("/exports/")
    rows = full.locator("tbody tr")
    expect(rows).to_have_count(2)
    picture = full.locator("[data-thumb]")
    expect(picture).to_have_count(1)
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("naturalHeight", 120, timeout=steps.SLOW)

    full.get_by_label("Search by name").fill("still")
    full.get_by_label("Search by name").press("Enter")
    expect(rows).to_have_count(1)
    full.get_by_role("link", name="Exports", exact=True).first.click()
    expect(rows).to_have_count(2)
    full.wait_for_load_state()  # ticking "all" is a script's work

    packing = full.get_by_role("button", name="Download as ZIP")
    expect(packing).to_be_disabled()
    full.get_by_label("All on this page").check()
    expect(full.locator("[data-chosen]")).to_have_text("2 chosen")
    got = steps.download(full, packing)
    with zipfile.ZipFile(got.path()) as packed:
        assert packed.testzip() is None and len(packed.namelist()) == 2

    full.get_by_label("All on this page").uncheck()
    rows.filter(has_text="sound").get_by_role("checkbox").focus()
    full.keyboard.press("Space")
    full.get_by_role("button", name="Delete").click()
    expect(rows).to_have_count(1)
    expect(full.get_by_role("status").first).to_contain_text("1 file was deleted")
    full.get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(2)


def test_on_a_phone_nothing_hangs_over(full: Page, visit: Visit) -> None:
    for path in ("/exports/", "/uploads/"):
        phone = visit(path, width=390, height=844, scheme="dark", like=full)
        expect(phone.locator("tbody tr")).to_have_count(2)
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
        phone.get_by_label("All on this page").check()
        phone.get_by_role("button", name="Delete").click()
        expect(phone.locator(".empty")).to_contain_text("Nothing is left here.")
        phone.get_by_role("button", name="Undo").click()
        expect(phone.locator("tbody tr")).to_have_count(2)
