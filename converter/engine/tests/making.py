"""Derived clips and short runs for the tests of the operations."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageStat

from converter.engine import probe, run
from converter.engine.ffmpeg import find_ffmpeg
from converter.engine.media import AudioStream, Media, VideoStream

_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
FLOWER, FRIDAY, TALK, CAR = "flower_540p_5s.mp4", "friday_480p_audio_first.mp4", "talk_720p_speech.mp4", "car_432p_12fps.mp4"
_GAPS = "scale=320:180,select='not(between(mod(n,30),8,25))'"

DERIVED: Mapping[str, tuple[str, ...]] = {
    "portrait.mp4": ("-t", "6.5", "-i", FRIDAY, "-vf", "crop=270:480,scale=180:320", *_X264, "-c:a", "aac"),
    "rotated.mp4": ("-display_rotation", "90", "-i", "small.mp4", "-c", "copy"),
    "small.mp4": ("-i", FLOWER, "-vf", "scale=320:180", *_X264, "-c:a", "aac"),
    "gaps.mp4": ("-i", FLOWER, "-vf", _GAPS, "-fps_mode", "passthrough", "-enc_time_base", "1/30000", *_X264, "-c:a", "aac"),
    "mute.mp4": ("-t", "7", "-i", CAR, "-vf", "scale=320:180", "-an", *_X264),
    "wide_pixels.mp4": ("-t", "2", "-i", FLOWER, "-vf", "scale=180:144,setsar=64/45", "-an", *_X264),
    "fast.mp4": ("-t", "2", "-i", "small.mp4", "-vf", "fps=60", "-an", *_X264),
    "late_picture.mp4": (
        "-itsoffset",
        "0.7",
        "-t",
        "2",
        "-i",
        FLOWER,
        "-t",
        "3",
        "-i",
        FLOWER,
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-vf",
        "scale=320:180",
        *_X264,
    ),
    "offset.ts": ("-t", "3", "-i", "small.mp4", *_X264, "-c:a", "aac", "-output_ts_offset", "10", "-f", "mpegts"),
    "moving.gif": ("-t", "2", "-i", FLOWER, "-vf", "fps=10,scale=160:90", "-loop", "0"),
    "moving.webp": ("-t", "2", "-i", FLOWER, "-vf", "fps=10,scale=160:90", "-c:v", "libwebp_anim", "-loop", "0"),
    "moving.png": ("-t", "2", "-i", FLOWER, "-vf", "fps=10,scale=160:90", "-f", "apng", "-plays", "0"),
    "vp8.webm": ("-ss", "1", "-t", "3", "-i", "flower_540p_vp8.webm", "-c", "copy"),
    "sound.wav": ("-t", "4", "-i", FLOWER, "-vn", "-c:a", "pcm_s16le"),
    "sound.m4a": ("-t", "4", "-i", FLOWER, "-vn", "-c:a", "aac"),
    "sound.mp3": ("-t", "4", "-i", FLOWER, "-vn", "-c:a", "libmp3lame"),
    "red.mp4": ("-f", "lavfi", "-i", "color=red:s=160x90:r=25:d=1", *_X264),
    "green_tall.mp4": ("-f", "lavfi", "-i", "color=0x40d098:s=100x180:r=30:d=1", "-f", "lavfi", "-i", "sine=d=1", *_X264, "-c:a", "aac"),
    "see_through.mov": ("-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=1,format=rgba,colorchannelmixer=aa=0.5", "-c:v", "qtrle", "-pix_fmt", "argb"),
    "noise.mp4": ("-f", "lavfi", "-i", "color=gray:s=320x180:r=25:d=3", "-vf", "noise=alls=90:allf=t+u", "-c:v", "libx264", "-crf", "12"),
}
"""Name → ffmpeg's arguments; inputs are the real clips or other derived ones."""


def clip(media_dir: Path, name: str) -> Path:
    """A real clip, or a derived one that is made at the first call and kept for the session."""
    if name not in DERIVED:
        return media_dir / name
    target = media_dir / name
    if not target.exists():
        arguments = [str(clip(media_dir, word)) if word.endswith((".mp4", ".webm")) else word for word in DERIVED[name]]
        ffmpeg(*arguments, str(target))
    return target


