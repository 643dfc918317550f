"""Colours of a Chrome theme from a picture, with contrasts that were calculated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Colour = tuple[int, int, int]
"""Red, green and blue of sRGB, 0 to 255."""

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
_HUES = 12
_GREY = 0.12
"""A saturation below which a picture counts as grey, and its mean is taken."""
PAIRS: Mapping[str, str] = {
    "tab_background_text": "frame",
    "tab_background_text_inactive": "frame_inactive",
    "tab_text": "toolbar",
    "bookmark_text": "toolbar",
    "toolbar_button_icon": "toolbar",
    "omnibox_text": "omnibox_background",
    "ntp_text": "ntp_background",
    "ntp_link": "ntp_background",
}
"""What is read on what: each text's key in a theme's manifest, and its background's."""


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2, glossary)."""
    linear = [part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, glossary)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def dominant(raw: bytes) -> Colour:
    """The colour that stands out most in RGB pixels: the mean of the strongest hue, or of everything where all is grey.

    Raises `ValueError` without pixels.
    """
    pixels = list(_pixels(raw))
    if not pixels:
        raise ValueError("there are no pixels")
    strength: dict[int, float] = {}
    members: dict[int, list[Colour]] = {}
    for pixel in pixels:
        most, least = max(pixel), min(pixel)
        saturation = (most - least) / most if most else 0.0
        if saturation < _GREY:
            continue
        hue = _hue(pixel) * _HUES // 360
        strength[hue] = strength.get(hue, 0.0) + saturation * most
        members.setdefault(hue, []).append(pixel)
    if not strength:
        return _mean(pixels)
    return _mean(members[max(sorted(strength), key=lambda hue: strength[hue])])


def theme_colours(raw: bytes) -> dict[str, Colour]:
    """The `colors` of a theme's manifest from the picture's pixels; every pair of `PAIRS` has a contrast of 4.5 or more.

    Black or white always does: of any background one of them is at least 4.58 away.
    """
    frame = _mix(dominant(raw), BLACK, 0.25)
    dark = readable(frame) == WHITE
    toolbar = _mix(frame, BLACK if dark else WHITE, 0.35)
    omnibox = _mix(frame, BLACK if dark else WHITE, 0.6)
    ground = _mean(list(_pixels(raw)))
    backgrounds = {"frame": frame, "frame_inactive": _mix(frame, (128, 128, 128), 0.3), "toolbar": toolbar, "omnibox_background": omnibox}
    backgrounds["ntp_background"] = ground
    return {**backgrounds, **{text: readable(backgrounds[on]) for text, on in PAIRS.items()}}


def readable(background: Colour) -> Colour:
    """White or black, whichever is read better on it."""
    return WHITE if contrast(WHITE, background) >= contrast(BLACK, background) else BLACK


def _pixels(raw: bytes) -> Iterator[Colour]:
    return ((raw[at], raw[at + 1], raw[at + 2]) for at in range(0, len(raw) - 2, 3))


def _mean(pixels: list[Colour]) -> Colour:
    count = len(pixels)
    return (round(sum(p[0] for p in pixels) / count), round(sum(p[1] for p in pixels) / count), round(sum(p[2] for p in pixels) / count))


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return (red, green, blue)


def _hue(pixel: Colour) -> int:
    red, green, blue = pixel
    most, spread = max(pixel), max(pixel) - min(pixel)
    if most == red:
        turn = ((green - blue) / spread) % 6
    elif most == green:
        turn = (blue - red) / spread + 2
    else:
        turn = (red - green) / spread + 4
    return int(turn * 60) % 360
