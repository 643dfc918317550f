"""Still pictures are cropped, turned and mirrored on the picture, and come out pixel for pixel as they were shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from . import steps
from .conftest import Visit
from .test_cutting import blur


@pytest.mark.parametrize("width", [1440, 390])
def test_a_still_picture_is_cropped_and_turned_on_the_picture_and_made_so(visit: Visit, clips: dict[str, Path], tmp_path: Path, width: int) -> None:
    page = visit("/", width=width, height=844)
    steps.bring_in(page, clips["still"])
    steps.choose(page, "image:png-lossless")
    blur(page)
    page.keyboard.press("c")
    field = {name: page.locator(f"[data-crop-field={name}]") for name in ("x", "y", "width", "height")}
    for name, value in (("width", "200"), ("height", "120"), ("x", "40"), ("y", "30")):
        field[name].fill(value)
        field[name].press("Tab")
    page.locator("[data-crop]").focus()
    page.keyboard.press("ArrowRight")
    expect(field["x"]).to_have_value("41")
    page.keyboard.press("Escape")
    blur(page)
    page.keyboard.press("r")
    page.keyboard.press("h")
    box = page.locator("[data-view]").bounding_box()
    assert box is not None and box["width"] / box["height"] == pytest.approx(120 / 200, rel=0.02)
    expect(steps.quoted(page)).to_contain_text("120 × 200")
    page.keyboard.press("Control+z")
    page.locator("[data-redo]").click()
    card = steps.convert(page)
    steps.finished(card)
    steps.download(page, card.locator("[data-download] button")).save_as(tmp_path / "made.png")
    with Image.open(clips["still"]) as source, Image.open(tmp_path / "made.png") as made:
        whole = source.convert("RGB").crop((41, 30, 241, 150)).transpose(Image.Transpose.ROTATE_270).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        assert list(made.convert("RGB").getdata()) == list(whole.getdata())

    card.get_by_role("link", name="Again with other settings").click()
    expect(page).to_have_url(re.compile(r"\?job="))
    page.locator("[data-tool=crop]").click()
    expect(field["x"]).to_have_value("41")
    expect(field["y"]).to_have_value("30")
    page.locator("[data-tool=cropped]").click()
    steps.choose(page, "image:favicon-ico")  # a card that crops by itself: own wishes win, and then it shows what it does
    page.locator("[data-tool=plain]").click()
    page.locator("[data-tool=crop]").click()
    expect(field["width"]).to_have_value(field["height"].input_value())
