"""Dividing a number of bytes between picture, sound and container."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from .errors import MediaError
from .framing import frame_size
from .limits import megabytes
from .media import AudioStream, Media, VideoStream

_SPARE = 0.99
"""The part of the target that is aimed at; encoders land beside their aim."""
_FRAME_BYTES, _FILE_BYTES = 10, 4000
"""What an MP4's index takes for each frame, and once."""
_SOUND_FRAMES = 48000 / 1024
"""Sound packets for each second, each with an entry in the index."""
_SOUND_SHARE = 0.2
"""Sound may take this part of a small target; it gets less, down to the smallest rate, when that is not enough."""
_SOUND_RATES = (320, 256, 192, 160, 128, 96, 80, 64, 48, 32, 24, 16)
_GOOD_DENSITY, _LEAST_DENSITY = 0.03, 0.006
"""Bits for each pixel: below the first the picture is scaled down, below the second nothing can be seen any more."""
_HEIGHTS = (2160, 1440, 1080, 720, 540, 480, 360, 240, 180, 144)
_CEILING_DENSITY = 0.6
_SMALLEST_VIDEO_BPS = 6000


@dataclass(frozen=True, slots=True)
class Budget:
    """How `target` bytes are spent. `fixed` is what sound and container take, in bytes; rates in bits per second."""

    target: int
    seconds: float
    frames: float
    width: int
    height: int
    audio_kbps: int
    video_bps: int
    remarks: tuple[str, ...] = ()

    def with_sound(self, size: int) -> Budget:
        """The same when the sound turned out to take `size` bytes."""
        return replace(self, video_bps=max(_SMALLEST_VIDEO_BPS, _video_bps(self.target, size, self.frames, self.seconds)))

    def lowered(self, size: int) -> Budget:
        """The next try when the whole file turned out to have `size` bytes."""
        # What does not follow the picture's rate stays; a little more is taken off, so that the next try is the last.
        surplus = (size - _SPARE * self.target) * 8 / self.seconds
        return replace(self, video_bps=max(_SMALLEST_VIDEO_BPS, int((self.video_bps - surplus) * 0.98)))


def bounded(video: VideoStream, max_height: int | None) -> tuple[int, int]:
    """The picture's size with its shorter side at most `max_height`, even, never enlarged."""
    side = min(video.width, video.height)
    if max_height is None or side <= max_height:
        return frame_size(video, None, None, even=True)
    return frame_size(video, max_height, None, even=True) if video.width < video.height else frame_size(video, None, max_height, even=True)


def divide(source: Media, video: VideoStream, seconds: float, wanted: int, max_height: int | None, audio_kbps: int) -> Budget:
    """Spend `wanted` bytes on a clip. Raises `MediaError("target_unreachable")` naming the size that would work."""
    frames = max(1.0, seconds * video.fps)
    least = _least(video, seconds, frames, sound=source.audio is not None)
    if wanted < least:
        raise _too_small(wanted, least, seconds)
    # A target above the source's size is a bound, not a wish for a larger file.
    target = min(wanted, max(source.size, least))
    said: list[str] = [_unneeded(source)] if target < wanted else []
    kbps = _sound(target, seconds, audio_kbps) if source.audio else 0
    if source.audio and kbps < audio_kbps:
        said.append(f"The sound gets {kbps} kbit/s instead of {audio_kbps}, to leave room for the picture.")
    rate = _video_bps(target, seconds * kbps * 125 + seconds * _SOUND_FRAMES * 4 * (kbps > 0), frames, seconds)
    full = bounded(video, max_height)
    width, height = _scaled(source, video, full, rate, kbps)
    if (width, height) != full:
        said.append(f"The picture is scaled down to {width}×{height}, because {megabytes(target)} are too few for {full[0]}×{full[1]}.")
    elif full != frame_size(video, None, None, even=True):
        said.append(f"The picture is scaled down to {width}×{height}.")
    ceiling = int(_CEILING_DENSITY * width * height * max(1.0, video.fps)) + 50_000
    return Budget(target, seconds, frames, width, height, kbps, min(max(rate, _SMALLEST_VIDEO_BPS), ceiling), tuple(said))


def sound_only(source: Media, audio: AudioStream, seconds: float, wanted: int, audio_kbps: int) -> Budget:
    """Spend `wanted` bytes on a recording; `audio_kbps` is the most it gets. Raises `MediaError("target_unreachable")`."""
    least = ceil((seconds * (_SOUND_RATES[-1] * 125 + _SOUND_FRAMES * 5) + _FILE_BYTES) / _SPARE)
    if wanted < least:
        raise _too_small(wanted, least, seconds)
    target = min(wanted, max(source.size, least))
    fits = int((_SPARE * target - _FILE_BYTES - seconds * _SOUND_FRAMES * 5) / seconds / 125)
    most = min(320, max(audio_kbps, _SOUND_RATES[4]), max(16, round((audio.bit_rate or 320_000) / 1000)))
    said = (_unneeded(source),) if target < wanted else ()
    return Budget(target, seconds, 0, 0, 0, max(_SOUND_RATES[-1], min(fits, most)), 0, said)


def unreachable(size: int, target: int) -> MediaError:
    """The refusal when the smallest try still had `size` bytes."""
    near = ceil(size * 1.02 / 10_000) / 100
    return MediaError("target_unreachable", f"target_mb: {megabytes(target)} could not be reached; {near:g} MB would work.", field="target_mb")


def _video_bps(target: int, sound: float, frames: float, seconds: float) -> int:
    return int((_SPARE * target - sound - _FRAME_BYTES * frames - _FILE_BYTES) * 8 / seconds)


def _least(video: VideoStream, seconds: float, frames: float, *, sound: bool) -> int:
    """The smallest size, in bytes, that leaves something to be seen and heard."""
    width, height = bounded(video, _HEIGHTS[-1])
    rate = max(_SMALLEST_VIDEO_BPS, _LEAST_DENSITY * width * height * max(1.0, video.fps)) + sound * (_SOUND_RATES[-1] * 1000 + _SOUND_FRAMES * 40)
    return ceil((seconds * rate / 8 + _FRAME_BYTES * frames + _FILE_BYTES) / _SPARE)


def _sound(target: int, seconds: float, most: int) -> int:
    affordable = _SOUND_SHARE * target * 8 / seconds / 1000
    return min(most, next((rate for rate in _SOUND_RATES if rate <= affordable), _SOUND_RATES[-1]))


def _scaled(source: Media, video: VideoStream, full: tuple[int, int], rate: int, kbps: int) -> tuple[int, int]:
    """The largest of the usual sizes at which `rate` is enough."""
    fps, seconds = max(1.0, video.fps), source.duration or 1.0
    # A source that itself lives on few bits is easy: half of them will do.
    own = max(0.0, video.bit_rate or source.size * 8 / seconds - 1000 * kbps)
    enough = min(_GOOD_DENSITY, 0.5 * own / (video.width * video.height * fps)) if own else _GOOD_DENSITY
    size = full
    for height in (height for height in _HEIGHTS if height < min(full)):
        if rate >= enough * size[0] * size[1] * fps:
            break
        size = bounded(video, height)
    return size


def _unneeded(source: Media) -> str:
    return f"The source has only {megabytes(source.size)}, so the result is kept below that."


def _too_small(wanted: int, least: int, seconds: float) -> MediaError:
    near = ceil(least / 10_000) / 100
    text = f"target_mb: {megabytes(wanted)} is too small for {seconds:.0f} s; at least {near:g} MB would work."
    return MediaError("target_unreachable", text, field="target_mb")
