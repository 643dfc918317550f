"""A stand-in that plays and seeks everywhere at once, or a ladder of them for streaming."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine import budget, codecs, estimate
from converter.engine.edits import EditParams
from converter.engine.errors import MediaError
from converter.engine.ffmpeg import find_ffmpeg
from converter.engine.ladder import making, rungs
from converter.engine.media import Media, VideoStream
from converter.engine.params import as_dict, choice, integer
from converter.engine.rates.feed import Feed, feed
from converter.engine.rates.sound import sound

from .base import Command, Expectation, Operation, Plan, Preset

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

_PACKAGES = {"mp4": "One MP4 file", "hls": "HLS: a ZIP of renditions, fMP4 segments", "hls-ts": "HLS: a ZIP of renditions, MPEG-TS segments"}
_SEGMENTS = {"hls": "fmp4", "hls-ts": "mpegts"}
_EFFORTS = {"ultrafast": "Fastest, largest", "veryfast": "Very fast", "fast": "Fast"}
_SOUND_KBPS = 96


@dataclass(frozen=True, slots=True)
class ProxyParams:
    """How large, how good, and in which package."""

    height: int = integer(
        720, label="Height", help="Of the shorter side; never larger than the source.", unit="px", minimum=64, maximum=2160, advanced=False
    )
    package: str = choice("mp4", _PACKAGES, label="Package", help="One file, or several sizes that a player changes between.", advanced=False)
    crf: int = integer(25, label="CRF", help="H.264's quality: 18 looks like the source, 25 is fair, 32 is small.", minimum=10, maximum=40)
    effort: str = choice("veryfast", _EFFORTS, label="Effort", help="Slower encoding gives smaller files.")


class Proxy(Operation[ProxyParams]):
    """H.264 and AAC with a keyframe in every second, and the index at the front."""

    name = "proxy"
    title = "Proxy"
    summary = "A light stand-in that plays and seeks everywhere at once, or HLS renditions for streaming."
    params = ProxyParams
    accepts = frozenset({"video", "animation"})
    wish = "edit"
    presets = (
        Preset("editing", "For editing", "720p, seeks at once.", {"height": 720}, words=("playback proxy", "proxy")),
        Preset("preview", "Small preview", "360p, very light.", {"height": 360, "crf": 28}, words=("playback proxy", "proxy", "smaller")),
        Preset(
            "stream",
            "For streaming (HLS)",
            "Up to 1080p in several sizes, as one ZIP.",
            {"height": 1080, "package": "hls", "crf": 23},
            wish="web",
            words=("hls", "streaming"),
        ),
    )

    def plan(self, media: tuple[Media, ...], params: ProxyParams) -> Plan:
        """Plan a stand-in. Raises `MediaError`: `no_video`, `bad_parameter`, `unsupported_media`."""
        source = media[0]
        fed = feed(source, EditParams())
        if fed.video is None:
            raise MediaError("no_video")
        return self._one(fed, fed.video, params) if params.package == "mp4" else self._several(fed, fed.video, params)

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Encode; for HLS check every rendition and pack them."""
        wanted = plan.extra.get("ladder")
        return super().run(plan, bench) if wanted is None else making.make(plan.commands[0], wanted, bench, "result.zip")

    def _one(self, fed: Feed, video: VideoStream, params: ProxyParams) -> Plan:
        width, height = budget.bounded(video, params.height)
        heard = sound(fed, codecs.MP4, _SOUND_KBPS)
        # The lookahead is what holds time; a stand-in is seen at once rather than kept.
        h264 = codecs.h264(params.effort, "-crf", str(params.crf), pixels=width * height, look=10)
        encode = (*h264, "-force_key_frames", "expr:gte(t,n_forced)")
        arguments = (
            *("-filter_complex", fed.picture(width, height), "-map", "[v]", *heard.maps, *heard.encoder),
            *(*encode, *codecs.KEEP_TIMES, *codecs.BARE, *codecs.MP4.flags),
        )
        return Plan(
            self.name,
            as_dict(params),
            (Command("encoding", (fed.input,), arguments, "result.mp4", "mp4", fed.seconds),),
            *("mp4", "video/mp4"),
            Expectation("video", "mp4", width, height, None, fed.seconds, 0.5 + 0.005 * fed.seconds, audio=bool(heard.kbps)),
            estimate.picture_size("h264", width * height, fed.frames, params.crf - 1, fed.seconds * heard.kbps * 125),
            estimate.picture_seconds("h264", video.coded_width * video.coded_height, width * height, fed.frames, params.effort),
            _smaller(video, width, height),
        )

    def _several(self, fed: Feed, video: VideoStream, params: ProxyParams) -> Plan:
        if not find_ffmpeg().has("muxers", "hls"):
            raise MediaError("bad_parameter", "package: this ffmpeg can't write HLS; choose mp4.", field="package")
        wanted = rungs.ladder(fed.source, video, fed.seconds, params.height, _SEGMENTS[params.package])
        command = rungs.command(fed.source, video, wanted, params.crf, params.effort)
        pixels = sum(rung.width * rung.height for rung in wanted.rungs)
        low, high = estimate.picture_size("h264", pixels, fed.frames, params.crf - 1, fed.seconds * 128 * 125 * wanted.sound)
        most = int(fed.seconds * sum(rung.most_bps for rung in wanted.rungs) / 8 * 1.2) + 200_000
        names = ", ".join(f"{rung.width}×{rung.height}" for rung in wanted.rungs)
        work_seconds = estimate.picture_seconds("h264", video.coded_width * video.coded_height, pixels, fed.frames, params.effort)
        return Plan(
            self.name,
            as_dict(params),
            (command,),
            *("zip", "application/zip"),
            Expectation("archive", "zip", duration=fed.seconds),
            (low, max(low + 1, min(high, most))),
            work_seconds + estimate.decode_seconds(pixels * fed.frames),
            (f"The archive holds {len(wanted.rungs)} renditions: {names}; a player begins with master.m3u8.",),
            {"ladder": wanted},
        )


def _smaller(video: VideoStream, width: int, height: int) -> tuple[str, ...]:
    return (f"The picture is scaled down to {width}×{height}.",) if min(width, height) < min(video.width, video.height) - 1 else ()
