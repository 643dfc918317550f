"""What the result of a plan will look like to the next one, before it exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from converter.engine.media import AudioStream, Media, VideoStream
from converter.engine.operations.base import Plan

_RATE = 48_000
_FPS = Fraction(25)
_DEMUXERS: Mapping[str, str] = {"mp4": "mov", "m4a": "mov", "webm": "matroska", "png": "png_pipe", "jpeg": "jpeg_pipe"}
_PICTURES: Mapping[str, str] = {"webm": "vp9", "gif": "gif", "webp": "webp", "apng": "apng", "png": "png", "jpeg": "mjpeg"}
_SOUNDS: Mapping[str, str] = {"webm": "opus", "ogg": "opus", "mp3": "mp3", "flac": "flac", "wav": "pcm_s16le"}


def predict(plan: Plan, source: Media) -> Media:
    """The result of `plan` on `source` as a probe would see it; where the plan is silent, as its container usually is.

    Good enough to plan with. The step itself is planned again on the real file once that is there.
    """
    expects = plan.expects
    size = (plan.size_range[0] + plan.size_range[1]) // 2
    videos = (_video(plan, source.video),) if expects.video else ()
    audios = (_audio(plan, source.audio),) if expects.audio else ()
    demuxer = _DEMUXERS.get(expects.container, expects.container)
    return Media(expects.kind, expects.container, demuxer, plan.mime, size, expects.duration, videos, audios, len(videos) + len(audios))


def _video(plan: Plan, source: VideoStream | None) -> VideoStream:
    expects = plan.expects
    rate = _rate(plan, source)
    width, height = expects.width or (source.width if source else 2), expects.height or (source.height if source else 2)
    codec = _PICTURES.get(expects.container, "h264")
    stream = VideoStream(0, codec, width, height, width, height, float(rate), f"{rate.numerator}/{rate.denominator}")
    return replace(
        stream,
        pixel_format="yuv420p",
        duration=expects.duration,
        frames=expects.frames,
        variable_rate=bool(source and source.variable_rate and expects.frames is None),
    )


def _rate(plan: Plan, source: VideoStream | None) -> Fraction:
    expects = plan.expects
    if expects.kind == "image":
        return Fraction(0)
    if expects.frames and expects.duration:
        return Fraction(expects.frames / expects.duration).limit_denominator(1001)
    return Fraction(source.frame_rate) if source and source.fps else _FPS


def _audio(plan: Plan, source: AudioStream | None) -> AudioStream:
    channels = source.channels if source else 2
    layout = source.channel_layout if source else "stereo"
    codec = _SOUNDS.get(plan.expects.container, "aac")
    return AudioStream(1 if plan.expects.video else 0, codec, channels, layout, source.sample_rate if source else _RATE, plan.expects.duration)
