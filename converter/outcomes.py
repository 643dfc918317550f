"""The workshop's cards: what people want, from what the operations say about themselves.

Nothing here knows an operation by name but the favourite: a card is a preset, or an operation by its own numbers.
It stands under its wish (`engine/operations/wishes.py`), and only where it can work on the file at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from converter.engine.errors import MediaError
from converter.engine.media import Media
from converter.engine.operations import all_operations
from converter.engine.operations.base import Operation
from converter.engine.operations.wishes import OWN, WISHES, Limit, Wish
from converter.engine.params import specs

RANGE = ("start", "duration", "end")
"""Parameters that the handles on the timeline set, in every operation that has them."""

FAVOURITE = "gif:chrome-background"
"""The outcome that is chosen at first, where the clip allows it; its operation stands first."""

_SENT = {"video", "animation", "audio", "image"}
_UNFIT = frozenset({"no_video", "no_audio", "unsupported_media"})
"""Refusals that no parameter changes: such a card is not shown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One card: a preset of an operation, or the operation with its defaults. `params` are its effective values."""

    value: str
    operation: str
    preset: str
    title: str
    summary: str
    accepts: tuple[str, ...]
    params: Mapping[str, Any]
    takes_range: bool
    parts: int = 1
    """How many parts of the clip it takes."""
    wish: str = OWN
    words: tuple[str, ...] = ()
    limit: Limit | None = None
    shown_in: str = ""

    def as_dict(self) -> dict[str, Any]:
        """What the page's script needs, JSON-able."""
        limit = self.limit.as_dict() if self.limit else None
        named = {"operation": self.operation, "preset": self.preset, "params": dict(self.params), "accepts": list(self.accepts)}
        return {**named, "parts": self.parts, "limit": limit, "shown_in": self.shown_in}


@dataclass(frozen=True, slots=True)
class Group:
    """The outcomes of one wish, by whichever operations; `name` is its key."""

    name: str
    wish: Wish
    outcomes: tuple[Outcome, ...]


def offered() -> list[Operation[Any]]:
    """The operations that work on one file: those the workshop offers, the favourite first, what takes any kind of file last."""
    single = [operation for operation in all_operations().values() if operation.inputs[0] == 1 and (operation.alone or operation.presets)]
    return sorted(single, key=lambda operation: (not FAVOURITE.startswith(f"{operation.name}:"), operation.accepts >= _SENT))


def outcomes() -> list[Outcome]:
    """Every card there is."""
    return [outcome for operation in offered() for outcome in _outcomes(operation)]


def groups(media: Media | None = None) -> list[Group]:
    """The cards by wish, the wish that is first for this kind of media first; only those that can work on `media`."""
    shown = [outcome for outcome in outcomes() if media is None or works_on(outcome, media)]
    kind = media.kind if media else ""
    order = sorted(WISHES.items(), key=lambda item: kind not in item[1].first_for)
    # Whoever knows where it goes looks for that name, so those with a limit come first.
    shown.sort(key=lambda outcome: outcome.limit is None)
    parts = ((name, wish, tuple(outcome for outcome in shown if outcome.wish == name)) for name, wish in order)
    return [Group(name, wish, part) for name, wish, part in parts if part]


def works_on(outcome: Outcome, media: Media) -> bool:
    """Whether this card can be made from such a file, whatever range and numbers are chosen. Plans it; runs nothing."""
    operation = all_operations()[outcome.operation]
    if media.kind not in outcome.accepts:
        return False
    try:
        operation.admit([media])
        operation.plan((media,), operation.read({}, outcome.preset or None))
    except MediaError as problem:
        return problem.code.name not in _UNFIT
    return True


def first_choice(drawn: list[Group]) -> str:
    """The outcome that a clip with these cards begins with, or "" when nothing works on it."""
    fitting = [outcome.value for group in drawn for outcome in group.outcomes]
    return FAVOURITE if FAVOURITE in fitting else next(iter(fitting), "")


def _outcomes(operation: Operation[Any]) -> Iterator[Outcome]:
    known = specs(operation.params)
    defaults = {spec.name: spec.default for spec in known if spec.type != "list"}
    takes_range = any(spec.name in RANGE for spec in known)
    parts = next((round(spec.maximum or 1) for spec in known if spec.name == "ranges"), 1)
    accepts = tuple(sorted(operation.accepts))
    for preset in operation.presets:
        params = {**defaults, **preset.params}
        value, words = f"{operation.name}:{preset.name}", (*preset.words, preset.name, operation.title)
        wish = preset.wish or operation.wish
        yield Outcome(
            value, operation.name, preset.name, preset.title, preset.summary, accepts, params, takes_range, parts,
            wish if wish in WISHES else OWN, words, preset.limit, preset.shown_in,
        )  # fmt: skip
    if operation.alone:
        yield Outcome(f"{operation.name}:", operation.name, "", operation.title, operation.summary, accepts, defaults, takes_range, parts)
