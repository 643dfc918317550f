"""What will be cut from a picture and how large the rest becomes; arithmetic only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from converter.engine.errors import MediaError
from converter.engine.media import Media, VideoStream

if TYPE_CHECKING:
    from converter.engine.operations.image import ImageParams

_ASPECT = re.compile(r"(\d{1,4})\s*[:/]\s*(\d{1,4})")
_BOX = re.compile(r"(\d{1,5})\s*[x×]\s*(\d{1,5})(?:\s*\+\s*(\d{1,5})\s*\+\s*(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Shape:
    """`upright`: the source as it should be seen; `whole`: the same after turning; `box` (left, top, right, bottom) is cut from
    that and scaled to `size`, which may lie on a larger `canvas`. Pixels."""

    upright: tuple[int, int]
    whole: tuple[int, int]
    box: tuple[float, float, float, float]
    size: tuple[int, int]
    canvas: tuple[int, int] | None = None

    @property
    def result(self) -> tuple[int, int]:
        """The finished picture's size."""
        return self.canvas or self.size

    @property
    def untouched(self) -> bool:
        """Whether every pixel stays where it is."""
        return self.canvas is None and self.upright == self.whole == self.size and self.box == (0, 0, *self.size)


def still(media: Media) -> VideoStream:
    """The picture to work on: of an icon's many, the largest. Raises `MediaError("unsupported_media")`."""
    pictures = [video for video in media.videos if not video.attached_picture]
    if not pictures:
        raise MediaError("unsupported_media", "There is no picture in this file.", field="upload")
    return max(pictures, key=lambda video: video.coded_width * video.coded_height)


def upright(video: VideoStream) -> tuple[int, int]:
    """Width and height after the orientation that the file names. Pixels that are not square stay as they are."""
    size = video.coded_width, video.coded_height
    return size[::-1] if video.rotation in (90, 270) else size


def shape(media: Media, wishes: ImageParams) -> Shape:
    """Plan one picture. Raises `MediaError("bad_parameter")` for a crop that lies outside."""
    seen = upright(still(media))
    turned = seen[::-1] if wishes.rotate in ("90", "270") else seen
    box: tuple[float, float, float, float] = _crop(turned, wishes.crop)
    wide, high = box[2] - box[0], box[3] - box[1]
    width, height = wishes.width, wishes.height
    if wishes.longest is not None:
        factor = _bound(Fraction(wishes.longest, int(max(wide, high))), wishes)
        return Shape(seen, turned, box, _times(wide, high, factor))
    if width is None and height is None:
        return Shape(seen, turned, box, (int(wide), int(high)))
    if width is None or height is None or wishes.fit in ("inside", "pad"):
        factor = min(Fraction(side, int(now)) for side, now in ((width, wide), (height, high)) if side is not None)
        size = _times(wide, high, _bound(factor, wishes))
        canvas = (width, height) if wishes.fit == "pad" and width is not None and height is not None else None
        return Shape(seen, turned, box, size, None if canvas == size else canvas)
    if wishes.fit == "stretch":
        size = (width, height) if wishes.enlarge else (min(width, int(wide)), min(height, int(high)))
        return Shape(seen, turned, box, size)
    return _cover(seen, turned, box, (width, height), wishes)


def _cover(
    seen: tuple[int, int], turned: tuple[int, int], box: tuple[float, float, float, float], wanted: tuple[int, int], wishes: ImageParams
) -> Shape:
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    factor = max(wanted[0] / wide, wanted[1] / high)
    across, down = wanted[0] / factor, wanted[1] / factor
    size = wanted if factor <= 1 or wishes.enlarge else (max(1, round(across)), max(1, round(down)))
    if size != wanted:
        across, down = float(size[0]), float(size[1])
    left, top = left + (wide - across) / 2, top + (high - down) / 2
    if size == (round(across), round(down)):
        # Nothing is scaled: whole pixels stay sharp.
        left, top, across, down = float(int(left)), float(int(top)), float(size[0]), float(size[1])
    return Shape(seen, turned, (left, top, left + across, top + down), size)


def _bound(factor: Fraction, wishes: ImageParams) -> Fraction:
    return factor if wishes.enlarge else min(factor, Fraction(1))


def _times(wide: float, high: float, factor: Fraction) -> tuple[int, int]:
    return max(1, round(wide * factor)), max(1, round(high * factor))


def _crop(size: tuple[int, int], text: str) -> tuple[int, int, int, int]:
    width, height = size
    if not text:
        return 0, 0, width, height
    if match := _ASPECT.fullmatch(text.strip()):
        return _aspect(size, int(match[1]), int(match[2]))
    match = _BOX.fullmatch(text.strip())
    if match is None or not int(match[1]) or not int(match[2]):
        raise _bad(f"{text[:40]!r} is neither a shape such as 16:9 nor a box such as 800x600+10+20")
    across, down = int(match[1]), int(match[2])
    left, top = (int(match[3]), int(match[4])) if match[3] else ((width - across) // 2, (height - down) // 2)
    if left < 0 or top < 0 or left + across > width or top + down > height:
        raise _bad(f"the box {across}×{down} does not lie inside the picture, which is {width}×{height}")
    return left, top, left + across, top + down


def _aspect(size: tuple[int, int], across: int, down: int) -> tuple[int, int, int, int]:
    if not across or not down:
        raise _bad("a shape has two numbers above zero, such as 16:9")
    width, height = size
    wide, high = min(width, round(height * across / down)), min(height, round(width * down / across))
    wide, high = max(1, wide), max(1, high)
    left, top = (width - wide) // 2, (height - high) // 2
    return left, top, left + wide, top + high


def _bad(why: str) -> MediaError:
    return MediaError("bad_parameter", f"crop: {why}.", field="crop")


def as_request(made: Shape, rotate: str, flip: str) -> dict[str, Any]:
    """The shape as the child reads it."""
    return {"rotate": int(rotate), "flip": flip, "whole": made.whole, "box": made.box, "size": made.size}
