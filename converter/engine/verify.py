"""Look at a finished file with fresh eyes before anybody calls it a success."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .analysis.presence import Presence, lost, watching
from .errors import MediaError
from .limits import megabytes
from .media import Media
from .operations.base import Command, Expectation, Input
from .probe import inspect, structure
from .workbench import Source, Workbench
from .wrapping import WRAPPERS, check_wrapper

LONG_SECONDS = 600
"""Longer results are decoded in samples only."""
SAMPLE_SECONDS = 30
COPY_PLACES, COPY_SECONDS = 3, 0.5
"""How many places of a copy are decoded, from keyframes on, and for how long: its packets are checked one by one."""
_WHOLE = 0.9
"""A result this long, as a part of its sources, shows all of them."""


def verify(path: Path, expects: Expectation, bench: Workbench | None = None) -> Media:
    """Probe and decode the result at `path` and compare it with what the plan promised.

    Runs in `bench` when given (its limits, its stop, its metrics). Raises `MediaError`:
    `target_unreachable` when it is larger than `expects.max_size`, `corrupt_media` when it can't be
    decoded and was copied from the source, `tool_failed` naming everything else that is not as promised.
    """
    # A link is nothing that an honest tool makes here.
    size = path.stat().st_size if path.is_file() and not path.is_symlink() else 0
    if size == 0:
        raise MediaError("tool_failed", "The result is empty.", log=str(path))
    if expects.max_size is not None and size > expects.max_size:
        raise MediaError("target_unreachable", f"The result has {megabytes(size)}, more than the {megabytes(expects.max_size)} that were wanted.")
    bench = bench or Workbench(path.parent)
    if expects.kind in WRAPPERS:
        return check_wrapper(path, expects)
    seen = Presence()
    try:
        media = inspect(path, path.name, limits=bench.limits)
        decoded = _decode(path, media, bench, expects, seen)
    except MediaError as error:
        log = f"{error.code.name}: {error.detail} {error.log}"
        if error.users and expects.copied:
            raise MediaError("corrupt_media", "The file is damaged within the part to copy.", log=log) from error
        if error.users:
            raise MediaError("tool_failed", "The result can't be read back.", log=log) from error
        raise
    faults = _compare(media, expects, decoded) or _lost(media, expects, seen, bench)
    if faults:
        raise MediaError("tool_failed", f"The result is not what was planned: {'; '.join(faults)}.", log=str(media))
    return media


def _compare(media: Media, expects: Expectation, decoded: int | None) -> list[str]:
    faults: list[str] = []
    video = media.video
    if media.kind != expects.kind and not (expects.kind == "animation" and expects.frames == 1):
        faults.append(f"it is {media.kind} instead of {expects.kind}")
    if media.container != expects.container:
        faults.append(f"it is {media.container} instead of {expects.container}")
    if expects.video != (video is not None):
        faults.append("it has no picture" if expects.video else "it has a picture")
    if expects.audio != (media.audio is not None):
        faults.append("it has no sound" if expects.audio else "it has sound")
    if video is not None:
        for what, wanted, found in (("wide", expects.width, video.width), ("high", expects.height, video.height)):
            if wanted is not None and wanted != found:
                faults.append(f"it is {found} pixels {what} instead of {wanted}")
        frames = decoded if decoded is not None else video.frames
        if expects.frames is not None and frames is not None and frames != expects.frames:
            faults.append(f"it has {frames} frames instead of {expects.frames}")
    if expects.duration is not None:
        found_seconds = media.duration or 0.0
        if abs(found_seconds - expects.duration) > expects.tolerance + 1e-6:
            faults.append(f"it lasts {found_seconds:.3f} s instead of {expects.duration:.3f} s")
    return faults


def _lost(media: Media, expects: Expectation, seen: Presence, bench: Workbench) -> list[str]:
    """What a black or silent result has lost; the sources are looked at only when it is one."""
    if not bench.sources or not expects.present or not (seen.black or seen.silent):
        return []
    before = Presence()
    for number, source in enumerate(bench.sources):
        words = watching(source.media, rate=10, seconds=0.1)
        if not words or (source.media.duration or 0) > LONG_SECONDS:
            return []
        command = Command("checking", (Input(source=number),), words, "", "null", source.media.duration or 1.0)
        try:
            bench.decode(command, on_output=before.reader().feed)
        except MediaError as error:
            if error.code.name == "cancelled":
                raise
            # What can't be compared is no proof.
            return []
    length = sum(source.media.duration or 0 for source in bench.sources)
    return lost(seen, before, whole=(media.duration or 0) >= _WHOLE * length, part=expects.cropped)


def _decode(path: Path, media: Media, bench: Workbench, expects: Expectation, seen: Presence) -> int | None:
    """Decode everything, or samples of what was copied, or of something long; the number of frames where all were decoded."""
    checker = Workbench(bench.work, (Source(path, media),), stop=bench.stop, limits=bench.limits, tool=bench.tool)
    frames, whole = 0, not expects.samples and (media.duration or 0) <= LONG_SECONDS
    windows = _windows(media, expects.samples)
    copied = structure(path, media, limits=bench.limits) if expects.copied and media.video is not None else None
    if copied is not None and copied["broken"]:
        # Some writers pad in ways that nobody foresaw: what looks broken is decoded, and that decides.
        windows, whole = _windows(media, ()), (media.duration or 0) <= LONG_SECONDS
    elif copied is not None and whole:
        windows, whole = _of_a_copy(media, copied["keys"]), False
    try:
        for window in windows:
            frames += checker.decode(window, on_output=seen.reader().feed).last.frames
    finally:
        bench.metrics += checker.metrics
    if checker.damaged:
        raise MediaError("corrupt_media", log=f"{checker.damaged} decoding errors in the result")
    return frames if media.video is not None and whole else None


def _of_a_copy(media: Media, keys: Sequence[float]) -> tuple[Command, ...]:
    """Of pictures whose packets are whole: the beginning, the end as far as it is near a keyframe, and places between; and all of the sound."""
    duration, picture = media.duration or 1.0, f"0:{media.video.index}" if media.video else "0:v:0?"
    chosen = sorted({keys[place * (len(keys) - 1) // (COPY_PLACES - 1)] for place in range(COPY_PLACES)}) if keys else [0.0]
    windows = [
        # A hair late, so that seeking finds the keyframe itself.
        _command(picture, ("-ss", f"{max(0.0, key) + 0.001:.3f}", "-t", str(COPY_SECONDS)), COPY_SECONDS, (), sound=False)
        for key in chosen
        if key < duration
    ]
    if media.audio is not None:
        windows.append(_command(f"0:{media.audio.index}", (), duration, (), sound=False))
    return tuple(windows)


def _windows(media: Media, samples: tuple[tuple[float, float], ...]) -> tuple[Command, ...]:
    duration, picture = media.duration, f"0:{media.video.index}" if media.video else "0:v:0?"
    if samples:
        # Places that were chosen for where they lie say nothing of the rest.
        return tuple(_command(picture, ("-ss", f"{start:.3f}", "-t", f"{length:.3f}"), length, ()) for start, length in samples)
    if duration is None or duration <= LONG_SECONDS:
        return (_command(picture, (), duration or 1.0, watching(media)),)
    starts = (0.0, (duration - SAMPLE_SECONDS) / 2, duration - SAMPLE_SECONDS)
    return tuple(_command(picture, ("-ss", f"{start:.3f}", "-t", str(SAMPLE_SECONDS)), SAMPLE_SECONDS, watching(media)) for start in starts)


def _command(mapped: str, options: tuple[str, ...], seconds: float, watching: tuple[str, ...], *, sound: bool = True) -> Command:
    # What is looked at is a second output of the same decode; the first counts every frame.
    heard = ("-map", "0:a?") if sound else ()
    arguments = ("-map", mapped, *heard, "-fps_mode", "passthrough", *(("-f", "null", "-", *watching) if watching else ()))
    return Command("checking", (Input(source=0, options=options),), arguments, "", "null", seconds)
