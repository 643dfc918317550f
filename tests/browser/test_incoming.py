"""Bringing things in: one or many, dropped, pasted or chosen, over a line that breaks."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from . import steps
from .conftest import Visit

TUS = "**/api/v1/uploads/tus/**"


def slow(page: Page, bytes_per_second: int) -> None:
    """A thin line upwards; -1 is none."""
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", limits)


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


def test_a_lost_connection_is_told_and_got_over(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected += ["ERR_CONNECTION_RESET"]  # type: ignore[attr-defined]
    page.route(TUS, lambda route: route.abort("connectionreset"))
    page.set_input_files("[data-file]", clips["car"])
    row = steps.row(page, "car.mp4")
    expect(row).to_have_attribute("data-state", "resting", timeout=steps.SLOW)
    expect(row).to_contain_text("The connection to the server was lost.")
    page.unroute(TUS)
    row.get_by_role("button", name="Try now").click()
    expect(page.locator("[data-editor]")).to_be_visible(timeout=steps.SLOW)
    expect(page.locator("[data-row]")).to_have_count(0)
