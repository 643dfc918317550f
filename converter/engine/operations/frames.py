"""Pictures out of a film: one moment, the best one, a strip, a sheet, or the beginning of every scene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from converter.engine import framing, strip
from converter.engine.analysis import stills
from converter.engine.analysis.report import look, scenes
from converter.engine.errors import MediaError
from converter.engine.media import Media, VideoStream
from converter.engine.params import as_dict, choice, integer, time
from converter.engine.timecode import format_time
from converter.engine.verify import verify
from converter.engine.workbench import Workbench
from converter.engine.wrapping import pack

from .base import Command, Expectation, Input, Operation, Plan, Preset

MOST_SCENES = 200
LARGEST = 16_383
"""Pixels of a side: what WebP can hold."""
_NAMES = {"jpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png"), "webp": ("webp", "image/webp")}
_BYTES = {"jpeg": (0.015, 0.9), "png": (0.03, 3.2), "webp": (0.004, 0.6)}
"""Bytes for each pixel, from a plain picture to noise."""
_GAP = 8
"""Pixels between the pictures of a sheet."""


@dataclass(frozen=True, slots=True)
class FramesParams:
    """Which pictures, how large, and in which format."""

    what: str = choice(
        "poster",
        {"poster": "The best picture", "at": "One moment", "filmstrip": "A strip of equally spaced pictures",
         "sheet": "A sheet of equally spaced pictures", "scenes": "The first picture of every scene (ZIP)"},
        label="Which", help="What to take out of the film.", advanced=False,
    )  # fmt: skip
    at: float = time(0.0, label="At", help="The moment, for one picture: what is on the screen then.", minimum=0, advanced=False)
    count: int = integer(20, label="Pictures", help="How many pictures a strip or a sheet has.", minimum=1, maximum=100)
    columns: int = integer(5, label="Columns", help="Pictures beside each other in a sheet.", minimum=1, maximum=20)
    height: int | None = integer(
        None, label="Height", help="Of each picture; empty means the film's own, 72 in a strip and 180 in a sheet.", unit="px",
        minimum=16, maximum=8192, optional=True,
    )  # fmt: skip
    format: str = choice("jpeg", {"jpeg": "JPEG", "png": "PNG", "webp": "WebP"}, label="Format", help="A strip is always a JPEG.", advanced=False)
    quality: int = integer(88, label="Quality", help="Of JPEG and WebP: 100 is best.", minimum=1, maximum=100)


class Frames(Operation[FramesParams]):
    """Stills of a film."""

    name = "frames"
    title = "Frames"
    summary = "Take pictures out of a film: a poster, one moment, a strip, a sheet, or every scene."
    params = FramesParams
    accepts = frozenset({"video", "animation"})
    wish = "picture"
    presets = (
        Preset(
            "poster", "Poster", "The sharpest of sixteen pictures that is neither dark nor white.", {"what": "poster"}, words=("thumbnail", "cover")
        ),
        Preset("filmstrip", "Filmstrip", "Twenty pictures side by side.", {"what": "filmstrip"}),
        Preset("sheet", "Contact sheet", "Twenty pictures in five columns.", {"what": "sheet"}, words=("contact", "thumbnails")),
        Preset("scenes", "Scenes", "The first picture of every scene, as a ZIP.", {"what": "scenes"}),
    )

    def plan(self, media: tuple[Media, ...], params: FramesParams) -> Plan:
        """Plan the pictures. Raises `MediaError`: `no_video`, `start_past_end`, `bad_parameter`."""
        source = media[0]
        video = source.video
        if video is None or not source.duration:
            raise MediaError("no_video")
        if params.what == "at" and params.at >= source.duration:
            text = f"at: {format_time(params.at)} lies at or after the end of the media, which lasts {format_time(source.duration)}."
            raise MediaError("start_past_end", text, field="at")
        form = "jpeg" if params.what == "filmstrip" else params.format
        (width, height), (one_wide, one_high) = _sizes(video, params)
        if max(width, height) > LARGEST:
            raise MediaError("bad_parameter", f"height: the picture would be {width}×{height}; at most {LARGEST} are possible.", field="height")
        said = ("A strip is always a JPEG.",) if form != params.format else ()
        scenes_wanted = params.what == "scenes"
        low, high = _BYTES[form]
        pixels = width * height
        most = min(MOST_SCENES, 1 + round(source.duration)) if scenes_wanted else 1
        extension, mime = ("zip", "application/zip") if scenes_wanted else _NAMES[form]
        expects = Expectation("archive", "zip", video=False) if scenes_wanted else Expectation("image", form, width, height, frames=1)
        return Plan(
            operation=self.name,
            params=as_dict(params),
            commands=(),
            extension=extension,
            mime=mime,
            expects=expects,
            size_range=(round(150 + low * pixels), round(4000 + high * pixels * most)),
            work_seconds=_work(source, video, params),
            warnings=said,
            extra={"form": form, "one": (one_wide, one_high)},
        )

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Draw what was planned."""
        media, params = bench.sources[0].media, self.read(plan.params)
        video = media.video
        if video is None:
            raise MediaError("no_video")
        form, one = plan.extra["form"], plan.extra["one"]
        target = f"result.{_NAMES[form][0]}"
        if params.what == "filmstrip":
            strip.filmstrip(bench.sources[0], bench.work / target, tiles=params.count, height=one[1], bench=bench, quality=params.quality)
        elif params.what == "sheet":
            self._sheet(bench, params, one, form, target)
        elif params.what == "scenes":
            return self._scenes(bench, video, params, one, form)
        else:
            moment, key = (params.at, False) if params.what == "at" else stills.poster(bench, video, 0.8)
            bench.ffmpeg(stills.still(media, video, stills.Still(moment, one[0], one[1], form, params.quality, key), target, 0.2))
        if not (bench.work / target).is_file():
            raise MediaError("corrupt_media", "The picture at that place can't be decoded.")
        return bench.work / target

    def _sheet(self, bench: Workbench, params: FramesParams, one: tuple[int, int], form: str, target: str) -> None:
        strip.filmstrip(bench.sources[0], bench.work / "strip.jpg", tiles=params.count, height=one[1], bench=bench, quality=95)
        columns, rows = _grid(params)
        chain = ("format=rgb24", f"untile={params.count}x1", f"tile={columns}x{rows}:margin={_GAP}:padding={_GAP}", *stills.pixel_filters(form))
        arguments = ("-vf", ",".join(chain), "-frames:v", "1", *stills.encoding(form, params.quality), "-update", "1")
        bench.ffmpeg(Command("laying out", (Input(work_file="strip.jpg", options=("-f", "image2")),), arguments, target, "image2", 0, 0.1))

    def _scenes(self, bench: Workbench, video: VideoStream, params: FramesParams, one: tuple[int, int], form: str) -> Path:
        media = bench.sources[0].media
        found = scenes(look(bench, video, share=0.6)["cuts"], media.duration or 0.0)
        if len(found) > MOST_SCENES:
            bench.warn(f"The film has {len(found)} scenes; the first {MOST_SCENES} are in the archive.")
        members: list[tuple[str, Path]] = []
        for number, scene in enumerate(found[:MOST_SCENES]):
            name = f"scene-{number + 1:03d}-{scene['start']:09.3f}.{_NAMES[form][0]}"
            share = 0.4 / min(len(found), MOST_SCENES)
            bench.ffmpeg(stills.still(media, video, stills.Still(scene["start"], one[0], one[1], form, params.quality), name, share))
            path = bench.work / name
            # A scene may begin in a place that is damaged; the others are worth having all the same.
            if path.is_file():
                verify(path, Expectation("image", form, *one, frames=1))
                members.append((name, path))
        if not members:
            raise MediaError("corrupt_media", "No picture in the file can be decoded.")
        target = bench.work / "result.zip"
        pack(members, target)
        return target


