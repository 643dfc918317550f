"""What an operation is: typed parameters, a plan that runs nothing, and a run.

A concrete operation is one module in this package with one `Operation` subclass; importing the
package registers it. Nothing else has to be told.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from converter.engine.errors import MediaError
from converter.engine.media import Kind, Media
from converter.engine.params import as_dict, parse, specs

from .wishes import OWN, Limit

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

P = TypeVar("P")

KIND_NAMES: Mapping[Kind, str] = {
    "video": "a video",
    "animation": "an animation",
    "audio": "a sound",
    "image": "a still picture",
    "document": "a document",
    "archive": "an archive",
    "data": "a report",
}


@dataclass(frozen=True, slots=True)
class Input:
    """One input of an ffmpeg command: a source by its number, or a file made by an earlier step.

    `options` stand before `-i` (`-ss`, `-t`, `-stream_loop`, …). The demuxer, the whitelists and
    the descriptor are added when the command runs.
    """

    source: int | None = None
    work_file: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One ffmpeg run as data. No path of the machine stands in it.

    `arguments` is everything between the inputs and the output (`-map`, filters, codecs);
    `output` is a plain file name in the private work directory, or empty for the null muxer;
    `seconds` is the length of what it writes, which `-progress` is measured against; `share` is
    its part of the whole work (0 to 1).
    """

    stage: str
    inputs: tuple[Input, ...]
    arguments: tuple[str, ...]
    output: str
    muxer: str
    seconds: float
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the finished file must turn out to be; None means "not checked". Seconds, pixels, frames."""

    kind: Kind
    container: str
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    duration: float | None = None
    tolerance: float = 0.1
    """Allowed difference of the duration, in seconds."""
    video: bool = True
    audio: bool = False
    max_size: int | None = None
    members: tuple[str, ...] | None = None
    """An archive's file names, in their order, where they are known before."""
    present: bool = True
    """Black only where a source is black, and silent only where one is silent; False where the work may make it so."""
    cropped: bool = False
    """Only a part of each picture is kept, so it may be blacker than any whole picture of the source."""
    copied: bool = False
    """The packets are the source's own, so what can't be decoded of them is the source's damage."""
    samples: tuple[tuple[float, float], ...] = ()
    """Spans (start, length in seconds) that are decoded to verify it, where the rest is the source's own; empty means the usual ones."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that can be said before the work: what will be run, and what will come out.

    `size_range` is in bytes (95 %), `work_seconds` in CPU seconds of this class of machine.
    `warnings` are sentences for people (a crop, a loop to fill, a start moved to a keyframe).
    """

    operation: str
    params: Mapping[str, Any]
    commands: tuple[Command, ...]
    extension: str
    mime: str
    expects: Expectation
    size_range: tuple[int, int]
    work_seconds: float
    warnings: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What the operation's own `run` needs beside the commands (GIF delays, byte budgets)."""

    def as_dict(self) -> dict[str, Any]:
        """The public quote: no argument lists."""
        return {
            "operation": self.operation,
            "params": dict(self.params),
            "extension": self.extension,
            "mime": self.mime,
            "kind": self.expects.kind,
            "width": self.expects.width,
            "height": self.expects.height,
            "frames": self.expects.frames,
            "duration": self.expects.duration,
            "size_min": self.size_range[0],
            "size_max": self.size_range[1],
            "work_seconds": round(self.work_seconds, 2),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class Preset:
    """A named set of parameters, shown before the parameters themselves."""

    name: str
    title: str
    summary: str
    params: Mapping[str, Any]
    wish: str = ""
    """The name of what people want by it, in `wishes.WISHES`; empty means the operation's."""
    words: tuple[str, ...] = ()
    """What people call it beside its title; they find it by these."""
    limit: Limit | None = None
    """Whose limit it keeps to."""
    shown_in: str = ""
    """Where a page can show beforehand how it will look: "newtab", or nowhere."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        limit = self.limit.as_dict() if self.limit else None
        named = {"name": self.name, "title": self.title, "summary": self.summary, "params": dict(self.params)}
        return {**named, "wish": self.wish, "words": list(self.words), "limit": limit, "shown_in": self.shown_in}


class Operation(ABC, Generic[P]):
    """One way to turn media into other media."""

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    params: ClassVar[type]
    presets: ClassVar[tuple[Preset, ...]] = ()
    accepts: ClassVar[frozenset[Kind]]
    inputs: ClassVar[tuple[int, int]] = (1, 1)
    """Fewest and most sources."""
    alone: ClassVar[bool] = True
    """Whether one file and a form are all it needs; else a page can offer no more than its presets."""
    wish: ClassVar[str] = OWN
    """Under which wish its presets stand that name none."""
    version: ClassVar[int] = 1
    """Raised when the same parameters begin to give other bytes: recipes become stale by it."""

    def admit(self, media: Sequence[Media]) -> None:
        """Refuse the wrong number or kinds of sources. Raises `MediaError`: `bad_parameter`, `no_video`, `no_audio`, `unsupported_media`."""
        fewest, most = self.inputs
        if not fewest <= len(media) <= most:
            wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise MediaError("bad_parameter", f"upload: {self.name} takes {wanted} file{'s' if most > 1 else ''}, not {len(media)}.", field="upload")
        for item in media:
            if item.kind not in self.accepts:
                raise self._unfit(item)

    def _unfit(self, item: Media) -> MediaError:
        """Why this kind of media can't enter the operation, and which would."""
        if not item.moving and not self.accepts & {"audio", "image"}:
            code = "no_video"
        elif self.accepts == {"audio"}:
            code = "no_audio"
        else:
            code = "unsupported_media"
        wanted = " or ".join(KIND_NAMES[kind] for kind in ("video", "animation", "audio", "image") if kind in self.accepts)
        return MediaError(code, f"{self.title} needs {wanted}; this file is {KIND_NAMES[item.kind]}.", field="upload")

    @abstractmethod
    def plan(self, media: tuple[Media, ...], params: P) -> Plan:
        """Plan the work on probed sources; runs nothing. Raises `MediaError` for what can't be done."""

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Do the planned work inside `bench.work` and return the finished file there."""
        for command in plan.commands:
            bench.ffmpeg(command)
        return bench.work / plan.commands[-1].output

    def check(self, plan: Plan, path: Path, media: Media) -> None:
        """Check of the finished file what only this operation knows (a GIF's delays and loop), after the common checks.

        Raises `MediaError("tool_failed")` saying what is wrong.
        """

    def chooses(self, params: P) -> frozenset[str]:
        """The names of the parameters that say it all, where all this does is choose a part of the time or of the picture; else none.

        A recipe then says them in the step that follows instead of making a file in between.
        """
        return frozenset()

    def between(self, params: P) -> P:
        """The same for a result that only a further step reads: with as little loss as can be had cheaply."""
        return params

    def read(self, raw: Mapping[str, Any], preset: str | None = None) -> P:
        """Parameters from raw values on top of a preset's. Raises `MediaError("bad_parameter")`."""
        return parse(self.params, {**self.preset(preset).params, **raw} if preset else raw)

    def preset(self, name: str) -> Preset:
        """The preset of that name. Raises `MediaError("bad_parameter")` when there is none."""
        for preset in self.presets:
            if preset.name == name:
                return preset
        known = ", ".join(preset.name for preset in self.presets) or "none"
        raise MediaError("bad_parameter", f"preset: {name[:60]!r} is not a preset of {self.name}; known are {known}.", field="preset")

    def describe(self) -> dict[str, Any]:
        """Everything a client needs to offer this operation, JSON-able."""
        return {
            "name": self.name,
            "title": self.title,
            "summary": self.summary,
            "accepts": sorted(self.accepts),
            "inputs": {"min": self.inputs[0], "max": self.inputs[1]},
            "params": [spec.as_dict() for spec in specs(self.params)],
            "presets": [{**preset.as_dict(), "wish": preset.wish or self.wish} for preset in self.presets],
        }

    def stored(self, params: P) -> dict[str, Any]:
        """Parameters as JSON-able values that `read` takes back."""
        return as_dict(params)
