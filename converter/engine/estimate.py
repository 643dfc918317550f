"""What work will cost and how large its result will be, said before it runs.

Size ranges are meant to hold for 95 of 100 clips, and are wide because nothing is known of a
clip but its numbers. Seconds are CPU seconds of the class of machine that the constants were
measured on.
"""

from __future__ import annotations

from math import ceil

# Nanoseconds of CPU for each pixel.
_DECODE = 7
_GIF = 65
_GIF_OURS = {"fast": 24, "balanced": 32, "best": 55}
_FIT = 8
_H264: dict[str, float] = {"ultrafast": 7, "veryfast": 16, "fast": 32, "medium": 45, "slow": 95}
_PICTURE: dict[str, dict[str, float]] = {
    "h264": _H264,
    "h265": {"ultrafast": 22, "veryfast": 40, "fast": 52, "medium": 66, "slow": 150},
    "av1": {"ultrafast": 8, "veryfast": 9, "fast": 11, "medium": 19, "slow": 70},
    "vp9": {"ultrafast": 14, "veryfast": 38, "fast": 48, "medium": 62, "slow": 120},
}
_SCALE: dict[str, tuple[float, float, float]] = {"h264": (23, 6, 1.0), "h265": (26, 6, 0.55), "av1": (35, 10, 0.4), "vp9": (34, 10, 0.5)}
"""The rate factor that looks like H.264's 23, how many of its steps are a factor of two, and the bits beside H.264's."""
_FIRST_PASS = {"h264": 0.25, "h265": 0.85, "av1": 0.3, "vp9": 0.25}
_SECOND_TRIES = {"h264": 0.15, "h265": 0.4, "av1": 0.6, "vp9": 0.5}
"""How many more passes a wanted size takes, on average."""
_VMAF = 25
"""Nanoseconds for each pixel that is measured."""
_START_SECONDS = 0.3
_AUDIO_SECONDS = 0.012
"""CPU seconds for each second of sound."""


def gif_size(pixels: int, frames: int) -> tuple[int, int]:
    """Bytes of a GIF of `frames` pictures of `pixels`: from a still scene to noise."""
    every = pixels * frames
    return int(0.0005 * every) + 20 * frames + 800, int(0.85 * every) + 800 * frames + 2000


def gif_seconds(source_pixels: int, pixels: int, frames: int, source_frames: float) -> float:
    """CPU seconds of a GIF: the source is decoded twice, once for the palette."""
    return _START_SECONDS + 1e-9 * (2 * _DECODE * source_pixels * source_frames + _GIF * pixels * frames)


def gif_kernel_seconds(source_pixels: int, pixels: int, frames: int, source_frames: float, profile: str) -> float:
    """CPU seconds of a GIF by our own encoder, decoding the source once."""
    return _START_SECONDS + 1e-9 * (_DECODE * source_pixels * source_frames + _GIF_OURS[profile] * pixels * frames)


def h264_size(pixels: int, frames: float, crf: float, sound_bytes: float) -> tuple[int, int]:
    """Bytes of H.264 at a constant quality, with its sound. Six steps of `crf` are a factor of two."""
    every = pixels * frames * 2 ** ((23 - crf) / 6) / 8
    return int(0.001 * every + 0.3 * sound_bytes + 8 * frames) + 1000, int(0.8 * every + 1.1 * sound_bytes + 40 * frames) + 20_000


def h264_seconds(source_pixels: int, pixels: int, frames: float, speed: str, *, passes: float = 1.0) -> float:
    """CPU seconds of decoding, scaling and encoding `frames` pictures `passes` times."""
    one = _DECODE * source_pixels + _FIT * pixels + _H264[speed] * pixels
    return _START_SECONDS + 1e-9 * one * frames * passes


def picture_size(codec: str, pixels: int, frames: float, crf: float, sound_bytes: float) -> tuple[int, int]:
    """Bytes of any of the codecs at a constant quality on its own scale, with its sound."""
    middle, octave, part = _SCALE[codec]
    low, high = h264_size(pixels, frames, 23 + (crf - middle) * 6 / octave, 0)
    return int(low * part + 0.3 * sound_bytes), int(high * min(1.0, 1.3 * part) + 1.1 * sound_bytes) + 20_000


def busyness(bits_per_pixel: float | None) -> float:
    """How much of the usual work an encoder has at so many bits for each pixel: what stands still is skipped.

    Measured with x264 medium: 8 ns a pixel at 0.007 bits (a talk), 44 at 0.05 (traffic, a flower), 59 at 0.09 and at 0.13.
    """
    return 1.0 if bits_per_pixel is None else min(1.25, 0.15 + 16 * bits_per_pixel)


def picture_seconds(codec: str, source_pixels: int, pixels: int, frames: float, effort: str, bits_per_pixel: float | None = None) -> float:
    """CPU seconds of decoding, scaling and encoding `frames` pictures once, by any of the codecs."""
    one = _DECODE * source_pixels + (_FIT + _PICTURE[codec][effort] * busyness(bits_per_pixel)) * pixels
    return _START_SECONDS + 1e-9 * one * frames


def sized_seconds(codec: str, source_pixels: int, pixels: int, frames: float, effort: str, bits_per_pixel: float | None = None) -> float:
    """CPU seconds of meeting a size: a first pass, a second one, and now and then another."""
    once = picture_seconds(codec, source_pixels, pixels, frames, effort, bits_per_pixel)
    return once * (1 + _FIRST_PASS[codec] + _SECOND_TRIES[codec]) + 1e-9 * _DECODE * source_pixels * frames


def likeness_seconds(codec: str, pixels: int, frames: float, effort: str, probes: float) -> float:
    """CPU seconds of encoding and measuring `frames` sampled pictures `probes` times."""
    return _START_SECONDS * probes + 1e-9 * (_PICTURE[codec][effort] + _VMAF) * pixels * frames * probes


def sound_seconds(seconds: float) -> float:
    """CPU seconds of decoding and encoding sound."""
    return _START_SECONDS + _AUDIO_SECONDS * seconds


def copy_size(size: int, seconds: float, whole: float | None) -> tuple[int, int]:
    """Bytes of a part that is copied out of a file of `size` bytes: rates vary along a file."""
    share = min(1.0, seconds / whole) if whole else 1.0
    return int(size * share * 0.15), ceil(size * min(1.0, 4 * share + 0.1)) + 50_000


def sound_size(seconds: float, bits_per_second: float) -> tuple[int, int]:
    """Bytes of sound at a nominal rate; quiet sound needs far less than its rate."""
    nominal = seconds * bits_per_second / 8
    return int(0.15 * nominal), int(1.15 * nominal) + 20_000


def decode_seconds(pixels: float) -> float:
    """CPU seconds of decoding so many pixels in all."""
    return 1e-9 * _DECODE * pixels
