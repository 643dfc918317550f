"""What cannot be taken is refused beside the drop zone, as early as it can be known, with a way on."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from . import steps
from .conftest import Visit


def refused(page: Page, name: str, sentence: str) -> None:
    row = steps.row(page, name)
    expect(row).to_have_attribute("data-state", "refused", timeout=steps.SLOW)
    expect(row.locator("[data-problem]")).to_contain_text(sentence)
    expect(page.locator("[data-announcer]")).to_contain_text(sentence)


@pytest.mark.parametrize("width", [1440, 390])
def test_by_the_browser_before_a_byte_is_sent(visit: Visit, clips: dict[str, Path], tmp_path: Path, width: int) -> None:
    page = visit("/", width=width, height=844)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.set_input_files("[data-file]", clips["huge"])
    refused(page, "huge.mp4", "The file is larger than the 2.1 GB that are allowed.")
    expect(steps.row(page, "huge.mp4")).to_contain_text("Send a smaller file, or ask the operator to raise the limit.")
    (tmp_path / "empty.mp4").touch()
    page.set_input_files("[data-file]", tmp_path / "empty.mp4")
    refused(page, "empty.mp4", "The file is empty.")
    page.set_input_files("[data-file]", Path(__file__))
    refused(page, Path(__file__).name, "This kind of file is not supported.")
    assert sent == []
    page.locator("[data-all=clear]").click()
    expect(page.locator("[data-incoming]")).to_be_hidden()


def test_a_file_goes_by_its_content_whatever_its_name(visit: Visit, clips: dict[str, Path], tmp_path: Path) -> None:
    page = visit("/")
    renamed = tmp_path / "clip.txt"
    renamed.write_bytes(clips["car"].read_bytes())
    steps.bring_in(page, renamed)


def test_by_the_server_after_looking_inside(visit: Visit, clips: dict[str, Path], tmp_path: Path) -> None:
    page = visit("/")
    page.watch.expected += ["415", "422"]  # type: ignore[attr-defined]
    page.set_input_files("[data-file]", clips["page"])
    refused(page, "page.mp4", "the file is a web page")
    page.set_input_files("[data-file]", clips["broken"])
    refused(page, "broken.mp4", "The file is cut off")
    steps.bring_in(page, clips["car"])  # and the way on works


def test_by_the_server_after_the_beginning(visit: Visit, tmp_path: Path) -> None:
    page = visit("/")
    page.watch.expected += ["415"]  # type: ignore[attr-defined]
    pieces: list[str] = []
    page.on("request", lambda request: pieces.append(request.url) if request.method == "PATCH" else None)
    (tmp_path / "long.mp4").write_bytes(b"%PDF-1.7 " + bytes(3_000_000))
    page.set_input_files("[data-file]", tmp_path / "long.mp4")
    refused(page, "long.mp4", "the file is a PDF document")
    assert len(pieces) == 1


def test_a_second_file_that_is_refused_leaves_the_first_open(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected += ["415"]  # type: ignore[attr-defined]
    steps.bring_in(page, clips["car"])
    steps.choose(page, "trim:exact")
    page.set_input_files("[data-file]", clips["page"])
    refused(page, "page.mp4", "the file is a web page")
    expect(page.locator('input[value="trim:exact"]')).to_be_checked()


def test_what_is_not_there_has_a_page(visit: Visit) -> None:
    page = visit("/jobs/")
    page.watch.expected += ["404"]  # type: ignore[attr-defined]
    expect(page.locator("h1")).to_have_text("No jobs yet")
    page.goto("/exports/")
    expect(page.locator("h1")).to_have_text("No exports yet")
    for path in ("/nothing/", "/jobs/00000000-0000-0000-0000-000000000000/", "/?upload=nonsense", "/download/nonsense/"):
        answer = page.goto(path)
        assert answer is not None and answer.status == 404
        expect(page.get_by_role("link", name="Back to the workshop")).to_be_visible()