def _sizes(video: VideoStream, params: FramesParams) -> tuple[tuple[int, int], tuple[int, int]]:
    """The size of the whole picture and of each one in it."""
    if params.what == "filmstrip":
        one = strip.tile_size(video, params.height or 72)
        return (one[0] * params.count, one[1]), one
    if params.what == "sheet":
        one, (columns, rows) = strip.tile_size(video, params.height or 180), _grid(params)
        return (columns * one[0] + (columns + 1) * _GAP, rows * one[1] + (rows + 1) * _GAP), one
    one = framing.frame_size(video, None, params.height)
    return one, one


def _grid(params: FramesParams) -> tuple[int, int]:
    columns = min(params.columns, params.count)
    return columns, -(-params.count // columns)


def _work(source: Media, video: VideoStream, params: FramesParams) -> float:
    pixels, seconds = video.coded_width * video.coded_height, source.duration or 0.0
    group = pixels * min(seconds, 10.0) / 2 * max(1.0, video.fps) * 7e-9
    if params.what == "scenes":
        return 0.5 + seconds * max(1.0, video.fps) * (pixels * 7e-9 + 0.0004) + seconds / 4 * group
    if params.what == "poster":
        return 0.5 + (stills.CANDIDATES + 1) * (0.06 + pixels * 3e-8)
    return 0.3 + (group if params.what == "at" else min(3.0, group * params.count))
