"""The encoder's own parts, on pictures that are hard for them; asserted through Pillow's and ffmpeg's decoders."""

from __future__ import annotations

import ctypes
import io
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from converter.engine.config import current
from converter.engine.gif import encoder, inspect_gif, warm
from converter.engine.gif.compiled import link
from converter.engine.gif.kernel import canvas, layout
from converter.engine.gif.kernel.library import PREFIX, SIGNATURES, Library
from converter.engine.gif.kernel.profiles import PROFILES, Profile, profile
from converter.engine.tests.making import ffmpeg

pytestmark = pytest.mark.xdist_group("gif-kernel")
EXACT = replace(PROFILES["best"], base=0, most=0, slope=0, better=1.0, loss=0.0, gain=0.0, error=0.0, stride=1, smooth=1)
"""Nothing is forgiven: whatever has at most 255 colours has to come out as it was."""


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    assert warm.warm(current().kernel_cache)


def library() -> Library:
    return Library(str(encoder.library()))


class Tables:
    """The memory block that the library's functions work in, as arrays."""

    packed: np.ndarray
    near: np.ndarray

    def __init__(self) -> None:
        self.memory = np.zeros(layout.TABLES_BYTES + layout.LINE, np.uint8)
        skipped = -self.memory.ctypes.data % layout.LINE
        self.base = self.memory.ctypes.data + skipped
        for name, table in layout.TABLES.items():
            part = self.memory[skipped + table.offset :][: layout.size(name)]
            setattr(self, name, part.view(table.kind).reshape(table.shape))


def lzw_gif(indices: np.ndarray, width: int, depth: int, *, loss: float = 0.0, stripe: int = 1 << 30) -> tuple[bytes, np.ndarray]:
    """A still GIF of these indices, written `stripe` rows at a time, and the picture that the encoder believes to be on the screen."""
    pixels = indices.size
    height = pixels // width
    tables, work = Tables(), library()
    tables.packed[:] = np.arange(256, dtype=np.uint32) * 0x010101
    tables.near[:, 0] = np.clip(np.arange(256) + 1, 0, (1 << depth) - 2)
    src = tables.packed[indices]
    scr, ref, out = np.zeros(pixels, np.uint32), np.zeros(pixels, np.uint32), np.empty(layout.room(pixels), np.uint8)
    places, tolerances = indices.astype(np.uint8), np.full(pixels, 40, np.uint8)
    arrays = [array.ctypes.data for array in (places, src, ref, scr, tolerances, out)]
    work.begin(tables.base, out.ctypes.data, out.size, loss, 0, loss, depth)
    for top in range(0, height, stripe):
        rows = top, min(height, top + stripe)
        work.encode(tables.base, *arrays, pixels, out.size, width, 0, width - 1, *rows, 1, loss, False, depth, (1 << depth) - 1)
    size = work.finish(tables.base, out.ctypes.data, out.size, depth)
    assert size <= out.size
    table = np.repeat(np.arange(1 << depth, dtype=np.uint8), 3).tobytes()
    head = canvas.frame_head(4, 0, (0, 0, width, height), depth).replace(b"\x21\xf9\x04\x05", b"\x21\xf9\x04\x04")
    return canvas.header(width, height, None) + head + table + out[:size].tobytes() + canvas.TRAILER, scr


def shown(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("L")).ravel()


def de_bruijn_like(colours: int, pixels: int) -> np.ndarray:
    """Few strings repeat, so that the dictionary fills as fast as it can."""
    generator = random.Random(colours)
    return np.array([generator.randrange(colours) for _ in range(pixels)], np.uint8)


