"""A clip as everything Chrome can show behind its new tab: the GIF, a theme, a new-tab page; one ZIP."""

from __future__ import annotations

import dataclasses
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.engine import chromekit, gif, looping
from converter.engine.errors import MediaError
from converter.engine.looping import LoopParams
from converter.engine.media import Media
from converter.engine.params import as_dict, integer, text
from converter.engine.wrapping import pack

from .animation import Animation, AnimationParams
from .base import Command, Expectation, Input, Operation, Plan, Preset
from .gif import Gif, GifParams

if TYPE_CHECKING:
    from converter.engine.workbench import Progress, Workbench

_GIF, _WEBM, _RESULT = "background.gif", "background.webm", "result.zip"
MEMBERS = (
    *("README.txt", "background.gif", "theme/manifest.json", "theme/images/background.gif"),
    *("newtab/manifest.json", "newtab/newtab.html", "newtab/newtab.css", "newtab/newtab.js", "newtab/background.webm"),
)
_ROUND = tuple(field.name for field in dataclasses.fields(LoopParams))
_LOOKED_AT = (16, 9, 6)
"""Width, height and number of the tiny pictures that the colours are taken from."""
_TEXTS = 8000


@dataclass(frozen=True, slots=True)
class ChromeKitParams(LoopParams):
    """What any loop can be asked for, a name, and how good the new-tab page's video is."""

    title: str = text("Cutroom background", label="Name", help="How Chrome lists the theme and the new-tab page.", maximum=40, advanced=False)
    quality: int = integer(75, label="Video's quality", help="Of the new-tab page's WebM: higher looks better and is larger.", minimum=1, maximum=100)


