"""Finding where a clip can go round: ffmpeg draws tiny pictures, a child of ours compares them.

Imports no numpy: web and worker processes import this. `search` is what the `loop` operation calls, and
whoever else has a `Workbench` and wants a list of seams.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.engine import framing, ranges
from converter.engine.errors import MediaError
from converter.engine.operations.base import Command, Input

if TYPE_CHECKING:
    from converter.engine.media import AudioStream, Media, VideoStream
    from converter.engine.workbench import Workbench

HERE = Path(__file__).resolve().parent
FRAME_BYTES, SIDE, SOUND_RATE = 1536, 32, 8000
"""As in `matching.py`, which is not imported here."""
WINDOW_SECONDS = 0.17
"""On either side of a seam: five frames of 30 in a second. Long enough to tell a direction, short enough for quick scenes."""
MERGE_SECONDS = 2.0
"""Two stretches that lie closer than this are decoded as one."""
BEST = 5
_ANSWER, _MAX_ANSWER = "seams.json", 1 << 20
INVISIBLE, HARDLY, VISIBLE = 80.0, 60.0, 40.0


@dataclass(frozen=True, slots=True)
class Ask:
    """Where to look, in frames of a grid of `rate` frames per second that begins with the file.

    `search` frames around `start` and `end` are tried; a loop has at least `shortest` frames and begins at `earliest` or later;
    the clip ends before frame `length`. `sound` says whether the sound counts.
    """

    rate: Fraction
    start: int
    end: int
    search: int
    shortest: int
    earliest: int
    length: int
    sound: bool

    @property
    def window(self) -> int:
        """Frames on either side of a seam that are compared."""
        return max(2, round(WINDOW_SECONDS * self.rate))


@dataclass(frozen=True, slots=True)
class Seam:
    """Frames `start` to `end - 1` go round. Scores are 0 to 100; `sound` is None where there is none to compare."""

    start: int
    end: int
    score: float
    picture: float
    sound: float | None

    @property
    def words(self) -> str:
        """The score for people."""
        if self.score >= INVISIBLE:
            return "the seam can't be seen"
        if self.score >= HARDLY:
            return "the seam is hardly seen"
        return "the seam can be seen" if self.score >= VISIBLE else "the picture jumps at the seam"

    def as_dict(self, rate: Fraction) -> dict[str, Any]:
        """JSON-able, with times in seconds."""
        times = {"start": float(self.start / rate), "end": float(self.end / rate), "duration": float((self.end - self.start) / rate)}
        rounded = {name: round(value, 6) for name, value in times.items()}
        scores = {"score": self.score, "picture": self.picture, "sound": self.sound, "words": self.words}
        return {**rounded, "frames": self.end - self.start, **scores}


def search(bench: Workbench, ask: Ask, *, best: int = BEST, share: float = 1.0) -> list[Seam]:
    """The best seams of the bench's first source, best first; no two of them neighbours; empty when no pair of frames fits.

    `share` is its part of the whole work. Raises `MediaError` as tools do, and `no_video`.
    """
    media = bench.sources[0].media
    video = media.video
    if video is None:
        raise MediaError("no_video")
    sound = media.audio if ask.sound else None
    parts = []
    stretches = _stretches(ask)
    for number, (first, last) in enumerate(stretches):
        names = f"seam{number}.raw", f"seam{number}.pcm" if sound else ""
        bench.ffmpeg(look(media, video, sound, ask, (first, last), names, share * 0.9 / len(stretches)))
        parts.append({"first": first, "pictures": names[0], "sound": names[1]})
    try:
        return _compare(bench, ask, parts)
    finally:
        for part in parts:
            for name in (part["pictures"], part["sound"]):
                if name:
                    (bench.work / str(name)).unlink(missing_ok=True)


def seconds(ask: Ask) -> float:
    """How much of the clip is decoded, in seconds."""
    return sum(float((last - first) / ask.rate) for first, last in _stretches(ask))


def look(
    media: Media, video: VideoStream, sound: AudioStream | None, ask: Ask, stretch: tuple[int, int], names: tuple[str, str], share: float
) -> Command:
    """The command that draws frames `stretch[0]` to `stretch[1] - 1` at 32×32, and their sound at 8 kHz beside them."""
    first, last = stretch
    begin, length = first / ask.rate, (last - first) / ask.rate
    tiny = (f"scale={SIDE}:{SIDE}:flags=area", "setsar=1", "format=yuv420p")
    chain = (f"fps={ask.rate}:start_time=0", f"trim=end_frame={last - first}", *framing.prepare(video), *tiny)
    arguments: tuple[str, ...] = ("-filter_complex", f"[0:{video.index}]{','.join(chain)}[v]", "-map", "[v]", "-fps_mode", "passthrough")
    if sound is not None:
        heard = f"[0:{sound.index}]atrim=start=0:end={float(length):.6f},aresample={SOUND_RATE}:async=1:first_pts=0[a]"
        arguments = ("-filter_complex", f"[0:{video.index}]{','.join(chain)}[v];{heard}", *arguments[2:])
        # An output of its own stands first: the last one is the command's, whose name and muxer the bench adds.
        beside = ("-map", "[a]", "-ac", "1", "-c:a", "pcm_s16le", "-f", "s16le", f"file:{names[1]}")
        arguments = (*arguments[:2], *beside, *arguments[2:])
    arguments = (*arguments, "-c:v", "rawvideo")
    return Command(
        "looking for the seam", (Input(source=0, options=ranges.seek(media, float(begin))),), arguments, names[0], "rawvideo", float(length), share
    )


def _stretches(ask: Ask) -> list[tuple[int, int]]:
    """Frames to draw, as (first, after the last): around the start and around the end, or both at once where they are near."""
    margin = ask.search + ask.window

    def around(frame: int) -> tuple[int, int]:
        return max(0, frame - margin), min(ask.length, frame + margin + 1)

    one, other = around(ask.start), around(ask.end)
    if other[0] - one[1] <= MERGE_SECONDS * ask.rate:
        return [(one[0], max(one[1], other[1]))]
    return [one, other]


def _compare(bench: Workbench, ask: Ask, parts: list[dict[str, Any]]) -> list[Seam]:
    last = _stretches(ask)[-1][1]
    wish = {"start": ask.start, "end": ask.end, "search": ask.search, "shortest": ask.shortest, "window": ask.window, "earliest": ask.earliest}
    wish |= {"opens": True, "closes": last >= ask.length}
    request = {"rate": float(ask.rate), "parts": parts, "wish": wish, "best": BEST, "output": _ANSWER}
    bench.python(HERE / "child.py", (json.dumps(request),), readable=(HERE,))
    path = bench.work / _ANSWER
    if path.stat().st_size > _MAX_ANSWER:
        raise MediaError("internal", log="the seam search's answer is too long")
    answer: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return [Seam(**seam) for seam in answer["seams"]]
