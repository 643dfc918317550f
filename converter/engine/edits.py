"""What may be done to a picture on its way through any operation: crop, rotate, flip, speed, reverse.

The order is fixed, whatever order they are given in: crop → rotate → flip → speed → reverse. So a crop is
measured on the picture that a person saw (upright, square pixels), and a flip is seen in the result as named.

`picture_filters` expect what `ranges.seek` delivers: the start at time zero, upright frames (ffmpeg turns them by
the rotation in the metadata before any filter). They keep transparency, bit depth and colours.

Reversing: ffmpeg's `reverse` holds every frame until the last has come. `check` refuses it where those would take
more than `REVERSE_BYTES`; for longer parts an operation draws into a file and reads that backwards (`replay.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from .errors import MediaError
from .media import AudioStream, VideoStream
from .params import choice, flag, number, text

ROTATIONS: Mapping[str, str] = {"0": "As it is", "90": "90° clockwise", "180": "Upside down", "270": "90° counter-clockwise"}
FLIPS: Mapping[str, str] = {"none": "As it is", "horizontal": "Left to right", "vertical": "Top to bottom", "both": "Both"}
SLOWEST, FASTEST = 0.25, 4.0
REVERSE_BYTES = 16 << 20
"""Most bytes of decoded pictures that `reverse` may hold: without it, 1080p through x264 takes 280 MB already (measured)."""
REVERSE_SOUND_BYTES = 32 << 20
"""Most bytes of decoded sound that `areverse` may hold: 87 s of stereo at 48 kHz."""
_CROP = re.compile(r"\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*")
_ATEMPO = Fraction(1, 2), Fraction(2)
"""Within these, `atempo` blends; above 2 it skips samples, below ½ it does nothing (ffmpeg-filters, atempo)."""
_TURNS = {"90": "transpose=clock", "180": "hflip,vflip", "270": "transpose=cclock"}
_FLIPS = {"horizontal": ("hflip",), "vertical": ("vflip",), "both": ("hflip", "vflip")}
# Colours in every pixel, so that an odd offset doesn't shift them by half of one of theirs; ffmpeg takes the nearest.
_FULL = "format=yuv444p|yuva444p|yuv444p10le|yuva444p10le|yuv444p12le|gray|gray10le|ya8|rgb24|rgba|bgr0|bgra|pal8|gbrp|gbrap|gbrp10le|gbrap10le"


@dataclass(frozen=True, slots=True)
class EditParams:
    """Base class of an operation's parameters. It must be the only base with fields (slots allow no second)."""

    crop: str = text("", label="Crop", help="The part to keep as x,y,width,height in pixels of the upright picture; empty keeps all.", maximum=40)
    rotate: str = choice("0", ROTATIONS, label="Rotate", help="Turns the picture clockwise, after the crop.")
    flip: str = choice("none", FLIPS, label="Mirror", help="Mirrors the picture, after turning it.")
    speed: float = number(1.0, label="Speed", help="2 is twice as fast; sound keeps its pitch.", unit="×", minimum=SLOWEST, maximum=FASTEST)
    reverse: bool = flag(False, label="Play backwards", help="The last picture comes first.")


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of the upright picture, in its square pixels."""

    x: int
    y: int
    width: int
    height: int


def crop_of(video: VideoStream, params: EditParams) -> Crop | None:
    """The part to keep; None where that is everything. Raises `MediaError("bad_parameter")` where it isn't in the picture."""
    if not params.crop.strip():
        return None
    match = _CROP.fullmatch(params.crop)
    if match is None:
        raise _bad("crop", f"{params.crop!r} is not x,y,width,height in whole pixels, such as 0,0,{video.width},{video.height}")
    crop = Crop(*(int(part) for part in match.groups()))
    if crop.width < 1 or crop.height < 1:
        raise _bad("crop", "width and height must be at least 1")
    if crop.x + crop.width > video.width or crop.y + crop.height > video.height:
        text = f"{crop.width}×{crop.height} at {crop.x},{crop.y} reaches beyond the picture, which is {video.width}×{video.height}"
        raise _bad("crop", text)
    whole = (crop.x, crop.y, crop.width, crop.height) == (0, 0, video.width, video.height)
    return None if whole else crop


