"""One piece of compression as it was chosen, and the two passes that meet a size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from converter.engine import codecs
from converter.engine.budget import ALONE, BESIDE_SOUND, Budget
from converter.engine.codecs import MP4, Container
from converter.engine.operations.base import Command, Input

from .encoders import Encoder, Work
from .feed import Feed

_SMALLEST_HALVED = 128
"""Lines below which half a picture says little about the whole."""
_HALVED_RATE = 0.38
"""The part of the bits that half the width and height gets: 4^-0.7, x264's own factor back, so that both passes quantise alike
and what the first one learnt needs no stretching."""


@dataclass(frozen=True, slots=True)
class Job:
    """What goes in, which encoder and file it goes to, and what people must know of that."""

    feed: Feed
    encoder: Encoder
    container: Container
    effort: str
    ten_bit: bool
    said: tuple[str, ...]

    @property
    def input(self) -> Input:
        """The source, read with as many threads as the encoder leaves room for."""
        fed = self.feed.input
        pixels = self.feed.source.video.coded_width * self.feed.source.video.coded_height if self.feed.source.video else 0
        return replace(fed, options=(*self.encoder.reading(pixels), *fed.options))

    @property
    def output(self) -> str:
        """The result's name in the work directory."""
        return f"result.{self.container.extension}"

    @property
    def index(self) -> tuple[int, int]:
        """What the file's index takes, for its budget."""
        return BESIDE_SOUND if self.container is MP4 and self.feed.audio else ALONE

    def work(self, pixels: int, passing: int = 0, *, rate: Fraction | None = None) -> Work:
        """What the encoder is told for pictures of `pixels`, in pass 1 or 2, or in the only one (0), and at `rate` where it was changed."""
        return Work(self.effort, pixels, self.ten_bit, passing, "" if rate else self.feed.untold_rate)


def learning_rate(job: Job, share: Budget) -> float:
    """The part of the picture's rate that the first pass is told."""
    return _HALVED_RATE if _halved(job, share) else 1.0


def first_pass(job: Job, share: Budget) -> Command:
    """The pass that only learns. x264 converts what it learnt on pictures of half the width and height (`res_factor` in its
    ratecontrol.c): half the CPU, and the same SSIM to 0.0004. Nobody sees them, so they are made small the cheap way."""
    halved = _halved(job, share)
    width, height = (share.width // 4 * 2, share.height // 4 * 2) if halved else (share.width, share.height)
    graph = job.feed.picture(width, height, rate=share.rate, ten_bit=job.ten_bit, flags="area" if halved else "bicubic")
    encode = job.encoder.arguments(job.work(width * height, 1, rate=share.rate), *job.encoder.rated(int(share.video_bps * learning_rate(job, share))))
    arguments = ("-filter_complex", graph, "-map", "[v]", *codecs.KEEP_TIMES, *encode, *job.feed.limit)
    return Command("first pass", (job.input,), arguments, "", "null", job.feed.seconds, 0.25)


def second_pass(job: Job, share: Budget, inputs: tuple[Input, ...], kept: tuple[str, ...]) -> Command:
    """The pass that makes the file; `inputs` and `kept` bring finished sound along."""
    graph = job.feed.picture(share.width, share.height, rate=share.rate, ten_bit=job.ten_bit)
    encode = job.encoder.arguments(job.work(share.width * share.height, 2, rate=share.rate), *job.encoder.rated(share.video_bps))
    arguments = (
        *("-filter_complex", graph, "-map", "[v]", *kept, *codecs.KEEP_TIMES, *encode, *job.encoder.tag(job.container)),
        *(*job.feed.limit, *codecs.BARE, *job.container.flags),
    )
    return Command("second pass", inputs, arguments, job.output, job.container.muxer, job.feed.seconds, 0.7)


def _halved(job: Job, share: Budget) -> bool:
    return job.encoder.half_pass and min(share.width, share.height) >= _SMALLEST_HALVED
