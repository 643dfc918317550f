"""How times, sizes and states read on our pages; static/js/format.js says the same to scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.formats import get_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from converter.engine.errors import CODES
from converter.engine.operations import all_operations
from converter.engine.params import specs
from converter.engine.timecode import format_time
from converter.exports import comparisons
from converter.sentences import translated

register = template.Library()

_PLAYED_IN = {"video/mp4", "video/webm", "video/quicktime"}
_PLAYED_VIDEO = {"h264", "vp8", "vp9", "av1"}
_PLAYED_AUDIO = {"audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/flac", "audio/webm", "audio/aac"}
_SHOWN = {"image/jpeg", "image/png", "image/apng", "image/gif", "image/webp", "image/avif", "image/bmp", "image/x-icon", "image/vnd.microsoft.icon"}
"""What Chromium, Firefox and Safari of today show by themselves (MDN's tables of media formats)."""
_TONES = {"queued": "", "running": "busy", "succeeded": "good", "failed": "bad", "cancelled": "warn"}
_STATES = {
    "queued": gettext_noop("Waiting"),
    "running": gettext_noop("Working"),
    "succeeded": gettext_noop("Done"),
    "failed": gettext_noop("Failed"),
    "cancelled": gettext_noop("Cancelled"),
}


@register.filter
def sentence(text: str | None) -> str:
    """What the engine said, in the reader's language, values and all."""
    return translated(text or "")


@register.filter
def clock(seconds: float | None) -> str:
    """`1:02.5` from seconds, to the hundredth; a dash when there is no time."""
    return "–" if seconds is None else format_time(round(seconds, 2))


def pointed(number: str) -> str:
    """A plain decimal with the decimal point of the reader's language."""
    return number.replace(".", str(get_format("DECIMAL_SEPARATOR")))


@register.filter
def size(count: int | str | None) -> str:
    """`38.4 MB` from bytes (a MB is a million bytes, as on every shop's label)."""
    if count is None or count == "":  # the empty text is what a template makes of something missing
        return "–"
    value, units = float(count), ["bytes", "KB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.0f} {units[0]}" if units[0] == "bytes" or value >= 100 else pointed(f"{value:.1f} {units[0]}")


@register.filter
def lasting(seconds: float) -> str:
    """`6 s` or `6.25 s`."""
    return pointed(f"{round(seconds, 2):g} s")


@register.filter
def rate(fps: float | None) -> str:
    """`23.98` from frames per second."""
    return "–" if not fps else pointed(f"{round(fps, 2):g}")


@register.filter
def stage(name: str) -> str:
    """What a worker is doing, in words."""
    return _(name or "Working")


@register.filter
def shown_as(media: Mapping[str, Any]) -> str:
    """The element that every current browser shows these media in (`video`, `audio`, `img`); empty where there is none."""
    kind, codec = media["kind"], media.get("video_codec")
    if kind == "video":
        return "video" if media["mime"] in _PLAYED_IN and codec in _PLAYED_VIDEO else ""
    if kind == "audio":
        return "audio" if media["mime"] in _PLAYED_AUDIO else ""
    return "img" if media["mime"] in _SHOWN else ""


@register.filter
def tone(status: str) -> str:
    """The badge's colour of a job's state."""
    return _TONES.get(status, "")


@register.filter
def state(status: str) -> str:
    """A job's state in a word."""
    return _(_STATES.get(status, status))


@register.filter
def hint(code: str) -> str:
    """What a person can do about an error code."""
    known = CODES.get(code)
    return _(known.hint) if known and known.hint else ""


@register.filter
def why(job: Any) -> str:
    """Why a job failed, with the parameter at fault called as the form calls it."""
    detail, named = translated(job.error_detail), f"{job.error_field}: "
    operation = all_operations().get(job.operation)
    spec = next((spec for spec in specs(operation.params) if spec.name == job.error_field), None) if operation else None
    return detail if spec is None or not detail.startswith(named) else f"{_(spec.label)}: {detail.removeprefix(named)}"


@register.filter
def outcome(job: Any) -> str:
    """What a job makes, in the words of its card."""
    operation = all_operations().get(job.operation)
    if operation is None:
        return str(job.operation)
    return _(next((p.title for p in operation.presets if p.name == job.preset), operation.title))


@register.filter
def key(mapping: Any, name: str) -> Any:
    """A mapping's value by a name that is not an identifier."""
    return mapping.get(name)


@register.filter
def comparable(export: Any) -> bool:
    """Whether an export can be laid over its source."""
    return comparisons.alignment(export) is not None


@register.filter
def spared(export: Any) -> str:
    """How an export's size compares with its one source's: `71 % smaller than 3.0 MB`; empty where there are several or none."""
    source = comparisons.source_of(export)
    if source is None or not source.size:
        return ""
    share = export.size / source.size
    values = {"percent": round(abs(1 - share) * 100), "size": size(source.size)}
    if share > 1.995:
        return _("%(times)s × the %(size)s it was made of") % {"times": f"{share:.1f}", "size": values["size"]}
    if not values["percent"]:
        return _("as much as the %(size)s it was made of") % values
    if share <= 1:
        return _("%(percent)s %% smaller than the %(size)s it was made of") % values
    return _("%(percent)s %% larger than the %(size)s it was made of") % values
