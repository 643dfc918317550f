"""What untrusted media may be, and what working on it may cost."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import MediaError
from .media import Media, VideoStream
from .timecode import format_time

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one piece of work. A limit of 0 means "none", except where said otherwise."""

    max_bytes: int = 2 * GIB
    """Largest source, in bytes."""
    max_seconds: float = 4 * 3600
    """Longest source, in seconds."""
    max_pixels: int = 67_108_864
    """Largest picture, width × height as stored."""
    max_streams: int = 64
    max_frames: int = 1_000_000
    """Most frames of a source whose count is known before decoding."""
    memory_bytes: int = 4 * GIB
    """Address space of one tool process."""
    cpu_seconds: int = 12 * 3600
    """CPU time of one tool process; never unlimited."""
    wall_seconds: float = 6 * 3600
    """Longest run of one tool."""
    stall_seconds: float = 60
    """Longest time without progress."""
    file_bytes: int = 16 * GIB
    """Largest file that a tool may write."""
    threads: int = 0
    """Threads of a tool; 0 lets it choose."""
    nice: int = 0
    """How far a tool gives way to its caller, 0 to 19 (nice(2)): for what nobody waits for."""


def check_media(media: Media, limits: Limits) -> None:
    """Refuse media beyond the limits, from the probe alone.

    Raises `MediaError` with `too_large`, `too_long`, `too_many_pixels` or `unsupported_media`.
    """
    check_size(media.size, limits)
    if limits.max_streams and media.streams > limits.max_streams:
        raise MediaError(
            "unsupported_media",
            f"The file has {media.streams} streams; at most {limits.max_streams} are allowed. Keep one picture and one sound stream.",
        )
    for video in media.videos:
        _check_picture(video, limits)
    if limits.max_seconds and media.duration is not None and media.duration > limits.max_seconds:
        raise MediaError(
            "too_long",
            f"The media lasts {format_time(media.duration)}; at most {format_time(limits.max_seconds)} is allowed. Cut it into shorter parts.",
        )


def check_size(size: int, limits: Limits) -> None:
    """Refuse a file of `size` bytes beyond the limit. Raises `MediaError("too_large")`."""
    if limits.max_bytes and size > limits.max_bytes:
        raise MediaError("too_large", f"The file has {megabytes(size)}; at most {megabytes(limits.max_bytes)} is allowed.")


def megabytes(size: int) -> str:
    """A size in bytes for people, in decimal units."""
    if size >= 1_000_000_000:
        return f"{size / 1_000_000_000:.1f} GB"
    return f"{size / 1_000_000:.1f} MB" if size >= 100_000 else f"{size} bytes"


def _check_picture(video: VideoStream, limits: Limits) -> None:
    # A crooked sample aspect can make the displayed picture far larger than the stored one.
    pixels = max(video.width * video.height, video.coded_width * video.coded_height)
    if limits.max_pixels and pixels > limits.max_pixels:
        raise MediaError(
            "too_many_pixels",
            f"The picture is {video.width}×{video.height}; at most {limits.max_pixels / 1e6:.0f} megapixels are allowed.",
        )
    if limits.max_frames and video.frames is not None and video.frames > limits.max_frames:
        raise MediaError("too_long", f"The media has {video.frames:,} frames; at most {limits.max_frames:,} are allowed. Cut it into shorter parts.")
