"""Making a ladder: one run, every rendition played through our own checks, one archive."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine.errors import MediaError
from converter.engine.operations.base import Command, Expectation
from converter.engine.verify import verify
from converter.engine.wrapping import pack

from .lists import Playlist, aligned, master, read
from .rungs import INDEX, INIT, LAST, SOUND, Ladder, Rung

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

_MASTER = "master.m3u8"


def make(command: Command, wanted: Ladder, bench: Workbench, result: str) -> Path:
    """Run `command` and pack what it made into the ZIP `result`.

    Raises `MediaError("tool_failed")` where lists and files don't fit each other or a rendition isn't what was planned.
    """
    for folder in wanted.folders:
        (bench.work / folder).mkdir()
    bench.ffmpeg(command)
    _put_in_place(bench.work, wanted.rungs[-1].name)
    pictures = [read(bench.work / rung.name) for rung in wanted.rungs]
    sound = read(bench.work / SOUND) if wanted.sound else None
    if not aligned(pictures):
        raise MediaError("tool_failed", "The renditions are not cut at the same places.", log=str([one.seconds for one in pictures])[:2000])
    for rung, playlist in zip(wanted.rungs, pictures, strict=True):
        _play(playlist, wanted, rung, bench)
    if sound is not None:
        _play(sound, wanted, None, bench)
    (bench.work / _MASTER).write_text(master(wanted, pictures, sound), encoding="utf-8")
    members = [(_MASTER, bench.work / _MASTER)]
    for playlist in (*pictures, *((sound,) if sound else ())):
        members += [(f"{playlist.folder.name}/{path.name}", path) for path in (playlist.folder / INDEX, *playlist.files)]
    pack(members, bench.work / result)
    return bench.work / result


def _put_in_place(work: Path, folder: str) -> None:
    for name, target in ((LAST, INDEX), (INIT, INIT)):
        if (work / name).exists():
            (work / name).rename(work / folder / target)


def _play(playlist: Playlist, wanted: Ladder, rung: Rung | None, bench: Workbench) -> None:
    """Decode a rendition as a player does: every segment after the other. Playlists themselves are never given to a tool."""
    whole = bench.work / f"{playlist.folder.name}.{'mp4' if playlist.init else 'ts'}"
    _joined(playlist.files, whole)
    expects = _expectation(wanted, rung)
    try:
        verify(whole, expects, bench)
    except MediaError as error:
        if error.code.name != "tool_failed":
            raise
        raise MediaError(
            "tool_failed", f"The rendition {playlist.folder.name} is not what was planned.", log=f"{error.detail} {error.log}"
        ) from error
    finally:
        whole.unlink()


def _expectation(wanted: Ladder, rung: Rung | None) -> Expectation:
    container = "mp4" if wanted.kind == "fmp4" else "mpegts"
    if rung is None:
        return Expectation("audio", container, video=False, audio=True)
    return Expectation("video", container, rung.width, rung.height, None, wanted.seconds, 0.5 + 0.005 * wanted.seconds)


def _joined(files: Sequence[Path], target: Path) -> None:
    with target.open("wb") as out:
        for path in files:
            with path.open("rb") as part:
                shutil.copyfileobj(part, out, 1 << 20)
