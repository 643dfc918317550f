"""Sound as people name it: which format holds which codec, and how each is encoded from any source.

An encoder takes only some channel layouts and rates; what it is given instead of the source's own
is decided here, once, and said in a sentence where something is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Literal

from converter.engine import codecs
from converter.engine.codecs import Container
from converter.engine.errors import MediaError
from converter.engine.ffmpeg import find_ffmpeg
from converter.engine.media import AudioStream

Channels = Literal["keep", "stereo", "mono"]

QUALITIES: Mapping[str, str] = {"high": "High: like the source", "good": "Good", "small": "Small"}
CHANNELS: Mapping[str, str] = {"keep": "As in the source", "stereo": "Stereo", "mono": "Mono"}
DEPTHS: Mapping[str, str] = {"auto": "As in the source", "16": "16 bits", "24": "24 bits"}

OPUS = Container("ogg", "opus", "opus", "audio/ogg")
AIFF = Container("aiff", "aiff", "aiff", "audio/aiff", ("-write_id3v2", "1"))
_PCM_LITTLE = frozenset({"pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_u8"})
_PCM_BIG = frozenset({"pcm_s16be", "pcm_s24be", "pcm_s32be"})

_USUAL = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
"""Layouts by number of channels, as MP4, Vorbis, Opus and FLAC order them."""
_GUESSED = ("mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1")
"""What ffmpeg takes an unnamed layout for, by its number of channels."""
_SAME = {"5.1(side)": "5.1", "5.0(side)": "5.0", "quad(side)": "quad", "7.1(wide)": "7.1", "7.1(wide-side)": "7.1"}
_TITLES = {"pcm_be": "AIFF", "pcm": "WAV", "opus": "Opus", "vorbis": "Vorbis"}
_SHORTEST = 0.05
"""Seconds; shorter sound is filled up with silence, because some encoders make nothing of a few samples."""


@dataclass(frozen=True, slots=True)
class Coder:
    """One codec: ffmpeg's encoder, what it takes, and bits per second for each channel at each quality.

    `layouts` empty means any, `rates` empty means any up to `most_rate` Hz.
    """

    codec: str
    encoder: str
    layouts: tuple[str, ...] = ()
    rates: tuple[int, ...] = ()
    most_rate: int = 655_350
    kbps: Mapping[str, int] | None = None
    """None: lossless."""
    vbr: Mapping[str, str] | None = None
    """`-q:a` at each quality, where the encoder has a variable rate worth using."""
    most_kbps: int = 0
    """For each channel."""


_LOSSY_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
CODERS: Mapping[str, Coder] = {
    coder.codec: coder
    for coder in (
        Coder("mp3", "libmp3lame", ("mono", "stereo"), _LOSSY_RATES, 48000, {"high": 123, "good": 95, "small": 65},
              {"high": "0", "good": "2", "small": "5"}, 160),
        Coder("aac", "aac", ("mono", "stereo", "3.0", "5.0", "5.1"), _LOSSY_RATES, 48000, {"high": 128, "good": 80, "small": 48}, None, 256),
        Coder("opus", "libopus", _USUAL, (48000,), 48000, {"high": 96, "good": 64, "small": 40}, None, 256),
        Coder("vorbis", "libvorbis", _USUAL, _LOSSY_RATES, 48000, {"high": 112, "good": 80, "small": 56},
              {"high": "7", "good": "5", "small": "3"}, 200),
        Coder("ac3", "ac3", ("mono", "stereo", "5.1"), (32000, 44100, 48000), 48000, {"high": 160, "good": 96, "small": 80}, None, 320),
        Coder("flac", "flac", _USUAL),
        Coder("alac", "alac", ("mono", "stereo", "3.0", "5.0", "5.1"), (), 384_000),
        Coder("pcm", "pcm_s16le", (), (), 768_000),
        Coder("pcm_be", "pcm_s16be", ("mono", "stereo", "3.0", "quad", "5.1"), (), 768_000),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of sound file: its container, what is encoded for it, what may be copied into it."""

    title: str
    container: Container
    codec: str
    copies: frozenset[str]
    cover: bool = False