THREADS: Mapping[str, str] = {
    **{"libx264": "3", "libx265": "1", "libvpx": "2", "libvpx-vp9": "2"},
    **dict.fromkeys(("mpeg4", "mpeg2video", "flv", "wmv2", "prores_ks"), "3"),
}
"""Encoder → its threads on two processors. Left to themselves, encoders make other bytes where there are more, and sizes, scores and what
damage does depend on them."""
_FILTERS = ("-filter_threads", "3", "-filter_complex_threads", "3")
"""Chance in a filter (geq) depends on its threads, too."""


def ffmpeg(*arguments: str) -> bytes:
    """Run ffmpeg plainly, with the same threads on every machine, and return its standard output."""
    *given, output = arguments
    usual = "libx264" if Path(output).suffix in (".mp4", ".mov", ".mkv") and "copy" not in given else ""
    encoder = next((word for word in given if word in THREADS), usual)
    few = ("-threads", THREADS[encoder]) if encoder and "-threads" not in given else ()
    words = [find_ffmpeg().path, "-v", "error", "-nostdin", "-y", *_FILTERS, *given, *few, output]
    done = subprocess.run(words, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def execute(operation: str, paths: Sequence[Path], params: Mapping[str, Any], work: Path, preset: str | None = None) -> run.Result:
    """Run an operation in a fresh directory beneath `work`."""
    sources = [run.Source(path, probe.inspect(path, path.name)) for path in paths]
    return run.execute(operation, sources, params, work=Path(tempfile.mkdtemp(dir=work)), preset=preset)


def frames(path: Path, *filters: str) -> list[Image.Image]:
    """Every frame at 160×90, by ffmpeg's own decoder, times ignored."""
    chain = ",".join((*filters, "scale=160:90:flags=area", "format=rgb24"))
    raw = ffmpeg("-i", str(path), "-map", "0:v:0", "-vf", chain, "-fps_mode", "passthrough", "-f", "rawvideo", "-")
    size = 160 * 90 * 3
    return [Image.frombytes("RGB", (160, 90), raw[at : at + size]) for at in range(0, len(raw), size)]


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference of two pictures of the same size, 0 to 255."""
    means = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean
    return sum(means) / len(means)


def times(path: Path, stream: str = "v:0") -> list[float]:
    """When each frame of a stream is shown, in seconds."""
    lines = (
        ffmpeg("-i", str(path), "-map", f"0:{stream}", "-fps_mode", "passthrough", "-enc_time_base", "1/90000", "-f", "framecrc", "-")
        .decode()
        .splitlines()
    )
    return [int(line.split(",")[2]) / 90000 for line in lines if not line.startswith("#")]


def samples(path: Path) -> bytes:
    """The first sound stream as 16-bit samples."""
    return ffmpeg("-i", str(path), "-map", "0:a:0", "-f", "s16le", "-c:a", "pcm_s16le", "-")


def video(width: int = 1920, height: int = 1080, fps: float = 24.0, duration: float | None = 30.0, **more: Any) -> VideoStream:
    """A made-up picture stream, for plans."""
    stream = VideoStream(0, "h264", width, height, width, height, fps, f"{round(fps * 1000)}/1000", duration=duration)
    return replace(stream, **more)


def media(*, picture: VideoStream | None = None, sound: bool = True, duration: float | None = 30.0, size: int = 20_000_000, **more: Any) -> Media:
    """A made-up clip, for plans."""
    picture = picture if picture is not None else video()
    audios = (AudioStream(1, "aac", 2, "stereo", 48000, duration=duration, bit_rate=128_000),) if sound else ()
    return replace(Media("video", "mp4", "mov", "video/mp4", size, duration, (picture,), audios, streams=2), **more)


def soon(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within four minutes; on any machine that is not at fault it does at once, or after whoever waits for a process's end."""
    end = time.monotonic() + 240
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
