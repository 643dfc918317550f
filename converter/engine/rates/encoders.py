"""The picture encoders that people may choose from: one scale of speed and one of quality words over all four.

Memory: an encoder that looks ahead keeps whole pictures. x264 held 489 MB at 1080p with its own 40 (preset
medium, ffmpeg's decoder included) and 238 MB with 8 and one picture in work; SVT-AV1 535 and 286 MB; libvpx 363
with 25 and 299 MB with 5 (4 s of 1080p, two threads, ffmpeg 9.0.2). So how far they look depends on the size of a picture.
x265 held 385 MB at 1080p with 8 pictures looked ahead and its own pyramid of B pictures: each that waits takes 8 MB, each that
is encoded or referred to 26. With 3, single B pictures and no slices in its lookahead it is 283 MB, for 7.5 % more bytes at the
same VMAF. A second pass of SVT-AV1 took 372 MB where it looked ahead again, and 261 without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from converter.engine.codecs import LOOK_PIXELS, MKV, MP4, WEBM, Container, threads, x264
from converter.engine.errors import MediaError
from converter.engine.ffmpeg import find_ffmpeg

WORDS: Mapping[str, str] = {"small": "Small", "good": "Good", "better": "Better", "best": "Best"}
"""Quality in words; each codec's own number for them stands in `Encoder.words`."""
EFFORTS: Mapping[str, str] = {
    "ultrafast": "Fastest, largest",
    "veryfast": "Very fast",
    "fast": "Fast",
    "medium": "Balanced",
    "slow": "Slow, smallest",
}
STATS = "stats"
"""Where a first pass leaves what it learnt, in the work directory."""
_LARGE = 1_200_000
"""Pixels of a picture above which x265, SVT-AV1 and libvpx are held to little memory."""
_STRAYS = 0.1
"""How far x264's second pass may stray from what the first one meant, where its own 1 is two seconds' worth of bits: on a clip of five
seconds that is a third of the file. Measured: film 6 % under and talk 8.6 % over became +0.2 and +2.4 % of what was aimed at."""
_X265_LOOK = {"ultrafast": 5, "veryfast": 15, "fast": 15, "medium": 20, "slow": 25}
_SVT_PRESETS = {"ultrafast": 12, "veryfast": 11, "fast": 10, "medium": 8, "slow": 5}
_VPX_SPEEDS = {"ultrafast": 8, "veryfast": 5, "fast": 5, "medium": 4, "slow": 2}


@dataclass(frozen=True, slots=True)
class Work:
    """What an encoder is told beside its rate: effort, pixels of a picture, bits for each colour, and which pass (0 = the only one)."""

    effort: str
    pixels: int
    ten_bit: bool = False
    passing: int = 0
    rate: str = ""
    """Frames a second as a fraction, where the filters can't say: encoders would take the clock's ticks for frames."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """One codec as it is offered. `words` are constant rate factors, `most` the coarsest, `probes` the two tried first for a likeness."""

    name: str
    label: str
    library: str
    containers: tuple[Container, ...]
    words: Mapping[str, int]
    most: int
    probes: tuple[int, int]
    options: Callable[[Work], tuple[str, ...]]
    aim: float
    """The part of a wanted size to aim at first: how far this one strays."""
    met: float = 0.96
    """The part of a wanted size that is near enough: these stray more and cost more, so the last percents are not bought."""
    half_pass: bool = False
    """Whether a first pass at half the width and height is as good (x264 converts its statistics)."""
    least: int = 2
    """Pixels of the smallest side that it takes."""
    heavy: bool = True
    """Whether it holds so many pictures that of large ones the decoder beside it may have only one in work."""
    finest: int = 0
    """Finest quantiser of a wanted size: finer ones cost bytes that nobody sees. 0 where it can't be set."""

    def arguments(self, work: Work, *rate: str) -> tuple[str, ...]:
        """ffmpeg's arguments; `rate` steers quality or size (`-crf 20`, `-b:v 500000`)."""
        pixel_format = "yuv420p10le" if work.ten_bit else "yuv420p"
        return ("-c:v", self.library, *rate, *self.options(work), "-pix_fmt", pixel_format)

    def reading(self, pixels: int) -> tuple[str, ...]:
        """Options of an input whose pictures of `pixels` it encodes."""
        return ("-threads", "1") if self.heavy and pixels > _LARGE else ()

    def constant(self, crf: int) -> tuple[str, ...]:
        """Steering by a constant rate factor."""
        return ("-crf", str(crf), "-b:v", "0") if self.library == "libvpx-vp9" else ("-crf", str(crf))

    def rated(self, bps: int) -> tuple[str, ...]:
        """Steering by bits per second."""
        return ("-b:v", str(bps), *(("-qmin", str(self.finest)) if self.finest else ()))

    def tag(self, container: Container) -> tuple[str, ...]:
        """What Apple's players want to read in an MP4."""
        return ("-tag:v", "hvc1") if self.library == "libx265" and container is MP4 else ()


