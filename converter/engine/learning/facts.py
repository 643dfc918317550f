"""What a plan and its sources say beforehand, as numbers to learn from.

The best single predictor of how much there is to see is what the source's own encoder needed for it: bits
for each pixel, in the part that is used, apart for keyframes (how much detail) and for the rest (how much moves).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from converter.engine.media import Media, VideoStream
from converter.engine.operations.base import Plan

_LINEAR = frozenset({"quality", "crf", "compression"})
"""Parameters whose steps are ratios already."""
_PLACES = frozenset({"start", "end", "duration", "width", "height", "fps", "target_mb", "target_kb", "max_height", "loops"})
"""Parameters that are seen in the plan's own numbers."""
_TYPICAL_BPP = -2.5
"""Logarithm of usual bits per pixel: so that zero means an ordinary source."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Features for each of the two numbers, and what those numbers are measured in (bytes, CPU seconds)."""

    size: Mapping[str, float]
    seconds: Mapping[str, float]
    size_unit: float
    seconds_unit: float


def facts(plan: Plan, media: tuple[Media, ...]) -> Facts:
    """Features of a plan. Nothing in it is secret: no names, no times of day, no content."""
    asked, seen = _asked(plan), _seen(plan, media)
    unit = _unit(plan, media)
    scale = {"scale": math.log(max(1.0, plan.work_seconds))}
    return Facts({**asked, **seen}, {**asked, **seen, **scale}, unit, max(0.01, plan.work_seconds))


def _unit(plan: Plan, media: tuple[Media, ...]) -> float:
    """Bytes that results of this kind are counted in: the promised bound, a bit for each pixel, or the seconds of sound."""
    expects = plan.expects
    if expects.max_size:
        return float(expects.max_size)
    if expects.width and expects.height and expects.kind in ("video", "animation", "image"):
        return expects.width * expects.height * _frames(plan, media) / 8 + 1
    if expects.duration:
        return expects.duration * 16_000
    return math.sqrt(max(1.0, plan.size_range[0]) * max(1.0, plan.size_range[1]))


def _frames(plan: Plan, media: tuple[Media, ...]) -> float:
    if plan.expects.frames:
        return float(plan.expects.frames)
    video = media[0].video if media else None
    rate = video.fps if video is not None and video.fps > 0 else 25.0
    return max(1.0, (plan.expects.duration or 0.0) * rate)


def _asked(plan: Plan) -> dict[str, float]:
    found = {"1": 1.0}
    for name, value in plan.params.items():
        if name in _PLACES or value is None:
            continue
        if isinstance(value, bool):
            found[f"{name}?"] = float(value)
        elif isinstance(value, str):
            # Free texts (colours, captions, crops) are no kinds of anything.
            if value.isidentifier() and len(value) <= 20:
                found[f"{name}={value}"] = 1.0
        elif isinstance(value, int | float) and math.isfinite(value):
            found[name] = value / 10 if name in _LINEAR else math.log1p(abs(value))
    return found


def _seen(plan: Plan, media: tuple[Media, ...]) -> dict[str, float]:
    video = media[0].video if media else None
    if video is None or not video.width or not video.height:
        return {}
    found = {f"from={video.codec}": 1.0}
    bits = _bits(video, media[0], plan)
    if bits is not None:
        found["bits"] = math.log(bits) - _TYPICAL_BPP
    if video.keyframes and video.keyframe_bytes and video.packet_bytes and video.packets and video.packets > video.keyframes:
        key = video.keyframe_bytes / video.keyframes
        rest = max(1.0, (video.packet_bytes - video.keyframe_bytes) / (video.packets - video.keyframes))
        found["detail"] = math.log(8 * key / (video.width * video.height))
        found["motion"] = math.log(rest / key)
    found["pixels"] = math.log(video.width * video.height / 1e6)
    if plan.expects.width and plan.expects.height:
        found["smaller"] = math.log(plan.expects.width * plan.expects.height / (video.width * video.height))
    if plan.expects.duration and plan.expects.frames and video.fps > 0:
        found["slower"] = math.log(plan.expects.frames / plan.expects.duration / video.fps)
    found["short"] = 1 / math.sqrt(_frames(plan, media))
    return found


def _bits(video: VideoStream, source: Media, plan: Plan) -> float | None:
    """Bits for each pixel of the source, in the part that is used where the probe tells parts apart."""
    seconds = video.duration or source.duration
    if not seconds or video.fps <= 0:
        return None
    size = float(video.packet_bytes or source.size)
    rate = size / seconds
    if len(video.profile) > 1:
        begin = _number(plan.params.get("start")) or 0.0
        end = min(seconds, begin + (plan.expects.duration or seconds))
        rate = _rate(video.profile, begin / seconds, end / seconds) * size / seconds / max(1, sum(video.profile))
    return max(1e-5, 8 * rate / (video.width * video.height * video.fps))


def _rate(profile: tuple[int, ...], begin: float, end: float) -> float:
    """The mean of the parts between two places (0 to 1), times their number."""
    count = len(profile)
    first, last = min(count - 1e-6, max(0.0, begin * count)), max(0.0, min(float(count), end * count))
    if last <= first:
        return float(profile[int(first)] * count)
    inside = sum(size * max(0.0, min(last, i + 1) - max(first, i)) for i, size in enumerate(profile))
    return count * inside / (last - first)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
