"""Two neighbouring steps as one, so that a chain decodes once and loses nothing between its steps.

A step that only chooses a part of the time and of the picture (an exact trim) needs no file of its own:
what it chose is said in the next step's own parameters instead. That is arithmetic on parameters, and
it is done only where the outcome is the same; every other pair gets a file between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from converter.engine.edits import Crop, EditParams, crop_of, edited
from converter.engine.errors import MediaError
from converter.engine.media import Media
from converter.engine.operations.base import Operation
from converter.engine.params import as_dict
from converter.engine.ranges import cut, length

from .turning import Turn, within

RANGE = ("start", "end", "duration")
SHAPE = ("crop", "rotate", "flip")
_TOUCH = 0.001
"""Seconds that count as rounding."""


def fold(first: Operation[Any], one: Any, second: Operation[Any], two: Any, source: Media) -> dict[str, Any] | None:
    """Parameters with which `second` alone does what `first` with `one` and then `second` with `two` do; None where it can't.

    Raises `MediaError` where a range or a crop lies outside of what there is.
    """
    chosen = first.chooses(one)
    names = {field.name for field in fields(second.params)}
    if not chosen or not _sayable(chosen, names) or getattr(two, "ranges", None):
        return None
    changed = _range(one, two, source) if chosen & set(RANGE) else {}
    if changed is None:
        return None
    shape = _shape(one, two, source) if chosen & set(SHAPE) else {}
    return {**as_dict(two), **changed, **shape}


def _sayable(chosen: frozenset[str], names: set[str]) -> bool:
    """Whether a step with parameters of these names can say what was chosen; for a range one way to say its end is enough."""
    ranged = not chosen & set(RANGE) or ("start" in names and names & {"end", "duration"})
    return bool(ranged) and chosen & set(SHAPE) <= names


def _range(one: Any, two: Any, source: Media) -> Mapping[str, Any] | None:
    """The second range, counted from the beginning of the source."""
    if getattr(two, "speed", 1.0) != 1.0 or getattr(two, "reverse", False):
        # Their times may be counted before or after they take effect; a file between the steps leaves no doubt.
        return None
    outer = cut(length(source), start=one.start, end=one.end, duration=one.duration)
    inner_end, inner_duration = getattr(two, "end", None), getattr(two, "duration", None)
    inner = cut(outer.seconds, start=two.start, end=inner_end, duration=inner_duration)
    if inner.wanted > inner.seconds + _TOUCH:
        # What the second does when the part is too short (play it again, stop) depends on there being nothing after it.
        return None
    start = outer.start + inner.start
    names = {field.name for field in fields(two)}
    # What the second says of its length is said in the same way, if it can be.
    said = "end" if "end" in names and (inner_end is not None or "duration" not in names) else "duration"
    length_of = {"end": start + inner.seconds, "duration": inner.seconds}[said]
    return {"start": start, **{name: None for name in ("end", "duration") if name in names}, said: length_of}


def _shape(one: EditParams, two: EditParams, source: Media) -> Mapping[str, Any]:
    """Both crops and turns as one."""
    video = source.video
    if video is None:
        raise MediaError("no_video", "There is no picture to crop or turn.")
    turn = Turn(int(one.rotate), one.flip)
    outer = crop_of(video, one)
    whole = outer or Crop(0, 0, video.width, video.height)
    inner = crop_of(edited(video, one), two)
    part = within(turn.before(inner, whole.width, whole.height), whole) if inner else outer
    both = turn.then(Turn(int(two.rotate), two.flip))
    crop = f"{part.x},{part.y},{part.width},{part.height}" if part else ""
    return {"crop": crop, "rotate": str(both.rotate), "flip": both.flip}
