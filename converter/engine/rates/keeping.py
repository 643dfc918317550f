"""When the source's own packets are the better answer: it is small already, or any new encoding is larger."""

from __future__ import annotations

from converter.engine import codecs
from converter.engine.budget import bounded, frame_rate
from converter.engine.codecs import Container
from converter.engine.operations.base import Command, Input

from .feed import Feed

_CODECS = {"h264": "h264", "h265": "hevc", "av1": "av1", "vp9": "vp9"}
_SOUNDS = {"mp4": {"aac"}, "webm": {"opus", "vorbis"}, "matroska": {"aac", "opus", "vorbis", "mp3"}}
_HDR = ("smpte2084", "arib-std-b67")


def keepable(feed: Feed, codec: str, container: Container, max_height: int | None, max_fps: float | None, *, ten_bit: bool) -> bool:
    """Whether the source's own picture and sound are what was asked for, but for their number of bytes."""
    video, audio = feed.source.video, feed.source.audio
    if not feed.whole or video is None or video.codec != _CODECS[codec] or feed.source.kind != "video":
        return False
    if bounded(video, max_height) != (video.width, video.height) or frame_rate(video, max_fps) is not None:
        return False
    # Plain colours are what plays everywhere; damaged or oddly kept files are left to the encoder.
    plain = video.pixel_format in ("yuv420p", "yuvj420p") or (ten_bit and video.pixel_format == "yuv420p10le")
    if not plain or video.interlaced or (video.color_transfer in _HDR and not ten_bit) or feed.source.demuxer not in ("mov", "matroska"):
        return False
    return audio is None or audio.codec in _SOUNDS[container.name]


def remux(feed: Feed, codec: str, container: Container, output: str) -> Command:
    """The command that keeps every packet of picture and sound."""
    kept = [stream for stream in (feed.source.video, feed.source.audio) if stream is not None]
    maps = tuple(word for stream in kept for word in ("-map", codecs.stream(stream)))
    tag = ("-tag:v", "hvc1") if codec == "h265" and container is codecs.MP4 else ()
    arguments = (*maps, "-c", "copy", *tag, *codecs.BARE, *container.flags)
    return Command("keeping the source's own pictures", (Input(source=0),), arguments, output, container.muxer, feed.seconds)
