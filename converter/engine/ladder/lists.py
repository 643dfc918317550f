"""Reading the media playlists that ffmpeg wrote, and writing the list of them all (RFC 8216, sections 4.3.3 and 4.3.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from converter.engine.errors import MediaError

from .rungs import INDEX, INIT, SOUND, Ladder, Rung

_SEGMENT = re.compile(r"seg\d{5}\.(m4s|ts)")
_SOUND_CODEC = "mp4a.40.2"


@dataclass(frozen=True, slots=True)
class Playlist:
    """One media playlist: its segments' lengths in seconds and files, and the file that stands before them (fMP4)."""

    folder: Path
    target: int
    seconds: tuple[float, ...]
    segments: tuple[Path, ...]
    init: Path | None

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything to be played, in order."""
        return (*((self.init,) if self.init else ()), *self.segments)

    @property
    def peak_bps(self) -> int:
        """Bits per second of the densest segment; what BANDWIDTH means."""
        return max(ceil(path.stat().st_size * 8 / max(seconds, 0.1)) for path, seconds in zip(self.segments, self.seconds, strict=True))

    @property
    def average_bps(self) -> int:
        """Bits per second of all segments together."""
        return ceil(sum(path.stat().st_size for path in self.segments) * 8 / max(sum(self.seconds), 0.1))


def read(folder: Path) -> Playlist:
    """Read a folder's playlist and hold it against the files. Raises `MediaError("tool_failed")` saying what doesn't fit."""
    lines = (folder / INDEX).read_text(encoding="utf-8").splitlines()
    if not lines or lines[0] != "#EXTM3U" or lines[-1] != "#EXT-X-ENDLIST":
        raise _broken(folder, "it is not a whole playlist")
    values = {key: value for key, _, value in (line.partition(":") for line in lines if line.startswith("#EXT-X-"))}
    seconds = tuple(float(line.removeprefix("#EXTINF:").split(",")[0]) for line in lines if line.startswith("#EXTINF:"))
    names = [line for line in lines if line and not line.startswith("#")]
    target = int(values.get("#EXT-X-TARGETDURATION", "0"))
    if not names or len(names) != len(seconds) or any(not _SEGMENT.fullmatch(name) for name in names):
        raise _broken(folder, f"{len(names)} segments and {len(seconds)} lengths")
    if any(round(one) > target for one in seconds):
        raise _broken(folder, "a segment is longer than the playlist says")
    mapped = values.get("#EXT-X-MAP")
    if mapped not in (None, f'URI="{INIT}"'):
        raise _broken(folder, f"another file before the segments: {mapped}")
    found = Playlist(folder, target, seconds, tuple(folder / name for name in names), folder / INIT if mapped else None)
    listed = {path.name for path in found.files} | {INDEX}
    there = {path.name for path in folder.iterdir()}
    if listed != there or any(path.stat().st_size == 0 for path in found.files):
        raise _broken(folder, f"files listed and not there, or there and not listed: {sorted(listed ^ there)[:5]}")
    return found


def aligned(playlists: Sequence[Playlist]) -> bool:
    """Whether a player may change between them at any segment: as many, and each as long to a hundredth of a second."""
    first, *others = playlists
    return all(
        len(other.seconds) == len(first.seconds) and all(abs(a - b) < 0.01 for a, b in zip(first.seconds, other.seconds, strict=True))
        for other in others
    )


def master(wanted: Ladder, pictures: Sequence[Playlist], sound: Playlist | None) -> str:
    """The list of all renditions, with measured rates."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if sound is not None:
        lines.append(f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="{SOUND}/{INDEX}"')
    for rung, playlist in zip(wanted.rungs, pictures, strict=True):
        lines += [f"#EXT-X-STREAM-INF:{','.join(_attributes(wanted, rung, playlist, sound))}", f"{rung.name}/{INDEX}"]
    return "\n".join(lines) + "\n"


def _attributes(wanted: Ladder, rung: Rung, playlist: Playlist, sound: Playlist | None) -> list[str]:
    peak = playlist.peak_bps + (sound.peak_bps if sound else 0)
    average = playlist.average_bps + (sound.average_bps if sound else 0)
    codec = ",".join((picture_codec(playlist), *((_SOUND_CODEC,) if sound else ())))
    said = [f"BANDWIDTH={peak}", f"AVERAGE-BANDWIDTH={average}", f"RESOLUTION={rung.width}x{rung.height}"]
    return [*said, f"FRAME-RATE={wanted.fps:.3f}", f'CODECS="{codec}"', *(('AUDIO="audio"',) if sound else ())]


def picture_codec(playlist: Playlist) -> str:
    """RFC 6381's name of the H.264 that is really there: profile, constraints and level, from avcC or the first SPS.

    Raises `MediaError("tool_failed")` where there is none.
    """
    with playlist.files[0].open("rb") as file:
        head = file.read(1 << 16)
    for mark, skip in ((b"avcC", 5), (b"\x00\x00\x01\x67", 4), (b"\x00\x00\x01\x27", 4)):
        place = head.find(mark)
        if place >= 0 and len(head) >= place + skip + 3:
            return f"avc1.{head[place + skip : place + skip + 3].hex()}"
    raise _broken(playlist.folder, "no H.264 in its first segment")


def _broken(folder: Path, why: str) -> MediaError:
    return MediaError("tool_failed", f"The rendition {folder.name} is not what was planned.", log=why)
