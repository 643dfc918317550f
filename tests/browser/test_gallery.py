"""The pictures in docs/screenshots/, taken anew from the real page.

They are kept as they are while the page still looks like them; `CUTROOM_SCREENSHOTS=1` replaces them all.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Page, expect

from . import steps
from .conftest import ROOT, Visit

GALLERY = ROOT / "docs" / "screenshots"
WIDTHS = {1440: 900, 390: 844}
ALIKE = 6.0
"""Mean difference of a colour channel (0 to 255) up to which two pictures count as the same; the result's moves."""
LARGEST = 500_000
"""Bytes of one picture."""


def test_pictures_of_every_stage(visit: Visit, clips: dict[str, Path]) -> None:
    first = visit("/")
    for width, scheme in looks():
        shoot(visit("/", width=width, height=WIDTHS[width], scheme=scheme), f"start-{width}-{scheme}")
    steps.bring_in(first, clips["flower"])
    where = first.url
    steps.finished(steps.convert(first))
    for width, scheme in looks():
        page = visit(where, width=width, height=WIDTHS[width], scheme=scheme, like=first)
        editing(page)
        shoot(page, f"editing-{width}-{scheme}")
        page.locator("[data-show]").click()
        media = page.locator("[data-result-media]")
        expect(media).to_have_js_property("complete", True)
        page.locator("#tray").evaluate("(tray) => tray.scrollIntoView({ block: 'start' })")
        shoot(page, f"result-{width}-{scheme}")


def looks() -> Iterator[tuple[int, str]]:
    """Every width in both schemes."""
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            yield width, scheme


def editing(page: Page) -> None:
    """A cut in the middle, the playhead inside it, and a quote for it."""
    page.locator("[data-start]").fill("1")
    page.locator("[data-duration]").fill("3")
    page.locator("[data-duration]").press("Tab")
    expect(page.locator("canvas[data-strip]")).to_be_visible(timeout=steps.SLOW)
    expect(page.locator(".quote-line")).to_contain_text("72 frames", timeout=steps.SLOW)
    page.locator("[data-playhead]").focus()
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.evaluate("document.activeElement.blur()")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(500)


def shoot(page: Page, name: str) -> None:
    """Keep a picture, in few colours so that it stays small."""
    taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    target = GALLERY / f"{name}.png"
    GALLERY.mkdir(parents=True, exist_ok=True)
    if os.environ.get("CUTROOM_SCREENSHOTS") or not target.exists() or difference(taken, target) > ALIKE:
        taken.quantize(palette=taken.quantize(256), dither=Image.Dither.FLOYDSTEINBERG).save(target, optimize=True)
    assert target.stat().st_size < LARGEST


def difference(taken: Image.Image, kept: Path) -> float:
    """How far two pictures are apart."""
    with Image.open(kept) as image:
        if image.size != taken.size:
            return 255
        return max(ImageStat.Stat(ImageChops.difference(taken, image.convert("RGB"))).mean)


def test_difference_sees_what_matters(tmp_path: Path) -> None:
    kept = tmp_path / "kept.png"
    Image.new("RGB", (90, 90), "white").save(kept)
    assert difference(Image.new("RGB", (90, 90), "white"), kept) == 0
    assert difference(Image.new("RGB", (90, 90), "black"), kept) > ALIKE
    assert difference(Image.new("RGB", (90, 80), "white"), kept) == pytest.approx(255)
