"""Meeting a size: two passes with what the first one learnt kept, and at most one more to mend a miss."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine import budget
from converter.engine.budget import Budget
from converter.engine.errors import MediaError
from converter.engine.limits import megabytes
from converter.engine.operations.base import Command, Plan

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

MET = 0.98
"""A file of at least this part of its target has met it."""
_WASTED = 0.85
"""Below this part of the target, more bits were offered than the picture can use: another pass would not find any."""
_MEND = 2
"""How many passes may follow the second one: one to mend it, and another where only that stands between a file and a refusal."""
_SPARE_RESULT = "earlier"
_TOO_LOW = re.compile(r"bitrate is too low\. estimated minimum is (\d+) kbps")
"""x264's words (`init_pass2` of its ratecontrol.c) for a rate at which what it can't save on takes more than all there is."""


def two_passes(plan: Plan, share: Budget, bench: Workbench) -> Path:
    """Run a plan whose last two commands are the passes and whose earlier ones make the sound.

    Raises `MediaError("target_unreachable")` naming the nearest size that works; a file above the target is never returned.
    """
    *sounds, first, second = plan.commands
    weight = 0
    for command in sounds:
        bench.ffmpeg(command)
        weight += (bench.work / command.output).stat().st_size
    share = share.with_sound(weight)
    bench.ffmpeg(rated(first, int(share.video_bps * plan.extra.get("learning", 1.0))))
    result, spare = bench.work / second.output, bench.work / f"{_SPARE_RESULT}.{plan.extension}"
    tries: list[tuple[int, int]] = []
    while True:
        command = _again(second, share, tries)
        try:
            bench.ffmpeg(command)
        except MediaError as error:
            if told := _refused(error.log, share, [made for _, made in tries]):
                raise told from error
            raise
        tries.append((share.video_bps, result.stat().st_size))
        if done(tries, share.target, plan.extra.get("met", MET)) or len(tries) > _MEND:
            break
        following = share.corrected(tries[-1][1], tries[-2] if len(tries) > 1 else None)
        if following.video_bps == share.video_bps:
            break
        if tries[-1][1] <= share.target:
            result.rename(spare)
        share = following
    if spare.exists() and (tries[-1][1] > share.target or tries[-1][1] < spare.stat().st_size):
        spare.replace(result)
    size = result.stat().st_size
    if size > share.target:
        raise budget.unreachable(min(made for _, made in tries), share.target)
    if size < _WASTED * share.target:
        bench.warn(f"The file is smaller than it might be ({megabytes(size)}): more bytes would not make it look better.")
    bench.tools["passes"] = str(1 + len(tries))
    return result


def done(tries: list[tuple[int, int]], target: int, met: float = MET) -> bool:
    """Whether the last of the tries (rate, size) is to be kept, or an earlier one that fits; `met` is the part that is near enough."""
    size = tries[-1][1]
    if any(made <= target for _, made in tries[:-1]):
        return True
    if size > target:
        return False
    return len(tries) > 1 or size >= met * target or size < _WASTED * target


def _again(second: Command, share: Budget, tries: list[tuple[int, int]]) -> Command:
    """The second pass at the share's rate, and under what name it runs after others."""
    command = rated(second, share.video_bps)
    if not tries:
        return command
    nearer = "a little smaller" if tries[-1][1] > share.target else "a little larger"
    return replace(command, stage=f"second pass again, {nearer}", share=0.0)


def _refused(log: str, share: Budget, made: list[int]) -> MediaError | None:
    """The refusal where the encoder found its rate too low; `made` are the sizes of the tries before."""
    too_low = _TOO_LOW.search(log)
    if too_low is None:
        return None
    least = share.fixed + int((int(too_low[1]) + 1) * 125 * share.seconds)
    return budget.unreachable(min(made, default=max(least, share.target)), share.target)


def fit_sound(plan: Plan, share: Budget, bench: Workbench) -> Path:
    """Run a plan of one command that makes sound only, at a lower rate where it was too much. Raises `MediaError("target_unreachable")`."""
    command = plan.commands[0]
    result = bench.work / command.output
    for attempt in range(_MEND + 1):
        bench.ffmpeg(command if attempt == 0 else replace(command, share=0.0))
        size = result.stat().st_size
        if size <= share.target:
            return result
        share = replace(share, audio_kbps=int(share.audio_kbps * 0.95 * share.target / size))
        command = _replaced(command, "-b:a", f"{share.audio_kbps}k")
    raise budget.unreachable(size, share.target)


def rated(command: Command, bps: int) -> Command:
    """The same command at another rate of the picture, in bits per second."""
    return _replaced(command, "-b:v", str(bps))


def _replaced(command: Command, option: str, value: str) -> Command:
    place = command.arguments.index(option) + 1
    return replace(command, arguments=(*command.arguments[:place], value, *command.arguments[place + 1 :]))
