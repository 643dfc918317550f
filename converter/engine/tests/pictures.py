"""Made pictures with known pixels, for the tests of still pictures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageDraw

CORNERS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))
"""Red top left, green top right, blue bottom left, yellow bottom right."""
P3_CHROMATICITIES = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))


def corners(width: int = 96, height: int = 64) -> Image.Image:
    """Four quarters in four colours: every turn and mirror of it looks different."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for number, colour in enumerate(CORNERS):
        left, top = number % 2 * width // 2, number // 2 * height // 2
        draw.rectangle((left, top, left + width // 2 - 1, top + height // 2 - 1), fill=colour)
    return image


def seen(image: Image.Image) -> list[str]:
    """The colours of the four quarters as letters, in the order of `CORNERS`."""
    rgb = image.convert("RGB")
    places = [(rgb.width * x // 4, rgb.height * y // 4) for y in (1, 3) for x in (1, 3)]
    pixels: list[Any] = [rgb.getpixel(place) for place in places]
    distance = lambda one, other: sum(abs(a - b) for a, b in zip(one, other, strict=True))  # noqa: E731
    return ["rgby"[min(range(4), key=lambda n: distance(pixel, CORNERS[n]))] for pixel in pixels]


def photograph(width: int = 640, height: int = 400, seed: int = 1) -> Image.Image:
    """Something between a photograph and noise: gradients, edges, and a little grain."""
    base = Image.linear_gradient("L").resize((width, height))
    other = Image.radial_gradient("L").resize((width, height))
    image = Image.merge("RGB", (base, other, base.transpose(Image.Transpose.ROTATE_180)))
    draw = ImageDraw.Draw(image)
    for number in range(60):
        x, y = (number * 7919 * seed) % width, (number * 104729 * seed) % height
        draw.ellipse((x, y, x + 10 + number, y + 6 + number // 2), fill=(x % 256, y % 256, number * 4))
    # Not random: Pillow's noise can't be seeded.
    grain = Image.frombytes("L", (width, height), bytes((i * 2654435761 >> 13) & 31 for i in range(width * height)))
    return Image.blend(image, Image.merge("RGB", (grain, grain, grain)), 0.25)


def saved(image: Image.Image, path: Path, **options: Any) -> Path:
    """Save and give the path back."""
    image.save(path, **options)
    return path


def camera(*, orientation: int = 1, place: bool = True) -> Image.Exif:
    """What a telephone writes: camera, time, exposure, and where."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Maker", "Model 1", orientation
    exif[0x8769] = {0x9003: "2026:01:02 03:04:05", 0x829A: 0.01, 0x927C: b"secret maker block"}
    if place:
        exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 36.0)}
    return exif


def profile_of(image: Image.Image) -> str:
    """The description of a picture's colour profile; empty without one."""
    data = image.info.get("icc_profile")
    return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(data))).strip() if data else ""


def matrix_profile(primaries: tuple[tuple[float, float], ...] = P3_CHROMATICITIES) -> bytes:
    """A display profile (ICC v2) with those primaries, white D65 and the gamma 2.2; made by hand after ICC.1:2001-04.

    The colorants are adapted to D50 by Bradford's matrix, as the standard wants.
    """
    d65, d50 = (0.95047, 1.0, 1.08883), (0.9642, 1.0, 0.8249)
    rows = [[x / y for x, y in primaries], [1.0, 1.0, 1.0], [(1 - x - y) / y for x, y in primaries]]
    amounts = _solve(rows, list(d65))
    bradford = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    gains = [sum(r * b for r, b in zip(row, d50, strict=True)) / sum(r * a for r, a in zip(row, d65, strict=True)) for row in bradford]
    tags = {
        b"wtpt": _xyz(d50),
        b"desc": b"desc" + bytes(4) + (8).to_bytes(4, "big") + b"Wide P3\0" + bytes(79),
        b"cprt": b"text" + bytes(4) + b"none\0",
    }
    for index, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ")):
        colour = [rows[axis][index] * amounts[index] for axis in range(3)]
        cones = [gain * sum(r * c for r, c in zip(row, colour, strict=True)) for gain, row in zip(gains, bradford, strict=True)]
        tags[name] = _xyz(tuple(_solve(bradford, cones)))
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        tags[name] = b"curv" + bytes(4) + (1).to_bytes(4, "big") + (563).to_bytes(2, "big")
    return _packed(tags)


def _packed(tags: dict[bytes, bytes]) -> bytes:
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += name + (at + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += padded
    size = (at + len(body)).to_bytes(4, "big")
    head = size + bytes(4) + bytes([2, 0x40, 0, 0]) + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28) + _xyz((0.9642, 1.0, 0.8249))[8:]
    return head + bytes(128 - len(head)) + len(tags).to_bytes(4, "big") + table + body


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(round(value * 65536).to_bytes(4, "big", signed=True) for value in values)


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Cramer's rule for three unknowns."""

    def determinant(m: list[list[float]]) -> float:
        (a, b, c), (d, e, f), (g, h, i) = m
        return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)

    whole = determinant(matrix)
    return [determinant([[right[r] if c == k else matrix[r][c] for c in range(3)] for r in range(3)]) / whole for k in range(3)]
