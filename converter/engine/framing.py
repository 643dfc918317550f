"""Bringing any picture to one size: cover, contain or blur, upright, with square pixels, in SDR.

The filters work on what the decoder really delivers (they use the frame's own aspect ratio), so
that they stay right when a stream changes its size on the way; the plan's numbers come from the
probe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from .errors import MediaError
from .media import VideoStream

FITS: Mapping[str, str] = {
    "cover": "Fill the picture, crop what stands out",
    "contain": "Show everything, solid bars beside it",
    "blur": "Show everything, a blurred copy beside it",
}
TO_HD = "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int"
"""To the colours of HD video. Rounded as swscale does by default, every channel came out two levels darker (measured on a photograph)."""
_COLOUR = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")
_NAMES = {"black": "000000", "white": "ffffff"}
_HDR = ("smpte2084", "arib-std-b67")
_RGB = ("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal")
_NEGLIGIBLE = 0.01
"""A crop or bar below this share of the picture is not worth a sentence."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The wanted picture: pixels, how the source is fitted in, and the bars' colour as `rrggbb`.

    `fit` is one of `FITS`, or `stretch` where the proportions are the source's own already.
    """

    width: int
    height: int
    fit: str = "cover"
    colour: str = "000000"
    flags: str = "lanczos"
    pixel_format: str = "bgr0"
    hd: bool = False
    """Whether the colours must be BT.709's whatever the source has, so that clips can follow each other."""

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height


def frame_size(video: VideoStream, width: int | None, height: int | None, *, even: bool = False) -> tuple[int, int]:
    """The output size in pixels: what is given, the rest from the source's displayed proportions.

    Both missing means the source's own size. `even` rounds to what 4:2:0 video needs. Never below
    1 (or 2) pixels; upper bounds are the caller's.
    """
    shape = Fraction(max(1, video.width), max(1, video.height))
    if width is None and height is None:
        width, height = video.width, video.height
    elif width is None and height is not None:
        width = round(height * shape)
    elif height is None and width is not None:
        height = round(width / shape)
    assert width is not None and height is not None  # noqa: S101 (tells the type checker)
    if even:
        return max(2, width - width % 2), max(2, height - height % 2)
    return max(1, width), max(1, height)


def colour(text: str, *, field: str) -> str:
    """`rrggbb` from `#rgb`, `#rrggbb`, `black` or `white`. Raises `MediaError("bad_parameter")`."""
    match = _COLOUR.fullmatch(_NAMES.get(text.lower(), text))
    if match is None:
        raise MediaError("bad_parameter", f"{field}: {text[:60]!r} is not a colour; write it as #336699, black or white.", field=field)
    digits = match[1].lower()
    return digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)


def prepare(video: VideoStream) -> tuple[str, ...]:
    """Filters that must stand before any scaling: the probe's pixel shape, whole pictures, transparency over black."""
    # The decoder has turned the picture already, and may believe a nonsensical shape that the probe did not.
    shape = Fraction(video.sample_aspect)
    upright = 1 / shape if video.rotation in (90, 270) else shape
    whole = ("bwdif=mode=send_frame:deint=interlaced",) if video.interlaced else ()
    # Without this the colours hidden under transparent pixels would show.
    flat = ("format=gbrap", "premultiply=inplace=1", "format=gbrp") if video.has_alpha else ()
    return (f"setsar={upright.numerator}/{upright.denominator}", *whole, *flat)


def to_sdr(video: VideoStream) -> tuple[str, ...]:
    """Filters that bring HDR pictures (PQ, HLG: what telephones record) to BT.709; nothing for others."""
    if video.color_transfer not in _HDR:
        return ()
    return (
        f"zscale=tin={video.color_transfer}:pin=bt2020:min=bt2020nc:t=linear:npl=203",
        "format=gbrpf32le",
        "zscale=p=bt709",
        "tonemap=mobius:desat=0",
        "zscale=t=bt709:m=bt709:r=limited",
        "format=yuv444p",
        # What says how bright the HDR master was would make a player map the colours once more.
        "sidedata=mode=delete:type=MASTERING_DISPLAY_METADATA",
        "sidedata=mode=delete:type=CONTENT_LIGHT_LEVEL",
    )


