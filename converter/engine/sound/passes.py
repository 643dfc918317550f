"""The passes over one sound: copy it, or find its pauses, listen, encode, and listen to what came out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from converter.engine import tags
from converter.engine.errors import MediaError
from converter.engine.limits import megabytes
from converter.engine.operations.base import Command, Input, Plan
from converter.engine.timecode import format_time
from converter.engine.workbench import Workbench

from . import levels, pauses
from .levels import Gain, Loudness, Meter
from .pauses import Keep
from .wish import SAME, again, choose
from .work import CHAPTERS, Work, expectation

_RERUNS = 2
_SOUND_ALONE = ("-vn", "-sn", "-dn")


def run(plan: Plan, bench: Workbench) -> Path:
    """Do what `planned` said; settles the plan where the pauses decide how long the result is."""
    work: Work = plan.extra["work"]
    if work.chaptered:
        (bench.work / CHAPTERS).write_text(tags.chapter_file(work.source.chapters), encoding="utf-8")
    if work.choice.encoding is None:
        try:
            bench.ffmpeg(work.copied())
            return bench.work / work.output
        except MediaError as error:
            if error.code.name != "tool_failed" or work.wish.format == SAME:
                raise
            work = replace(work, choice=choose(work.source, work.audio, work.wish, work.seconds, copy=False))
            bench.warn("The sound could not be copied as it is, so it was encoded again.")
            bench.settled = replace(plan, expects=expectation(work), extra={"work": work})
    passes = (work.wish.pauses != "keep") + (work.wish.level != "keep")
    share = 0.3 if passes == 2 else 0.4
    if work.wish.pauses != "keep":
        work = _pauses(work, bench, share)
        bench.settled = replace(plan, expects=expectation(work), extra={"work": work})
    levelling = _Levelling(work, bench)
    path = levelling.run(share, 1 - passes * share)
    if levelling.work is not work:
        bench.settled = replace(plan, expects=expectation(levelling.work), extra={"work": levelling.work})
    return path


def _pauses(work: Work, bench: Workbench, share: float) -> Work:
    rate, wish = work.audio.sample_rate, work.wish
    heard = pauses.Levels()
    bench.ffmpeg(work.listened(pauses.listening(rate), "finding the pauses", share), on_output=heard.feed)
    limit = wish.quiet if wish.quiet is not None else pauses.threshold(heard.levels)
    seconds = pauses.window(rate) / rate
    keeps = pauses.kept(heard.levels, limit, seconds=seconds, padding=wish.padding, longer=wish.longer, inner=wish.pauses == "all")
    if not keeps:
        bench.warn("Nothing rises above the silence, so nothing was cut.")
        keeps = (Keep(0, max(1, len(heard.levels))),)
    left = sum(keep.end - keep.first for keep in keeps)
    whole_length = min(work.seconds, left * seconds / wish.speed)
    bench.warn(f"{format_time(max(0.0, work.seconds - whole_length))} of silence was cut (everything below {limit:.0f} dB).")
    return replace(work, keeps=keeps, seconds=whole_length)


class _Levelling:
    """Encodes, at the wanted level and under the wanted size, and looks at what came out."""

    def __init__(self, work: Work, bench: Workbench) -> None:
        self.work, self.bench, self.wish = work, bench, work.wish

    def run(self, listening: float, encoding: float) -> Path:
        if self.wish.level == "keep":
            return self._encode(Gain(), encoding)
        found = self._listen(Gain(), "listening", listening)
        gain = self._gain(found)
        path = self._encode(gain, encoding)
        if gain == Gain():
            return path
        target = self.wish.lufs if self.wish.level == "loudness" else None
        heard = self._result(path)
        better = levels.corrected(gain, heard, target, self.wish.ceiling)
        if better is not None:
            path = self._encode(better, 0.0)
            heard = self._result(path)
        self._say(found, heard, target)
        return path

    def _gain(self, found: Loudness) -> Gain:
        if found.silent:
            short = self.work.seconds < levels.SHORTEST
            self.bench.warn(
                f"Less than {levels.SHORTEST} s has no loudness, so the level was kept."
                if short
                else "There is only silence, so there is nothing to normalise."
            )
            return Gain()
        if self.wish.level == "peak":
            return levels.to_peak(found, self.wish.ceiling)
        return levels.to_loudness(found, self.wish.lufs, self.wish.ceiling, lambda gain: self._listen(gain, "making room for peaks", 0.0))

    def _listen(self, gain: Gain, stage: str, share: float) -> Loudness:
        meter = Meter()
        self.bench.ffmpeg(self.work.listened(Meter.filters, stage, share, gain), on_output=meter.feed)
        return meter.loudness

    def _result(self, path: Path) -> Loudness:
        """The loudness of the finished file, as a player would decode it."""
        meter = Meter()
        arguments = ("-map", "0:a:0", *_SOUND_ALONE, "-af", ",".join(Meter.filters))
        command = Command("listening to the result", (Input(work_file=path.name),), arguments, "", "null", self.work.seconds, 0.0)
        self.bench.ffmpeg(command, on_output=meter.feed)
        return meter.loudness

    def _say(self, found: Loudness, heard: Loudness, target: float | None) -> None:
        if target is None:
            self.bench.warn(f"The highest peak is now {heard.peak:.1f} dBTP; it was {found.peak:.1f}.")
            return
        self.bench.warn(f"The loudness is now {heard.integrated:.1f} LUFS with peaks up to {heard.peak:.1f} dBTP; it was {found.integrated:.1f}.")
        if abs(heard.integrated - target) > levels.PROMISED:
            self.bench.warn(f"{target:g} LUFS could not be reached: the peaks leave no more room.")

    def _encode(self, gain: Gain, share: float) -> Path:
        """Encode; for a wanted size as often as it takes. Raises `MediaError("target_unreachable")`."""
        path = self.bench.work / self.work.output
        size = 0
        for attempt in range(_RERUNS + 1):
            stage = "encoding the sound" if attempt == 0 else "once more, a little smaller"
            self.bench.ffmpeg(self.work.encoded(gain, stage, share if attempt == 0 else 0.0))
            size, target, kbps = path.stat().st_size, self.wish.target, self.work.choice.kbps
            if target is None or kbps is None or size <= target:
                return path
            lower = max(6, min(kbps - 1, int(kbps * 0.97 * target / size)))
            self.work = replace(self.work, choice=again(self.work.choice, self.work.audio, self.wish, lower))
        text = f"target_mb: {megabytes(self.wish.target or 0)} could not be reached; {size * 1.02 / 1e6 + 0.005:.2f} MB would work."
        raise MediaError("target_unreachable", text, field="target_mb")
