"""Whether anything can be seen and heard at all: the cheapest look there is, taken while a result is decoded anyway.

Two frames a second, averaged to 64×36, and the peak of each second of sound: 2 % more than decoding alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from converter.engine.media import Media

from .lines import Lines, at_most, number, picture_map, printing

DARK = 20
"""Brightest luma (16 is black, 235 white) of a picture that shows nothing: noise of a closed lens stays below."""
SILENT = -80.0
"""Loudest sample in dB of full scale of a sound that is none: below the last bits of 14."""
NEARLY_SILENT = -60.0
NEARLY_DARK = 40
"""A source counts as bright or loud only well beyond what a result may be, so that rounding raises no alarm."""
_MAX, _MIN, _PEAK = "lavfi.signalstats.YMAX", "lavfi.signalstats.YMIN", "lavfi.astats.Overall.Peak_level"


@dataclass(slots=True)
class Presence:
    """The brightest and darkest spot, the darkest picture, the loudest and quietest moment seen so far; None before the first."""

    brightest: float | None = None
    darkest_spot: float | None = None
    darkest_picture: float | None = None
    loudest: float | None = None
    quietest: float | None = None

    def reader(self) -> Lines:
        """What takes ffmpeg's output."""
        return Lines(self._see)

    def _see(self, time: float | None, key: str, text: str) -> None:
        value = number(text)
        if value is None:
            return
        if key == _MAX:
            self.brightest, self.darkest_picture = _most(self.brightest, value), _least(self.darkest_picture, value)
        elif key == _MIN:
            self.darkest_spot = _least(self.darkest_spot, value)
        elif key == _PEAK:
            self.loudest, self.quietest = _most(self.loudest, value), _least(self.quietest, value)

    @property
    def black(self) -> bool:
        """Whether pictures were seen and all of them showed nothing."""
        return self.brightest is not None and self.brightest <= DARK

    @property
    def silent(self) -> bool:
        """Whether sound was heard and all of it was silence."""
        return self.loudest is not None and self.loudest <= SILENT


def watching(media: Media, *, rate: float = 2.0, seconds: float = 1.0) -> tuple[str, ...]:
    """Arguments of one more (null) output that prints what `Presence` reads; empty where there is nothing to look at.

    `rate` pictures a second are looked at, and sound in windows of about `seconds`.
    """
    words: list[str] = []
    picture = picture_map(media)
    if picture is not None:
        # Averages forgive single hot pixels; the range makes JPEG's and TV's black the same number.
        small = f"{at_most(rate)},scale=64:36:flags=area:out_range=tv,format=yuv444p,signalstats"
        words += ["-map", picture, "-vf", ",".join((small, *printing("metadata", _MAX, _MIN)))]
    if media.audio is not None:
        samples = max(64, round(media.audio.sample_rate * seconds))
        stats = "astats=metadata=1:reset=1:measure_perchannel=none:measure_overall=Peak_level"
        words += ["-map", "0:a", "-af", ",".join((f"asetnsamples=n={samples}:p=0", stats, *printing("ametadata", _PEAK)))]
    return (*words, "-fps_mode", "passthrough") if words else ()


def lost(result: Presence, source: Presence, *, whole: bool, part: bool) -> list[str]:
    """What the source has and the result lost, in words; both must have been looked at.

    Without knowing which moment was taken, only a source that is *never* black (silent) proves that a black (silent)
    result is wrong; of the `whole` source, one bright (loud) moment does. With a `part` of each picture only a
    source without any dark spot proves it.
    """
    faults = []
    if result.black and source.brightest is not None and source.darkest_spot is not None and source.darkest_picture is not None:
        least = source.darkest_spot if part else source.darkest_picture
        if least > NEARLY_DARK or (whole and not part and source.brightest > NEARLY_DARK):
            faults.append("it is black and the source is not")
    heard = source.loudest is not None and source.quietest is not None
    if result.silent and heard and ((source.quietest or 0) > NEARLY_SILENT or (whole and (source.loudest or 0) > NEARLY_SILENT)):
        faults.append("it is silent and the source is not")
    return faults


def _most(old: float | None, new: float) -> float:
    return new if old is None else max(old, new)


def _least(old: float | None, new: float) -> float:
    return new if old is None else min(old, new)
