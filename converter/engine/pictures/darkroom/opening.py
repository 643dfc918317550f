"""Open a picture that somebody sent, strictly, and look at what it is."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from PIL import ExifTags, Image, ImageFile, PngImagePlugin

MAX_PROFILE = 4 << 20
"""Bytes of a colour profile; a larger one is no profile (press profiles have 0.5–3 MB)."""
MAX_TEXT = 32 << 20
"""Bytes of a PNG's text, unpacked: XMP may be long; what is longer is there to fill memory."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF 2.32, tag 0x0112: what makes the stored picture upright."""
_DECODERS = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, NotImplementedError, struct.error)
"""What Pillow's readers raise on nonsense."""


class Refused(Exception):
    """The picture can't be used; `code` is one of the engine's, `detail` a sentence or empty."""

    def __init__(self, code: str, detail: str = "", log: str = "") -> None:
        super().__init__(detail or log)
        self.code, self.detail, self.log = code, detail, log


@dataclass(slots=True)
class Picture:
    """An upright picture in memory, and what came with it. `frames` counts pages of the file."""

    image: Image.Image
    exif: Image.Exif
    profile: bytes
    frames: int = 1
    notes: list[str] = field(default_factory=list)


@contextmanager
def reading() -> Iterator[None]:
    """Tell nonsense in the file from accidents of ours: use it around what decodes, and nothing else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Refused("too_many_pixels", log=str(error)) from error
    except MemoryError as error:
        raise Refused("out_of_memory", log="decoding") from error
    except _DECODERS as error:
        raise Refused("corrupt_media", log=f"{type(error).__name__}: {error}"[:300]) from error


def prepare(max_pixels: int) -> None:
    """Set Pillow's bounds for this process: no half pictures, no bombs, no kinds but those named at each opening."""
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = max_pixels or None
    PngImagePlugin.MAX_TEXT_CHUNK, PngImagePlugin.MAX_TEXT_MEMORY = MAX_TEXT, 2 * MAX_TEXT


def open_file(file: IO[bytes], formats: Sequence[str]) -> Image.Image:
    """The picture in `file`, which must be one of Pillow's `formats`; nothing is decoded yet. Raises `Refused`."""
    if "HEIF" in formats:
        from pillow_heif import register_heif_opener

        register_heif_opener(thumbnails=False)
    with reading():
        return Image.open(file, formats=tuple(formats))


def load(image: Image.Image, *, upright_size: tuple[int, int], wanted: tuple[int, int]) -> Picture:
    """Decode `image` whole and turn it upright.

    `upright_size` is what the probe promised; `wanted` bounds how much smaller a JPEG may be decoded
    (libjpeg leaves out what a scaled-down picture can't show). Raises `Refused`.
    """
    notes: list[str] = []
    with reading():
        frames = getattr(image, "n_frames", 1) if image.format not in ("JPEG", "MPO", "ICO") else 1
        # Pillow reads 16-bit colours as 8-bit ones; only the raw mode tells.
        deep = image.mode in ("RGB", "RGBA", "LA") and any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))
        before = image.size
        if image.format in ("JPEG", "MPO"):
            turned = image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
            image.draft(None, (wanted[1], wanted[0]) if turned else wanted)
        drafted = image.size != before
        image.load()
        exif, profile = _exif(image, notes), image.info.get("icc_profile") or b""
        picture = _upright(image, exif)
    if not drafted and picture.size != upright_size:
        raise Refused("corrupt_media", log=f"{picture.size} instead of {upright_size}")
    if deep:
        notes.append("The source has 16 bits a channel; the result has 8.")
    if not isinstance(profile, bytes) or len(profile) > MAX_PROFILE:
        notes.append("The colour profile is not usable and was left out.")
        profile = b""
    return Picture(picture, exif, profile, int(frames), notes)


def _exif(image: Image.Image, notes: list[str]) -> Image.Exif:
    try:
        return image.getexif()
    except _DECODERS:
        # A picture is worth more than its broken notes.
        notes.append("The picture's own notes (EXIF) are damaged and were left out.")
        return Image.Exif()


def _upright(image: Image.Image, exif: Image.Exif) -> Image.Image:
    orientation: Any = exif.get(ExifTags.Base.Orientation)
    turn = TURNS.get(orientation) if isinstance(orientation, int) else None
    exif.pop(ExifTags.Base.Orientation, None)
    info = dict(image.info)
    upright = image.copy() if turn is None else image.transpose(turn)
    upright.info = info
    return upright
