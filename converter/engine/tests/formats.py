"""One short file of every kind that is accepted, made once per session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from converter.engine.tests.making import FRIDAY, ffmpeg

_FAST = ("-preset", "ultrafast")
_SOUND = ("-vn",)
_COVER = ("-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.04", "-map", "0:a", "-map", "1:v", "-disposition:v", "attached_pic")

MADE: Mapping[str, tuple[str, ...]] = {
    "a.mp4": ("-c", "copy"),
    "a.mov": ("-c", "copy"),
    "a.mkv": ("-c", "copy"),
    "a.3gp": ("-c:v", "libx264", *_FAST, "-c:a", "copy"),
    "a.avi": ("-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "a.ts": ("-c", "copy"),
    "a.m2ts": ("-c", "copy", "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    "a.mpg": ("-c:v", "mpeg2video", "-c:a", "mp2", "-f", "vob"),
    "a.flv": ("-c:v", "flv", "-c:a", "libmp3lame"),
    "a.wmv": ("-c:v", "wmv2", "-c:a", "wmav2"),
    "a.ogv": ("-c:v", "libtheora", "-c:a", "libvorbis"),
    "a.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "16", "-c:a", "libopus"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"),
    "recorded.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "16", "-c:a", "libopus", "-live", "1"),
    "hevc.mp4": ("-c:v", "libx265", *_FAST, "-tag:v", "hvc1", "-x265-params", "log-level=error", "-c:a", "copy"),
    "av1.mp4": ("-c:v", "libsvtav1", "-preset", "13", "-c:a", "copy"),
    "prores.mov": ("-c:v", "prores_ks", "-profile:v", "4", "-pix_fmt", "yuva444p10le", "-c:a", "pcm_s16le"),
    "fragments.mp4": ("-c", "copy", "-movflags", "frag_keyframe+empty_moov"),
    "mute.mp4": ("-an", "-c", "copy"),
    "many.mkv": ("-map", "0:v", "-map", "0:a", "-map", "0:a", "-map", "0:v", "-c", "copy"),
    "a.m4a": (*_SOUND, "-c", "copy"),
    "alac.m4a": (*_SOUND, "-c:a", "alac"),
    "a.mp3": (*_SOUND,),
    "bare.mp3": (*_SOUND, "-id3v2_version", "0", "-write_xing", "0"),
    "a.aac": (*_SOUND, "-c", "copy"),
    "a.wav": (*_SOUND,),
    "rf64.wav": (*_SOUND, "-rf64", "always"),
    "a.aiff": (*_SOUND,),
    "a.caf": (*_SOUND,),
    "a.flac": (*_SOUND,),
    "a.ogg": (*_SOUND, "-c:a", "libvorbis"),
    "a.opus": (*_SOUND, "-c:a", "libopus"),
    "sound.webm": (*_SOUND, "-c:a", "libopus"),
    "a.wma": (*_SOUND, "-c:a", "wmav2"),
    "cover.mp3": (*_COVER, "-c:v", "png"),
    "cover.m4a": (*_COVER, "-c:v", "mjpeg"),
    "cover.flac": (*_COVER, "-c:v", "mjpeg", "-c:a", "flac"),
    "p.jpg": ("-frames:v", "1", "-update", "1"),
    "p.png": ("-frames:v", "1", "-update", "1"),
    "p.bmp": ("-frames:v", "1", "-update", "1"),
    "p.tiff": ("-frames:v", "1", "-update", "1"),
    "p.webp": ("-frames:v", "1"),
    "p.gif": ("-frames:v", "1"),
    "p.avif": ("-frames:v", "1", "-c:v", "libaom-av1", "-still-picture", "1", "-cpu-used", "8"),
    "p.jxl": ("-frames:v", "1", "-update", "1", "-c:v", "libjxl"),
    "p.ico": ("-frames:v", "1", "-s", "64x64"),
    "moving.gif": ("-vf", "fps=10,scale=160:-1"),
    "moving.webp": ("-vf", "fps=10,scale=160:-1", "-an", "-c:v", "libwebp_anim", "-loop", "0"),
    "moving.apng": ("-vf", "fps=10,scale=160:-1", "-f", "apng", "-plays", "0"),
}
"""Name → encoding; the source is two seconds of a real clip, sound first, 640×480 at 30 fps."""


def make(media_dir: Path, name: str) -> Path:
    """A file of that kind; made at the first call."""
    target = media_dir / "formats" / name
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        part = target.with_name(f"part-{name}")
        ffmpeg("-t", "2", "-i", str(media_dir / FRIDAY), *MADE[name], str(part))
        part.rename(target)
    return target