def _passes(work: Work) -> tuple[str, ...]:
    return ("-pass", str(work.passing), "-passlogfile", STATS) if work.passing else ()


def _x264(work: Work) -> tuple[str, ...]:
    told = (*((f"fps={work.rate}",) if work.rate else ()), *((f"ratetol={_STRAYS}",) if work.passing == 2 else ()))
    # The second pass reads what the first one saw, and looks ahead no more.
    return (*x264(work.effort, work.pixels, *told, ahead=work.passing != 2), *_passes(work))


def _x265(work: Work) -> tuple[str, ...]:
    large = work.pixels > _LARGE
    look = min(_X265_LOOK[work.effort], 3 if large else max(8, LOOK_PIXELS // work.pixels))
    words = [f"pools={threads()}", "frame-threads=1", f"rc-lookahead={look}", "log-level=error"]
    if large:
        words += ["bframes=1", "lookahead-slices=0", *(["ref=3"] if work.effort == "slow" else [])]
    elif work.effort in ("medium", "slow"):
        words += [f"bframes={min(4, look - 1)}"]
    words += [f"fps={work.rate}"] if work.rate else []
    if work.passing:
        words += [f"pass={work.passing}", f"stats={STATS}.x265", "slow-firstpass=0"]
    return ("-preset", work.effort, "-x265-params", ":".join(words))


def svt_words(pixels: int) -> list[str]:
    """SVT-AV1's own parameters that bound its memory for pictures of `pixels`."""
    large = pixels > _LARGE
    return [f"lp={1 if large else min(2, threads())}", *(["lookahead=0", "hierarchical-levels=3"] if large else [])]


def vpx_look(pixels: int) -> tuple[str, ...]:
    """How many pictures of `pixels` libvpx may hold back."""
    return ("-lag-in-frames", "5" if pixels > _LARGE else "16")


def _svt(work: Work) -> tuple[str, ...]:
    words = svt_words(work.pixels)
    words += ["rc=1"] if work.passing else []
    words += ["fps-num={}:fps-denom={}".format(*work.rate.split("/"))] if work.rate else []
    return ("-preset", str(_SVT_PRESETS[work.effort]), "-svtav1-params", ":".join(words), *_passes(work))


def _vpx(work: Work) -> tuple[str, ...]:
    deadline = "realtime" if work.effort == "ultrafast" and not work.passing else "good"
    speed = _VPX_SPEEDS[work.effort] if deadline == "realtime" else min(5, _VPX_SPEEDS[work.effort])
    return ("-deadline", deadline, "-cpu-used", str(speed), "-row-mt", "1", *vpx_look(work.pixels), *_passes(work))


ENCODERS: Mapping[str, Encoder] = {
    encoder.name: encoder
    for encoder in (
        Encoder(
            "h264", "H.264: plays everywhere", "libx264", (MP4, MKV), {"small": 28, "good": 23, "better": 20, "best": 17}, 51, (21, 27), _x264,
            aim=0.9885, met=0.98, half_pass=True, heavy=False, finest=12,
        ),
        Encoder(
            "h265", "H.265: smaller, newer players", "libx265", (MP4, MKV), {"small": 30, "good": 26, "better": 23, "best": 19}, 51, (22, 28), _x265,
            aim=0.988, least=16,
        ),
        Encoder(
            "av1", "AV1: smallest, newest players", "libsvtav1", (WEBM, MP4, MKV), {"small": 45, "good": 35, "better": 28, "best": 20}, 63, (28, 40),
            _svt,
            aim=0.985,
        ),
        Encoder(
            "vp9", "VP9: for the web", "libvpx-vp9", (WEBM, MP4, MKV), {"small": 42, "good": 34, "better": 29, "best": 22}, 63, (28, 40), _vpx,
            aim=0.985,
        ),
    )
}  # fmt: skip


def encoder(name: str) -> Encoder:
    """The encoder of that name. Raises `MediaError("bad_parameter")` where this ffmpeg lacks it."""
    found = ENCODERS[name]
    if not find_ffmpeg().has("encoders", found.library):
        raise MediaError("bad_parameter", f"codec: this ffmpeg has no {found.library}; choose h264.", field="codec")
    return found
