"""Find an ffmpeg that is good enough, and know what it can do."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .config import configure, current
from .errors import MediaError

__all__ = ["OLDEST", "Tool", "check", "configure", "find_ffmpeg"]

OLDEST = (7, 0)
"""First version whose `fd:` protocol is good: the only way an upload is read."""

REQUIRED: dict[str, tuple[str, ...]] = {
    "encoders": ("libx264", "aac", "gif", "mjpeg", "png", "flac", "pcm_s16le", "pcm_s24le", "rawvideo"),
    "decoders": ("h264", "hevc", "vp8", "vp9", "mpeg4", "aac", "mp3", "vorbis", "opus", "gif", "png"),
    "filters": (
        *("scale", "crop", "pad", "fps", "trim", "tpad", "format", "setsar", "settb", "select", "split", "interleave", "concat", "tile"),
        *("palettegen", "paletteuse", "lutrgb", "gblur", "maskedmerge", "premultiply", "bwdif", "zscale", "tonemap"),
        *("atrim", "aresample", "aformat", "apad", "anullsrc"),
        *("movie", "fade", "overlay", "acrossfade", "reverse", "areverse", "afade", "asplit", "setpts", "asetpts"),
    ),
    "muxers": ("mp4", "mov", "ipod", "webm", "matroska", "mp3", "ogg", "wav", "flac", "gif", "image2", "rawvideo", "null"),
    "demuxers": ("mov", "matroska", "avi", "gif", "wav", "mp3", "concat", "rawvideo", "image2"),
    "protocols": ("fd", "file"),
}


@dataclass(frozen=True)
class Tool:
    """One ffmpeg binary. `version` is its own word, `9.0.2-static` or `n7.1`."""

    path: Path
    version: str

    @property
    def number(self) -> tuple[int, int]:
        """Major and minor version; development snapshots count as the newest."""
        match = re.match(r"n?(\d+)\.(\d+)", self.version)
        return (int(match[1]), int(match[2])) if match else (999, 0)

    def has(self, kind: str, name: str) -> bool:
        """Whether a `name` of `kind` (`encoders`, `filters`, …) is built in; each kind is asked for once in a process (20 ms)."""
        return name in _listing(self.path, kind)


def find_ffmpeg(binary: str = "") -> Tool:
    """The ffmpeg to use: `binary`, else the configured one, else PATH's if it is new enough and lacks nothing, else the bundled wheel's.

    The answer is kept for the life of the process. Raises `MediaError("tool_failed")` when there is none.
    """
    return _find(binary or current().ffmpeg_binary)


def check(tool: Tool) -> None:
    """Raise `MediaError("tool_failed")` naming everything that `tool` lacks."""
    if tool.number < OLDEST:
        raise MediaError("tool_failed", f"ffmpeg {tool.version} at {tool.path} is too old; {OLDEST[0]}.{OLDEST[1]} or newer is needed.")
    if missing := _missing(tool):
        raise MediaError("tool_failed", f"ffmpeg {tool.version} at {tool.path} lacks: {', '.join(missing)}.")


def _missing(tool: Tool) -> list[str]:
    return [f"{kind[:-1]} {name}" for kind, names in REQUIRED.items() for name in names if not tool.has(kind, name)]


@cache
def _find(binary: str) -> Tool:
    if binary:
        path = shutil.which(binary)
        if path is None:
            raise MediaError("tool_failed", f"FFMPEG_BINARY names {binary!r}, which is not a program.")
        return _tool(Path(path))
    on_path = shutil.which("ffmpeg")
    if on_path is not None:
        tool = _tool(Path(on_path))
        if tool.number >= OLDEST and not _missing(tool):
            return tool
    try:
        import imageio_ffmpeg

        bundled = imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise MediaError(
            "tool_failed", f"No ffmpeg {OLDEST[0]}.{OLDEST[1]} or newer was found; install one or set FFMPEG_BINARY.", log=str(error)
        ) from error
    return _tool(Path(bundled))


def _tool(path: Path) -> Tool:
    first = _ask(path, "-version").partition("\n")[0]
    match = re.match(r"ffmpeg version (\S+)", first)
    if match is None:
        raise MediaError("tool_failed", f"{path} is not an ffmpeg.", log=first)
    return Tool(path.absolute(), match[1])


@cache
def _listing(path: Path, kind: str) -> frozenset[str]:
    names: set[str] = set()
    for line in _ask(path, f"-{kind}").splitlines():
        words = line.split()
        if kind == "protocols":
            names.update(words[:1])
        elif line.startswith(" ") and len(words) >= 2:
            names.update(words[1].split(","))
    return frozenset(names)


def _ask(path: Path, question: str) -> str:
    try:
        # Our own tool with a constant argument: no user data is near.
        done = subprocess.run([path, "-hide_banner", question], capture_output=True, text=True, timeout=240, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MediaError("tool_failed", f"ffmpeg at {path} can't be run.", log=str(error)) from error
    return done.stdout
