"""What each container of moving pictures holds, as people name them and as players play them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from converter.engine import codecs
from converter.engine.codecs import Container

MOV = Container("mov", "mov", "mov", "video/quicktime", codecs.FASTSTART)
AVI = Container("avi", "avi", "avi", "video/x-msvideo")

_PCM = frozenset({"pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_s16be", "pcm_s24be", "pcm_u8"})
_TEXT = frozenset({"subrip", "ass", "webvtt"})
_BITMAPS = frozenset({"hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle"})
_OLD = frozenset({"mpeg2video", "mpeg1video", "mjpeg", "dvvideo", "msmpeg4v3", "msmpeg4v2"})


@dataclass(frozen=True, slots=True)
class Target:
    """One container. `pictures` and `sounds` are copied of themselves, because its players play them; `more_…` only when asked for.

    `subtitles` is the codec that written subtitles become; empty means that it holds none.
    """

    title: str
    container: Container
    pictures: frozenset[str]
    sounds: frozenset[str]
    picture: str
    sound: str
    more_pictures: frozenset[str] = frozenset()
    more_sounds: frozenset[str] = frozenset()
    subtitles: str = ""
    subtitle_copies: frozenset[str] = frozenset()
    chapters: bool = True
    cover: bool = False
    plain: bool = False
    """It knows one constant rate, square pixels and no rotation."""


TARGETS: Mapping[str, Target] = {
    "mp4": Target(
        "MP4", codecs.MP4, frozenset({"h264", "hevc", "av1", "mpeg4"}), frozenset({"aac", "mp3", "ac3", "eac3", "alac"}), "h264", "aac",
        frozenset({"vp9", "mpeg2video", "mjpeg"}), frozenset({"opus", "flac", "mp2", "dts"}), "mov_text", frozenset({"mov_text"}), cover=True,
    ),
    "mov": Target(
        "MOV (QuickTime)", MOV, frozenset({"h264", "hevc", "mpeg4", "prores", "mjpeg", "dnxhd", "qtrle"}),
        frozenset({"aac", "mp3", "alac", "ac3", "eac3", *_PCM}), "h264", "aac",
        frozenset({"av1", "mpeg2video", "dvvideo", "png", "rawvideo", "v210", "cfhd"}), frozenset({"mp2"}),
        "mov_text", frozenset({"mov_text"}), cover=True,
    ),
    "mkv": Target(
        "MKV (Matroska)", codecs.MKV,
        frozenset({"h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "theora", "prores", "ffv1", "vc1", *_OLD}),
        frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "dts", "truehd", "opus", "vorbis", "flac", "alac", "wavpack", "tta",
                   "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_u8", "pcm_s16be", "pcm_s24be"}),
        "h264", "aac", frozenset({"cfhd", "huffyuv", "ffvhuff", "utvideo", "png", "rawvideo", "wmv3", "dnxhd"}), frozenset({"wmav2", "mlp"}),
        "subrip", _TEXT | _BITMAPS,
    ),
    "webm": Target(
        "WebM", codecs.WEBM, frozenset({"vp8", "vp9", "av1"}), frozenset({"opus", "vorbis"}), "vp9", "opus",
        subtitles="webvtt", subtitle_copies=frozenset({"webvtt"}),
    ),
    "avi": Target(
        "AVI", AVI, frozenset({"mpeg4", "msmpeg4v3", "msmpeg4v2", "mjpeg", "dvvideo"}), frozenset({"mp3", "ac3", "mp2", "pcm_s16le", "pcm_u8"}),
        "mpeg4", "mp3", frozenset({"h264", "huffyuv", "ffvhuff", "ffv1", "utvideo", "rawvideo"}), frozenset({"pcm_s24le"}),
        chapters=False, plain=True,
    ),
}  # fmt: skip
