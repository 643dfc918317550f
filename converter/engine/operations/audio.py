"""Sound on its own: taken out of a video, cut, levelled, cleared of pauses, in the format that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine.errors import MediaError
from converter.engine.media import AudioStream, Media
from converter.engine.params import as_dict, choice, flag, integer, listing, number, time
from converter.engine.ranges import Cut, cut, length
from converter.engine.sound import passes, work
from converter.engine.sound.formats import CHANNELS, DEPTHS, FORMATS, QUALITIES
from converter.engine.sound.wish import LEVELS, PAUSES, SAME, Wish
from converter.engine.timecode import parse_time

from .base import Operation, Plan, Preset

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

_MOST_RANGES = 50
_FORMATS = {SAME: "As in the source", **{name: form.title for name, form in FORMATS.items()}}


def _range(raw: object, field: str) -> dict[str, float]:
    """One of `ranges`: an object with `start` and `end`, in seconds or as clock times."""
    if not isinstance(raw, Mapping) or set(raw) != {"start", "end"}:
        raise MediaError("bad_parameter", f'{field}: write a range as {{"start": 1.5, "end": 4}}.', field=field)
    start, end = (parse_time(raw[name], field=f"{field}.{name}") for name in ("start", "end"))
    return {"start": start, "end": end}


@dataclass(frozen=True, slots=True)
class AudioParams:
    """What is wanted of the sound."""

    format: str = choice(
        "mp3", _FORMATS, label="Format", help="As in the source keeps every byte of the sound where nothing else is changed.", advanced=False
    )
    quality: str = choice("good", QUALITIES, label="Quality", help="For formats that leave something out; lossless ones ignore it.", advanced=False)
    start: float = time(0.0, label="Start", help="Where the part begins.", minimum=0, advanced=False)
    end: float | None = time(None, label="End", help="Where it ends; empty means at the end.", minimum=0, optional=True, advanced=False)
    duration: float | None = time(
        None, label="Duration", help="How long the part lasts, instead of an end.", minimum=0, above_minimum=True, below="empty_range", optional=True
    )
    ranges: tuple[dict[str, float], ...] = listing(
        label="Several parts", help="Parts to join, in this order, instead of a start and an end.", read=_range, maximum=_MOST_RANGES
    )
    target_mb: float | None = number(
        None,
        label="Target size",
        help="The file will not be larger; 1 MB is 1,000,000 bytes.",
        unit="MB",
        minimum=0.01,
        maximum=10_000,
        optional=True,
    )
    kbps: int | None = integer(
        None, label="Bit rate", help="A constant or average rate instead of a quality.", unit="kbit/s", minimum=8, maximum=1024, optional=True
    )
    level: str = choice("keep", LEVELS, label="Level", help="One gain for the whole sound; its dynamics stay.", advanced=False)
    lufs: float = number(
        -16.0, label="Loudness", help="−16 for podcasts, −14 for streaming, −23 for broadcast.", unit="LUFS", minimum=-40, maximum=-6
    )
    peak_db: float = number(-1.0, label="Highest peak", help="No peak between the samples passes this.", unit="dBTP", minimum=-20, maximum=0)
    fade_in: float = number(0.0, label="Fade in", help="From silence to full level.", unit="s", minimum=0, maximum=600)
    fade_out: float = number(0.0, label="Fade out", help="From full level to silence.", unit="s", minimum=0, maximum=600)
    silence: str = choice("keep", PAUSES, label="Silence", help="What becomes of stretches without sound.")
    silence_longer: float = number(
        0.8, label="Pauses from", help="Only pauses within that are longer than this are shortened.", unit="s", minimum=0.1, maximum=60
    )
    silence_padding: float = number(
        0.2, label="Silence to keep", help="Left before and after each sound, so that no word loses its edge.", unit="s", minimum=0, maximum=10
    )
    silence_db: float | None = number(
        None,
        label="Silence below",
        help="Empty finds it from the recording's own noise and voice.",
        unit="dB",
        minimum=-90,
        maximum=-10,
        optional=True,
    )
    speed: float = number(1.0, label="Speed", help="2 is twice as fast; the pitch stays.", unit="×", minimum=0.25, maximum=4)
    channels: str = choice("keep", CHANNELS, label="Channels", help="Surround goes to stereo with its centre, without its rumble.")
    sample_rate: int | None = integer(
        None, label="Sample rate", help="Empty keeps the source's where the format can.", unit="Hz", minimum=8000, maximum=192_000, optional=True
    )
    depth: str = choice("auto", DEPTHS, label="Depth", help="For lossless formats.")
    track: int = integer(1, label="Track", help="Which sound, where there are several.", minimum=1, maximum=64)
    keep_names: bool = flag(True, label="Keep names", help="Title, artist, album and their like. Places, devices and notes are never kept.")
    keep_cover: bool = flag(True, label="Keep cover", help="The picture of the album, where the format can hold one.")
    keep_chapters: bool = flag(True, label="Keep chapters", help="Where no moment moves.")


class Audio(Operation[AudioParams]):
    """A sound from a video or another sound."""

    name = "audio"
    title = "Sound"
    summary = "Take the sound out, cut it, set its loudness, remove silence, and save it in any format."
    params = AudioParams
    accepts = frozenset({"video", "animation", "audio"})
    wish = "sound"
    presets = (
        Preset("sound-only", "Sound only", "The sound of a video, untouched.", {"format": SAME}, words=("extract", "music")),
        Preset("mp3", "MP3", "Good quality, plays everywhere.", {"format": "mp3"}),
        Preset("mp3-192", "MP3, 192 kbit/s", "A constant rate, for players that want one.", {"format": "mp3", "kbps": 192}),
        Preset(
            "podcast-loudness", "Podcast loudness", "−16 LUFS with peaks below −1 dBTP, as MP3.",
            {"format": "mp3", "level": "loudness", "lufs": -16.0, "peak_db": -1.0},
            words=("volume", "normalise", "normalize", "louder", "lufs"),
        ),
        Preset(
            "streaming-loudness", "Streaming loudness", "−14 LUFS with peaks below −1 dBTP, as M4A.",
            {"format": "m4a", "quality": "high", "level": "loudness", "lufs": -14.0, "peak_db": -1.0},
            words=("volume", "spotify", "youtube", "lufs"),
        ),
        Preset(
            "broadcast-loudness", "Broadcast loudness", "−23 LUFS with peaks below −1 dBTP (EBU R128), as WAV.",
            {"format": "wav", "level": "loudness", "lufs": -23.0, "peak_db": -1.0},
            words=("volume", "tv", "radio", "lufs"),
        ),
        Preset("no-silence", "Without long pauses", "Silence before and after is cut, pauses are shortened.", {"format": "mp3", "silence": "all"},
               words=("cut silences", "silence", "quiet", "jump cut")),
        Preset("voice-small", "Voice, small", "One channel of Opus.", {"format": "opus", "quality": "small", "channels": "mono"},
               wish="send", words=("voice message", "smaller")),
        Preset("lossless", "Lossless FLAC", "Every sample as it is.", {"format": "flac"}, wish="edit"),
    )  # fmt: skip

    def plan(self, media: tuple[Media, ...], params: AudioParams) -> Plan:
        """Plan a sound. Raises `MediaError`: `no_audio`, `start_past_end`, `empty_range`, `bad_parameter`, `target_unreachable`."""
        source = media[0]
        audio = chosen(source, params.track)
        if params.kbps is not None and params.target_mb is not None:
            raise MediaError("bad_parameter", "kbps: give a target size or a bit rate, not both.", field="kbps")
        return work.planned(self.name, as_dict(params), source, audio, self._wish(source, params))

    def _wish(self, source: Media, params: AudioParams) -> Wish:
        return Wish(
            format=params.format,
            ranges=_ranges(source, params),
            quality=params.quality,
            kbps=params.kbps,
            target=None if params.target_mb is None else round(params.target_mb * 1_000_000),
            channels=params.channels,
            rate=params.sample_rate,
            depth=params.depth,
            speed=params.speed,
            fade_in=params.fade_in,
            fade_out=params.fade_out,
            level=params.level,
            lufs=params.lufs,
            ceiling=params.peak_db,
            pauses=params.silence,
            longer=params.silence_longer,
            padding=params.silence_padding,
            quiet=params.silence_db,
            names=params.keep_names,
            cover=params.keep_cover,
            chapters=params.keep_chapters,
        )

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Find pauses, measure, encode, measure again: what of these the plan needs."""
        return passes.run(plan, bench)

    def check(self, plan: Plan, path: Path, media: Media) -> None:
        """The codec, the channels and the rate are those that were promised."""
        work.check(plan, media)


def chosen(source: Media, track: int) -> AudioStream:
    """The sound with that number, from 1. Raises `MediaError`: `no_audio`, `bad_parameter`."""
    if not source.audios:
        raise MediaError("no_audio")
    if track > len(source.audios):
        count = len(source.audios)
        raise MediaError("bad_parameter", f"track: there {'is one sound' if count == 1 else f'are {count} sounds'} in this file.", field="track")
    return source.audios[track - 1]


def _ranges(source: Media, params: AudioParams) -> tuple[Cut, ...]:
    if params.ranges:
        if params.start or params.end is not None or params.duration is not None:
            raise MediaError("bad_parameter", "ranges: give several parts, or a start and an end, not both.", field="ranges")
        seconds = length(source)
        return tuple(cut(seconds, start=part["start"], end=part["end"], field=f"ranges[{n}].") for n, part in enumerate(params.ranges))
    if not params.start and params.end is None and params.duration is None:
        return ()
    return (cut(length(source), start=params.start, end=params.end, duration=params.duration),)
