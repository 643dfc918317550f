"""What somebody wants of a sound, and what follows from it for one source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from converter.engine import codecs
from converter.engine.codecs import Container
from converter.engine.edits import EditParams, sound_filters
from converter.engine.errors import MediaError
from converter.engine.limits import megabytes
from converter.engine.media import AudioStream, Media
from converter.engine.ranges import Cut

from .formats import CODERS, FORMATS, Encoding, Format, encoding

SAME = "same"
LEVELS: Mapping[str, str] = {"keep": "As it is", "loudness": "To a loudness", "peak": "To a highest peak"}
PAUSES: Mapping[str, str] = {"keep": "Keep", "ends": "Cut before and after", "all": "Cut before and after, shorten within"}
_FILE_BYTES, _PACKET_BYTES, _PACKETS = 4000, 5, 47
"""What a container takes: once, for each packet, and packets for each second (48,000 / 1024)."""
_SPARE = 0.99
"""The part of a wanted size that is aimed at."""
_LEAST_KBPS = 8
_LOW_KBPS = 16
_MONO_KBPS = 40
"""Below this two channels sound worse than one."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Seconds, Hz, dB (LUFS, dBTP), kilobits per second, bytes. `ranges` empty means the whole sound; `format` is a key of `FORMATS` or `SAME`."""

    format: str = SAME
    ranges: tuple[Cut, ...] = ()
    quality: str = "good"
    kbps: int | None = None
    target: int | None = None
    channels: str = "keep"
    rate: int | None = None
    depth: str = "auto"
    speed: float = 1.0
    fade_in: float = 0.0
    fade_out: float = 0.0
    level: str = "keep"
    lufs: float = -16.0
    ceiling: float = -1.0
    pauses: str = "keep"
    longer: float = 0.8
    padding: float = 0.2
    quiet: float | None = None
    names: bool = True
    cover: bool = True
    chapters: bool = True

    @property
    def timed(self) -> bool:
        """Whether moments of the result lie elsewhere than in the source."""
        return bool(self.ranges) or self.speed != 1 or self.pauses != "keep"

    @property
    def changing(self) -> bool:
        """Whether samples are changed, so that nothing can be copied."""
        numbers = self.fade_in or self.fade_out or self.kbps or self.target or self.rate
        words = self.channels != "keep" or self.level != "keep" or self.depth != "auto" or self.quality == "small"
        return self.timed or bool(numbers) or words

    def tempo(self) -> tuple[str, ...]:
        """The filters of the speed; the pitch stays."""
        return sound_filters(EditParams(speed=self.speed))


@dataclass(frozen=True, slots=True)
class Choice:
    """The container, and how the sound gets into it: untouched where `encoding` is None. `kbps` is set for a wanted size."""

    container: Container
    codec: str
    encoding: Encoding | None
    cover: bool
    remarks: tuple[str, ...] = ()
    kbps: int | None = None


def choose(source: Media, audio: AudioStream, wish: Wish, seconds: float, *, copy: bool = True) -> Choice:
    """The format for this sound; `copy` allows it to stay untouched.

    Raises `MediaError`: `bad_parameter` for what the format can't, `target_unreachable`.
    """
    name = wish.format if wish.format != SAME else _own_format(audio)
    form = FORMATS.get(name)
    if copy and not wish.changing:
        if form is not None and audio.codec in form.copies:
            return Choice(form.container, audio.codec, None, form.cover, ("The sound is copied as it is: nothing is lost.",))
        if wish.format == SAME:
            return Choice(codecs.MKA, audio.codec, None, False, ("The sound is copied as it is: nothing is lost.",))
    form = form or FORMATS["m4a"]
    kbps, channels, rate = wish.kbps, wish.channels, wish.rate
    if wish.target is not None:
        kbps, channels, rate = _affordable(form, audio, wish, wish.target, seconds)
    changed = wish.level != "keep" or wish.fade_in > 0 or wish.fade_out > 0 or wish.speed != 1
    way = encoding(form.codec, audio, quality=wish.quality, kbps=kbps, channels=channels, rate=rate, depth=wish.depth, changed=changed)
    said = way.remarks if wish.target is None or channels == wish.channels else (*way.remarks, "So few bytes are enough for one channel only.")
    if kbps is not None and way.lossless:
        said = (*said, f"{form.codec.upper()} is lossless: a bit rate has no effect.")
    return Choice(form.container, way.codec, way, form.cover, said, kbps if wish.target is not None else None)


def again(choice: Choice, audio: AudioStream, wish: Wish, kbps: int) -> Choice:
    """The same format at another rate, for a wanted size."""
    assert choice.encoding is not None  # noqa: S101 (tells the type checker)
    hertz, count = choice.encoding.sample_rate, choice.encoding.channels
    if choice.codec == "vorbis" and kbps < _LOW_KBPS * count:
        # Below its lowest quality only fewer samples take fewer bytes.
        hertz = min(hertz, 11025)
    channels = "mono" if count == 1 else "stereo" if count == 2 else "keep"
    return replace(choice, kbps=kbps, encoding=encoding(choice.codec, audio, kbps=kbps, channels=channels, rate=hertz))


def _own_format(audio: AudioStream) -> str:
    """The format that a sound of this codec has already, else the nearest: lossless stays lossless."""
    for name, form in FORMATS.items():
        if audio.codec in form.copies and (name != "m4a" or audio.codec == "aac"):
            return name
    if audio.codec.startswith("pcm_"):
        return "wav"
    return "flac" if audio.codec in ("wavpack", "ape", "tta", "truehd", "mlp") else ""


def _affordable(form: Format, audio: AudioStream, wish: Wish, target: int, seconds: float) -> tuple[int, str, int | None]:
    """Rate, channels and samples per second that a number of bytes is enough for."""
    coder = CODERS[form.codec]
    if coder.kbps is None:
        text = f"target_mb: {form.title} keeps every sample, so its size can't be chosen; choose MP3, M4A, Opus or OGG."
        raise MediaError("bad_parameter", text, field="target_mb")
    free = _SPARE * target - _FILE_BYTES - seconds * _PACKETS * _PACKET_BYTES
    kbps = int(free / seconds / 125)
    if kbps < _LEAST_KBPS:
        least = (seconds * (_LEAST_KBPS + 1) * 125 + _FILE_BYTES + seconds * _PACKETS * _PACKET_BYTES) / _SPARE
        text = f"target_mb: {megabytes(target)} is too small for {seconds:.0f} s of sound; at least {least / 1e6 + 0.005:.2f} MB would work."
        raise MediaError("target_unreachable", text, field="target_mb")
    count = {"mono": 1, "stereo": min(2, audio.channels)}.get(wish.channels, audio.channels)
    channels = wish.channels
    if kbps < _MONO_KBPS * 3 and count > 2:
        channels = "stereo"
    if kbps < _MONO_KBPS:
        channels = "mono"
    kbps = min(kbps, coder.kbps["high"] * (1 if channels == "mono" else min(count, 2) if channels == "stereo" else count))
    rate = wish.rate
    if rate is None and form.codec != "opus" and kbps < _MONO_KBPS:
        rate = min(audio.sample_rate, 11025 if kbps < _LOW_KBPS else 22050)
    return kbps, channels, rate
