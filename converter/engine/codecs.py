"""Arguments of the encoders that several operations share, and which container takes which codec."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from .config import default_limits
from .media import AudioStream, Media, VideoStream

SPEEDS: Mapping[str, str] = {
    "ultrafast": "Fastest, largest",
    "veryfast": "Very fast",
    "fast": "Fast",
    "medium": "Balanced",
    "slow": "Slow, smallest",
}
BARE = ("-map_metadata", "-1", "-map_chapters", "-1")
"""Nothing of the source's tags: they can hold a place, a name, a serial number."""
FASTSTART = ("-movflags", "+faststart")
"""The index at the front, so that an MP4 plays while it still loads."""
KEEP_TIMES = ("-fps_mode", "vfr", "-enc_time_base", "demux")
"""Frames keep the source's own times, also where their rate varies."""


LOOK_PIXELS = 16_000_000
"""Pixels that may wait in the lookahead of x264 and x265, but eight pictures may always."""
THREAD_PIXELS = 4_500_000
"""Pixels that x264 may work on at once; 2 pictures of 1080p. Each takes seven bytes a pixel, and as many again as references."""
_X264_LOOK = {"ultrafast": 0, "veryfast": 10, "fast": 30, "medium": 40, "slow": 50}
"""What x264's presets look ahead themselves."""


@dataclass(frozen=True, slots=True)
class Container:
    """One kind of output file. `muxer` is ffmpeg's, `name` the sniffed container's."""

    name: str
    muxer: str
    extension: str
    mime: str
    flags: tuple[str, ...] = ()


MP4 = Container("mp4", "mp4", "mp4", "video/mp4", FASTSTART)
WEBM = Container("webm", "webm", "webm", "video/webm")
MKV = Container("matroska", "matroska", "mkv", "video/x-matroska")
M4A = Container("m4a", "ipod", "m4a", "audio/mp4", FASTSTART)
MP3 = Container("mp3", "mp3", "mp3", "audio/mpeg")
FLAC = Container("flac", "flac", "flac", "audio/flac")
OGG = Container("ogg", "ogg", "ogg", "audio/ogg")
WAV = Container("wav", "wav", "wav", "audio/wav")
MKA = Container("matroska", "matroska", "mka", "audio/x-matroska")

_MP4_PICTURES, _MP4_SOUNDS = {"h264", "hevc", "av1"}, {"aac", "mp3", "ac3", "eac3", "alac"}
_WEBM_PICTURES, _WEBM_SOUNDS = {"vp8", "vp9", "av1"}, {"opus", "vorbis"}
_SOUNDS = {"aac": M4A, "alac": M4A, "mp3": MP3, "flac": FLAC, "vorbis": OGG, "opus": OGG, "pcm_s16le": WAV, "pcm_s24le": WAV, "pcm_f32le": WAV}


def copied(media: Media) -> Container:
    """The container for the source's own picture and sound, unchanged."""
    video, audio = media.video, media.audio
    sound = audio.codec if audio else None
    if video is None:
        return _SOUNDS.get(sound or "", MKA)
    if video.codec in _MP4_PICTURES and (sound is None or sound in _MP4_SOUNDS):
        return MP4
    if video.codec in _WEBM_PICTURES and (sound is None or sound in _WEBM_SOUNDS):
        return WEBM
    return MKV


def threads() -> int:
    """How many threads there may be: the setting, else the processors, at most 16."""
    return default_limits().threads or min(16, os.cpu_count() or 1)


def x264_threads(pixels: int) -> int:
    """How many threads x264 has for pictures of `pixels`: one and a half per processor is its own choice, but each works on its own picture."""
    return min(default_limits().threads or threads() * 3 // 2, max(2, THREAD_PIXELS // pixels))


def _sliced(pixels: int, count: int) -> tuple[str, ...]:
    """Large pictures are shared between the threads: 22 MB less at 1080p for 0.3 % more bytes at the same SSIM."""
    return ("sliced-threads=1",) if count > 1 and pixels > 2 * THREAD_PIXELS // 5 else ()


def x264(speed: str, pixels: int, *words: str, ahead: bool = True, most: int = 16, look: int = 0) -> tuple[str, ...]:
    """x264 in bounded memory for pictures of `pixels`: what it looks ahead and how many it works on at once depend on their size.

    `words` are more of its own parameters, `ahead` whether it looks ahead at all (second passes don't), `most` its threads at most,
    `look` how many pictures it may look ahead where that is not decided by `LOOK_PIXELS`.
    """
    look = min(_X264_LOOK[speed], look or max(8, LOOK_PIXELS // pixels))
    count = min(most, x264_threads(pixels))
    own = ":".join(("sync-lookahead=0", *_sliced(pixels, count), *words))
    looking = ("-rc-lookahead", str(look)) if look and ahead else ()
    return ("-preset", speed, *looking, "-threads", str(count), "-x264-params", own)


def h264(speed: str, *rate: str, pixels: int, most: int = 16, look: int = 0) -> tuple[str, ...]:
    """H.264 that plays everywhere; `rate` is how its quality or size is steered (`-crf 20`), the rest as in `x264`."""
    return ("-c:v", "libx264", *x264(speed, pixels, most=most, look=look), *rate, "-pix_fmt", "yuv420p")


def aac(kbps: int) -> tuple[str, ...]:
    """AAC at about `kbps` kilobits per second."""
    return ("-c:a", "aac", "-b:a", f"{kbps}k")


def ample_kbps(audio: AudioStream) -> int:
    """A bit rate at which AAC is not heard, for as many channels as there are."""
    return min(512, max(96, 80 * audio.channels))


def sound_like(audio: AudioStream) -> tuple[Container, tuple[str, ...]]:
    """A container and an encoder that keep the kind of sound: lossless stays lossless."""
    if audio.codec.startswith("pcm_"):
        return WAV, ("-c:a", "pcm_s16le" if "16" in audio.codec or "8" in audio.codec or "law" in audio.codec else "pcm_s24le")
    if audio.codec in ("flac", "alac", "wavpack", "ape", "tta"):
        return FLAC, ("-c:a", "flac")
    return M4A, aac(ample_kbps(audio))


def stream(video: VideoStream | AudioStream) -> str:
    """A stream of the first input, as filters and `-map` name it."""
    return f"0:{video.index}"