def edited(video: VideoStream, params: EditParams) -> VideoStream:
    """The stream as `picture_filters` deliver it: size, shape, rate, length. Raises `MediaError("bad_parameter")`.

    Faster than the source, the rate stays and frames are left out; slower, the rate falls and none is shown twice.
    """
    crop = crop_of(video, params)
    changes: dict[str, Any] = {}
    if reshapes(video, params):
        width, height = (crop.width, crop.height) if crop else (video.width, video.height)
        if params.rotate in ("90", "270"):
            width, height = height, width
        changes = {"width": width, "height": height, "coded_width": width, "coded_height": height}
        changes |= {"rotation": 0, "sample_aspect": "1/1", "interlaced": False}
    rate, speed = Fraction(video.frame_rate), pace(params)
    new = rate * min(speed, Fraction(1))
    if new != rate:
        changes |= {"fps": float(new), "frame_rate": f"{new.numerator}/{new.denominator}"}
    if speed != 1:
        changes |= {"duration": None if video.duration is None else video.duration / float(speed), "frames": None, "bit_rate": None}
    if params.reverse or speed > 1:
        changes |= {"variable_rate": False}
    return replace(video, **changes) if changes else video


def picture_filters(video: VideoStream, params: EditParams) -> tuple[str, ...]:
    """Everything that is done to the picture, as a chain from upright frames that begin at time zero; empty for nothing.

    Raises `MediaError("bad_parameter")` for a crop outside the picture. Reversed frames come at a constant rate.
    """
    rate = Fraction(edited(video, params).frame_rate)
    constant = rate > 0 and (params.reverse or pace(params) > 1)
    even = (f"fps={rate.numerator}/{rate.denominator}",) if constant else ()
    return (*shape_filters(video, params), *pace_filters(params), *even, *(("reverse",) if params.reverse else ()))


def shape_filters(video: VideoStream, params: EditParams) -> tuple[str, ...]:
    """The part of `picture_filters` that changes where pixels are, and not when. Raises `MediaError("bad_parameter")`."""
    if not reshapes(video, params):
        return ()
    crop = crop_of(video, params)
    # Fields must be joined before rows move. The size is said again because a stream may change its own on the way.
    chain: list[str] = ["bwdif=mode=send_frame:deint=interlaced"] if video.interlaced else []
    if crop or video.sample_aspect != "1/1":
        chain += [f"scale={video.width}:{video.height}:flags=lanczos", "setsar=1"]
    if crop:
        chain += [_FULL] if crop.x % 2 or crop.y % 2 else []
        chain.append(f"crop={crop.width}:{crop.height}:{crop.x}:{crop.y}:exact=1")
    chain += [_TURNS[params.rotate]] if params.rotate != "0" else []
    return (*chain, *_FLIPS.get(params.flip, ()))


def pace_filters(params: EditParams) -> tuple[str, ...]:
    """The part of `picture_filters` that changes when each frame is shown."""
    speed = pace(params)
    return (f"setpts=PTS*{speed.denominator}/{speed.numerator}",) if speed != 1 else ()


def sound_filters(params: EditParams) -> tuple[str, ...]:
    """What is done to the sound: its tempo without its pitch, and its direction; empty for nothing."""
    low, high = _ATEMPO
    chain: list[str] = []
    rest = pace(params)
    while rest != 1:
        step = min(high, max(low, rest))
        chain.append(f"atempo={float(step):.6f}")
        rest /= step
    return (*chain, *(("areverse",) if params.reverse else ()))


def check(video: VideoStream | None, audio: AudioStream | None, params: EditParams, seconds: float) -> None:
    """Refuse what `reverse` and `areverse` would need too much memory for, on a part of `seconds` of the source.

    Raises `MediaError("bad_parameter")` saying how long a part would work.
    """
    if not params.reverse:
        return
    longest = float("inf")
    if video is not None:
        after = edited(video, params)
        # A picture is decoded before it is cropped; only what waits counts.
        longest = REVERSE_BYTES / frame_bytes(after) / max(after.fps, 1e-3) * float(pace(params))
    if audio is not None:
        longest = min(longest, REVERSE_SOUND_BYTES / (audio.sample_rate * audio.channels * 4) * float(pace(params)))
    if seconds > longest:
        raise _bad("reverse", f"{seconds:.1f} s of it are too much to be held and turned round; at this size at most {longest:.1f} s work")


def frame_bytes(video: VideoStream) -> int:
    """About how many bytes one decoded picture takes."""
    known = next((size for name, size in (("444", 3.0), ("422", 2.0), ("420", 1.5), ("411", 1.5), ("gray", 1.0)) if name in video.pixel_format), 4.0)
    return max(1, round(video.width * video.height * (known + video.has_alpha) * (2 if video.bit_depth > 8 else 1)))


def pace(params: EditParams) -> Fraction:
    """The speed as an exact fraction."""
    return Fraction(params.speed).limit_denominator(1000)


def reshapes(video: VideoStream, params: EditParams) -> bool:
    """Whether pixels are moved. Raises `MediaError("bad_parameter")`."""
    return crop_of(video, params) is not None or params.rotate != "0" or params.flip != "none"


def _bad(field: str, why: str) -> MediaError:
    return MediaError("bad_parameter", f"{field}: {why}.", field=field)