@pytest.mark.parametrize("depth", range(2, 9))
@pytest.mark.parametrize("kind", ["noise", "flat", "ramp", "runs", "noise then flat", "one"])
def test_lzw_round_trip_through_every_code_width(tmp_path: Path, depth: int, kind: str) -> None:
    colours = (1 << depth) - 1
    width, height = 97, 331
    noise = de_bruijn_like(colours, width * height)
    pictures = {
        "noise": noise,
        "flat": np.zeros(width * height, np.uint8),
        "ramp": (np.arange(width * height) % colours).astype(np.uint8),
        "runs": np.repeat(noise[: width * height // 7 + 1], 7)[: width * height],
        "noise then flat": np.concatenate([noise[: width * height // 2], np.ones(width * height - width * height // 2, np.uint8)]),
        "one": noise[:1],
    }
    indices = pictures[kind]
    width = 1 if kind == "one" else width
    data, screen = lzw_gif(indices, width, depth)
    assert (shown(data) == indices).all()
    assert (screen & 255 == indices).all()
    path = tmp_path / "a.gif"
    path.write_bytes(data)
    assert inspect_gif(path).frames == 1
    gray = ffmpeg("-i", str(path), "-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "-")
    assert np.abs(np.frombuffer(gray, np.uint8).astype(int) - indices).max() <= 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(2, 8), st.integers(1, 40), st.integers(1, 40), st.integers(1, 255), st.randoms(use_true_random=False))
def test_lzw_round_trip_of_anything(depth: int, width: int, height: int, variety: int, generator: random.Random) -> None:
    top = min((1 << depth) - 2, variety)
    indices = np.array([generator.randint(0, top) for _ in range(width * height)], np.uint8)
    assert (shown(lzw_gif(indices, width, depth)[0]) == indices).all()


@pytest.mark.parametrize("loss", [0.0, 1.0])
def test_lzw_in_stripes_is_the_lzw_of_the_whole(loss: float) -> None:
    indices = np.concatenate([de_bruijn_like(200, 40_000), np.repeat(de_bruijn_like(9, 4_000), 10)])
    assert lzw_gif(indices, 100, 8, loss=loss, stripe=17)[0] == lzw_gif(indices, 100, 8, loss=loss)[0]


def test_every_length_around_the_widening_of_codes() -> None:
    for pixels in range(1, 700):
        indices = de_bruijn_like(3, pixels)
        assert (shown(lzw_gif(indices, pixels, 2)[0]) == indices).all()


def test_lossy_lzw_says_what_it_drew_and_stays_within_its_bound() -> None:
    indices = np.repeat(de_bruijn_like(255, 30_000)[:10_000] // 8 * 8, 3)
    plain, _ = lzw_gif(indices, 300, 8)
    data, screen = lzw_gif(indices, 300, 8, loss=1.0)
    assert (shown(data) == screen & 255).all()
    assert len(data) <= len(plain)
    # 40 quarter levels, loss 1: E up to 3·10² from the exact colour.
    steps = np.abs((screen & 255).astype(int) - indices)
    assert (18 * steps**2 + (16 * steps * steps * 9 >> 4) - 9 * steps**2 <= 3 * 10**2 + 1).all()


def frames_of(data: bytes) -> list[np.ndarray]:
    with Image.open(io.BytesIO(data)) as image:
        found = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append(np.asarray(image.convert("RGB")).astype(int))
        return found


def encode(pictures: list[np.ndarray], wanted: Profile, *, threads: int = 1) -> bytes:
    height, width, _ = pictures[0].shape
    drawing = canvas.Canvas(library(), width, height, wanted, threads=threads)
    parts = [canvas.header(width, height, 0)]
    for picture in pictures:
        words = (picture.astype(np.uint32) * np.array([1 << 16, 1 << 8, 1], np.uint32)).sum(axis=2).astype(np.uint32)
        drawing.picture[:] = words.tobytes()
        parts += [bytes(part) for part in drawing.draw(4)]
    return b"".join([*parts, canvas.TRAILER])


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 9), (9, 1), (16, 16), (33, 17)])
@pytest.mark.parametrize("colours", [1, 2, 7, 200])
def test_few_colours_come_out_exactly(width: int, height: int, colours: int) -> None:
    generator = np.random.default_rng(width * height + colours)
    table = generator.integers(0, 256, (colours, 3))
    pictures = [table[generator.integers(0, colours, (height, width))] for _ in range(4)]
    pictures[2:2] = [pictures[1]]
    for got, wanted in zip(frames_of(encode(pictures, EXACT)), pictures, strict=True):
        assert np.abs(got - wanted).max() <= (0 if colours < 8 else 12)


@pytest.mark.parametrize("name", PROFILES)
def test_black_frames_are_drawn_and_not_left_transparent(name: str) -> None:
    picture = np.zeros((32, 32, 3), int)
    picture[8:24, 8:24] = 3
    picture[2:5] = 200
    data = encode([picture], profile(name, colours=256, dither="normal"))
    with Image.open(io.BytesIO(data)) as image:
        assert image.convert("RGBA").getchannel("A").getextrema() == (255, 255)


@pytest.mark.parametrize("name", PROFILES)
def test_what_stands_still_costs_nothing_and_stays(name: str) -> None:
    steps = np.arange(80)[None, :, None] // 20 + 4 * (np.arange(60)[:, None, None] // 20)
    picture = np.repeat(20 * steps, 3, axis=2)
    wanted = profile(name, colours=256, dither="normal")
    data = encode([picture] * 5, wanted)
    got = frames_of(data)
    assert all((frame == got[0]).all() for frame in got)
    assert len(data) == len(encode([picture], wanted)) + 4 * 29


@pytest.mark.parametrize("colours", [4, 16, 255, 256])
def test_no_more_colours_than_asked(colours: int) -> None:
    generator = np.random.default_rng(5)
    picture = generator.integers(0, 256, (90, 160, 3))
    got = frames_of(encode([picture], profile("balanced", colours=colours, dither="normal")))[0]
    assert len(np.unique(got.reshape(-1, 3), axis=0)) <= min(colours, 255)


def test_a_gradient_is_dithered_without_getting_darker() -> None:
    ramp = np.repeat(np.linspace(60, 90, 256)[None, :, None], 64, axis=0).repeat(3, axis=2).round().astype(int)
    coarse = replace(PROFILES["balanced"], colours=6, error=1e6, variance=0.1, calm_variance=0.1, simple_loss=0.0)
    mixed, plain = (frames_of(encode([ramp], replace(coarse, gain=gain)))[0] for gain in (1.0, 0.0))
    # The ends lie outside the six colours, where nothing can be mixed.
    blocks = [frame[:, 40:216].reshape(8, 8, 22, 8, 3).mean(axis=(1, 3)) for frame in (mixed, plain, ramp)]
    assert np.abs(blocks[0] - blocks[2]).mean() < 0.15 < 0.6 < np.abs(blocks[1] - blocks[2]).mean()


@pytest.mark.parametrize("name", PROFILES)
def test_two_threads_make_the_same_bytes(name: str) -> None:
    generator = np.random.default_rng(8)
    still = generator.integers(0, 256, (120, 200, 3)) // 3 + np.arange(200)[None, :, None] // 2
    pictures = [np.clip(np.roll(still, 3 * turn, axis=1) + generator.integers(-6, 7, still.shape), 0, 255) for turn in range(6)]
    wanted = profile(name, colours=256, dither="normal")
    assert encode(pictures, wanted, threads=2) == encode(pictures, wanted)


def test_a_frame_can_be_drawn_once_more() -> None:
    generator = np.random.default_rng(9)
    drawing = canvas.Canvas(library(), 80, 60, PROFILES["balanced"])
    frames = []
    for turn in range(4):
        drawing.picture[:] = generator.integers(0, 256, 4 * 80 * 60, np.uint8).tobytes()
        drawing.remember()
        first = b"".join(bytes(part) for part in drawing.draw(4))
        drawing.undo()
        if turn % 2:
            drawing.draw(4, looser=6.0)
            drawing.undo()
        frames.append((first, b"".join(bytes(part) for part in drawing.draw(4))))
    assert all(first == again for first, again in frames)


def test_the_library_is_a_sound_shared_object(tmp_path: Path) -> None:
    data = encoder.library().read_bytes()
    assert data[:4] == b"\x7fELF"
    loaded = ctypes.CDLL(str(encoder.library()))
    assert all(loaded[PREFIX + name] for name in SIGNATURES)
    with pytest.raises(AttributeError):
        loaded["memset"]


@pytest.mark.parametrize("data", [b"", b"\x7fELF\2\1" + bytes(100), b"not an object at all, and long enough to be looked at by the linker, too"])
def test_what_is_no_object_is_not_linked(data: bytes) -> None:
    with pytest.raises(link.NotLinkable):
        link.link(data, [])


def test_nothing_of_it_weighs_on_the_processes_that_wait() -> None:
    code = "import sys, converter.engine.run, converter.engine.operations; sys.exit(bool({'numpy', 'numba'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
