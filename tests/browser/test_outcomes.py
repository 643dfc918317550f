"""Choosing what a clip becomes: found by what one calls it, and quoted before anything is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from . import steps
from .conftest import Visit


@pytest.mark.parametrize("width", [1440, 390])
def test_a_card_is_found_by_what_one_calls_it(visit: Visit, clips: dict[str, Path], width: int) -> None:
    page = visit("/", width=width)
    steps.bring_in(page, clips["talk"])
    search = page.get_by_role("searchbox")
    for word, card in (
        ("discord", "compress:discord-10mb"),
        ("GIF", "gif:chat"),
        ("smaller", "compress:small-mp4"),
        ("cut silen", "audio:no-silence"),
    ):
        search.fill(word)
        expect(page.locator("label.choice", has=page.locator(f'input[value="{card}"]'))).to_be_visible()
    expect(page.locator("label.choice", has=page.locator('input[value="gif:chat"]'))).to_be_hidden()
    search.fill("zebra crossing")
    expect(page.locator("label.choice:visible")).to_have_count(0)
    expect(page.locator("[data-wish-found]")).to_contain_text("Nothing here is called that.")
    search.fill("discord")
    search.press("Enter")  # takes the first, and converts nothing
    expect(page.locator('input[value="compress:discord-10mb"]')).to_be_checked()
    expect(page.locator("[data-limit]")).to_contain_text("Discord takes up to 10.0 MB, as far as we know: not confirmed.")
    expect(page.locator("[data-limit] a")).to_have_attribute(
        "href", "https://support.discord.com/hc/en-us/articles/25444343291031-File-Attachments-FAQ"
    )
    expect(page.locator("[data-job]")).to_have_count(0)
    search.press("Escape")
    expect(search).to_have_value("")
    expect(page.locator("[data-group=send]")).to_have_attribute("open", "")
    expect(page.locator("[data-group=know]")).not_to_have_attribute("open", "")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_only_what_fits_is_offered_and_everything_is_reachable(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    steps.bring_in(page, clips["car"])  # has no sound
    expect(page.locator('input[value="audio:sound-only"]')).to_have_count(0)
    operations = page.request.get("/api/v1/operations/").json()
    single = {one["name"] for one in operations if one["inputs"]["min"] == 1 and "video" in one["accepts"]} - {"audio", "join", "pipeline"}
    offered = page.locator("input[name=outcome]").evaluate_all("(cards) => cards.map((card) => card.value.split(':')[0])")
    assert single <= set(offered)
    steps.choose(page, "gif:")
    more = page.locator("[data-more]")
    more.locator("summary").click()
    row = page.locator('[data-param]:has([name="gif.width"])')
    expect(row).to_contain_text("px")
    expect(row.locator(".help")).not_to_be_empty()
    assert (row.locator("input").get_attribute("min"), row.locator("input").get_attribute("max")) == ("16", "4096")


def test_the_quote_follows_what_moves_and_drops_what_comes_late(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    held: list[Route] = []
    bodies: list[Any] = []

    def hold_the_first(route: Route) -> None:
        bodies.append(json.loads(route.request.post_data or "{}"))
        if len(bodies) == 1:
            held.append(route)
        else:
            route.continue_()

    page.route("**/quotes/", hold_the_first)
    steps.bring_in(page, clips["talk"])
    steps.happens(page, lambda: len(bodies) == 1)
    assert page.locator(".quote-line").count() == 0
    steps.choose(page, "gif:chat")
    expect(steps.quoted(page)).to_contain_text("480 ×")
    held[0].fulfill(json={"width": 1, "height": 1, "size_min": 1, "size_max": 2, "kind": "animation", "warnings": []})
    steps.drag(page, page.locator("[data-handle=in]"), 0.5)
    steps.happens(page, lambda: bodies[-1]["params"].get("start"))
    expect(steps.quoted(page)).to_contain_text("480 ×")
    start, end = steps.cut(page)
    assert bodies[-1]["params"]["start"] == pytest.approx(start, abs=1e-3)
    expect(page.locator(".quote-line")).to_contain_text(f"{round((end - start) * 12)} frames")


def test_a_rough_quote_is_asked_for_again_and_takes_no_refusal_away(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected.append("409")  # type: ignore[attr-defined]
    bodies: list[str | None] = []
    held: list[Route] = []
    answered = [1000]

    def answer(route: Route) -> None:
        bodies.append(route.request.post_data)
        if len(bodies) <= answered[0]:
            rough(route, len(bodies))
        else:
            held.append(route)

    def rough(route: Route, gigabytes: int) -> None:
        route.fulfill(json={**route.fetch().json(), "rough": True, "size_min": 1, "size_max": gigabytes * 10**9})

    page.route("**/quotes/", answer)
    steps.bring_in(page, clips["talk"])
    expect(steps.quoted(page)).to_contain_text("GB")
    answered[0] = again = len(bodies) + 1
    expect(page.locator(".quote-line")).to_contain_text(f"up to {again}.0 GB", timeout=steps.SLOW)
    assert bodies[again - 1] == bodies[again - 2]
    steps.happens(page, lambda: held)
    page.route("**/jobs/", lambda route: route.fulfill(status=409, json={"code": "conflict", "detail": "Not now."}))
    page.locator("[data-go]").click()
    refusal = page.locator("[data-quote] .notice")
    expect(refusal).to_contain_text("Not now.")
    with page.expect_response("**/quotes/", timeout=steps.SLOW) as told:
        rough(held[0], 99)
    told.value.finished()
    steps.drawn(page)
    expect(refusal).to_contain_text("Not now.")


def test_once_a_clip_was_looked_at_both_ends_of_a_wide_range_are_told(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    wide = {"rough": False, "size_min": 2_000_000, "size_max": 31_000_000}
    page.route("**/quotes/", lambda route: route.fulfill(json={**route.fetch().json(), **wide}))
    steps.bring_in(page, clips["talk"])
    expect(steps.quoted(page)).to_contain_text("2.0–31.0 MB")


def test_what_is_wrong_is_said_beside_its_cause(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected.append("400")  # type: ignore[attr-defined]
    steps.bring_in(page, clips["car"])
    steps.quoted(page)
    page.locator("[data-more] summary").click()
    page.locator('[name="gif.width"]').fill("99999")
    error = page.locator('[data-param]:has([name="gif.width"]) [data-error]')
    expect(error).to_contain_text("99999 is out of range", timeout=steps.SLOW)
    expect(page.locator('[name="gif.width"]')).to_have_attribute("aria-invalid", "true")
    expect(page.locator("[data-quote] .notice")).to_contain_text("Width: 99999 is out of range")
    page.locator('[name="gif.max_mb"]').fill("0.001")
    page.locator('[name="gif.width"]').fill("320")
    expect(page.locator("[data-quote] .notice")).to_contain_text("Largest size: 0.001 is out of range", timeout=steps.SLOW)
    page.locator('[name="gif.max_mb"]').fill("")
    page.locator('[name="gif.width"]').fill("640")
    expect(error).to_be_hidden()
    expect(steps.quoted(page)).to_contain_text("640 × 720")
    expect(page.locator("[data-quote]")).to_contain_text("is cropped at the left and right")


def test_a_refusal_of_what_was_mended_meanwhile_is_not_told(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/")
    page.watch.expected.append("400")  # type: ignore[attr-defined]
    steps.bring_in(page, clips["car"])
    steps.quoted(page)
    page.locator("[data-more] summary").click()
    refusal = steps.Gate(page, "**/quotes/", lambda request: "99999" in (request.post_data or ""))
    width = page.locator('[name="gif.width"]')
    width.fill("99999")
    refusal.reached()
    # The pause before the next question lasts until the refusal has come.
    page.evaluate(
        """() => {
            const before = setTimeout;
            window.setTimeout = (act, ...rest) => before(act.toString().endsWith("#ask()") ? () => (window.next = act) : act, ...rest);
        }"""
    )
    width.fill("640")
    with page.expect_event("requestfinished", lambda request: request.url.endswith("/quotes/")):
        refusal.open()
    steps.until(page, "Boolean(window.next)")
    page.evaluate("fetch('/health/').then((answer) => answer.text())")
    steps.drawn(page)
    expect(page.locator('[data-param]:has([name="gif.width"]) [data-error]')).to_be_hidden()
    expect(page.locator("[data-quote] .notice")).to_have_count(0)
    page.evaluate("window.next()")
    expect(steps.quoted(page)).to_contain_text("640 × 720")
