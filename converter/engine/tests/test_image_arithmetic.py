"""The search for a quality, the shapes of results, and the PDF's pages, without a single picture being sent anywhere."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from converter.engine.errors import MediaError
from converter.engine.operations import get
from converter.engine.operations.image import ImageParams
from converter.engine.pictures import batch, geometry
from converter.engine.pictures.darkroom import fit, pdf, target
from converter.engine.tests.making import media
from converter.engine.tests.making import video as stream
from converter.engine.tests.pictures import corners

SIDES = st.integers(1, 9000)
LADDER = tuple(range(10, 96))


@settings(deadline=None)
@given(st.floats(3.0, 14.0), st.floats(0.2, 4.0), st.floats(-0.3, 0.3), st.floats(0.01, 3.0))
def test_the_search_finds_the_highest_that_fits(size: float, steep: float, tilt: float, part: float) -> None:
    """For any rising curve and any mosaic whose error drifts with the quality."""

    def whole(quality: int) -> int:
        return int(math.exp(size + steep * quality / 50) + quality)

    wanted = int(math.exp(size + steep * part))
    found = fit.search(LADDER, wanted, whole, lambda q: whole(q) * math.exp(tilt * q / 50) / 16 + 1, scale=16.0, part_cost=1 / 16, budget=99)
    best = max((quality for quality in LADDER if whole(quality) <= wanted), default=None)
    assert found.quality == best and found.proven
    assert found.size <= wanted or best is None


def test_a_faithful_mosaic_needs_one_encode_and_its_proof() -> None:
    found = fit.search(LADDER, 5000, lambda q: q * 100, lambda q: q * 100 / 16, scale=16.0, part_cost=1 / 16)
    assert (found.quality, found.proven) == (50, True) and found.encodes <= 3


def test_a_budget_that_is_used_up_still_gives_a_file_that_fits() -> None:
    found = fit.search(LADDER, 5000, lambda q: int(1.15**q), lambda q: 1.0, scale=1.0, part_cost=0.0, budget=2.0)
    assert found.quality is not None and 1.15**found.quality <= 5001 and not found.proven


def test_nothing_fits() -> None:
    assert fit.search(LADDER, 5, lambda q: q, lambda q: q / 9, scale=9.0, part_cost=0.1).quality is None


def test_avif_qualities_that_are_the_same_are_tried_once() -> None:
    steps = [((100 - quality) * 63 + 50) // 100 for quality in target.ladder("avif")]
    assert steps == sorted(set(steps), reverse=True)


@given(st.integers(250, 3000), st.integers(250, 3000))
@settings(max_examples=30, deadline=None)
def test_a_mosaic_is_a_small_part_in_whole_tiles(width: int, height: int) -> None:
    # Smaller pictures are encoded whole.
    sheet = target.mosaic(Image.new("L", (width, height)))
    assert sheet.width % 32 == sheet.height % 32 == 0
    assert sheet.width * sheet.height <= max(32 * 32, width * height / 5)


WISHES = st.fixed_dictionaries(
    {},
    optional={
        "width": SIDES,
        "height": SIDES,
        "fit": st.sampled_from(["inside", "cover", "pad", "stretch"]),
        "enlarge": st.booleans(),
        "rotate": st.sampled_from(["0", "90", "180", "270"]),
        "crop": st.sampled_from(["", "16:9", "1:1", "3/4"]),
    },
)


@given(SIDES, SIDES, WISHES)
@settings(deadline=None)
def test_shapes_stay_inside_the_picture_and_the_wishes(width: int, height: int, wishes: dict[str, Any]) -> None:
    params = get("image").read(wishes)
    picture = replace(stream(width, height, fps=0.0, duration=None), frames=1)
    made = geometry.shape(media(picture=picture, sound=False, duration=None, kind="image"), params)
    left, top, right, bottom = made.box
    assert 0 <= left < right <= made.whole[0] + 1e-6 and 0 <= top < bottom <= made.whole[1] + 1e-6
    assert min(made.size) >= 1
    if not params.enlarge:
        assert made.size[0] <= made.whole[0] and made.size[1] <= made.whole[1]
    for wanted, got in ((params.width, made.result[0]), (params.height, made.result[1])):
        assert wanted is None or got <= wanted
    if params.enlarge and params.width and params.height and params.fit in ("cover", "pad", "stretch"):
        assert made.result == (params.width, params.height)


@given(st.text(max_size=40))
@settings(deadline=None)
def test_any_crop_is_a_box_inside_or_refused(text: str) -> None:
    picture = replace(stream(300, 200, fps=0.0, duration=None), frames=1)
    try:
        made = geometry.shape(media(picture=picture, kind="image", duration=None), ImageParams(crop=text))
    except MediaError as error:
        assert (error.code.name, error.field) == ("bad_parameter", "crop")
    else:
        assert made.size[0] <= 300 and made.size[1] <= 200


@settings(deadline=None)
@given(st.integers(1, 9000), st.integers(1, 9000), st.integers(1, 8), st.sampled_from(["picture", "a4", "letter"]), st.floats(0, 220))
def test_a_page_holds_its_picture(width: int, height: int, orientation: int, paper: str, margin: float) -> None:
    buffer = io.BytesIO()
    made = pdf.Document(buffer, paper, margin)
    made.add(pdf.Sheet(width, height, b"", "", "/DeviceGray", 1, orientation=orientation))
    made.close()
    page = [float(word) for word in re.findall(rb"MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", buffer.getvalue())[0]]
    a, b, c, d, e, f = (float(word) for word in re.findall(rb"q (.*?) cm", buffer.getvalue())[0].split())
    places = [(a * u + c * v + e, b * u + d * v + f) for u in (0, 1) for v in (0, 1)]
    assert all(-0.01 <= x <= page[0] + 0.01 and -0.01 <= y <= page[1] + 0.01 for x, y in places)
    assert max(page) <= pdf.LARGEST


def test_only_what_pdf_knows_goes_in_as_it_is() -> None:
    buffer = io.BytesIO()
    corners().save(buffer, "JPEG", progressive=True)
    sheet = pdf.embedded(buffer.getvalue() + b"\xff\xd8 a second picture", 1, b"")
    assert sheet is not None and (sheet.width, sheet.height) == (96, 64) and b"second" not in sheet.data
    assert pdf.embedded(buffer.getvalue().replace(b"\xff\xc2", b"\xff\xc9", 1), 1, b"") is None
    assert pdf.embedded(b"\xff\xd8\xff", 1, b"") is None


@given(st.binary(max_size=300))
def test_nonsense_after_a_jpegs_beginning_never_breaks_the_reader(tail: bytes) -> None:
    sheet = pdf.embedded(b"\xff\xd8" + tail, 1, b"")
    assert sheet is None or sheet.width >= 0


@pytest.mark.parametrize(("quality", "distance"), [(100, 0.0), (90, 1.0), (30, 6.4)])
def test_jpeg_xl_takes_libjxls_own_distances(quality: int, distance: float) -> None:
    assert batch.jxl_distance(quality) == pytest.approx(distance)
