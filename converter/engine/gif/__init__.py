"""GIF: its blocks, its clock, and the way to our own encoder."""

from .blocks import Block, Control, Extension, Header, Image, Loop, Trailer, read_blocks
from .edit import GifInfo, inspect_gif, retime
from .encoder import PROFILES, Request, ready
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
    "inspect_gif",
    "rational",
    "read_blocks",
    "ready",
    "retime",
    "write",
]
