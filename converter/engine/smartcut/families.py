"""What is different from codec to codec: where decoding may go on, how a copy is changed, how the encoder is told to match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from . import nal
from .division import CLEAN, HIDDEN, KEY

CRF = {"h264": "18", "hevc": "20", "vp8": "8", "vp9": "20", "av1": "24"}
"""Quality of what is encoded: so fine that the seam is not seen, in each encoder's own scale."""
_PROFILES = {66: "baseline", 77: "main", 88: "main", 100: "high", 110: "high10", 122: "high422", 244: "high444"}
_CHROMA = {"420": 1, "422": 2, "444": 3}


class Unfit(Exception):
    """This source can't be cut without encoding all of it; the message says why, for people."""


class Family:
    """A codec whose keyframes start afresh and that shows pictures in the order in which they are decoded."""

    encoder: str
    reorders = False

    def __init__(self, codec: str, stream: Any) -> None:
        self.codec, self.extradata = codec, bytes(stream.codec_context.extradata or b"")
        self.encoder = {"vp8": "libvpx", "vp9": "libvpx-vp9", "av1": "libsvtav1"}.get(codec, "")

    def flags(self, packet: Any) -> int:
        """What `division` knows a packet by."""
        shown = 0 if self.codec != "vp8" or bytes(packet)[0] >> 4 & 1 else HIDDEN
        return (KEY | CLEAN if packet.is_keyframe else 0) | shown

    def options(self, reordered: int) -> dict[str, str]:
        """Options of the encoder."""
        if self.codec == "av1":
            return {"preset": "9", "crf": CRF["av1"]}
        return {
            "crf": CRF[self.codec],
            "deadline": "realtime" if self.codec == "vp8" else "good",
            "cpu-used": "5",
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
        }

    def copied(self, data: bytes, *, first: bool) -> bytes:
        """A packet of the source as it is written; `first` of what is copied in a row."""
        return data

    def encoded(self, data: bytes, *, first: bool) -> bytes:
        """A packet of the encoder as it is written."""
        return data

    def prepare(self, encoder: Any) -> None:
        """Learn what the header has to say of new pictures, from an encoder that writes its parameters there."""

    def config(self) -> bytes:
        """The decoder configuration of the whole result."""
        return self.extradata


class H264(Family):
    """Parameter sets of the encoder get a number of their own and stand beside the source's, which both are valid all the time.

    So head and body may differ in profile, references or entropy coding, and no unit has to be rewritten (H.264 §7.4.1.2.1).
    """

    reorders = True

    def __init__(self, codec: str, stream: Any) -> None:
        super().__init__(codec, stream)
        self.encoder = "libx264"
        self.raw = self.extradata[:1] != b"\x01"
        try:
            self.avc = nal.AvcConfig.read(self.extradata)
            self.number = self.avc.free_id()
        except (ValueError, IndexError) as error:
            raise Unfit("its parameter sets can't be read") from error
        self.size = self.avc.length_size
        if self.raw and not self.avc.rest and self.avc.head[0] in (100, 110, 122, 144, 244):
            form = stream.codec_context.pix_fmt or "yuv420p"
            chroma = next((value for name, value in _CHROMA.items() if name in form), 1)
            depth = 2 if "10" in form else 0
            self.avc = replace(self.avc, rest=bytes([0xFC | chroma, 0xF8 | depth, 0xF8 | depth, 0]))

    def _units(self, data: bytes) -> list[bytes]:
        return list(nal.annex_b(data) if self.raw else nal.prefixed(data, self.size))

    def flags(self, packet: Any) -> int:
        if not packet.is_keyframe:
            return 0
        clean = any(nal.h264_type(unit) == nal.H264_IDR for unit in self._units(bytes(packet)))
        return KEY | CLEAN if clean else KEY

    def options(self, reordered: int) -> dict[str, str]:
        # As many pictures of delay as the source has, so that players don't have to learn it at the seam.
        pictures = "bframes=3:b-pyramid=normal" if reordered else "bframes=0"
        options = {"preset": "veryfast", "crf": CRF["h264"], "x264-params": f"sps-id={self.number}:{pictures}:open-gop=0:sync-lookahead=0"}
        profile = _PROFILES.get(self.avc.head[0])
        if (profile and profile != "baseline") or not reordered:
            options |= {"profile": profile} if profile else {}
        return options

    def copied(self, data: bytes, *, first: bool) -> bytes:
        return nal.packed(self._units(data), self.size) if self.raw else data

    def prepare(self, encoder: Any) -> None:
        units = list(nal.annex_b(bytes(encoder.extradata or b"")))
        self.own = tuple(tuple(unit for unit in units if nal.h264_type(unit) == kind) for kind in (nal.H264_SPS, nal.H264_PPS))
        if not all(self.own):
            raise Unfit("the encoder does not say its parameters")
        self.avc = self.avc.plus(*self.own)

    def encoded(self, data: bytes, *, first: bool) -> bytes:
        units = list(nal.annex_b(data))
        if any(len(unit) >> 8 * self.size for unit in units):
            raise Unfit("its lengths are too short for new pictures")
        return nal.packed(units, self.size)

    def config(self) -> bytes:
        return self.avc.write()