def as_yuv(video: VideoStream, *, hd: bool = False) -> tuple[str, ...]:
    """Filters to 8-bit 4:2:0 with known colours: those of the source, or BT.709 for RGB sources and where `hd` says so."""
    known = hd or video.has_alpha or video.pixel_format.startswith(_RGB)
    return (TO_HD, "format=yuv420p") if known else ("format=yuv420p",)


def fitted(video: VideoStream, frame: Frame) -> tuple[str, ...]:
    """A chain that scales the picture into the frame (`cover` crops it to exactly that), without bars."""
    w, h = frame.width, frame.height
    after: tuple[str, ...] = ()
    if frame.fit == "stretch":
        size = f"w={w}:h={h}"
    elif frame.fit == "cover":
        size = f"w='max({w},round({h}*dar))':h='max({h},round({w}/dar))'"
        after = (f"crop={w}:{h}:exact=1",)
    else:
        size = f"w='max(1,min({w},round({h}*dar)))':h='max(1,min({h},round({w}/dar)))'"
    return (*prepare(video), f"scale={size}:flags={frame.flags}", "setsar=1", *to_sdr(video), *_final(video, frame), *after)


def _final(video: VideoStream, frame: Frame) -> tuple[str, ...]:
    return as_yuv(video, hd=frame.hd) if frame.pixel_format == "yuv420p" else (f"format={frame.pixel_format}",)


def bars(frame: Frame) -> str:
    """The filter that centres a fitted picture between solid bars."""
    return f"pad={frame.width}:{frame.height}:-1:-1:color=0x{frame.colour}"


def graph(video: VideoStream, frame: Frame, source: str, target: str, *, before: tuple[str, ...] = ()) -> str:
    """A whole filter graph from label `[source]` to `[target]`, any fit; `before` runs first.

    `source` must make labels inside unique when several graphs stand side by side, which it does
    by being part of them.
    """
    if frame.fit != "blur":
        rest = (bars(frame),) if frame.fit == "contain" else ()
        return f"[{source}]{','.join((*before, *fitted(video, frame), *rest))}[{target}]"
    tag = re.sub(r"\W", "_", source)
    small = Frame(max(2, frame.width // 8), max(2, frame.height // 8), "cover", flags="area", pixel_format="gbrp")
    back = (*fitted(video, small), "gblur=sigma=4:steps=2", f"scale={frame.width}:{frame.height}:flags=bicubic", "setsar=1")
    last = (TO_HD, "format=yuv420p") if frame.pixel_format == "yuv420p" else (f"format={frame.pixel_format}",)
    front = fitted(video, Frame(frame.width, frame.height, "contain", flags=frame.flags, pixel_format="gbrp"))
    centred = f"pad={frame.width}:{frame.height}:-1:-1:color=black"
    # Not overlay: its way with transparency depends on what the rest of the graph does, and here nothing is transparent.
    return (
        f"[{source}]{','.join((*before, 'split'))}[{tag}a][{tag}b];"
        f"[{tag}a]{','.join(back)}[{tag}back];[{tag}b]{','.join(front)},split[{tag}f][{tag}m];"
        f"[{tag}f]{centred}[{tag}front];[{tag}m]lutrgb=r=255:g=255:b=255,{centred}[{tag}mask];"
        f"[{tag}back][{tag}front][{tag}mask]{','.join(('maskedmerge', *last))}[{target}]"
    )


def remarks(video: VideoStream, frame: Frame) -> tuple[str, ...]:
    """Sentences for people: what is cropped, added or enlarged."""
    said: list[str] = []
    source, wanted = video.width / video.height, frame.width / frame.height
    lost = 1 - min(source, wanted) / max(source, wanted)
    if lost > _NEGLIGIBLE and frame.fit == "cover":
        sides = "left and right" if source > wanted else "top and bottom"
        said.append(f"The picture is cropped at the {sides}: {lost:.0%} of it is not shown.")
    elif lost > _NEGLIGIBLE:
        sides = "above and below" if source > wanted else "left and right of"
        what = "A blurred copy fills the space" if frame.fit == "blur" else "There are bars"
        said.append(f"{what} {sides} the picture: {lost:.0%} of the frame.")
    pick = max if frame.fit == "cover" else min
    scale = pick(frame.width / video.width, frame.height / video.height)
    if scale > 1.05:
        said.append(f"The picture is enlarged {scale:.1f} times from {video.width}×{video.height}, so it looks soft.")
    return tuple(said)
