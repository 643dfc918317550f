"""No page and no state of it breaks axe-core's rules, at both widths and in both schemes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from . import steps
from .audit import colours, findings
from .conftest import Site, Visit

WIDTHS = (1440, 390)
PASSWORD = "correct-horse-battery"


class Auditor:
    """Goes over pages in every look and gathers what is wrong, so that one run tells all.

    A look costs a context and a load only for its width: the scheme changes on the page as it stands.
    """

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.wrong: list[tuple[str, str]] = []

    def page(self, page: Page, name: str) -> None:
        """The page as it stands, light and dark."""
        self.wrong += [(f"{name}, light", line) for line in findings(page)]
        page.emulate_media(color_scheme="dark")
        self.wrong += [(f"{name}, dark", line) for line in colours(page)]
        page.emulate_media(color_scheme="light")

    def pages(self, like: Page | None = None) -> Iterator[Page]:
        """A page of a visitor at each width."""
        for width in WIDTHS:
            page = self.visit("about:blank", width=width, height=900, like=like)
            yield page
            page.unroute_all(behavior="ignoreErrors")
            page.context.close()

    def at(self, page: Page, path: str, *, ready: str = "main") -> None:
        """An address, once `ready` is there."""
        page.goto(path)
        expect(page.locator(ready).first).to_be_visible(timeout=steps.SLOW)
        self.page(page, f"{path} {page.viewport_size['width'] if page.viewport_size else ''}")

    def done(self) -> None:
        """Nothing was wrong."""
        told: dict[str, list[str]] = {}
        for where, line in self.wrong:
            told.setdefault(line, []).append(where)
        assert not told, "\n".join(f"{line}\n    {len(places)} × {places[0]}" for line, places in sorted(told.items()))


def test_pages_without_anything_on_them(visit: Visit) -> None:
    auditor = Auditor(visit)
    for page in auditor.pages():
        for path in ("/", "/jobs/", "/exports/", "/uploads/", "/projects/", "/accounts/sign-in/", "/accounts/sign-up/"):
            auditor.at(page, path)
        page.watch.expected.append("404")  # type: ignore[attr-defined]
        auditor.at(page, f"/jobs/{uuid.uuid4()}/")
    auditor.done()


def test_the_workshop_from_a_clip_to_its_result(visit: Visit, clips: dict[str, Path]) -> None:
    auditor = Auditor(visit)
    first = visit("/")
    steps.bring_in(first, clips["talk"])
    where = first.url
    steps.choose(first, "compress:small-mp4")
    auditor.page(first, "a chosen card")
    card = steps.convert(first)
    steps.finished(card)
    with first.expect_response("**/grants/") as granted:  # a link that is used at once
        steps.download(first, card.locator("[data-download] button"))
    for page in auditor.pages(first):
        auditor.at(page, where, ready=".quote-line")
        page.locator("[data-more] summary").click()
        page.locator("[data-show]").first.click()
        page.locator("[data-compare] summary").click()
        expect(page.locator(".compare-words")).to_be_visible(timeout=steps.SLOW)
        page.keyboard.press("Escape")
        auditor.page(page, "all open")
        for path in ("/jobs/", "/exports/", "/uploads/"):
            auditor.at(page, path)
        auditor.at(page, "/exports/?q=nothing+is+called+that", ready=".empty")
        page.watch.expected.append("410")  # type: ignore[attr-defined]
        auditor.at(page, granted.value.json()["url"], ready=".ticket .notice")
    auditor.done()


@pytest.fixture
def still(site: Site) -> Iterator[Site]:
    """The site while no job is begun."""
    site.manage("drain")
    yield site
    site.manage("drain", "--resume")


def stored_at(root: Path, size: int) -> Path:
    """The one file of that size; others come and go meanwhile."""
    found = []
    for path in root.rglob("*"):
        with suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_size == size:
                found.append(path)
    (only,) = found
    return only


def test_jobs_that_wait_run_fail_and_are_cancelled(still: Site, visit: Visit, clips: dict[str, Path], tmp_path: Path) -> None:
    auditor = Auditor(visit)
    lost = tmp_path / "lost.mp4"
    lost.write_bytes(clips["car"].read_bytes() + (4099).to_bytes(4, "big") + b"free" + bytes(4091))  # a size of its own
    first = visit("/")
    steps.bring_in(first, lost)
    steps.choose(first, "gif:chat")
    failing = steps.convert(first).get_attribute("data-job")
    first.goto("/")
    steps.bring_in(first, clips["bunny"])
    steps.choose(first, "compress:web-vp9")  # half a minute's film, slowly: work for longer than it is looked at
    card = steps.convert(first)
    expect(card).to_contain_text("1 ahead of you")
    auditor.page(first, "a waiting job")
    running = f"/jobs/{card.get_attribute('data-job')}/"
    stored_at(Path(still.environment["MEDIA_ROOT"]), lost.stat().st_size).unlink()
    still.manage("drain", "--resume")
    first.goto(running)
    expect(first.locator("[data-job][data-status=running]")).to_be_visible(timeout=steps.SLOW)
    auditor.page(first, "a running job")
    first.context.set_offline(True)
    first.watch.expected += ["ERR_INTERNET_DISCONNECTED", "ERR_NETWORK"]  # type: ignore[attr-defined]
    first.get_by_role("button", name="Cancel").click()
    expect(first.locator("[data-job-error]")).to_be_visible(timeout=steps.SLOW)
    auditor.page(first, "a job without a connection")
    first.context.set_offline(False)
    first.get_by_role("button", name="Cancel").click()
    expect(first.locator("[data-job][data-status=cancelled]")).to_be_visible(timeout=steps.SLOW)
    for page in auditor.pages(first):
        auditor.at(page, running, ready="[data-status=cancelled]")
        auditor.at(page, f"/jobs/{failing}/", ready="[data-status=failed] .notice")
        page.get_by_role("button", name="Deutsch").click()
        expect(page.locator("html")).to_have_attribute("lang", "de")
        expect(page.locator("[data-status=failed] .notice")).to_contain_text("lost.mp4 wurde aufgeräumt, bevor die Arbeit begann")
        auditor.at(page, "/jobs/")
    auditor.done()


def test_files_that_are_refused_or_do_not_get_through(visit: Visit, clips: dict[str, Path]) -> None:
    auditor = Auditor(visit)
    for page in auditor.pages():
        page.watch.expected += ["415", "422", "ERR_CONNECTION_RESET"]  # type: ignore[attr-defined]
        page.goto("/")
        page.evaluate(steps.NO_HASTE)
        page.set_input_files("[data-file]", clips["broken"])
        expect(steps.row(page, "broken.mp4").locator("[data-problem]")).to_be_visible(timeout=steps.SLOW)
        page.route("**/api/v1/uploads/tus/**", lambda route: route.abort("connectionreset"))
        page.set_input_files("[data-file]", clips["car"])
        expect(steps.row(page, "car.mp4")).to_have_attribute("data-state", "resting", timeout=steps.SLOW)
        auditor.page(page, "a refused file, and one whose connection was lost")
    auditor.done()


def test_accounts_and_those_who_try_too_often(visit: Visit) -> None:
    auditor = Auditor(visit)
    for page in auditor.pages():
        page.goto("/accounts/sign-up/")
        for field, value in (("username", "x"), ("password1", "1"), ("password2", "2")):
            page.fill(f"[name={field}]", value)
        with page.expect_navigation():
            page.locator("main form button").last.click()
        expect(page.locator(".error").first).to_be_visible()
        auditor.page(page, "sign-up, refused")
        for field, value in (("username", f"auditor-{uuid.uuid4().hex[:8]}"), ("password1", PASSWORD), ("password2", PASSWORD)):
            page.fill(f"[name={field}]", value)
        page.get_by_role("button", name="Make the account").click()
        expect(page.locator("h1")).to_have_text(re.compile("^auditor-"))
        auditor.at(page, "/accounts/password/")
        auditor.at(page, "/accounts/")
        page.get_by_label("Name").fill("backup script")
        page.get_by_label("Look at jobs").check()
        page.get_by_role("button", name="Make the token").click()
        expect(page.locator("[data-made]")).to_be_visible()
        auditor.page(page, "an account with a new token")
    stranger = visit("/accounts/sign-in/", width=390)
    stranger.watch.expected += ["429"]  # type: ignore[attr-defined]
    name = f"nobody-{uuid.uuid4().hex}"
    for _ in range(20):
        if stranger.locator(".error-page").count():
            break
        stranger.fill("[name=username]", name)
        stranger.fill("[name=password]", "wrong")
        with stranger.expect_navigation():  # the answer before looks the same
            stranger.get_by_role("button", name="Sign in").click()
        expect(stranger.locator(".error-page, main [role=alert]").first).to_be_visible()
        auditor.page(stranger, "sign-in, refused") if _ == 0 else None
    expect(stranger.locator(".error-code")).to_have_text("429")
    auditor.page(stranger, "too many tries")
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
