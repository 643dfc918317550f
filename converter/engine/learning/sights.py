"""What a look at the source says of a plan's result: a first estimate of its bytes, and features to correct it by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from converter.engine.media import Media, VideoStream
from converter.engine.operations.base import Plan
from converter.engine.seen import Look, Rates

_LOOKED = 320
"""Pixels of the longer side at which moments were encoded (`look_child.LARGE`)."""
_KEY_EVERY = 250
"""Pictures from one keyframe to the next where nobody asked for more."""
_BARELY, _HARDLY = 0.003, 0.02
"""Part of the picture that counts as changing when nothing does, and bits for each pixel."""
_FRAME_BYTES, _FILE_BYTES = 12, 1000
"""What a container needs for each picture and for itself."""
_PALETTE = frozenset({"gif", "webp", "webp_animated", "apng"})
"""Animations whose pictures are no video's: what counts is how much detail changes."""
_LOSSLESS = frozenset({"flac", "alac"})
_COPIES = frozenset({"copy", "smart"})
_TYPICAL = {"tot": -2.6, "src": -2.6, "slope": -0.3, "change": -2.5, "detail": 1.5, "px": -0.3}
"""Usual values, so that zero means an ordinary source."""
_BY = {"tot": 0.25, "src": 0.25, "slope": 0.25, "change": 0.25, "detail": 0.25, "room": 0.5, "px": 0.1}
"""How freely each may be used: few clips must not bend their weights to fit those clips alone."""
_CEILING = 4.0
"""Times the bytes of CRF 23 that x264 takes at most: its quantiser stops at about CRF 12, eleven steps of which six are a factor of two."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Bytes that are known to be there, an estimate of the others, and features."""

    known: float
    unit: float
    size: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


def sight(plan: Plan, media: tuple[Media, ...]) -> Sight | None:
    """What the look at the first source says; None where there was none, or it says nothing of this result."""
    source = media[0] if media else None
    if source is None or source.look is None or plan.expects.kind in ("archive", "document", "data"):
        return None
    begin, end = _span(plan, source)
    video = source.video if source.moving else None
    if not plan.expects.video:
        return _sound_only(plan, source, begin, end)
    if video is None or not source.look.moments or not plan.expects.width or not plan.expects.height:
        return None
    return _picture(plan, source, video, source.look, (begin, end), len(media))


def _picture(plan: Plan, source: Media, video: VideoStream, look: Look, span: tuple[float, float], sources: int) -> Sight:
    expects, rates = plan.expects, Rates(video.profile, source.duration or 0.0)
    width, height = expects.width or 1, expects.height or 1
    still = expects.kind == "image"
    frames = 1.0 if still else _frames(plan, video)
    seen = _features(look, rates, span, frames)
    own = _own_bytes(source, video, rates, span) * sources
    seen["src"] = math.log(8 * own / sources / (span[1] - span[0]) / (video.width * video.height * max(1.0, video.fps)))
    seen["px"] = math.log(video.width * video.height / 1e6)
    known = _FILE_BYTES + (0.0 if still else _FRAME_BYTES * frames + _sound_bytes(plan, source, look, span))
    area = width * height * frames / 8
    looked = min(1.0, _LOOKED / max(video.coded_width, video.coded_height)) ** 2 * video.width * video.height
    scale = math.log(width * height / looked) / 2
    told = {name: _BY[name] * (value - _TYPICAL[name]) for name, value in seen.items() if name in _BY}
    seconds = {name: told[name] / 2 for name in ("tot", "change", "src")}
    as_video = area * math.exp(seen["tot"] + 0.5 * scale / math.log(2) * seen["slope"])
    if _copies(plan):
        if plan.params.get("mode") == "copy" and span[0] > 0:
            # It begins at the keyframe before, which is half a group away on average.
            group = (video.duration or source.duration or 0.0) / max(1, video.keyframes or 1)
            span = (max(0.0, span[0] - group / 2), span[1])
            own = _own_bytes(source, video, rates, span)
        return Sight(_FILE_BYTES, own + _copied_sound(plan, source), {}, seconds)
    if expects.max_size:
        # Two passes meet a size, unless the quality has its ceiling below it.
        return Sight(0.0, min(float(expects.max_size), _CEILING * as_video + known), {}, {**seconds, "room": _room(as_video + known, plan)})
    if still:
        return Sight(known, area * math.exp(seen["detail"]), {name: told[name] for name in ("detail", "change", "tot")}, seconds)
    if expects.container in _PALETTE:
        # The first picture is drawn whole. For the others three measures together: none alone holds for film, noise and drawings.
        changing = math.exp(0.5 * (seen["drawn"] + seen["tot"] + seen["detail"]))
        enlarged = math.log(width * height / (video.width * video.height)) / 2  # what is enlarged is smooth, what is made small is dense
        return Sight(known, area * (changing + math.exp(seen["detail"]) / frames), {"px": told["px"], "enlarged": enlarged}, seconds)
    return Sight(known, as_video, {name: told[name] for name in ("tot", "src", "slope", "change")}, seconds)


