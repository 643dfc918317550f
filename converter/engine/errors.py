"""Every way a piece of media work can go wrong, as stable codes with one sentence each.

The codes are part of the public contract (API, site, command line). A code is either the
*user's* (bad input: never retried, exit status 2) or *ours* (a fault of tools, machine or
code: retried where `transient` says so, exit status 1).
"""

from __future__ import annotations

from dataclasses import dataclass

from .metrics import Metrics

MAX_MESSAGE = 500
"""Longest stored message, in characters (DESIGN.md §4)."""


@dataclass(frozen=True, slots=True)
class Code:
    """One error code: what it means to people, what they can do, and how the machine treats it."""

    name: str
    sentence: str
    status: int
    hint: str = ""
    users: bool = True
    transient: bool = False


def _ours(name: str, sentence: str, *, transient: bool, status: int = 500, hint: str = "") -> Code:
    return Code(name, sentence, status, hint, users=False, transient=transient)


_ALL = (
    Code("unsupported_media", "This kind of file is not supported.", 415, "Use MP4, MOV, WebM, MKV, AVI, GIF, or a common sound or picture format."),
    Code("corrupt_media", "The file is damaged or incomplete.", 422, "Try to play it from start to end, or export it again from where it came from."),
    Code(
        "mismatched_type", "The file is not what its name says.", 415, "Send the media file itself, not a page, playlist or archive that was renamed."
    ),
    Code("no_video", "There is no moving picture in this file.", 422, "Choose a file with video, or an operation for sound."),
    Code("no_audio", "There is no sound in this file.", 422, "Choose a file with sound, or an operation for pictures."),
    Code("too_large", "The file is too large.", 413, "Send a smaller file, or ask the operator to raise the limit."),
    Code("too_long", "The media is too long.", 422, "Cut it first, or ask the operator to raise the limit."),
    Code("too_many_pixels", "The picture is too large.", 422, "Scale it down first, or ask the operator to raise the limit."),
    Code("start_past_end", "The start lies at or after the end of the media.", 422, "Choose an earlier start."),
    Code("empty_range", "The chosen range is empty.", 422, "Choose a duration above zero."),
    Code("bad_parameter", "A parameter is not valid.", 400),
    Code("target_unreachable", "The wanted size cannot be reached.", 422, "Choose a larger size, a shorter range or fewer pixels."),
    Code("quota_exceeded", "Your quota is used up.", 403, "Delete something you no longer need, or try again later."),
    Code("rate_limited", "Too many requests.", 429, "Wait a little and try again."),
    Code("not_found", "There is nothing here.", 404),
    Code("gone", "This is no longer available.", 410),
    Code("not_allowed", "You may not do this.", 403),
    Code("conflict", "This does not fit the present state.", 409),
    _ours("timed_out", "The work took longer than it may.", transient=False, hint="Try a shorter range."),
    _ours("stalled", "The work stopped making progress.", transient=True),
    _ours("out_of_memory", "The work needed more memory than it may use.", transient=False, hint="Try fewer pixels or a shorter range."),
    _ours("disk_full", "The disk is full.", transient=True, status=507, hint="The operator has to make room."),
    _ours("tool_failed", "A media tool failed.", transient=True),
    _ours("provider_failed", "An outside service failed.", transient=True, status=502),
    _ours("budget_exhausted", "The budget for outside services is used up.", transient=False, status=402),
    _ours("cancelled", "The work was cancelled.", transient=False, status=409),
    _ours("lost_worker", "The worker was lost too many times.", transient=True),
    _ours("internal", "Something went wrong on our side.", transient=True),
)

CODES: dict[str, Code] = {code.name: code for code in _ALL}


class MediaError(Exception):
    """A failure with a stable code.

    `detail` is one sentence for people: what is wrong, with which file or field, and what would
    work; the code's own sentence stands in when none is given. `field` names the parameter or
    form field at fault. `log` is for the log only (tool output, paths) and is never shown.
    """

    def __init__(self, code: str, detail: str = "", *, field: str | None = None, log: str = "") -> None:
        self.code = CODES[code]
        self.detail = (detail or self.code.sentence)[:MAX_MESSAGE]
        self.field = field
        self.log = log
        self.spent = Metrics()
        """What the work had cost when it failed."""
        super().__init__(self.detail)

    @property
    def users(self) -> bool:
        """Whether the person who asked can mend it."""
        return self.code.users

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.code.name, self.detail, self.field, self.log))


def _rebuild(code: str, detail: str, field: str | None, log: str) -> MediaError:
    return MediaError(code, detail, field=field, log=log)