class Hevc(Family):
    """x265 can't number its parameter sets, so each kind of picture is preceded by its own (`hev1`, ISO/IEC 14496-15 §8.3)."""

    reorders = True

    def __init__(self, codec: str, stream: Any) -> None:
        super().__init__(codec, stream)
        self.encoder = "libx265"
        self.raw = self.extradata[:1] != b"\x01"
        if len(self.extradata) < 23 or self.raw:
            raise Unfit("its parameter sets can't be read")
        self.size = (self.extradata[21] & 3) + 1
        self.sets = list(self._sets())
        if not self.sets:
            raise Unfit("its parameter sets can't be read")

    def _sets(self) -> Sequence[bytes]:
        found, at, data = [], 23, self.extradata
        for _ in range(data[22]):
            count, at = int.from_bytes(data[at + 1 : at + 3], "big"), at + 3
            for _ in range(count):
                length = int.from_bytes(data[at : at + 2], "big")
                found.append(data[at + 2 : at + 2 + length])
                at += 2 + length
        return [unit for unit in found if unit and nal.hevc_type(unit) in nal.HEVC_SETS]

    def flags(self, packet: Any) -> int:
        if not packet.is_keyframe:
            return 0
        types = {nal.hevc_type(unit) for unit in nal.prefixed(bytes(packet), self.size)}
        return KEY | CLEAN if types & {*nal.HEVC_IDR, nal.HEVC_CRA} else KEY

    def options(self, reordered: int) -> dict[str, str]:
        return {
            "preset": "veryfast",
            "crf": CRF["hevc"],
            "x265-params": f"log-level=error:open-gop=0:repeat-headers=1:bframes={min(4, 2 * reordered)}:info=0",
        }

    def copied(self, data: bytes, *, first: bool) -> bytes:
        if not first:
            return data
        units = list(nal.prefixed(data, self.size))
        own = [unit for unit in units if nal.hevc_type(unit) in nal.HEVC_SETS]
        delimiter = [unit for unit in units if nal.hevc_type(unit) == 35]
        rest = [nal.as_bla(unit) for unit in units if nal.hevc_type(unit) != 35]
        return nal.packed([*delimiter, *([] if own else self.sets), *rest], self.size)

    def encoded(self, data: bytes, *, first: bool) -> bytes:
        return nal.packed(list(nal.annex_b(data)), self.size)


class Copied(Family):
    """Any codec, when nothing has to be encoded."""

    reorders = True

    def flags(self, packet: Any) -> int:
        return KEY | CLEAN if packet.is_keyframe else 0


def family(codec: str, stream: Any, *, copying: bool) -> Family:
    """How to treat this codec. Raises `Unfit`."""
    kinds: dict[str, type[Family]] = {"h264": H264, "hevc": Hevc, "vp8": Family, "vp9": Family, "av1": Family}
    if codec not in kinds and not copying:
        raise Unfit(f"pictures in {codec or 'an unknown codec'} can't be joined to new ones")
    return kinds.get(codec, Copied)(codec, stream)