def _room(size: float, plan: Plan) -> float:
    """How much less than the wanted size an ordinary quality needs, as a logarithm; 0 where it needs more."""
    return _BY["room"] * max(-3.0, min(0.0, math.log(size / (plan.expects.max_size or size))))


def _features(look: Look, rates: Rates, span: tuple[float, float], frames: float) -> dict[str, float]:
    def bits(key: str, inter: str) -> float:
        keys = max(1.0, frames / _KEY_EVERY) / frames
        return math.log(keys * math.exp(look.mean(key, *span)) + (1 - min(1.0, keys)) * math.exp(look.mean(inter, *span, rates)))

    total = bits("key", "inter")
    return {
        "tot": total,
        "slope": total - bits("small_key", "small_inter"),
        "change": look.mean("change", *span, rates, _BARELY),
        "drawn": look.mean("drawn", *span, rates, _HARDLY),
        "detail": look.mean("detail", *span),
    }


def _sound_only(plan: Plan, source: Media, begin: float, end: float) -> Sight | None:
    audio, look = source.audio, source.look
    if audio is None or look is None or plan.expects.duration is None:
        return None
    words, seconds = _words(plan), plan.expects.duration
    lossy, lossless = look.heard("lossy", begin, end), look.heard("lossless", begin, end)
    if lossy is None or lossless is None or any(word.startswith("pcm_") for word in words):
        return None
    loud = {"loud": 0.25 * math.log(lossy / 128_000)}
    if plan.expects.max_size:
        return Sight(0.0, float(plan.expects.max_size), loud)
    if _LOSSLESS & set(words):
        return Sight(_FILE_BYTES, seconds * lossless * audio.sample_rate * audio.channels / 8, {})
    if _sound_copied(words):
        return Sight(_FILE_BYTES, seconds * (audio.bit_rate or lossy) / 8, {})
    return Sight(_FILE_BYTES, seconds * lossy * _rate(words) / 128_000 / 8, loud)


def _span(plan: Plan, source: Media) -> tuple[float, float]:
    whole = source.duration or 0.0
    start = plan.params.get("start")
    begin = min(max(0.0, whole - 0.1), float(start)) if isinstance(start, int | float) else 0.0
    return begin, max(begin + 0.1, min(whole, begin + (_seconds(plan) or whole)))


def _seconds(plan: Plan) -> float:
    """How long the result will be, as far as the plan says."""
    return plan.expects.duration or max((command.seconds for command in plan.commands), default=0.0)


def _frames(plan: Plan, video: VideoStream) -> float:
    return max(1.0, float(plan.expects.frames or _seconds(plan) * (video.fps if video.fps > 0 else 25.0)))


def _own_bytes(source: Media, video: VideoStream, rates: Rates, span: tuple[float, float]) -> float:
    """What the source itself spends on the pictures of a part."""
    whole, seconds = float(video.packet_bytes or source.size), source.duration or 1.0
    total = sum(video.profile)
    if len(video.profile) < 2 or not total:
        return max(1.0, whole * (span[1] - span[0]) / seconds)
    return max(1.0, rates.within(*span) * (span[1] - span[0]) * whole / total)


def _sound_bytes(plan: Plan, source: Media, look: Look, span: tuple[float, float]) -> float:
    audio = source.audio
    if not plan.expects.audio or audio is None:
        return 0.0
    lossy, words = look.heard("lossy", *span) or 128_000.0, _words(plan)
    if _sound_copied(words):
        return _copied_sound(plan, source)
    return _seconds(plan) * lossy * _rate(words) / 128_000 / 8


def _copied_sound(plan: Plan, source: Media) -> float:
    audio = source.audio
    return _seconds(plan) * (audio.bit_rate or 128_000) / 8 if audio is not None and plan.expects.audio else 0.0


def _words(plan: Plan) -> list[str]:
    return [word for command in plan.commands for word in command.arguments]


def _copies(plan: Plan) -> bool:
    words = _words(plan)
    return plan.expects.copied or plan.params.get("mode") in _COPIES or _after(words, "-c") == "copy" or _after(words, "-c:v") == "copy"


def _sound_copied(words: list[str]) -> bool:
    return "copy" in (_after(words, "-c"), _after(words, "-c:a"))


def _rate(words: list[str]) -> float:
    """Bits a second that an encoder of sound was told, as far as a rate was named."""
    told = _after(words, "-b:a") or _after(words, "-b:a:0") or "128k"
    number = told.removesuffix("k")
    return float(number) * (1000 if told.endswith("k") else 1) if number.replace(".", "", 1).isdigit() else 128_000.0


def _after(words: list[str], option: str) -> str:
    return words[words.index(option) + 1] if option in words[:-1] else ""
