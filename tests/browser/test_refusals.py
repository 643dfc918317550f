"""What cannot be taken is refused beside the drop zone, as early as it can be known, with a way on."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from . import steps
from .conftest import Visit


def refused(page: Page, sentence: str) -> None:
    box = page.locator("[data-problem]")
    expect(box).to_be_visible(timeout=30_000)
    expect(box).to_contain_text(sentence)
    expect(page.locator("[data-idle]")).to_be_visible()
    expect(page.locator("[data-file]")).to_be_focused()


def test_by_the_browser_before_a_byte_is_sent(visit: Visit, clips: dict[str, Path], tmp_path: Path) -> None:
    page = visit("/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.set_input_files("[data-file]", clips["huge"])
    refused(page, "this server takes at most 2.1 GB")
    (tmp_path / "empty.mp4").touch()
    page.set_input_files("[data-file]", tmp_path / "empty.mp4")
    refused(page, "empty.mp4 is empty.")
    page.set_input_files("[data-file]", Path(__file__))
    refused(page, "is not a clip, sound or picture")
    assert sent == []


def test_by_the_server_after_looking_inside(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected += ["415", "422"]  # type: ignore[attr-defined]
    page.set_input_files("[data-file]", clips["page"])
    refused(page, "the file is a web page")
    page.set_input_files("[data-file]", clips["broken"])
    refused(page, "The file is cut off")
    steps.bring_in(page, clips["car"])  # and the way on works


def test_a_second_file_that_is_refused_leaves_the_first_open(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected += ["415"]  # type: ignore[attr-defined]
    steps.bring_in(page, clips["car"])
    steps.choose(page, "trim:exact")
    page.set_input_files("[data-file]", clips["page"])
    refused(page, "the file is a web page")
    expect(page.locator('input[value="trim:exact"]')).to_be_checked()


def test_a_lost_connection_is_told(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected += ["ERR_CONNECTION_RESET"]  # type: ignore[attr-defined]
    page.route("**/api/v1/uploads/", lambda route: route.abort("connectionreset"))
    page.set_input_files("[data-file]", clips["car"])
    refused(page, "The connection to the server was lost.")
    page.unroute("**/api/v1/uploads/")
    steps.bring_in(page, clips["car"])


def test_a_file_is_dropped_anywhere_and_pasted(visit: Visit, clips: dict[str, Path]) -> None:
    for event, holder in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page = visit("/")
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


def test_progress_can_be_stopped(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.context.new_cdp_session(page).send(
        "Network.emulateNetworkConditions", {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": 2_000_000}
    )
    page.set_input_files("[data-file]", clips["bunny"])
    expect(page.locator("[data-sending]")).to_be_visible()
    expect(page.locator("[data-line]")).to_contain_text("/s · ", timeout=30_000)
    expect(page.locator("[data-line]")).to_contain_text("left")
    page.locator("[data-stop]").click()
    expect(page.locator("[data-idle]")).to_be_visible()
    expect(page.locator("[data-problem]")).to_be_hidden()


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
