"""GIF as a container: its blocks, its clock, and filling it from a short source."""

from .blocks import Block, Control, Extension, Header, Image, Loop, Trailer, read_blocks
from .edit import GifInfo, inspect_gif, retime
from .fill import extend, position, raw_bytes
from .timing import FASTEST, delays, rational

__all__ = [
    "FASTEST",
    "Block",
    "Control",
    "Extension",
    "GifInfo",
    "Header",
    "Image",
    "Loop",
    "Trailer",
    "delays",
    "extend",
    "inspect_gif",
    "position",
    "rational",
    "raw_bytes",
    "read_blocks",
    "retime",
]
