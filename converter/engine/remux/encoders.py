"""How a moving picture is encoded for a container: codec, quality, depth, transparency, HDR, rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from converter.engine import codecs, framing
from converter.engine.errors import MediaError
from converter.engine.ffmpeg import find_ffmpeg
from converter.engine.framing import Frame
from converter.engine.media import VideoStream
from converter.engine.rates.encoders import ENCODERS, Work, svt_words, vpx_look

HDR = ("smpte2084", "arib-std-b67")
_RGB = ("rgb", "bgr", "gbr", "argb", "abgr", "rgba", "bgra", "pal")


@dataclass(frozen=True, slots=True)
class Maker:
    """One encoder: its name in ffmpeg, `-crf` (or what stands for it) and words at each quality, its bytes and CPU beside H.264's."""

    encoder: str
    levels: Mapping[str, int]
    bytes_factor: float
    cpu_factor: float
    deep: bool = False
    """Keeps ten bits where the source has them."""
    hdr: bool = False
    """Can carry HDR."""
    alpha: str = ""
    """The pixel format with transparency, where there is one."""


MAKERS: Mapping[str, Maker] = {
    "h264": Maker("libx264", {"high": 18, "good": 21, "small": 26}, 1.0, 1.0),
    "hevc": Maker("libx265", {"high": 20, "good": 24, "small": 29}, 0.7, 2.5, deep=True, hdr=True),
    "av1": Maker("libsvtav1", {"high": 24, "good": 32, "small": 42}, 0.6, 1.2, deep=True, hdr=True),
    "vp9": Maker("libvpx-vp9", {"high": 24, "good": 31, "small": 39}, 0.8, 2.5, hdr=True, alpha="yuva420p"),
    "prores": Maker("prores_ks", {"high": 3, "good": 2, "small": 1}, 8.0, 1.0, deep=True, hdr=True, alpha="yuva444p10le"),
    "mpeg4": Maker("mpeg4", {"high": 2, "good": 4, "small": 8}, 3.0, 0.5),
}
_SVT = {"ultrafast": 12, "veryfast": 10, "fast": 8, "medium": 6, "slow": 4}
_VPX = {"ultrafast": 8, "veryfast": 6, "fast": 5, "medium": 3, "slow": 1}
_LIKE_CRF = {"high": 18, "good": 21, "small": 26}


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture stream as it will be: codec, size in pixels, pixel format, whether it stays HDR, and how it is made."""

    codec: str
    width: int
    height: int
    pixel_format: str
    hdr: bool
    graph: str
    arguments: tuple[str, ...]
    crf: int
    """What H.264 would need to look like this, for estimates."""


def picture(
    video: VideoStream, codec: str, size: tuple[int, int], *, quality: str, speed: str, fps: float | None, keep_hdr: bool, plain: bool
) -> Picture:
    """Encode `video` as `codec` at `size`; `plain` asks for one constant rate.

    Raises `MediaError("bad_parameter")` where this ffmpeg lacks the encoder or the codec can't carry HDR.
    """
    maker = MAKERS[codec]
    if not find_ffmpeg().has("encoders", maker.encoder):
        text = f"video_codec: the ffmpeg of this machine has no {maker.encoder}; choose h264 or another codec."
        raise MediaError("bad_parameter", text, field="video_codec")
    hdr = video.color_transfer in HDR and keep_hdr
    if hdr and not maker.hdr:
        raise MediaError("bad_parameter", f"hdr: {codec} can't carry HDR; choose hevc, av1, vp9 or prores, or let it become SDR.", field="hdr")
    form = _pixel_format(video, codec, maker, hdr=hdr)
    graph = _graph(video, size, form, hdr=hdr, before=(f"fps={_rate(fps)}",) if fps else ())
    constant = ("-fps_mode", "cfr", "-r", str(_usual_rate(fps or video.fps))) if plain else codecs.KEEP_TIMES
    words = (*_words(codec, maker, quality, speed, form, size[0] * size[1]), "-pix_fmt", form, *constant)
    return Picture(codec, *size, form, hdr, graph, words, _LIKE_CRF[quality])


def _pixel_format(video: VideoStream, codec: str, maker: Maker, *, hdr: bool) -> str:
    if video.has_alpha and maker.alpha:
        return maker.alpha
    if codec == "prores":
        return "yuv422p10le"
    deep = video.bit_depth > 8 and not video.pixel_format.startswith(_RGB) and maker.deep
    return "yuv420p10le" if deep or hdr else "yuv420p"


def _graph(video: VideoStream, size: tuple[int, int], form: str, *, hdr: bool, before: tuple[str, ...]) -> str:
    source = codecs.stream(video)
    if form == "yuv420p":
        frame = Frame(*size, "stretch", flags="bicubic", pixel_format=form)
        return framing.graph(video, frame, source, "v", before=before)
    # What the common chain would flatten or map to SDR stays here.
    kept = replace(video, has_alpha=video.has_alpha and "a" not in form[3:4], color_transfer="" if hdr else video.color_transfer)
    chain = framing.fitted(kept, Frame(*size, "stretch", flags="bicubic", pixel_format=form))
    if video.pixel_format.startswith(_RGB):
        chain = (*chain[:-1], framing.TO_HD, chain[-1])
    return f"[{source}]{','.join((*before, *chain))}[v]"


def _words(codec: str, maker: Maker, quality: str, speed: str, form: str, pixels: int) -> tuple[str, ...]:
    level = str(maker.levels[quality])
    # How much an encoder may hold is the same here as in compressing.
    words: Mapping[str, tuple[str, ...]] = {
        "h264": (*codecs.x264(speed, pixels), "-crf", level),
        "hevc": (*ENCODERS["h265"].options(Work(speed, pixels)), "-crf", level),
        "av1": ("-preset", str(_SVT[speed]), "-crf", level, "-g", "240", "-svtav1-params", ":".join(svt_words(pixels))),
        "vp9": ("-crf", level, "-b:v", "0", "-deadline", "good", "-cpu-used", str(_VPX[speed]), "-row-mt", "1", *vpx_look(pixels)),
        "prores": ("-profile:v", "4" if form.startswith("yuva") else level, "-vendor", "apl0"),
        "mpeg4": ("-q:v", level, "-tag:v", "xvid", "-g", "250"),
    }
    return ("-c:v", maker.encoder, *words[codec])


def _rate(fps: float) -> str:
    """Frames per second as an exact fraction; 23.976 and its like mean 24000/1001."""
    broadcast = Fraction(round(fps * 1001 / 1000) * 1000, 1001)
    exact = broadcast if abs(float(broadcast) - fps) < 0.005 and fps != round(fps) else Fraction(fps).limit_denominator(1000)
    return f"{exact.numerator}/{exact.denominator}"


def _usual_rate(fps: float) -> str:
    """A rate that MPEG-4's clock of 16 bits can count."""
    return _rate(min(60.0, max(1.0, fps or 25.0)))
