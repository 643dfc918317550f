"""From an empty browser to a downloaded Chrome background, with the real server behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from converter.engine.gif import inspect_gif

from . import steps
from .conftest import Site, Visit


@pytest.mark.parametrize("width", [1440, 390])
def test_a_clip_becomes_a_chrome_background_in_five_actions(site: Site, visit: Visit, clips: dict[str, Path], tmp_path: Path, width: int) -> None:
    """As a new user does: open, choose a file, convert, download; everything else stands there already."""
    page = visit("/", width=width, height=844)
    actions = 1  # the page was opened
    with page.expect_file_chooser() as chooser:
        page.locator("[data-drop] label[for=file]").click()
    chooser.value.set_files(clips["car"])
    actions += 2  # pressed, and chosen
    expect(page.locator("[data-editor]")).to_be_visible(timeout=steps.SLOW)
    expect(page.locator("h1")).to_have_text("car.mp4")
    expect(page.locator('input[value="gif:chrome-background"]')).to_be_checked()
    expect(steps.quoted(page)).to_contain_text("1280 × 720")
    expect(page.locator(".quote-line")).to_contain_text("144 frames")

    site.manage("drain")  # it begins once it is looked at
    try:
        card = steps.convert(page)
        actions += 1
        expect(page).to_have_title(re.compile(r"^\d+ % · "), timeout=steps.SLOW)
        seen = _watch_progress(page)
    finally:
        site.manage("drain", "--resume")
    expect(steps.finished(card)).to_have_js_property("naturalWidth", 1280)
    expect(page).to_have_title("car.mp4 · Cutroom")
    assert seen() == sorted(seen()), "progress fell"
    expect(card).to_contain_text("144 at 24 fps")
    expect(card).to_contain_text("Customize Chrome")
    expect(card.locator("dd.mono")).to_have_text(re.compile(r"^[0-9a-f]{64}$"))

    file = tmp_path / "out.gif"
    steps.download(page, card.locator("[data-download] button")).save_as(file)
    actions += 1
    assert actions <= 5
    info = inspect_gif(file)
    assert (info.width, info.height, info.frames, sum(info.delays_cs), info.loop) == (1280, 720, 144, 600, 0)


def test_a_link_works_once_and_says_so_afterwards(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    steps.bring_in(page, clips["car"])
    steps.choose(page, "gif:chat")
    card = steps.convert(page)
    steps.finished(card)
    card.locator("[data-link] button").click()
    expect(card.locator("[data-note]")).to_contain_text("Copied. It works once")
    link = page.evaluate("navigator.clipboard.readText()")

    stranger = visit(link)  # another browser, without the owner's cookie
    expect(stranger.locator("h1")).to_have_text("car.gif")
    stranger.reload()  # looking uses nothing up
    got = steps.download(stranger, stranger.get_by_role("button", name="Download"))
    assert Path(got.path()).read_bytes()[:6] == b"GIF89a"
    stranger.watch.expected.append("410")  # type: ignore[attr-defined]
    answer = stranger.goto(link)
    assert answer is not None and answer.status == 410
    expect(stranger.locator("main")).to_contain_text("This link was already used.")


def test_cancel_retry_and_several_at_once(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["bunny"])
    steps.choose(page, "compress:web-vp9")  # half a minute's film, slowly: none of them is through before it is cancelled
    first = steps.convert(page)
    second = steps.convert(page)
    for _ in range(2):
        steps.press(page.locator("[data-job]:is([data-status=queued], [data-status=running]) button", has_text="Cancel").first)
        expect(page.locator("[data-job][data-status=cancelled]")).to_have_count(_ + 1, timeout=steps.SLOW)
    expect(page).to_have_title("bunny_1080p_24fps_aac51.mp4 · Cutroom")
    expect(first).to_contain_text("Cancelled")
    expect(second).to_contain_text("Cancelled")
    second.get_by_role("button", name="Start again").click()
    expect(page.locator("[data-job]")).to_have_count(3)
    steps.press(page.locator("[data-job]").first.get_by_role("button", name="Cancel"))
    expect(page.locator("[data-job][data-status=cancelled]")).to_have_count(3, timeout=steps.SLOW)


def test_a_reload_brings_everything_back(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["talk"])
    steps.choose(page, "gif:chat")
    steps.convert(page)
    page.reload()
    expect(page.locator("h1")).to_have_text("talk.mp4")
    expect(page.locator("[data-job]")).to_have_count(1)
    expect(page.locator("[data-job]")).to_have_attribute("data-status", "succeeded", timeout=steps.SLOW)
    page.goto("/")
    page.locator(".recent-item", has_text="talk.mp4").click()
    expect(page.locator("[data-editor]")).to_be_visible()
    page.go_back()
    expect(page.locator("[data-drop]")).to_be_visible()


def test_polling_takes_over_where_streams_are_cut(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected += ["ERR_FAILED", "/events/"]  # type: ignore[attr-defined]
    page.route("**/events/", lambda route: route.abort())
    steps.bring_in(page, clips["car"])
    steps.choose(page, "gif:chat")
    steps.finished(steps.convert(page))


def test_again_with_other_settings_begins_with_the_same(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["talk"])
    steps.choose(page, "gif:chat")
    page.locator("[data-start]").fill("0:01")
    page.locator("[data-duration]").fill("1.5")
    page.locator("[data-duration]").blur()
    page.locator("[data-more] summary").click()
    page.locator('[name="gif.width"]').fill("200")
    card = steps.convert(page)
    steps.finished(card)
    card.get_by_role("link", name="Again with other settings").click()
    expect(page).to_have_url(re.compile(r"\?job="))
    expect(page.locator('input[value="gif:chat"]')).to_be_checked()
    expect(page.locator("[data-start]")).to_have_value("0:01")
    expect(page.locator("[data-duration]")).to_have_value("0:01.5")
    expect(page.locator('[name="gif.width"]')).to_have_value("200")
    expect(page.locator("[data-changed]")).to_have_text("· 1 changed")


def _watch_progress(page: Page) -> Callable[[], list[float]]:
    page.evaluate(
        """() => {
            window.seen = [];
            const bar = () => document.querySelector("[data-progress]");
            const note = () => bar()?.hasAttribute("value") && window.seen.push(bar().value);
            new MutationObserver(note).observe(document.body, { subtree: true, attributes: true, childList: true });
        }"""
    )
    return lambda: page.evaluate("window.seen")
