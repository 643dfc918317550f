"""What a tool's own words on standard error say about why it failed, or what it quietly skipped."""

from __future__ import annotations

import re
import signal
from collections import deque

from .errors import MediaError

TAIL_BYTES = 4096
LONGEST_LINE = 8192

_DAMAGED = re.compile(
    r"Error submitting packet to decoder|Decoding error:|corrupt decoded frame|error while decoding|Error while decoding|concealing \d+"
    r"|Packet corrupt|File ended prematurely|stream \d+, offset 0x[0-9a-f]+: partial file|Truncat|mb incr damaged|slice mismatch"
    r"|decode_frame\(\) failed|LZW decode failed|Copy went out of bounds|overread \d",
)
# A container that lost its place: each such message stands for more than one picture.
_LOST = re.compile(r"CRC mismatch!|Packet mismatch|packet_replic_size \d+ is invalid|ff asf bad header")
_LOST_WEIGHT = 2
# Matroska skips a destroyed stretch with this one message, and the players show a gap of seconds.
_RESYNC = re.compile(
    r"exceeds containing master element|invalid as first byte of an EBML number|indicated by an EBML number's first byte"
    r"|Unknown-sized element .* inside parent with finite size"
)
_RESYNC_WEIGHT = 1000
_DISK = re.compile(r"No space left on device|File too large|Disk quota exceeded")
_MEMORY = re.compile(
    r"Cannot allocate memory|Out of memory|[Ff]ailed to allocate|MemoryError|std::bad_alloc|pthread_create failed|Resource temporarily unavailable"
)
# Sizes are bounded before buffers are asked for, so that this is never the nonsense of a damaged file.
_BUFFER = re.compile(r"get_buffer\(\) failed|malloc of size \d+ failed")
_CODEC = re.compile(
    r"not on whitelist|Decoder \(codec [^)]*\) not found|no decoder found for|Decoding requested, but no decoder|Unsupported codec", re.IGNORECASE
)
_INVALID = re.compile(
    r"Invalid data found when processing input|moov atom not found|End of file|Decode error rate .* exceeds"
    r"|could not find codec parameters|does not contain any stream",
    re.IGNORECASE,
)


class Listener:
    """Reads standard error in pieces of any size and remembers a bounded amount of it.

    `damage` counts decoding accidents; `tail` is the last 4 kB.
    """

    def __init__(self) -> None:
        self.damage = 0
        self._matches = {"disk": False, "memory": False, "buffer": False, "codec": False, "invalid": False}
        self._tail: deque[bytes] = deque()
        self._kept = 0
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._tail.append(data[-TAIL_BYTES:])
        self._kept += len(self._tail[-1])
        while self._kept - len(self._tail[0]) >= TAIL_BYTES:
            self._kept -= len(self._tail.popleft())
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._hear(line[:LONGEST_LINE].decode("utf-8", "replace"))

    def close(self) -> None:
        """No more will come."""
        if self._rest:
            self._hear(self._rest.decode("utf-8", "replace"))
            self._rest = b""

    @property
    def tail(self) -> str:
        """The last 4 kB, as text."""
        return b"".join(self._tail)[-TAIL_BYTES:].decode("utf-8", "replace")

    @property
    def starved(self) -> bool:
        """Whether memory ran out, even where the tool went on and called it success.

        Beside data that makes no sense it did not: nonsense sizes ask for nonsense amounts.
        """
        return self._matches["buffer"] or (self._matches["memory"] and not self._matches["invalid"])

    @property
    def hungry(self) -> bool:
        """Whether anything asked for memory in vain."""
        return self._matches["memory"] or self._matches["buffer"]

    @property
    def full(self) -> bool:
        """Whether a write failed for lack of room, even where the tool called it success."""
        return self._matches["disk"]

    def _hear(self, line: str) -> None:
        if _RESYNC.search(line):
            self.damage += _RESYNC_WEIGHT
        elif _LOST.search(line):
            self.damage += _LOST_WEIGHT
        elif _DAMAGED.search(line):
            self.damage += 1
        for name, pattern in (("disk", _DISK), ("memory", _MEMORY), ("buffer", _BUFFER), ("codec", _CODEC), ("invalid", _INVALID)):
            if not self._matches[name] and pattern.search(line):
                self._matches[name] = True

    def failure(self, exit_code: int, *, oom: bool = True) -> MediaError:
        """Why the tool ended with `exit_code` (negative: killed by that signal). `oom`: whether the kernel may have killed it for memory."""
        log = f"exit {exit_code}: {self.tail}"
        if self.full or exit_code == -signal.SIGXFSZ:
            return MediaError("disk_full", log=log)
        if exit_code == -signal.SIGXCPU:
            return MediaError("timed_out", "The work used more processor time than it may.", log=log)
        if self.hungry or (oom and exit_code == -signal.SIGKILL):
            return MediaError("out_of_memory", log=log)
        if exit_code < 0:
            return MediaError("tool_failed", log=log)
        if self._matches["codec"]:
            return MediaError("unsupported_media", "The file uses a codec that is not supported.", log=log)
        if self._matches["invalid"]:
            return MediaError("corrupt_media", log=log)
        return MediaError("tool_failed", log=log)
