"""Bringing things in: one or many, dropped, pasted or chosen, over a line that breaks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.running import until

from . import steps
from .conftest import PATIENCE, PLAIN, Visit
from .line import Line

TUS = "**/api/v1/uploads/tus/**"
HERE = 5_000_000
"""Bytes of an upload, heads of requests included, after which the line holds."""
HEADS = 100_000
"""More than the heads of all requests of one upload come to."""
STILL_BUSY = "423"
"""How a server answers who comes back while it has not yet noticed that the line of the one before is gone; the page asks again."""


def sending(page: Page, line: Line, clip: Path) -> Locator:
    """Bring a large file in, as far as the line lets it, and until the server has all of that; its row."""
    line.hold(after=HERE)
    page.set_input_files("[data-file]", clip)
    assert line.held.wait(PATIENCE)
    until(lambda: offset(page) > HERE - HEADS / 5, "the server having what was sent")
    return steps.row(page, clip.name)


def offset(page: Page) -> int:
    """How much the server has of the visitor's newest upload."""
    script = """async () => {
        const [{ id }] = (await (await fetch("/api/v1/uploads/")).json()).results;
        const answer = await fetch(`/api/v1/uploads/tus/${id}/`, { method: "HEAD", headers: { "Tus-Resumable": "1.0.0" } });
        return Number(answer.headers.get("Upload-Offset"));
    }"""
    return int(page.evaluate(script))


def sent_once(line: Line, clip: Path) -> bool:
    """Whether no byte of a file went up twice."""
    return line.passed < clip.stat().st_size + HEADS


def uploads(page: Page) -> list[dict[str, Any]]:
    """What the server has of the visitor's."""
    found: list[dict[str, Any]] = page.evaluate("fetch('/api/v1/uploads/').then((answer) => answer.json())")["results"]
    return found


@pytest.mark.parametrize("width", [1440, 390])
def test_a_file_is_dropped_anywhere_and_pasted(visit: Visit, clips: dict[str, Path], width: int) -> None:
    for event, holder in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page = visit("/", width=width, height=844)
        page.evaluate(
            """async ([event, holder, bytes]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], "dropped.mp4", { type: "video/mp4" }));
                const made = event === "drop" ? new DragEvent(event, { [holder]: data, bubbles: true, cancelable: true })
                                              : new ClipboardEvent(event, { [holder]: data, bubbles: true, cancelable: true });
                document.body.dispatchEvent(made);
            }""",
            [event, holder, list(clips["car"].read_bytes())],
        )
        expect(page.locator("h1")).to_have_text("dropped.mp4", timeout=steps.SLOW)


@pytest.mark.parametrize("width", [1440, 390])
def test_a_folder_is_dropped(visit: Visit, clips: dict[str, Path], tmp_path: Path, width: int) -> None:
    """As the system hands it over: the browser itself opens it."""
    folder = tmp_path / "holiday"
    (folder / "day 1" / "late").mkdir(parents=True)
    (folder / "day 1" / "late" / "still.png").write_bytes(clips["still"].read_bytes())
    (folder / "sound.mp3").write_bytes(clips["sound"].read_bytes())
    (folder / "notes.txt").write_text("no media")
    page = visit("/", width=width, height=844)
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": width / 2, "y": 300, "data": data})
    for name in ("still.png", "sound.mp3"):
        expect(steps.row(page, name)).to_have_attribute("data-state", "ready", timeout=steps.SLOW)
    expect(steps.row(page, "holiday")).to_contain_text("1 file in “holiday” can’t be taken.")
    assert {upload["name"] for upload in uploads(page)} == {"still.png", "sound.mp3"}


def test_a_lost_connection_is_told_and_got_over(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected += ["ERR_CONNECTION_RESET"]  # type: ignore[attr-defined]
    page.evaluate(steps.NO_HASTE)
    page.route(TUS, lambda route: route.abort("connectionreset"))
    page.set_input_files("[data-file]", clips["car"])
    row = steps.row(page, "car.mp4")
    expect(row).to_have_attribute("data-state", "resting", timeout=steps.SLOW)
    expect(row).to_contain_text("The connection to the server was lost.")
    page.unroute(TUS)
    row.get_by_role("button", name="Try now").click()
    expect(page.locator("[data-editor]")).to_be_visible(timeout=steps.SLOW)
    expect(page.locator("[data-row]")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 390])
def test_many_files_and_a_folder_come_in_row_by_row(visit: Visit, clips: dict[str, Path], tmp_path: Path, width: int) -> None:
    page = visit("/", width=width, height=844)
    page.watch.expected += ["415"]  # type: ignore[attr-defined]
    page.set_input_files("[data-file]", [clips["car"], clips["page"], clips["sound"]])
    for name in ("car.mp4", "sound.mp3"):
        expect(steps.row(page, name)).to_have_attribute("data-state", "ready", timeout=steps.SLOW)
    expect(steps.row(page, "page.mp4")).to_contain_text("the file is a web page", timeout=steps.SLOW)
    expect(page.locator("[data-editor]")).to_have_count(0)  # of several none opens by itself

    folder = tmp_path / "holiday"
    (folder / "day 1").mkdir(parents=True)
    (folder / "day 1" / "still.png").write_bytes(clips["still"].read_bytes())
    (folder / "talk.mp4").write_bytes(clips["talk"].read_bytes())
    for name in ("notes.txt", "list.pdf", ".DS_Store"):
        (folder / name).write_text("no media")
    page.set_input_files("[data-folder]", folder)
    for name in ("still.png", "talk.mp4"):
        expect(steps.row(page, name)).to_have_attribute("data-state", "ready", timeout=steps.SLOW)
    skipped = steps.row(page, "holiday")
    expect(skipped).to_contain_text("2 files in “holiday” can’t be taken.")
    skipped.locator("summary").click()
    expect(skipped.locator("li")).to_have_text([re.compile("^list.pdf: This kind"), re.compile("^notes.txt: This kind")])
    expect(page.locator("[data-sum]")).to_have_text("4 of 4 are in")

    page.set_input_files("[data-file]", clips["car"])  # once more: it is there, and nothing is sent twice
    expect(page.locator("[data-announcer]")).to_have_text("car.mp4 is in the list already.")
    assert len(uploads(page)) == 5  # and the refused one
    steps.row(page, "talk.mp4").get_by_role("link", name="Open: talk.mp4").click()
    expect(page.locator("h1")).to_have_text("talk.mp4")
    expect(page.locator("[data-row]")).to_have_count(5)  # the others are still at hand
    page.locator("[data-all=clear]").click()
    expect(page.locator("[data-incoming]")).to_be_hidden()


