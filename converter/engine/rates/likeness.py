"""Encoding to a wanted likeness with the source, measured as VMAF on short samples before the whole is encoded.

VMAF: Netflix, https://github.com/Netflix/vmaf, model vmaf_v0.6.1 as built into ffmpeg's libvmaf. Choosing the rate factor by
sampled encodes is what ab-av1 does, too (https://github.com/alexheretic/ab-av1); nothing of it was copied.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine import codecs, framing
from converter.engine.errors import MediaError
from converter.engine.ffmpeg import find_ffmpeg
from converter.engine.operations.base import Command, Input

from . import search
from .encoders import Encoder, Work
from .feed import Feed

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

_SAMPLES, _SAMPLE_SECONDS = 4, 1.5
_WHOLE_SECONDS = 8.0
"""Clips up to this long are probed whole."""
_REFERENCE, _PROBE, _REPORT = "samples.mkv", "probe.mkv", "vmaf.json"
SHARE = 0.4
"""Part of the progress that the probes take."""
_LOWEST = {"libx264": 8, "libx265": 8, "libsvtav1": 8, "libvpx-vp9": 8}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A VMAF score to reach, and what the encoder is told."""

    score: float
    encoder: Encoder
    work: Work
    feed: Feed
    width: int
    height: int


def require() -> None:
    """Raise `MediaError("bad_parameter")` where this ffmpeg can't measure."""
    if not find_ffmpeg().has("filters", "libvmaf"):
        raise MediaError("bad_parameter", "vmaf: this ffmpeg has no libvmaf; choose a quality instead.", field="vmaf")


def find(wanted: Wanted, bench: Workbench) -> int:
    """The coarsest constant rate factor that reaches the score on the samples; says in `bench` what was measured."""
    share = SHARE / (1 + 2 * search.MOST_PROBES)
    bench.ffmpeg(_samples(wanted, share))
    seconds, tried = _sampled(wanted.feed), dict[int, float]()
    low, high, start = _LOWEST[wanted.encoder.library], wanted.encoder.most, _first(wanted)
    while (factor := search.next_probe(tried, wanted.score, low, high, start)) is not None:
        encode = wanted.encoder.arguments(wanted.work, *wanted.encoder.constant(factor))
        picture = ("-map", "0:v", *encode, *codecs.KEEP_TIMES)
        bench.ffmpeg(Command("trying a quality", (Input(work_file=_REFERENCE),), picture, _PROBE, "matroska", seconds, share))
        bench.ffmpeg(_measure(seconds, share))
        tried[factor] = _score(bench.work / _REPORT)
    for name in (_REFERENCE, _PROBE, _REPORT):
        (bench.work / name).unlink(missing_ok=True)
    chosen = search.choose(tried, wanted.score, low, high)
    _tell(bench, wanted, tried, chosen)
    return chosen


def _first(wanted: Wanted) -> int:
    # On the line between the usual two: VMAF 95 and 85.
    fine, coarse = wanted.encoder.probes
    return round(fine + (95 - wanted.score) * (coarse - fine) / 10)


def _tell(bench: Workbench, wanted: Wanted, tried: dict[int, float], chosen: int) -> None:
    reached = search.expected(tried, chosen)
    how = "measured" if chosen in tried else "estimated"
    where = "on the whole clip" if wanted.feed.seconds <= _WHOLE_SECONDS else f"on {_SAMPLES} samples"
    text = f"VMAF {reached:.1f} of 100, {how} {where} with CRF {chosen} in {len(tried)} probes; {wanted.score:g} was wanted."
    bench.warn(text if reached >= wanted.score else f"{text} This codec comes no closer here.")
    bench.tools["vmaf"] = f"{reached:.1f} at crf {chosen}"


def _sampled(feed: Feed) -> float:
    return feed.seconds if feed.seconds <= _WHOLE_SECONDS else _SAMPLES * _SAMPLE_SECONDS


def _samples(wanted: Wanted, share: float) -> Command:
    """One command that keeps the samples, framed as the result will be, without loss."""
    feed, video = wanted.feed, wanted.feed.source.video
    lossless = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-pix_fmt", "yuv420p10le" if wanted.work.ten_bit else "yuv420p")
    keep = ("-map", "[v]", *lossless, *codecs.KEEP_TIMES)
    if feed.seconds <= _WHOLE_SECONDS or video is None:
        graph = feed.picture(wanted.width, wanted.height, ten_bit=wanted.work.ten_bit)
        return Command("taking samples", (feed.input,), ("-filter_complex", graph, *keep, *feed.limit), _REFERENCE, "matroska", feed.seconds, share)
    shown = feed.shown(ten_bit=wanted.work.ten_bit)
    frame = framing.Frame(wanted.width, wanted.height, "stretch", flags="bicubic", pixel_format=lossless[-1])
    step = feed.part.seconds / _SAMPLES
    starts = [feed.part.start + step * (number + 0.5) - _SAMPLE_SECONDS / 2 for number in range(_SAMPLES)]
    inputs = tuple(Input(source=0, options=("-ss", f"{start:.3f}", "-t", f"{_SAMPLE_SECONDS}")) for start in starts)
    # Where a picture was moved (crop, turn) matters to how hard it is; when it is shown does not.
    moved = feed.reshaped()
    chains = [framing.graph(shown, frame, f"{number}:{video.index}", f"s{number}", before=moved) for number in range(_SAMPLES)]
    joined = "".join(f"[s{number}]" for number in range(_SAMPLES))
    graph = ";".join((*chains, f"{joined}concat=n={_SAMPLES}:v=1:a=0[v]"))
    return Command("taking samples", inputs, ("-filter_complex", graph, *keep), _REFERENCE, "matroska", _SAMPLES * _SAMPLE_SECONDS, share)


def _measure(seconds: float, share: float) -> Command:
    # Pictures are compared one by one, whatever times a container rounded them to.
    even = "setpts=N/25/TB,settb=AVTB"
    graph = f"[0:v]{even}[p];[1:v]{even}[r];[p][r]libvmaf=log_fmt=json:log_path={_REPORT}:n_threads={codecs.threads()}:n_subsample=2[v]"
    inputs = (Input(work_file=_PROBE), Input(work_file=_REFERENCE))
    return Command("measuring it", inputs, ("-filter_complex", graph, "-map", "[v]"), "", "null", seconds, share)


def _score(report: Path) -> float:
    try:
        return float(json.loads(report.read_text(encoding="utf-8"))["pooled_metrics"]["vmaf"]["mean"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MediaError("tool_failed", "The likeness could not be measured.", log=str(error)) from error


def with_factor(command: Command, factor: int) -> Command:
    """The same command at another constant rate factor."""
    place = command.arguments.index("-crf") + 1
    return replace(command, arguments=(*command.arguments[:place], str(factor), *command.arguments[place + 1 :]))
