"""Real clips for the tests, or made ones of the same names and kinds where the real ones are not at hand."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# As many threads as on two processors: left to itself, x264 makes other bytes where there are more.
_H264 = ("-c:v", "libx264", "-preset", "superfast", "-pix_fmt", "yuv420p", "-threads", "3")
_AAC48 = ("-c:a", "aac", "-b:a", "96k", "-ar", "48000", "-ac", "2")
_AAC44 = ("-c:a", "aac", "-b:a", "96k", "-ar", "44100", "-ac", "2")
_VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-threads", "2", "-c:a", "libvorbis", "-ar", "44100", "-ac", "2")
_SPEECH = "aevalsrc='0.3*sin(2*PI*180*t)*(1+sin(2*PI*5*t))*lt(mod(t,4),3)':s=48000"


@dataclass(frozen=True)
class Made:
    """How a stand-in is made: sources of picture and sound, frames of picture, seconds of sound, encoding."""

    picture: str
    frames: int
    sound: str
    seconds: float
    encoding: tuple[str, ...]
    sound_first: bool = False


def _on(colour: str, picture: str) -> str:
    return f"color={colour}:s=1280x720:r=30[ground];testsrc2=s={picture}:r=30[figure];[ground][figure]overlay=x='200+60*sin(t)':y=200"


MADE = {
    "bunny_1080p_24fps_aac51.mp4": Made(
        "testsrc2=s=1920x1080:r=24", 720, "sine=f=330", 30, (*_H264, "-b:v", "5M", "-g", "240", "-c:a", "aac", "-ar", "48000", "-ac", "6")
    ),
    "bunny_720p_vp8.webm": Made("testsrc2=s=1280x720:r=24", 720, "sine=f=330", 30, (*_VP8, "-b:v", "400k")),
    "car_432p_12fps.mp4": Made("testsrc2=s=768x432:r=25/2", 377, "sine=f=90", 30.16, (*_H264, "-profile:v", "baseline", "-b:v", "600k", *_AAC48)),
    "flower_540p_5s.mp4": Made("mandelbrot=s=960x540:r=30000/1001:end_pts=200", 150, "sine=f=220", 5.055, (*_H264, "-b:v", "1500k", *_AAC48)),
    "flower_540p_vp8.webm": Made("testsrc2=s=960x540:r=30000/1001", 150, "sine=f=220", 5.055, (*_VP8, "-b:v", "800k")),
    "friday_480p_audio_first.mp4": Made(
        "testsrc2=s=640x480:r=30", 185, "sine=f=440", 6.153, (*_H264, "-g", "35", "-b:v", "600k", *_AAC44), sound_first=True
    ),
    "greenscreen_720p.mp4": Made(_on("0x00b140", "320x240"), 732, "anullsrc=r=44100", 24.433, (*_H264, "-b:v", "300k", *_AAC44)),
    "talk_720p_speech.mp4": Made(_on("0x405060", "160x120"), 1272, _SPEECH, 42.4, (*_H264, "-profile:v", "main", "-b:v", "300k", *_AAC48)),
}
"""The stand-ins have the shapes, rates, lengths and stream orders of the real clips, which the tests count on."""


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
        for name, made in MADE.items():
            if not (directory / name).exists():
                _make(directory / name, made)
    return directory


def _make(target: Path, made: Made) -> None:
    import imageio_ffmpeg

    inputs = ["-f", "lavfi", "-i", f"{made.picture},trim=end_frame={made.frames}", "-f", "lavfi", "-t", str(made.seconds), "-i", made.sound]
    maps = ["-map", "1:a", "-map", "0:v"] if made.sound_first else ["-map", "0:v", "-map", "1:a"]
    part = target.with_name(f".part-{target.name}")
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *inputs, *maps, *made.encoding, str(part)],
        check=True,
    )
    part.rename(target)