class ChromeKit(Operation[ChromeKitParams]):
    """Video or animation to a ZIP of a GIF, an unpacked theme and a new-tab extension."""

    name = "chrome_kit"
    title = "Chrome kit"
    summary = "The GIF to upload, a theme in the picture's colours, and a new-tab page with the video, in one ZIP."
    params = ChromeKitParams
    accepts = frozenset({"video", "animation"})
    wish = "gif"
    presets = (
        Preset(
            "chrome-kit", "Chrome kit", "6 seconds at 1280×720: the GIF, a theme and a new-tab page.",
            {"duration": 6.0, "width": 1280, "height": 720, "fps": 24.0, "fit": "cover", "fill": "loop", "loops": 0},
            words=("wallpaper", "new tab", "browser", "theme", "extension", "background"), shown_in="newtab",
        ),
        Preset(
            "chrome-kit-large", "Chrome kit, large", "6 seconds at 1920×1080, for large screens; large files.",
            {"duration": 6.0, "width": 1920, "height": 1080, "fps": 20.0, "fit": "cover", "fill": "loop", "loops": 0},
            words=("wallpaper", "new tab", "browser", "theme", "extension", "background"), shown_in="newtab",
        ),
    )  # fmt: skip

    def plan(self, media: tuple[Media, ...], params: ChromeKitParams) -> Plan:
        """Plan the kit. Raises what `gif` raises, and `too_many_pixels` above what Chrome takes as a theme's image."""
        _check_name(params.title)
        frame = looping.arrange(media[0], params, even=True).frame
        if frame.pixels * 4 > chromekit.MAX_THEME_BYTES:
            detail = f"width: Chrome takes no theme image of {frame.width}×{frame.height}; at most 4.1 megapixels work, such as 2560×1440."
            raise MediaError("too_many_pixels", detail, field="width")
        given = {name: getattr(params, name) for name in _ROUND} | {"width": frame.width, "height": frame.height}
        picture = Gif().plan(media, GifParams(**given))
        film = Animation().plan(media, AnimationParams(**{**given, "loops": 0}, format="webm", quality=params.quality, transparent=False))
        # The GIF is in it twice: Chrome wants a folder that holds all that is its own.
        sizes = (2 * picture.size_range[0] + film.size_range[0], 2 * picture.size_range[1] + film.size_range[1] + _TEXTS)
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=(),
            extension="zip",
            mime="application/zip",
            expects=Expectation("archive", "zip", frame.width, frame.height, picture.expects.frames, members=MEMBERS, video=False),
            size_range=sizes,
            work_seconds=picture.work_seconds + film.work_seconds,
            warnings=picture.warnings,
            extra={"gif": picture, "webm": film, "frame": frame},
        )

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Make and verify the GIF and the WebM, take the colours from the GIF, write the rest, pack it."""
        picture, film, frame = plan.extra["gif"], plan.extra["webm"], plan.extra["frame"]
        share = picture.work_seconds / (picture.work_seconds + film.work_seconds)
        _make(Gif(), picture, bench, _GIF, (0.0, share))
        _make(Animation(), film, bench, _WEBM, (share, 0.97 - share))
        bench.advance(0.97, "packing")
        colours = chromekit.theme_colours(_seen(bench, picture.expects.duration or 1.0))
        texts = chromekit.files(str(plan.params["title"]), colours, frame.width, frame.height, picture.expects.duration or 0.0)
        for name, content in texts.items():
            (bench.work / name.replace("/", "-")).write_text(content, encoding="utf-8")
        pictures = {_GIF: _GIF, f"theme/images/{_GIF}": _GIF, f"newtab/{_WEBM}": _WEBM}
        pack([(name, bench.work / pictures.get(name, name.replace("/", "-"))) for name in MEMBERS], bench.work / _RESULT)
        return bench.work / _RESULT

    def check(self, plan: Plan, path: Path, media: Media) -> None:
        """Read the archive as Chrome would. Raises `MediaError("tool_failed")`."""
        try:
            _check(path, plan)
        except (ValueError, KeyError, MediaError, zipfile.BadZipFile) as error:
            raise MediaError("tool_failed", "The Chrome kit did not come out whole.", log=str(error)) from error


def _make(operation: Operation[Any], planned: Plan, bench: Workbench, name: str, share: tuple[float, float]) -> None:
    """Run one of the parts in a directory of its own, verify it, and move it to `name`."""
    from converter.engine.verify import verify

    base, width = share
    work = bench.work / f"making-{planned.extension}"
    work.mkdir(mode=0o700)

    def report(progress: Progress) -> None:
        bench.advance(base + width * progress.fraction, progress.stage)

    part = type(bench)(work, bench.sources, progress=report, stop=bench.stop, limits=bench.limits, tool=bench.tool)
    try:
        path = operation.run(planned, part)
        settled = part.settled or planned
        operation.check(settled, path, verify(path, settled.expects, part))
    finally:
        bench.metrics += part.metrics
        bench.tools |= part.tools
        for sentence in part.warnings():
            bench.warn(sentence)
    path.rename(bench.work / name)


def _seen(bench: Workbench, seconds: float) -> bytes:
    """Tiny RGB pictures of the whole round, one after another."""
    width, height, count = _LOOKED_AT
    arguments = ("-vf", f"fps={count / seconds:.6f},scale={width}:{height}:flags=area", "-frames:v", str(count), "-pix_fmt", "rgb24")
    taken = bytearray()
    bench.decode(Command("taking the colours", (Input(work_file=_GIF),), arguments, "", "rawvideo", seconds), on_output=taken.extend)
    if len(taken) < 3 * width * height:
        raise MediaError("tool_failed", "The colours of the picture could not be taken.", log=f"{len(taken)} bytes")
    return bytes(taken)


def _check_name(title: str) -> None:
    if not title.strip() or not title.isprintable() or re.search(r"[<>\"\\]", title):
        raise MediaError("bad_parameter", 'title: write a name of letters, numbers and spaces, without < > " and \\.', field="title")


def _check(path: Path, plan: Plan) -> None:
    frame, expects = plan.extra["frame"], plan.extra["gif"].expects
    with zipfile.ZipFile(path) as archive:
        theme, page = (json.loads(archive.read(f"{folder}/manifest.json")) for folder in ("theme", "newtab"))
        names = set(archive.namelist())
        inside = (f"theme/{theme['theme']['images']['theme_ntp_background']}", f"newtab/{page['chrome_url_overrides']['newtab']}")
        if theme["manifest_version"] != 3 or page["manifest_version"] != 3 or not names.issuperset(inside):
            raise ValueError("a manifest does not say what is there")
        if archive.read(inside[0]) != archive.read(_GIF) or archive.read(f"newtab/{_WEBM}")[:4] != b"\x1a\x45\xdf\xa3":
            raise ValueError("a picture is not the one that was made")
        loose = path.with_name("unpacked.gif")
        loose.write_bytes(archive.read(inside[0]))
    try:
        info = gif.inspect_gif(loose)
    finally:
        loose.unlink()
    if (info.width, info.height, info.frames) != (frame.width, frame.height, expects.frames):
        raise ValueError(f"the theme's image has {info.width}×{info.height} and {info.frames} frames")
    colours = theme["theme"]["colors"]
    for words, ground in chromekit.PAIRS.items():
        if chromekit.contrast(tuple(colours[words]), tuple(colours[ground])) < chromekit.LEAST_CONTRAST:
            raise ValueError(f"{words} can't be read on {ground}")