def test_a_pause_and_a_reload_cost_nothing(line: Line, visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/", at=f"http://127.0.0.1:{line.port}")
    page.watch.expected.append(STILL_BUSY)  # type: ignore[attr-defined]
    row = sending(page, line, clips["bunny"])
    expect(row).to_have_attribute("data-state", "sending")
    expect(row).to_have_attribute("data-kept", "", timeout=steps.SLOW)  # the browser has a copy
    line.hold(after=0)
    page.reload()
    row = steps.row(page, clips["bunny"].name)
    expect(row).to_have_attribute("data-state", "sending", timeout=steps.SLOW)  # by itself
    assert line.held.wait(PATIENCE)  # a new piece: by now the page has asked how far the server is
    row.get_by_role("button", name="Pause").click()
    expect(row).to_have_attribute("data-state", "paused")
    expect(row.locator("[data-line]")).to_have_text(re.compile(r"^Paused at 2[12] %$"))
    page.reload()
    expect(row).to_have_attribute("data-state", "paused", timeout=steps.SLOW)
    line.mend()
    row.get_by_role("button", name="Go on").click()
    expect(page.locator("h1")).to_have_text(clips["bunny"].name, timeout=steps.SLOW)
    assert sent_once(line, clips["bunny"])
    (upload,) = uploads(page)
    assert (upload["status"], upload["size"]) == ("ready", clips["bunny"].stat().st_size)


def test_two_tabs_send_a_file_once(line: Line, visit: Visit, clips: dict[str, Path]) -> None:
    first = visit("/", at=f"http://127.0.0.1:{line.port}")
    first.watch.expected.append(STILL_BUSY)  # type: ignore[attr-defined]
    here = sending(first, line, clips["bunny"])
    expect(here).to_have_attribute("data-state", "sending")
    second = first.context.new_page()
    second.goto("/")
    second.set_input_files("[data-file]", clips["bunny"])
    there = steps.row(second, clips["bunny"].name)
    expect(there).to_have_attribute("data-state", "elsewhere", timeout=steps.SLOW)
    there.get_by_role("button", name="Go on here").click()
    expect(here).to_have_attribute("data-state", "elsewhere", timeout=steps.SLOW)
    line.mend()
    expect(second.locator("h1")).to_have_text(clips["bunny"].name, timeout=steps.SLOW)
    expect(first.locator("[data-row]")).to_have_count(0, timeout=steps.SLOW)
    assert len(uploads(first)) == 1 and sent_once(line, clips["bunny"])


def test_a_reload_without_a_copy_asks_for_the_same_file(line: Line, visit: Visit, clips: dict[str, Path]) -> None:
    """Over plain HTTP, where browsers trust the page with less, and without IndexedDB."""
    page = visit("/jobs/", at=f"http://{PLAIN}:{line.port}")
    page.watch.expected += ["Cross-Origin-Opener-Policy", STILL_BUSY]  # type: ignore[attr-defined]
    page.add_init_script("Object.defineProperty(window, 'indexedDB', { value: undefined })")
    page.goto("/")
    assert page.evaluate("[isSecureContext, crypto.subtle === undefined]") == [False, True]
    row = sending(page, line, clips["bunny"])
    expect(row).to_have_attribute("data-state", "sending")
    page.reload()
    expect(row).to_have_attribute("data-state", "asking", timeout=steps.SLOW)
    line.mend()
    for clip in (clips["car"], clips["bunny"]):
        with page.expect_file_chooser() as chooser:
            row.get_by_role("button", name="Choose the file").click()
        chooser.value.set_files(clip)
        if clip == clips["car"]:
            expect(row).to_contain_text("“car.mp4” is not the file that was begun.")
    expect(page.locator("h1")).to_have_text(clips["bunny"].name, timeout=steps.SLOW)
    assert sent_once(line, clips["bunny"]) and len(uploads(page)) == 1


def test_an_ended_session_is_told_with_a_way_on(line: Line, visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/", at=f"http://127.0.0.1:{line.port}")
    page.watch.expected += ["401", "404"]  # type: ignore[attr-defined]
    row = sending(page, line, clips["bunny"])
    expect(row).to_have_attribute("data-state", "sending")
    row.get_by_role("button", name="Pause").click()
    page.context.clear_cookies()
    line.mend()
    row.get_by_role("button", name="Go on").click()
    expect(row).to_contain_text("Your session has ended, and what was sent belonged to it.", timeout=steps.SLOW)
    row.get_by_role("button", name="Send again").click()
    expect(page.locator("h1")).to_have_text(clips["bunny"].name, timeout=steps.SLOW)
