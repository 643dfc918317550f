"""The whole server dies, during an upload and during a job, and the page that was open finishes both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

from tests.running import Cutroom, free_port, until

from . import steps
from .conftest import PATIENCE, Site, Visit
from .line import Line

HERE = 5_000_000
"""Bytes of the upload, heads of requests included, that have gone up when the server dies."""
HEADS = 100_000
"""More than the heads of all its requests come to."""


class Mortal:
    """A Cutroom of this test alone that can be killed and started again on the same port and data."""

    def __init__(self, directory: Path, static: str) -> None:
        self.directory, self.static = directory, static
        self.port = free_port()
        self.start()

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.running = Cutroom(self.directory, self.port, STATIC_ROOT=self.static)
        until(self.running.ready, "being ready")

    def received(self) -> int:
        """The size of the largest file that is on its way in."""
        return max((path.stat().st_size for path in (self.directory / "media" / "incoming").glob("*")), default=0)

    def stop_work(self) -> None:
        """Let whoever works on jobs stop where they are, so that no job is over before the server dies."""
        worker = self.running.children()["media"]
        for process in [worker, *worker.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.suspend()

    def kill(self) -> None:
        """SIGKILL for the supervisor and everything below it, at once: as when the power fails."""
        top = psutil.Process(self.running.process.pid)
        everything = [top, *top.children(recursive=True)]
        for process in everything:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(everything, timeout=PATIENCE)
        self.running.process.wait(PATIENCE)
        self.running.log.close()


@pytest.fixture
def mortal(tmp_path: Path, site: Site) -> Iterator[Mortal]:
    mortal = Mortal(tmp_path, site.environment["STATIC_ROOT"])  # collected once for all
    yield mortal
    mortal.kill()


def test_both_finish_from_the_same_open_page(visit: Visit, clips: dict[str, Path], mortal: Mortal) -> None:
    line = Line(mortal.port)
    page = visit("/", at=f"http://127.0.0.1:{line.port}")
    page.watch.expected += ["ERR_", "Failed to load resource"]  # type: ignore[attr-defined]

    line.hold(after=HERE)
    page.set_input_files("[data-file]", clips["bunny"])
    assert line.held.wait(PATIENCE)
    row = steps.row(page, clips["bunny"].name)
    until(lambda: mortal.received() > HERE - HEADS / 5, "the server having what was sent")
    mortal.kill()
    line.cut()
    expect(row).to_have_attribute("data-state", "resting", timeout=steps.SLOW)
    expect(row).to_contain_text("The connection to the server was lost.")
    mortal.start()
    line.mend()
    expect(page.locator("h1")).to_have_text(clips["bunny"].name, timeout=steps.SLOW)  # by itself, and it opened
    assert line.passed < clips["bunny"].stat().st_size + HEADS  # nothing of it twice

    page.locator("[data-duration]").fill("12")  # work for some seconds, however quick the machine
    page.locator("[data-duration]").press("Tab")
    card = steps.convert(page)
    until(lambda: page.request.get("/api/v1/jobs/").json()["results"][0]["status"] == "running", "the job's beginning")
    mortal.stop_work()
    expect(card).to_have_attribute("data-status", "running", timeout=steps.SLOW)
    mortal.kill()
    line.cut()
    mortal.start()
    line.mend()
    steps.finished(page.locator("[data-job]").first)
    (job,) = page.request.get("/api/v1/jobs/").json()["results"]
    assert job["status"] == "succeeded" and job["attempt"] >= 2
    line.close()