FORMATS: Mapping[str, Format] = {
    "mp3": Format("MP3", codecs.MP3, "mp3", frozenset({"mp3"}), cover=True),
    "m4a": Format("M4A (AAC)", codecs.M4A, "aac", frozenset({"aac", "alac"}), cover=True),
    "opus": Format("Opus", OPUS, "opus", frozenset({"opus"})),
    "ogg": Format("OGG (Vorbis)", codecs.OGG, "vorbis", frozenset({"vorbis"})),
    "flac": Format("FLAC, lossless", codecs.FLAC, "flac", frozenset({"flac"}), cover=True),
    "alac": Format("Apple Lossless (M4A)", codecs.M4A, "alac", frozenset({"alac"}), cover=True),
    "wav": Format("WAV, uncompressed", codecs.WAV, "pcm", _PCM_LITTLE),
    "aiff": Format("AIFF, uncompressed", AIFF, "pcm_be", _PCM_BIG, cover=True),
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one stream of sound is encoded. `codec` is what a probe will find, `bps` bits per second at most or so."""

    codec: str
    arguments: tuple[str, ...]
    filters: tuple[str, ...]
    channels: int
    sample_rate: int
    """Hz."""
    bps: int
    lossless: bool
    remarks: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    """Filters after all others: rounding to 16 bits."""


def encoding(
    codec: str,
    audio: AudioStream,
    *,
    quality: str = "good",
    kbps: int | None = None,
    channels: str = "keep",
    rate: int | None = None,
    depth: str = "auto",
    changed: bool = False,
    field: str = "format",
) -> Encoding:
    """Encode `audio` as `codec` (a key of `CODERS`).

    `kbps` is a rate instead of a quality, `rate` in Hz instead of the source's, `changed` whether filters made
    samples finer than 16 bits. Raises `MediaError("bad_parameter")` where this ffmpeg lacks the encoder.
    """
    coder = CODERS[codec]
    if not find_ffmpeg().has("encoders", coder.encoder):
        raise MediaError("bad_parameter", f"{field}: the ffmpeg of this machine can't write {codec}; choose another.", field=field)
    count, mixing, remarks = _mixed(coder, audio, channels)
    hertz = nearest_rate(coder, rate or audio.sample_rate)
    if rate is not None and hertz != rate:
        remarks += (f"{codec.upper()} takes no {rate} Hz, so the sound has {hertz} Hz.",)
    filters = (*mixing, *((f"aresample={hertz}",) if hertz != audio.sample_rate else ()))
    if coder.kbps is None:
        return _lossless(coder, audio, filters, count, hertz, depth, changed=changed, remarks=remarks)
    nominal = coder.kbps[quality] * count if kbps is None else min(kbps, coder.most_kbps * count)
    # Two channels share much, one and the low rates need less.
    nominal = max(8, nominal if kbps is not None or hertz >= 32000 else ceil(nominal * hertz / 32000))
    steer = ("-q:a", coder.vbr[quality]) if coder.vbr and kbps is None else ("-b:a", f"{_ladder(coder, nominal, hertz)}k")
    if codec == "vorbis" and kbps is not None:
        steer = ("-q:a", f"{_vorbis_quality(nominal / count, hertz):.2f}")
    return Encoding(codec, ("-c:a", coder.encoder, *steer), filters, count, hertz, nominal * 1000, False, remarks)


def _lossless(
    coder: Coder, audio: AudioStream, filters: tuple[str, ...], count: int, hertz: int, depth: str, *, changed: bool, remarks: tuple[str, ...]
) -> Encoding:
    bits = (24 if fine(audio) else 16) if depth == "auto" else int(depth)
    rounding = (fine(audio) or bool(filters) or changed) and bits == 16
    # Rounding to 16 bits without noise would turn soft passages into distortion.
    dither = ("aresample=osf=s16:dither_method=triangular",) if rounding else ()
    if coder.codec.startswith("pcm"):
        codec = f"pcm_s{bits}{'be' if coder.codec == 'pcm_be' else 'le'}"
        arguments: tuple[str, ...] = ("-c:a", codec)
    else:
        codec = coder.codec
        wide = {"flac": "s32", "alac": "s32p"}[codec]
        arguments = ("-c:a", codec, "-sample_fmt", wide if bits == 24 else wide.replace("32", "16"))
        arguments += ("-bits_per_raw_sample", "24") if bits == 24 else ()
    return Encoding(codec, arguments, filters, count, hertz, hertz * count * bits, True, remarks, dither)


def fine(audio: AudioStream) -> bool:
    """Whether a lossless source has more than 16 bits; what was lossy before is kept in 16."""
    if audio.codec.startswith("pcm_"):
        return not any(part in audio.codec for part in ("16", "s8", "u8", "law"))
    return audio.codec in ("flac", "alac", "wavpack", "ape", "tta", "truehd", "mlp") and audio.sample_format.startswith(("s32", "flt", "dbl"))


def nearest_rate(coder: Coder, hertz: int) -> int:
    """The rate in Hz that the encoder takes: the source's, or the next above, or of the same family (44.1, 48) below."""
    if not coder.rates:
        return min(hertz, coder.most_rate)
    if hertz in coder.rates:
        return hertz
    above = next((rate for rate in coder.rates if rate > hertz), None)
    if above is not None:
        return above
    family = [rate for rate in coder.rates if hertz % rate == 0]
    return family[-1] if family and family[-1] >= 44100 else coder.rates[-1]


def layout_of(audio: AudioStream) -> str:
    """The layout by ffmpeg's name; unnamed ones are what ffmpeg takes them for, empty where it can't guess."""
    if not audio.channel_layout or audio.channel_layout.endswith(" channels"):
        return _GUESSED[audio.channels - 1] if 1 <= audio.channels <= len(_GUESSED) else ""
    return audio.channel_layout


def _mixed(coder: Coder, audio: AudioStream, wish: str) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """Channels, the filters that make them, and what is said about it."""
    layout = layout_of(audio)
    if wish == "mono" or (wish == "stereo" and audio.channels > 1):
        wanted = wish
    elif wish == "stereo" or not coder.layouts or layout in coder.layouts:
        # One channel stays one: two equal ones would only cost bytes.
        return audio.channels, (), ()
    else:
        same = _SAME.get(layout, "")
        wanted = same if same in coder.layouts else "5.1" if audio.channels >= 4 and layout and "5.1" in coder.layouts else "stereo"
    count = {"mono": 1, "stereo": 2}.get(wanted) or (_USUAL.index(wanted) + 1)
    filters = mix(audio, wanted)
    fewer = wish == "keep" and count < audio.channels
    lost = (f"{_TITLES.get(coder.codec, coder.codec.upper())} takes {count} channels here: the {audio.channels} are mixed.",) if fewer else ()
    return count, filters, lost


def mix(audio: AudioStream, wanted: str) -> tuple[str, ...]:
    """Filters from the source's channels to `wanted`.

    Surround goes to stereo as Lo/Ro of ITU-R BS.775 (centre and surrounds at -3 dB, no LFE) at its full level,
    with a limiter for the rare sum above full scale: dividing by the largest possible sum, as is usual, makes every film
    7 dB too quiet. Mono is the mean of left and right.
    """
    layout = layout_of(audio)
    if wanted == layout:
        return ()
    halves = "pan=mono|c0=0.5*c0+0.5*c1"
    if wanted == "mono" and layout == "stereo":
        return (halves,)
    if layout == "mono":
        return (f"aformat=channel_layouts={wanted}",)
    if not layout:
        sides = [[n for n in range(audio.channels) if n % 2 == side] or [0] for side in (0, 1)]
        sums = ["+".join(f"{1 / len(side):.5f}*c{n}" for n in side) for side in sides]
        spread = f"pan=stereo|c0={sums[0]}|c1={sums[1]}"
        return (spread, halves) if wanted == "mono" else (spread,)
    target = "stereo" if wanted == "mono" else wanted
    down = f"aresample=ochl={target}:osf=fltp:rematrix_maxval=8"
    limit = "alimiter=limit=0.98:attack=1:release=50:level=0:latency=1"
    return (down, limit, halves) if wanted == "mono" else (down, limit)


def whole(seconds: float) -> tuple[str, ...]:
    """A filter that fills up sound that is too short for its encoder."""
    return (f"apad=whole_dur={_SHORTEST}", "asetnsamples=n=512:p=1") if seconds < _SHORTEST else ()


def _ladder(coder: Coder, kbps: int, hertz: int) -> int:
    """The nearest rate not above that the codec has. MP3 knows only those of its table (ISO 11172-3, 13818-3)."""
    if coder.codec == "mp3":
        table = _MP3_RATES if hertz >= 32000 else _MP3_LOW_RATES
        return next((rate for rate in reversed(table) if rate <= kbps), table[0])
    if coder.codec == "ac3":
        return next((rate for rate in reversed(_AC3_RATES) if rate <= kbps), _AC3_RATES[0])
    return kbps


def _vorbis_quality(kbps: float, hertz: int) -> float:
    """The quality at which Vorbis takes about so many kbit/s a channel: its managed rates fail at many that lie between."""
    # libvorbis' own table of nominal rates at 44.1 kHz, for one of two channels; lower rates of samples need less.
    wanted = kbps * 44100 / hertz
    for quality, (low, high) in enumerate(pairwise(_VORBIS_KBPS), start=-1):
        if wanted < high:
            return quality + max(0.0, (wanted - low) / (high - low))
    return 10.0


_VORBIS_KBPS = (22.5, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 250)
"""Kilobits per second at the qualities -1 to 10."""
_MP3_RATES = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MP3_LOW_RATES = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_AC3_RATES = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
