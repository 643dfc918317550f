"""H.264 and H.265 as far as joining needs it: units, their types, parameter sets (ITU-T H.264 §7.3, H.265 §7.3, ISO/IEC 14496-15 §5, §8)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

_START = re.compile(rb"\x00\x00\x01")
H264_IDR, H264_SPS, H264_PPS = 5, 7, 8
HEVC_IDR, HEVC_CRA, HEVC_SETS = (19, 20), 21, (32, 33, 34)
HEVC_BLA = 17
"""BLA_W_RADL: a CRA whose undecodable leading pictures are gone (H.265 §7.4.2.2): the codec's own means of splicing."""


def annex_b(data: bytes) -> Iterator[bytes]:
    """The units between start codes."""
    starts = [match.start() for match in _START.finditer(data)]
    for place, start in enumerate(starts):
        end = starts[place + 1] if place + 1 < len(starts) else len(data)
        unit = data[start + 3 : end].rstrip(b"\x00") if place + 1 < len(starts) else data[start + 3 : end]
        if unit:
            yield unit


def prefixed(data: bytes, size: int) -> Iterator[bytes]:
    """The units behind their lengths of `size` bytes. What does not fit is left out."""
    at = 0
    while at + size <= len(data):
        length = int.from_bytes(data[at : at + size], "big")
        at += size
        if length:
            yield data[at : at + length]
        at += length


def packed(units: Sequence[bytes], size: int = 4) -> bytes:
    """Units with their lengths in front."""
    return b"".join(len(unit).to_bytes(size, "big") + unit for unit in units)


def h264_type(unit: bytes) -> int:
    """`nal_unit_type` of H.264."""
    return unit[0] & 31


def hevc_type(unit: bytes) -> int:
    """`nal_unit_type` of H.265."""
    return unit[0] >> 1 & 63


def as_bla(unit: bytes) -> bytes:
    """A CRA slice as BLA: only the type differs, the slice header has the same syntax."""
    return bytes([unit[0] & 0x81 | HEVC_BLA << 1]) + unit[1:] if hevc_type(unit) == HEVC_CRA else unit


def _ue(data: bytes, bit: int) -> tuple[int, int]:
    """An Exp-Golomb number at `bit`, and the place after it."""
    number, total = int.from_bytes(data, "big"), len(data) * 8
    zeros = 0
    while bit + zeros < total and not number >> (total - 1 - bit - zeros) & 1:
        zeros += 1
    end = bit + 2 * zeros + 1
    if end > total:
        raise ValueError("a number runs out of its unit")
    return (number >> (total - end) & ((1 << zeros + 1) - 1)) - 1, end


def sps_id(unit: bytes) -> int:
    """`seq_parameter_set_id` of an H.264 SPS."""
    return _ue(unit[4:24].replace(b"\x00\x00\x03", b"\x00\x00"), 0)[0]


def pps_id(unit: bytes) -> int:
    """`pic_parameter_set_id` of an H.264 PPS."""
    return _ue(unit[1:21].replace(b"\x00\x00\x03", b"\x00\x00"), 0)[0]


@dataclass(frozen=True, slots=True)
class AvcConfig:
    """`AVCDecoderConfigurationRecord`: profile, compatibility and level, the size of lengths, the parameter sets, the extension."""

    head: bytes
    length_size: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    rest: bytes = b""

    @classmethod
    def read(cls, data: bytes) -> AvcConfig:
        """From a record or from Annex B. Raises `ValueError` when it is neither."""
        if data[:1] != b"\x01":
            units = list(annex_b(data))
            sps = tuple(unit for unit in units if h264_type(unit) == H264_SPS)
            pps = tuple(unit for unit in units if h264_type(unit) == H264_PPS)
            if not sps or not pps:
                raise ValueError("no parameter sets")
            return cls(sps[0][1:4], 4, sps, pps)
        sets: list[tuple[bytes, ...]] = []
        at = 5
        for mask in (31, 255):
            count, at = data[at] & mask, at + 1
            found = []
            for _ in range(count):
                length = int.from_bytes(data[at : at + 2], "big")
                found.append(data[at + 2 : at + 2 + length])
                at += 2 + length
            sets.append(tuple(found))
        if not all(sets) or at > len(data) or not all(unit for found in sets for unit in found):
            raise ValueError("a broken configuration record")
        return cls(data[1:4], (data[4] & 3) + 1, sets[0], sets[1], data[at:])

    def free_id(self) -> int:
        """A number that no parameter set here has. Raises `ValueError` when there is none below 32."""
        used = {sps_id(unit) for unit in self.sps} | {pps_id(unit) for unit in self.pps}
        free = [number for number in range(32) if number not in used]
        if not free:
            raise ValueError("every number is taken")
        # A small one: some old decoders keep room for few.
        return free[0]

    def plus(self, sps: Sequence[bytes], pps: Sequence[bytes]) -> AvcConfig:
        """With further parameter sets."""
        more = tuple(unit for unit in sps if unit not in self.sps), tuple(unit for unit in pps if unit not in self.pps)
        return replace(self, sps=self.sps + more[0], pps=self.pps + more[1])

    def write(self) -> bytes:
        """The record."""
        sets = (
            bytes([0xE0 | len(self.sps)]) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in self.sps),
            bytes([len(self.pps)]) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in self.pps),
        )
        return b"\x01" + self.head + bytes([0xFC | self.length_size - 1]) + b"".join(sets) + self.rest
