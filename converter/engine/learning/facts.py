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

from .sights import sight

_LINEAR = frozenset({"quality", "crf", "vmaf", "compression"})
"""Parameters whose steps are ratios already."""
_PLACES = frozenset({"start", "end", "duration", "width", "height", "fps", "target_mb", "target_kb", "max_height", "loops"})
"""Parameters that are seen in the plan's own numbers."""
_FOR_SIZE = {"bits": 0.1, "from": 0.2, "pixels": 0.2, "smaller": 1.0}
_FOR_SECONDS = {"bits": 0.1, "from": 0.1, "pixels": 0.2, "smaller": 0.2, "scale": 0.2}
"""What is used for which number, and how freely. Keyframes' own bytes, motion and rates fitted six clips and failed on the seventh."""
_TYPICAL_BPP = -2.5
"""Logarithm of usual bits per pixel: so that zero means an ordinary source."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Features for each of the two numbers, and what those numbers are measured in (bytes, CPU seconds)."""

    size: Mapping[str, float]
    seconds: Mapping[str, float]
    size_unit: float
    seconds_unit: float
    size_known: float = 0.0
    """Bytes that are there in any case: the sound, as far as it was heard, and the container. The unit is for the others."""
    looked: bool = False
    """Whether a look at the source has its part in it: such jobs have models of their own."""


_VARIANTS = ("mode", "format", "codec", "what", "video_codec")
"""Parameters that choose another encoder or another way: such jobs have little to teach each other."""


def variant(plan: Plan) -> str:
    """Which of an operation's ways a plan takes: `compress`, `compress-av1`, `compress-size`, `animation-webp`, …"""
    words = [str(plan.params[name]) for name in _VARIANTS if plan.params.get(name) is not None]
    words += ["size"] if plan.expects.max_size and not plan.expects.copied else ["kept"] if plan.expects.copied and plan.expects.max_size else []
    return "-".join([plan.operation, *(word for word in words if word.isalnum() and len(word) <= 12)])


def looked(plan: Plan, media: tuple[Media, ...]) -> Facts | None:
    """Features of a plan with what a look at its source has shown; None without one."""
    shown = sight(plan, media)
    if shown is None:
        return None
    plain = facts(plan, media)
    asked = _asked(plan)
    seconds = {**plain.seconds, **shown.seconds}
    return Facts({**asked, **shown.size}, seconds, max(1.0, shown.unit), plain.seconds_unit, shown.known, looked=True)


def facts(plan: Plan, media: tuple[Media, ...]) -> Facts:
    """Features of a plan from what the probe knows. Nothing in it is secret: no names, no times of day, no content."""
    asked, seen = _asked(plan), _seen(plan, media)
    seen["scale"] = math.log(max(1.0, plan.work_seconds))
    unit = _unit(plan, media)
    if not plan.expects.max_size:
        # A source that needed twice the bits gives a result of twice the bits, until jobs say otherwise.
        unit *= math.exp(seen.get("bits", 0.0))
    return Facts({**asked, **_damped(seen, _FOR_SIZE)}, {**asked, **_damped(seen, _FOR_SECONDS)}, unit, max(0.01, plan.work_seconds))


def _damped(seen: Mapping[str, float], by: Mapping[str, float]) -> dict[str, float]:
    """Features made small, so that few clips don't bend their weights to fit those clips alone."""
    parts = {name: name.partition("=")[0] for name in seen}
    return {name: value * by[parts[name]] for name, value in seen.items() if parts[name] in by}


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
    found["pixels"] = math.log(video.width * video.height / 1e6)
    if plan.expects.width and plan.expects.height:
        found["smaller"] = math.log(plan.expects.width * plan.expects.height / (video.width * video.height))
    return found


def _bits(video: VideoStream, source: Media, plan: Plan) -> float | None:
    """Bits for each pixel of the source, in the part that is used where the probe tells parts apart."""
    if source.kind == "image":
        return max(1e-5, 8 * source.size / (video.width * video.height))
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
