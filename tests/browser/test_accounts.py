"""An account, on a small dark screen: made, used, left and come back to; and the things of a browser come along."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from . import steps
from .conftest import Visit

PASSWORD = "correct-horse-battery"


def fits(page: Page) -> None:
    """Nothing sticks out of the screen sideways."""
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def test_an_account_from_its_beginning(visit: Visit, clips: dict[str, Path]) -> None:
    page = visit("/", width=390, height=844, scheme="dark")
    page.watch.expected += ["404"]  # type: ignore[attr-defined]
    steps.bring_in(page, clips["talk"])
    mine = page.url
    page.get_by_role("link", name="Sign in").click()
    expect(page).to_have_url(re.compile("/accounts/sign-in/"))
    fits(page)
    page.get_by_role("link", name="Make an account").click()
    expect(page).to_have_url(re.compile("/accounts/sign-up/"))  # the page before has a field of that name, too
    page.fill("[name=username]", "alice")
    page.fill("[name=password1]", PASSWORD)
    page.fill("[name=password2]", PASSWORD)
    fits(page)
    page.get_by_role("button", name="Make the account").click()
    expect(page.locator("h1")).to_have_text("alice")

    page.get_by_label("Name").fill("backup script")
    page.get_by_label("Look at jobs").check()
    page.get_by_role("button", name="Make the token").click()
    token = page.locator("[data-made]").inner_text()
    assert re.fullmatch(r"cut_[\w-]{43}", token)
    fits(page)
    api = page.context.browser.new_context()  # type: ignore[union-attr]
    answer = api.request.get(f"{page.url.split('/accounts')[0]}/api/v1/jobs/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 200
    api.close()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("revoked")).to_be_visible()

    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.goto(mine)
    expect(page.locator("h1")).not_to_have_text("talk.mp4")
    page.goto("/accounts/sign-in/")
    page.fill("[name=username]", "alice")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("alice")
    page.goto(mine)
    expect(page.locator("h1")).to_have_text("talk.mp4")
