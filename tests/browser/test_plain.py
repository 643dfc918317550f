"""The essential path without scripts: upload, set, convert, wait, download."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from . import steps
from .conftest import Visit


def test_from_upload_to_download(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/", scripts=False)
    page.watch.expected += ["400", "422"]  # type: ignore[attr-defined]
    page.set_input_files("#file", clips["talk"])
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("h1")).to_have_text("talk.mp4")
    expect(page.locator('input[value="gif:chrome-background"]')).to_be_checked()
    page.locator("label.choice", has_text="Chat GIF").click()

    page.fill("#start", "9:99")
    page.fill("#duration", "1.5")
    page.get_by_role("button", name="Convert").click()
    expect(page.locator("#start-error")).to_contain_text("is not a time; write seconds (62.5) or a clock time (1:02.5).")
    expect(page.locator("#start")).to_have_value("9:99")
    expect(page.locator("#duration")).to_have_value("1.5")
    expect(page.locator('input[value="gif:chat"]')).to_be_checked()

    page.fill("#start", "100")
    page.get_by_role("button", name="Convert").click()
    expect(page.locator("#start-error")).to_contain_text("lies at or after the end of the media")
    page.fill("#start", "0:01")
    page.get_by_role("button", name="Convert").click()
    expect(page.locator("[data-result-media]")).to_be_visible(timeout=steps.SLOW)  # the page refreshes itself
    expect(page.locator(".facts").first).to_contain_text("1.5 s")
    got = steps.download(page, page.get_by_role("button", name="Download"))
    assert Path(got.path()).read_bytes()[:6] == b"GIF89a"
    page.goto("/exports/")
    expect(page.get_by_role("link", name="talk.gif")).to_be_visible()
    page.goto("/jobs/")
    expect(page.get_by_role("link", name="Chat GIF")).to_be_visible()


def test_a_refused_file_keeps_the_form(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/", scripts=False)
    page.watch.expected += ["415", "413"]  # type: ignore[attr-defined]
    page.set_input_files("#file", clips["page"])
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("[data-problem]")).to_contain_text("the file is a web page")
    expect(page.locator("#file")).to_be_visible()


def test_a_job_is_cancelled_and_tried_again(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/", scripts=False)
    page.set_input_files("#file", clips["bunny"])
    page.get_by_role("button", name="Upload").click()
    steps.choose(page, "compress:web-vp9")  # half a minute's film, slowly: not through before it is cancelled
    page.get_by_role("button", name="Convert").click()
    steps.press(page.get_by_role("button", name="Cancel"))  # the page draws itself anew every few seconds
    expect(page.locator("[data-job]")).to_contain_text("Cancelled")
    page.get_by_role("button", name="Start again").click()
    steps.press(page.get_by_role("button", name="Cancel"))
    expect(page.locator("[data-job]")).to_contain_text("Cancelled")
