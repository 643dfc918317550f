"""`Media` of pictures, whose structure was read without decoding them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .errors import MediaError
from .media import Kind, Media, VideoStream
from .sniff import Sniffed

_TURNS = {2: 180, 3: 180, 5: 90, 6: 90, 7: 270, 8: 270}
"""EXIF's orientations as the rotation that libavcodec makes of them for a JPEG: mirrored ones count by their turn."""


def from_picture(answer: dict[str, Any], sniffed: Sniffed, size: int) -> Media:
    """Media of an image container whose structure was read whole."""
    if "error" in answer:
        raise MediaError("corrupt_media", log=answer.get("message", ""))
    if answer["cut"]:
        raise MediaError("corrupt_media", "The file is cut off: its end is missing. Send the whole file.")
    frames, duration = answer["frames"], answer["duration"]
    moving = duration is not None
    rate = Fraction(frames * answer["ticks"][1], answer["ticks"][0]).limit_denominator(100_000) if moving and answer["ticks"][0] else Fraction(0)
    rotation = _TURNS.get(answer.get("orientation", 1), 0)
    width, height = displayed(answer["width"], answer["height"], Fraction(1), rotation)
    video = VideoStream(
        0,
        answer["codec"],
        width,
        height,
        answer["width"],
        answer["height"],
        float(rate),
        f"{rate.numerator}/{rate.denominator}",
        rotation=rotation,
        pixel_format=answer["pixel_format"],
        bit_depth=answer["bit_depth"],
        duration=duration,
        frames=frames,
        has_alpha=answer["alpha"],
        variable_rate=answer["variable"],
    )
    notes = () if answer["whole"] else ("The file does not say where it ends; what is there is used.",)
    demuxer = {"apng": "apng", "webp_animated": "webp_anim"}.get(sniffed.container, sniffed.demuxer)
    kind: Kind = "animation" if moving else "image"
    container = sniffed.container.removesuffix("_animated")
    return Media(kind, container, demuxer, sniffed.mime, size, duration, (video,), streams=1, loop=answer["loop"], notes=notes)


def from_still(answer: dict[str, Any], sniffed: Sniffed, size: int) -> Media:
    """Media of a picture that only its size is known of."""
    if "error" in answer:
        raise MediaError("corrupt_media", log=f"{answer['error']}: {answer.get('message', '')}")
    picture = answer["picture"]
    video = VideoStream(
        0, "hevc", picture["width"], picture["height"], picture["width"], picture["height"], 0.0, "0/1", frames=1, has_alpha=picture["alpha"]
    )
    return Media("image", sniffed.container, sniffed.demuxer, sniffed.mime, size, None, (video,), streams=1)


def displayed(width: int, height: int, aspect: Fraction, rotation: int) -> tuple[int, int]:
    """Pixels as a person sees them: wide pixels stretch the width, then the picture is turned."""
    shown = (max(1, round(width * aspect)), height)
    return (shown[1], shown[0]) if rotation in (90, 270) else shown
