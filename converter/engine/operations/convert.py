"""The same media in another container or codec: streams stay untouched wherever the target takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.engine import codecs
from converter.engine.errors import MediaError
from converter.engine.media import Media
from converter.engine.params import as_dict, choice, flag, integer, number
from converter.engine.remux import assembly
from converter.engine.remux.targets import TARGETS
from converter.engine.remux.tracks import Asked
from converter.engine.sound import passes, work
from converter.engine.sound.formats import CHANNELS, FORMATS, QUALITIES
from converter.engine.sound.wish import Wish

from .base import Operation, Plan, Preset

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

_FORMATS = {**{name: target.title for name, target in TARGETS.items()}, **{name: form.title for name, form in FORMATS.items()}}
_PICTURES = {
    "auto": "Untouched if it fits, else what the format is known for", "copy": "Untouched", "h264": "H.264", "hevc": "H.265 (HEVC)", "av1": "AV1",
    "vp9": "VP9", "prores": "ProRes", "mpeg4": "MPEG-4",
}  # fmt: skip
_SOUNDS = {
    "auto": "Untouched if it fits, else what the format is known for", "copy": "Untouched", "none": "No sound", "aac": "AAC", "mp3": "MP3",
    "opus": "Opus", "vorbis": "Vorbis", "flac": "FLAC", "alac": "Apple Lossless", "ac3": "AC-3", "pcm": "Uncompressed",
}  # fmt: skip
_ELSEWHERE = {"gif": "gif", "webp": "gif", "apng": "gif", "jpg": "image", "jpeg": "image", "png": "image", "avif": "image"}


@dataclass(frozen=True, slots=True)
class ConvertParams:
    """The wanted format, and what may change on the way."""

    format: str = choice("mp4", _FORMATS, label="Format", help="The kind of file. Sound formats take the sound of a video.", advanced=False)
    video_codec: str = choice("auto", _PICTURES, label="Picture", help="Untouched streams lose nothing and take no time.", advanced=False)
    audio_codec: str = choice("auto", _SOUNDS, label="Sound", help="Untouched streams lose nothing and take no time.", advanced=False)
    quality: str = choice("good", QUALITIES, label="Quality", help="Of what has to be encoded.", advanced=False)
    speed: str = choice("fast", codecs.SPEEDS, label="Speed", help="Slower encoding gives a smaller file.")
    max_height: int | None = integer(
        None, label="Largest height", help="Larger pictures are scaled down; upright ones by their width. Empty keeps the size.",
        unit="px", minimum=64, maximum=8192, optional=True,
    )  # fmt: skip
    fps: float | None = number(
        None, label="Frame rate", help="Empty keeps the source's own times, also where they vary.", unit="fps", minimum=1, maximum=120, optional=True
    )
    hdr: str = choice(
        "auto", {"auto": "Kept if untouched, else SDR", "keep": "Keep HDR", "sdr": "Map to SDR"},
        label="HDR", help="Kept HDR needs ten bits: H.265, AV1, VP9 or ProRes.",
    )  # fmt: skip
    channels: str = choice("keep", CHANNELS, label="Channels", help="Surround goes to stereo with its centre, without its rumble.")
    sounds: str = choice("all", {"all": "All", "first": "The first"}, label="Sound tracks", help="Where there are several languages or comments.")
    keep_subtitles: bool = flag(True, label="Keep subtitles", help="Written ones, in the way the format writes them.")
    keep_chapters: bool = flag(True, label="Keep chapters", help="Where the format has them.")
    keep_names: bool = flag(True, label="Keep names", help="Title, artist, album and their like. Places, devices and notes are never kept.")
    keep_cover: bool = flag(True, label="Keep cover", help="The picture of the album, where the format can hold one.")


class Convert(Operation[ConvertParams]):
    """Any media as another kind of file."""

    name = "convert"
    title = "Convert"
    summary = "Another format, without encoding again what may stay as it is."
    params = ConvertParams
    accepts = frozenset({"video", "animation", "audio"})
    wish = "plays"
    version = 2
    presets = (
        Preset("mp4", "MP4", "Streams that MP4 takes stay untouched.", {"format": "mp4"}),
        Preset("plays-everywhere", "MP4 that plays everywhere", "H.264 and AAC; what is that already is not encoded again.",
               {"format": "mp4", "video_codec": "h264", "audio_codec": "aac", "channels": "stereo", "hdr": "sdr"},
               words=("h264", "television", "phone", "compatible")),
        Preset("web-webm", "WebM for the web", "VP9 and Opus.", {"format": "webm"}, wish="web"),
        Preset("mkv", "MKV", "Takes nearly everything untouched.", {"format": "mkv"}),
        Preset("small-hevc", "Small H.265", "Half of H.264's bytes, on devices of the last years.", {"format": "mp4", "video_codec": "hevc"},
               wish="smaller", words=("h265", "hevc")),
        Preset("edit-prores", "ProRes for editing", "Large, quick to cut.",
               {"format": "mov", "video_codec": "prores", "audio_codec": "pcm", "quality": "high"},
               wish="edit", words=("final cut", "premiere", "resolve")),
        Preset("mp3", "Sound as MP3", "The sound alone, for players without pictures.", {"format": "mp3"}),
        Preset("wav", "WAV", "The sound alone, uncompressed.", {"format": "wav"}, wish="sound"),
    )  # fmt: skip

    def read(self, raw: Mapping[str, Any], preset: str | None = None) -> ConvertParams:
        """Parameters from raw values. Raises `MediaError("bad_parameter")`, naming the operation for formats of another one."""
        wanted = raw.get("format")
        if isinstance(wanted, str) and wanted.lower() in _ELSEWHERE:
            other = _ELSEWHERE[wanted.lower()]
            raise MediaError("bad_parameter", f"format: {wanted.upper()} files are made by the operation {other}; choose that.", field="format")
        return super().read(raw, preset)

    def plan(self, media: tuple[Media, ...], params: ConvertParams) -> Plan:
        """Plan a conversion. Raises `MediaError`: `no_video`, `no_audio`, `bad_parameter`."""
        source = media[0]
        if params.format in FORMATS:
            return self._sound(source, params)
        if source.video is None:
            text = f"format: {_FORMATS[params.format]} is for video, and this file has only sound; choose MP3, M4A, Opus, OGG, FLAC, WAV or AIFF."
            raise MediaError("no_video", text, field="format")
        asked = Asked(
            params.video_codec, params.audio_codec, params.quality, params.speed, params.max_height, params.fps, params.hdr, params.channels,
            params.sounds == "all", params.keep_subtitles, params.keep_cover,
        )  # fmt: skip
        return assembly.planned(
            self.name, as_dict(params), source, TARGETS[params.format], asked, names=params.keep_names, chapters=params.keep_chapters
        )

    def _sound(self, source: Media, params: ConvertParams) -> Plan:
        if source.audio is None:
            raise MediaError("no_audio")
        form, wish = FORMATS[params.format], params.audio_codec
        name = "alac" if params.format == "m4a" and wish == "alac" else params.format
        if wish not in ("auto", "copy", FORMATS[name].codec) and not (wish == "pcm" and name == "aiff"):
            raise MediaError("bad_parameter", f"audio_codec: {form.title} files don't hold {_SOUNDS[wish]}; choose auto.", field="audio_codec")
        wanted = Wish(
            format=name, quality=params.quality, channels=params.channels, names=params.keep_names, cover=params.keep_cover,
            chapters=params.keep_chapters,
        )  # fmt: skip
        planned = work.planned(self.name, as_dict(params), source, source.audio, wanted)
        if wish == "copy" and not planned.expects.copied:
            text = f"audio_codec: {form.title} can't hold this {source.audio.codec} sound untouched; choose auto."
            raise MediaError("bad_parameter", text, field="audio_codec")
        return planned

    def run(self, plan: Plan, bench: Workbench) -> Path:
        """Copy and encode in one command; where copying turns out impossible, encode everything."""
        return passes.run(plan, bench) if "work" in plan.extra else assembly.run(plan, bench)

    def check(self, plan: Plan, path: Path, media: Media) -> None:
        """Each stream is the source's own, or what was asked for."""
        if "work" in plan.extra:
            work.check(plan, media)
        else:
            assembly.check(plan, media)
