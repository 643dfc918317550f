"""Real clips for the tests, or made ones of the same names and kinds where the real ones are not at hand."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
_AAC = ("-c:a", "aac", "-b:a", "96k")
_VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "800k", "-c:a", "libvorbis")

MADE: dict[str, tuple[str, str, float, tuple[str, ...]]] = {
    "bunny_1080p_24fps_aac51.mp4": ("testsrc2=s=1920x1080:r=24", "sine=f=330", 30, (*_H264, "-g", "240", *_AAC, "-ac", "6")),
    "bunny_720p_vp8.webm": ("testsrc2=s=1280x720:r=24", "sine=f=330", 30, _VP8),
    "car_432p_12fps.mp4": ("testsrc2=s=768x432:r=25/2", "", 30, (*_H264, "-profile:v", "baseline")),
    "flower_540p_5s.mp4": ("mandelbrot=s=960x540:r=25", "sine=f=220", 5.06, (*_H264, *_AAC)),
    "flower_540p_vp8.webm": ("mandelbrot=s=960x540:r=25", "sine=f=220", 5.06, _VP8),
    "friday_480p_audio_first.mp4": ("testsrc2=s=640x480:r=30", "sine=f=440", 6.2, (*_H264, *_AAC)),
    "greenscreen_720p.mp4": ("color=c=0x00b140:s=1280x720:r=30", "anullsrc=r=44100", 24, (*_H264, *_AAC)),
    "talk_720p_speech.mp4": ("testsrc2=s=1280x720:r=30", "sine=f=180:beep_factor=4", 42, (*_H264, *_AAC)),
}
"""Name → picture source, sound source, seconds, encoding."""


def copy(source: Path, target: Path) -> None:
    """Copy the clips, writable, so that no test can change the originals."""
    target.mkdir(parents=True)
    for clip in source.iterdir():
        if clip.suffix in (".mp4", ".webm"):
            shutil.copyfile(clip, target / clip.name)


def synthesize(directory: Path) -> Path:
    """Make the clips of `MADE` once and keep them; processes that come at once wait for the first."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name, (picture, sound, seconds, encoding) in MADE.items():
            if not (directory / name).exists():
                _make(directory / name, picture, sound, seconds, encoding)
    return directory


def _make(target: Path, picture: str, sound: str, seconds: float, encoding: tuple[str, ...]) -> None:
    import imageio_ffmpeg

    inputs = ["-f", "lavfi", "-i", picture] + (["-f", "lavfi", "-i", sound] if sound else [])
    maps = ["-map", "1:a", "-map", "0:v"] if "audio_first" in target.name else []
    part = target.with_name(f".part-{target.name}")
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *inputs, *maps, "-t", str(seconds), *encoding, str(part)],
        check=True,
    )
    part.rename(target)
