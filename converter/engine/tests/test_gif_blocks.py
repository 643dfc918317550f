"""The GIF reader against files built by hand, by Pillow and by chance."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from converter.engine import gif
from converter.engine.errors import MediaError

_ANY_FILE = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
_PIXEL = b"\x02\x02\x44\x01\x00"
_LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01%b\x00"


def build(delays: list[int], loop: int | None = 0, *, table: bool = False, comment: bytes = b"", version: bytes = b"89a") -> bytes:
    """A GIF of 1×1 frames."""
    parts = [b"GIF" + version + struct.pack("<HHBBB", 7, 5, 0x80 if not table else 0, 0, 0) + (b"" if table else bytes(6))]
    if loop is not None:
        parts.append(_LOOP % struct.pack("<H", loop))
    if comment:
        parts.append(b"\x21\xfe" + bytes([len(comment)]) + comment + b"\0")
    for delay in delays:
        parts.append(b"\x21\xf9\x04\x04" + struct.pack("<HB", delay, 0) + b"\0")
        parts.append(b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0x80 if table else 0) + (bytes(6) if table else b"") + _PIXEL)
    return b"".join(parts) + b"\x3b"


@pytest.mark.parametrize(("fps", "frames", "wanted"), [(24, 6, (4, 4, 4, 4, 4, 5)), (25, 3, (4, 4, 4)), (50, 2, (2, 2)), (12, 3, (8, 8, 9))])
def test_delays_add_up(fps: int, frames: int, wanted: tuple[int, ...]) -> None:
    assert gif.delays(frames, fps) == wanted


def test_six_seconds_of_24_frames_are_exactly_600_centiseconds() -> None:
    delays = gif.delays(144, 24)
    assert delays == (4, 4, 4, 4, 4, 5) * 24
    assert sum(delays) == 600


@given(st.integers(1, 400), st.fractions(1, 50, max_denominator=1001))
def test_no_frame_is_ever_a_centisecond_late(frames: int, fps: Fraction) -> None:
    delays = gif.delays(frames, fps)
    assert len(delays) == frames
    assert min(delays) >= 2
    assert all(0 <= Fraction(100 * k) / fps - sum(delays[:k]) < 1 for k in range(frames + 1))


@given(
    st.lists(st.integers(0, 65535), min_size=1, max_size=12),
    st.one_of(st.none(), st.integers(0, 65535)),
    st.booleans(),
    st.binary(max_size=255),
    st.randoms(use_true_random=False),
)
@_ANY_FILE
def test_what_is_written_is_read_and_retimed(tmp_path: Path, delays: list[int], loop: int | None, table: bool, comment: bytes, random) -> None:
    path = tmp_path / "a.gif"
    before = build(delays, loop, table=table, comment=comment)
    path.write_bytes(before)
    info = gif.inspect_gif(path)
    assert (info.version, info.width, info.height, info.frames, info.delays_cs, info.loop) == ("89a", 7, 5, len(delays), tuple(delays), loop)
    assert sum(block.size for block in gif.read_blocks(path)) == len(before)
    wanted = [random.randrange(65536) for _ in delays]
    gif.retime(path, wanted)
    assert path.read_bytes() == build(wanted, loop, table=table, comment=comment)


@given(st.binary(max_size=300))
@example(b"")
@example(b"GIF89a")
@example(build([4])[:-1])
@_ANY_FILE
def test_garbage_is_corrupt_and_nothing_else(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(data)
    with pytest.raises(MediaError) as caught:
        gif.inspect_gif(path)
    assert caught.value.code.name == "corrupt_media"


@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 400))
@_ANY_FILE
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, place: int, value: int, length: int) -> None:
    data = bytearray(build([4, 4, 5], comment=b"hello"))
    data[place % len(data)] = value
    path = tmp_path / "a.gif"
    path.write_bytes(data[: max(1, len(data) - length % len(data))])
    try:
        info = gif.inspect_gif(path)
    except MediaError as error:
        assert error.code.name == "corrupt_media"
    else:
        assert info.frames >= 1


def test_pillow_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "p.gif"
    pictures = [Image.radial_gradient("L").resize((64, 40)).rotate(20 * turn) for turn in range(5)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[40, 50, 60, 70, 80], loop=3)
    info = gif.inspect_gif(path)
    assert (info.width, info.height, info.delays_cs, info.loop) == (64, 40, (4, 5, 6, 7, 8), 3)
    gif.retime(path, gif.delays(5, 24))
    with Image.open(path) as opened:
        assert opened.n_frames == 5
        opened.seek(4)
        assert opened.info["duration"] == 40


def test_retime_refuses_another_number_of_frames_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(build([4, 4]))
    with pytest.raises(MediaError) as caught:
        gif.retime(path, [4, 4, 5])
    assert caught.value.code.name == "tool_failed"
    assert path.read_bytes() == build([4, 4])


def test_a_file_without_controls_has_no_delays(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(
        b"GIF87a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + _PIXEL + b"\x3b"
    )
    assert gif.inspect_gif(path).delays_cs == (0,)
    with pytest.raises(MediaError):
        gif.retime(path, [4])
