"""What makes a copy of the waiting process cheap: the pages that it does *not* touch.

A copy shares every page until one side writes to it; then the page is copied, which costs about two microseconds, as a new page
does. So what is done alike for each file is done once before (a clip of our own is read until nothing new is learned from it),
and what a copy asks of memory comes from fresh ground, two megabytes in one piece, rather than from the gaps between old pages.

Runs where the waiting process runs, and knows nothing of the project. Everything here is haste and nothing of it safety: where
the system is another one, less of it happens.
"""

from __future__ import annotations

import ctypes
import io
from fractions import Fraction
from typing import Any

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_HUGE = 2 << 20
"""Bytes of a large page on x86-64, and on AArch64 with pages of 4 KB."""
_GROUND = 24 << 20
"""Address space beyond what is used, in bytes: nothing is there until somebody touches it."""
_MADV_HUGEPAGE = 14
_HEADER = 16
"""What glibc keeps before each piece."""
_SMALLEST, _LARGEST = 512, 1 << 20
"""Gaps that are filled, in bytes; smaller pieces are Python's own matter."""
_MOST_PIECES = 20_000
_WARMED = ("h264", "hevc", "vp8", "vp9", "mpeg4", "mjpeg", "aac", "mp3", "opus", "vorbis", "flac")
"""Decoders whose tables are built once, here, rather than in every copy."""
_TIMES = 9
"""Python writes a function anew, faster, when it is called for the eighth time."""


class Ground:
    """The memory of this process, as copies will find it."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        # Holding the interpreter's lock: there is one thread, and Python's own care for others costs a copy half a millisecond.
        self._fork = ctypes.PyDLL(None, use_errno=True).fork
        self._gnu = hasattr(self._libc, "gnu_get_libc_version")
        self._libc.malloc.restype = self._libc.sbrk.restype = ctypes.c_size_t
        self._libc.malloc.argtypes, self._libc.sbrk.argtypes = (ctypes.c_size_t,), (ctypes.c_ssize_t,)
        self._libc.madvise.argtypes = (ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int)

    def keep(self) -> None:
        """Use memory again that was freed rather than give it back."""
        if self._gnu:
            for what, value in ((_M_TRIM_THRESHOLD, 1 << 30), (_M_MMAP_THRESHOLD, 1 << 30)):
                self._libc.mallopt(what, value)

    def fill(self) -> None:
        """Take whatever lies free between pages that were used, so that copies are given none of it."""
        if not self._gnu:
            return
        used, size, pieces = self._libc.sbrk(0), _LARGEST, 0
        while size >= _SMALLEST and pieces < _MOST_PIECES:
            place, pieces = self._libc.malloc(size), pieces + 1
            if place == 0 or place >= used:
                size //= 2

    def copy(self) -> int:
        """Make a copy of this process, which has one thread; 0 in the copy, its number here. Raises `OSError`."""
        number = int(self._fork())
        if number < 0:
            raise OSError(ctypes.get_errno(), "fork")
        return number

    def fresh(self) -> None:
        """In a copy, whose limits stand: let what is asked for from now on lie in large pages that nobody has touched."""
        if not self._gnu:
            return
        self._libc.mallopt(_M_TOP_PAD, _GROUND)
        step = 1 << 16
        place = self._libc.malloc(step)
        gap = -(place + step) % _HUGE
        # The next piece's header must not lie in the page before: that one would be touched for it.
        gap = gap - 2 * _HEADER if gap > _SMALLEST else gap + _HUGE - 2 * _HEADER
        if place == 0 or self._libc.malloc(gap) == 0:
            return
        # glibc would ask for large pages itself, but looks in a directory that the sandbox hides whether there are any.
        begin, end = place + step + gap + 2 * _HEADER, self._libc.sbrk(0)
        if end > begin:
            self._libc.madvise(begin, end - begin, _MADV_HUGEPAGE)


def warm(av: Any, reader: Any) -> None:
    """Do once what every copy would do: open decoders, and have `reader` (the module `probe_child`) read a clip of our own."""
    av.logging.set_level(None)
    for name in _WARMED:
        try:
            context = av.CodecContext.create(name, "r")
            context.thread_count = 1
            context.open(strict=False)
        except (av.FFmpegError, ValueError):
            continue
    try:
        clips = [_clip(av, form) for form in ("mp4", "matroska")]
    except (av.FFmpegError, ValueError):
        return
    for demuxer, clip in zip(("mov", "matroska"), clips, strict=True):
        request = {"demuxer": demuxer, "options": {"codec_whitelist": "h264,aac"}, "max_packets": 1000, "max_bytes": 1 << 20, "max_pixels": 1 << 20}
        for _ in range(_TIMES):
            reader.answer(io.BytesIO(clip), request)


def _clip(av: Any, form: str) -> bytes:
    """A third of a second of grey and silence, 64×64, H.264 and AAC."""
    held = io.BytesIO()
    with av.open(held, "w", format=form) as container:
        picture = container.add_stream("libx264", rate=Fraction(24), options={"preset": "ultrafast", "threads": "1"})
        sound = container.add_stream("aac", rate=48000, layout="stereo")
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        for stream in (picture, sound):
            stream.codec_context.thread_count = 1
        for number in range(8):
            frame = av.VideoFrame(64, 64, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([128]) * plane.buffer_size)
            frame.pts = number
            container.mux(picture.encode(frame))
        for number in range(16):
            tone = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
            for plane in tone.planes:
                plane.update(bytes(plane.buffer_size))
            tone.rate, tone.pts = 48000, number * 1024
            container.mux(sound.encode(tone))
        for stream in (picture, sound):
            container.mux(stream.encode(None))
    return held.getvalue()
