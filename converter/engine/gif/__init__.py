"""GIF: its blocks, its clock, filling it from a short source, and the way to our own encoder."""

from .blocks import Block, Control, Extension, Header, Image, Loop, Trailer, read_blocks
from .edit import GifInfo, inspect_gif, retime
from .encoder import PROFILES, Request, ready
from .fill import extend, position, raw_bytes
from .timing import FASTEST, delays, rational
from .write import NO_PICTURE_THERE, NotCompiled, write

__all__ = [
    "FASTEST",
    "NO_PICTURE_THERE",
    "PROFILES",
    "Block",
    "Control",
    "Extension",
    "GifInfo",
    "Header",
    "Image",
    "Loop",
    "NotCompiled",
    "Request",
    "Trailer",
    "delays",
    "extend",
    "inspect_gif",
    "position",
    "rational",
    "raw_bytes",
    "read_blocks",
    "ready",
    "retime",
    "write",
]
