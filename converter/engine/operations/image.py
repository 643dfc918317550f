"""Still pictures into other formats, sizes and weights; several at once, or one PDF of all."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine.errors import MediaError
from converter.engine.media import Media
from converter.engine.params import as_dict, choice, flag, integer, number, text
from converter.engine.pictures import batch, forecast, kinds
from converter.engine.pictures.document import check_document
from converter.engine.pictures.geometry import Shape, shape, still

from .base import Expectation, Operation, Plan, Preset

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

_LONGEST = 16_384
_COLOUR = re.compile(r"#([0-9a-fA-F]{6})")
_MAX_ICON = 256
"""ICO writes a size in one byte, where 0 means 256."""


@dataclass(frozen=True, slots=True)
class ImageParams:
    """Format, weight, size, and what goes along."""

    format: str = choice(
        "same", {"same": "As it is", **{form.name: form.title for form in kinds.FORMATS.values()}}, label="Format",
        help="PDF makes one document of all pictures. HEIC becomes JPEG where nothing else is asked.", advanced=False,
    )  # fmt: skip
    quality: int | None = integer(
        None, label="Quality", help="1 to 100, for JPEG, WebP, AVIF and JPEG XL. Empty means the usual (85, 80, 60, 85), or by target size.",
        minimum=1, maximum=100, optional=True, advanced=False,
    )  # fmt: skip
    target_kb: float | None = number(
        None, label="Target size", help="The highest quality that is not larger; each picture on its own. 1 KB is 1000 bytes.",
        unit="KB", minimum=0.2, maximum=100_000, optional=True, advanced=False,
    )  # fmt: skip
    longest: int | None = integer(
        None, label="Longest side", help="Larger pictures are scaled down. Empty keeps the size.",
        unit="px", minimum=1, maximum=_LONGEST, optional=True, advanced=False,
    )  # fmt: skip
    width: int | None = integer(None, label="Width", help="Empty: by the height.", unit="px", minimum=1, maximum=_LONGEST, optional=True)
    height: int | None = integer(None, label="Height", help="Empty: by the width.", unit="px", minimum=1, maximum=_LONGEST, optional=True)
    fit: str = choice(
        "inside", {"inside": "Fit inside", "cover": "Fill, cut the rest", "pad": "Fit inside, fill the rest", "stretch": "Stretch"},
        label="Fit", help="How a picture of another shape gets into width and height.",
    )  # fmt: skip
    enlarge: bool = flag(False, label="Enlarge", help="Also scale small pictures up.")
    may_shrink: bool = flag(True, label="Scale down to fit", help="Take fewer pixels where even the lowest quality is larger than the target size.")
    crop: str = text("", label="Crop", help="A shape such as 16:9, or a box such as 800x600+10+20 (width, height, left, top).", maximum=40)
    rotate: str = choice("0", {"0": "Not", "90": "90° right", "180": "180°", "270": "90° left"}, label="Turn", help="After the camera's orientation.")
    flip: str = choice("none", {"none": "Not", "horizontal": "Left to right", "vertical": "Top to bottom"}, label="Mirror", help="After turning.")
    metadata: str = choice(
        "strip", {"strip": "Leave out", "keep-without-place": "Keep, without the place", "keep": "Keep, with the place"},
        label="Camera's notes", help="Date, camera and settings (EXIF).",
    )  # fmt: skip
    profile: str = choice(
        "srgb",
        {"srgb": "Convert to sRGB", "keep": "Keep the profile"},
        label="Colours",
        help="sRGB looks the same everywhere; a kept profile may show more.",
    )
    background: str = text("", label="Background", help="Behind what is see-through, as #rrggbb. Empty keeps it see-through, or is white.", maximum=7)
    lossless: bool = flag(False, label="Lossless", help="For WebP, JPEG XL and PDF; PNG, TIFF, BMP and GIF always are.")
    progressive: bool = flag(True, label="Progressive", help="A JPEG that shows itself whole at once, and is a little smaller.")
    subsampling: str = choice(
        "auto", {"auto": "By quality", "4:4:4": "Full", "4:2:2": "Half", "4:2:0": "Quarter"}, label="Colour resolution", help="For JPEG and AVIF."
    )
    effort: str = choice("balanced", {"fast": "Fast", "balanced": "Balanced", "best": "Best"}, label="Effort", help="Slower encoding, smaller file.")
    icon_sizes: str = text("16,32,48", label="Icon sizes", help="For ICO: sides in pixels, 1 to 256, with commas.", maximum=60)
    page: str = choice("picture", {"picture": "As the picture", "a4": "A4", "letter": "Letter"}, label="Page", help="For PDF.")
    margin: float = number(0.0, label="Margin", help="For PDF.", unit="mm", minimum=0, maximum=80)
    pages: str = choice("first", {"first": "The first", "all": "All"}, label="Pages", help="For PDF, of pictures that have several.")


class Image(Operation[ImageParams]):
    """Pictures to one picture, a ZIP of several, or a PDF."""

    name = "image"
    title = "Picture"
    summary = "Pictures in another format or size, under a number of kilobytes, or as a PDF."
    params = ImageParams
    accepts = frozenset({"image", "animation"})
    wish = "picture"
    inputs = (1, 100)
    presets = (
        Preset("web-picture", "For a web page", "WebP, at most 1920 pixels.", {"format": "webp", "longest": 1920, "quality": 80}, wish="web"),
        Preset(
            "small-jpeg",
            "Small JPEG",
            "At most 1280 pixels; opens everywhere.",
            {"format": "jpeg", "longest": 1280, "quality": 75},
            words=("smaller", "jpg"),
        ),
        Preset(
            "under-500kb",
            "Under 500 KB",
            "The best JPEG that is not larger.",
            {"format": "jpeg", "target_kb": 500.0},
            wish="send",
            words=("smaller", "form", "jpg"),
        ),
        Preset("avif-small", "Very small", "AVIF, at most 1920 pixels.", {"format": "avif", "longest": 1920, "quality": 50}, words=("smaller",)),
        Preset("png-lossless", "Lossless PNG", "Every pixel as it is.", {"format": "png", "effort": "best"}, wish="edit"),
        Preset(
            "without-place",
            "Without the place",
            "The same format; date and camera stay, the place goes.",
            {"metadata": "keep-without-place"},
            words=("gps", "location", "privacy", "exif"),
        ),
        Preset("pdf", "PDF", "One A4 page for each picture.", {"format": "pdf", "page": "a4", "margin": 10.0, "pages": "all"}),
        Preset(
            "favicon-ico",
            "Favicon",
            "An ICO with 16, 32 and 48 pixels.",
            {"format": "ico", "icon_sizes": "16,32,48", "crop": "1:1"},
            wish="web",
            words=("icon",),
        ),
    )

    def plan(self, media: tuple[Media, ...], params: ImageParams) -> Plan:
        """Plan pictures. Raises `MediaError`: `bad_parameter` for wishes that don't go together or a crop outside."""
        forms = tuple(kinds.wanted(params.format, item.container) for item in media)
        for form in forms:
            _check(form, params)
        shapes = tuple(_within(form, shape(item, params)) for item, form in zip(media, forms, strict=True))
        job = batch.Batch(forms, shapes, tuple(item.container for item in media), batch.how(params, _colour(params), _icons(params)))
        expects = _expected(job, params)
        size, seconds = forecast.forecast(media, shapes, forms, params)
        form = forms[0]
        extension, mime = ("zip", "application/zip") if expects.kind == "archive" else (form.extension, form.mime)
        warnings = _remarks(media, forms, shapes, params)
        return Plan(self.name, as_dict(params), (), extension, mime, expects, size, seconds, warnings, {"job": job, "params": params})

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Develop all pictures, look at each, and pack them. Raises `MediaError`, `target_unreachable` with what could be reached."""
        job, params = plan.extra["job"], plan.extra["params"]
        if job.forms[0].name == "pdf":
            return batch.run_document(job, params.page, params.margin, params.pages == "all", bench)
        path, made = batch.run_pictures(job, bench)
        if plan.expects.kind == "image":
            bench.settled = replace(plan, expects=batch.settled(plan.expects, made[0]))
        return path

    def check(self, plan: Plan, path: Path, media: Media) -> None:
        """A PDF has its pages; pictures were looked at one by one before they were packed. Raises `tool_failed`."""
        if plan.expects.kind == "document":
            whole = plan.extra["params"].pages == "first"
            check_document(path, len(plan.extra["job"].forms) if whole else None)


def _check(form: kinds.Format, params: ImageParams) -> None:
    if params.target_kb is not None and params.quality is not None:
        raise MediaError("bad_parameter", "quality: give a target size or a quality, not both.", field="quality")
    if params.target_kb is not None and (not form.fits or params.lossless):
        kind = f"Lossless {form.title}" if form.fits else form.title
        raise MediaError("bad_parameter", f"target_kb: {kind} has no quality to lower here; choose JPEG, WebP or AVIF.", field="target_kb")
    if params.quality is not None and form.quality is None:
        raise MediaError("bad_parameter", f"quality: {form.title} has none; choose JPEG, WebP, AVIF or JPEG XL.", field="quality")
    if params.lossless and not form.lossless:
        raise MediaError("bad_parameter", f"lossless: {form.title} can't be; choose PNG, WebP, TIFF or JPEG XL.", field="lossless")
    if params.longest is not None and (params.width is not None or params.height is not None):
        raise MediaError("bad_parameter", "longest: give the longest side or width and height, not both.", field="longest")
    if form.name == "jxl":
        batch.need_jxl()


def _within(form: kinds.Format, made: Shape) -> Shape:
    if max(made.result) > form.largest:
        raise MediaError(
            "bad_parameter", f"format: {form.title} holds at most {form.largest} pixels a side; set the longest side to that or less.", field="format"
        )
    return made


def _colour(params: ImageParams) -> tuple[int, int, int] | None:
    if not params.background:
        return None
    match = _COLOUR.fullmatch(params.background)
    if match is None:
        raise MediaError("bad_parameter", f"background: {params.background!r} is not a colour such as #ffffff.", field="background")
    red, green, blue = bytes.fromhex(match[1])
    return red, green, blue


def _icons(params: ImageParams) -> tuple[int, ...]:
    words = [word.strip() for word in params.icon_sizes.split(",")]
    if not all(word.isascii() and word.isdigit() and 1 <= int(word) <= _MAX_ICON for word in words):
        raise MediaError("bad_parameter", f"icon_sizes: {params.icon_sizes!r} is not a list such as 16,32,48.", field="icon_sizes")
    return tuple(sorted({int(word) for word in words}))


def _expected(job: batch.Batch, params: ImageParams) -> Expectation:
    if job.forms[0].name == "pdf":
        return Expectation("document", "pdf", video=False)
    if len(job.forms) > 1:
        return Expectation("archive", "zip", video=False, members=tuple(batch.member(i, form) for i, form in enumerate(job.forms)))
    width, height = job.result(0)
    bound = None if params.target_kb is None else int(params.target_kb * 1000)
    return Expectation("image", job.forms[0].container, width, height, max_size=bound)


def _remarks(media: tuple[Media, ...], forms: tuple[kinds.Format, ...], shapes: tuple[Shape, ...], params: ImageParams) -> tuple[str, ...]:
    said: list[str] = []
    if any(item.kind == "animation" for item in media) and not (params.pages == "all" and params.format == "pdf"):
        said.append("Only the first picture of an animation is used.")
    see_through = any(still(item).has_alpha and not form.alpha and item.container != "jpeg" for item, form in zip(media, forms, strict=True))
    if see_through:
        said.append(f"{forms[0].title} can't be see-through: the background is {params.background or 'white'}.")
    if params.target_kb is not None and any(forecast.scarce(made.result, form, params.target_kb) for made, form in zip(shapes, forms, strict=True)):
        said.append("The target size is small for so many pixels; the picture will probably be scaled down.")
    if any(form.name == "gif" for form in forms):
        said.append("GIF has at most 256 colours.")
    if params.metadata != "strip" and any(form.name in ("bmp", "gif", "ico", "jxl", "pdf") for form in forms):
        said.append("This format keeps none of the camera's notes.")
    return tuple(said)
