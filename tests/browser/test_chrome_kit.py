"""A Chrome kit from the page, and what it does in a real Chromium."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from . import steps
from .conftest import PROGRAMS, Visit

PLAYS = "() => { const video = document.querySelector('video'); return video.readyState > 2 && !video.paused && video.currentTime > 0; }"


@pytest.fixture
def kit(visit: Visit, clips: dict[str, Path], tmp_path: Path) -> Path:
    """A small kit, made and fetched as a visitor would, unpacked."""
    page = visit("/")
    steps.bring_in(page, clips["car"])
    steps.choose(page, "chrome_kit:chrome-kit")
    page.locator("[data-duration]").fill("1")
    page.locator("[data-duration]").press("Tab")
    page.locator("[data-more] summary").click()
    for name, value in (("width", "160"), ("height", "90"), ("fps", "12")):
        page.locator(f'[name="chrome_kit.{name}"]').fill(value)
    expect(steps.quoted(page)).to_contain_text("160 × 90")
    card = steps.convert(page)
    expect(card.locator("[data-download] button")).to_be_visible(timeout=steps.SLOW)
    steps.download(page, card.locator("[data-download] button")).save_as(tmp_path / "kit.zip")
    with zipfile.ZipFile(tmp_path / "kit.zip") as archive:
        archive.extractall(tmp_path / "kit")
    return tmp_path / "kit"


def test_the_new_tab_page_plays_and_rests(kit: Path, browser: Browser) -> None:
    page = browser.new_page(reduced_motion="no-preference")
    page.set_default_timeout(steps.SLOW)
    page.goto((kit / "newtab" / "newtab.html").as_uri())
    page.wait_for_function(PLAYS, timeout=steps.SLOW)
    stop = page.get_by_role("button", name="Stop the background")
    stop.click()
    page.wait_for_function("document.querySelector('video').paused")
    stop.click()
    page.wait_for_function(PLAYS, timeout=steps.SLOW)
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_function("document.querySelector('video').paused")
    expect(stop).to_be_hidden()
    page.emulate_media(reduced_motion="no-preference")
    page.wait_for_function(PLAYS, timeout=steps.SLOW)
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true }); document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_function("document.querySelector('video').paused")
    page.close()


@pytest.fixture
def with_extensions(kit: Path, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page of a Chromium that was started with the kit's theme and new-tab page; skipped where it takes no extensions."""
    folders = f"{kit / 'newtab'},{kit / 'theme'}"
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    arguments = ["--no-sandbox", "--headless=new", f"--load-extension={folders}", "--disable-features=DisableLoadExtensionCommandLineSwitch"]
    try:
        context = browser.browser_type.launch_persistent_context(
            tmp_path / "profile",
            executable_path=program,
            headless=True,
            args=arguments,
            ignore_default_args=["--disable-extensions"],
            timeout=steps.SLOW,
        )
    except Error as error:
        pytest.skip(f"this Chromium does not start with extensions: {str(error).splitlines()[0]}")
    try:
        context.set_default_timeout(steps.SLOW)
        page = context.new_page()
        page.goto("chrome://newtab/")
        if not page.locator("video").count():
            pytest.skip("this Chromium takes no extensions from its command line")
        yield page
    finally:
        context.close()


def test_chromium_loads_the_kit(with_extensions: Page) -> None:
    page = with_extensions
    page.wait_for_function(PLAYS, timeout=steps.SLOW)
    page.goto("chrome://extensions/")
    names = page.evaluate("chrome.management ? chrome.management.getAll().then((all) => all.map((one) => one.name)) : []")
    assert "Cutroom background (new tab)" in names


@pytest.mark.parametrize("width", [1440, 390])
def test_it_is_shown_on_new_tabs_of_three_shapes_first(visit: Visit, clips: dict[str, Path], width: int) -> None:
    page = visit("/", width=width)
    steps.bring_in(page, clips["car"])
    steps.quoted(page)
    mocks = page.locator(".newtab-mock")
    expect(mocks).to_have_count(3)
    for number, words in enumerate(("shown whole", "10 % cut off", "24 % cut off")):
        expect(mocks.nth(number)).to_contain_text(words, timeout=steps.SLOW)
        drawn = (
            "(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value, at) => at % 4 < 3 && value > 0)"
        )
        assert mocks.nth(number).locator("canvas").evaluate(drawn)
    steps.choose(page, "gif:chat")
    expect(page.locator("[data-newtab]")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
