"""Turn what the probe's child says into `Media`, and refuse what is plainly broken."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from .errors import MediaError
from .media import AudioStream, Kind, Media, VideoStream
from .probe_stills import displayed
from .sniff import Sniffed
from .tags import clean, clean_language, words
from .truncation import cut_off

_TRANSFER = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    18: "arib-std-b67",
}
_PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020", 11: "smpte431", 12: "smpte432"}
_SPACE = {0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc", 10: "bt2020c"}

_STILLS = frozenset({"jpeg", "bmp", "tiff", "ico", "avif"})
_ESTIMATED = frozenset({"mp3", "aac", "amr", "mpegts", "mpeg"})
"""Containers whose header holds no duration: ffmpeg guesses one from the bit rate."""
_HIDDEN_FRAMES = frozenset({"vp8", "mpeg4"})
"""Codecs whose packets may show nothing, so that counting packets counts too many frames."""
_MIMES = {
    ("mp4", "audio"): "audio/mp4",
    ("m4a", "video"): "video/mp4",
    ("mov", "audio"): "audio/mp4",
    ("3gp", "audio"): "audio/3gpp",
    ("webm", "audio"): "audio/webm",
    ("matroska", "audio"): "audio/x-matroska",
    ("ogg", "video"): "video/ogg",
    ("asf", "audio"): "audio/x-ms-wma",
}
_DIFFERENT = 0.02
"""Part by which a header's duration may differ from what is there and still be believed."""
_EXACT = frozenset({"flac", "flv", "avi", "asf", "webm", "matroska", "wav", "aiff"})
"""Containers whose header says how long they are, so that less means that something is missing."""
_TOO_SHORT = 0.9
_VEILED = "The transparency of an animated AVIF can't be read: its pictures are used as if they had none."


def from_packets(answer: dict[str, Any], sniffed: Sniffed, size: int) -> Media:
    """Media of a container that libavformat read."""
    if "error" in answer:
        raise _refusal(answer)
    _check_whole(answer, size)
    videos, audios = _readable(answer)
    kind = _kind(videos, audios, sniffed)
    if kind == "image":
        return _picture(answer, videos, sniffed, size)
    veiled = False
    if sniffed.container == "avif":
        # Before the pictures that move, the file holds one that stands still; after them, how transparent each is.
        moving = tuple(video for video in videos if (video.frames or 0) > 1)
        videos, veiled = moving[:1], _veiled(moving)
    duration = _duration(answer, sniffed)
    if not duration:
        raise MediaError("corrupt_media", "The file holds no playable media: it has no length.", log=str(answer["packets"])[:500])
    mime = _MIMES.get((sniffed.container, kind), sniffed.mime)
    found = (videos, audios, len(answer["streams"]))
    said = words(answer, duration, kind)
    notes = (*_notes(answer), *((_VEILED,) if veiled else ()))
    return Media(kind, sniffed.container, sniffed.demuxer, mime, size, duration, *found, notes=notes, **said)


def _readable(answer: dict[str, Any]) -> tuple[tuple[VideoStream, ...], tuple[AudioStream, ...]]:
    """The picture and sound streams that can be worked on."""
    streams = [s for s in answer["streams"] if s["type"] in ("video", "audio")]
    unknown = next((s for s in streams if not s["supported"] and s["type"] == "video"), None) or next(
        (s for s in streams if not s["supported"]), None
    )
    supported = [s for s in streams if s["supported"]]
    # A film whose picture is unknown is not a sound file.
    if unknown is not None and not any(s["type"] == unknown["type"] for s in supported) and (unknown["type"] == "video" or not supported):
        raise MediaError("unsupported_media", f"The file uses the codec {unknown['codec'] or 'unknown'}, which is not supported.")
    videos = tuple(v for s in supported if s["type"] == "video" if (v := _video(s, answer)) is not None)
    audios = tuple(_audio(s, answer) for s in supported if s["type"] == "audio" and s["sample_rate"] and s["channels"])
    if streams and not videos and not audios:
        raise MediaError("corrupt_media", "The picture and sound in the file can't be read: it is damaged.")
    return videos, audios


def _picture(answer: dict[str, Any], videos: tuple[VideoStream, ...], sniffed: Sniffed, size: int) -> Media:
    """A still: libavformat gives it a rate and a length, which mean nothing. Icons hold several sizes: the largest counts."""
    largest = max(videos, key=lambda video: video.width * video.height)
    see_through = largest.has_alpha or (sniffed.container == "avif" and _veiled(videos))
    still = replace(largest, fps=0.0, frame_rate="0/1", duration=None, frames=1, variable_rate=False, has_alpha=see_through)
    return Media("image", sniffed.container, sniffed.demuxer, sniffed.mime, size, None, (still,), streams=len(answer["streams"]))


def _veiled(videos: tuple[VideoStream, ...]) -> bool:
    """Whether a grey picture of the same size lies beside one in colours: AVIF keeps there how transparent it is."""
    sizes = {(video.width, video.height) for video in videos}
    return len(videos) > 1 and len(sizes) == 1 and any(video.pixel_format.startswith("gray") for video in videos[1:])


def _refusal(answer: dict[str, Any]) -> MediaError:
    message = f"{answer['error']}: {answer.get('message', '')}"
    if "whitelist" in message:
        return MediaError("unsupported_media", "The file uses a codec that is not supported.", log=message)
    if answer["error"] == "MemoryError":
        return MediaError("corrupt_media", "The file can't be read: it is damaged, or far larger inside than it looks.", log=message)
    return MediaError("corrupt_media", log=message)


def _check_whole(answer: dict[str, Any], size: int) -> None:
    end = answer["index_end"]
    if end > size and end - size > end * 0.001:
        raise cut_off(size / end)


def _kind(videos: tuple[VideoStream, ...], audios: tuple[AudioStream, ...], sniffed: Sniffed) -> Kind:
    pictures = [video for video in videos if not video.attached_picture]
    if sniffed.container == "avif" and any((video.frames or 0) > 1 for video in videos):
        return "animation"
    if sniffed.container in _STILLS and videos:
        return "image"
    if pictures:
        return "video"
    if audios:
        return "audio"
    raise MediaError("unsupported_media", "The file holds neither picture nor sound that can be read.")


def _video(stream: dict[str, Any], answer: dict[str, Any]) -> VideoStream | None:
    frame = answer["first_frames"].get(str(stream["index"]), {})
    coded_width, coded_height = frame.get("width") or stream["width"], frame.get("height") or stream["height"]
    if not coded_width or not coded_height:
        return None
    packets = answer["packets"]["streams"].get(str(stream["index"]))
    rotation = -round((frame.get("rotation") or 0) / 90) * 90 % 360
    aspect = Fraction(*stream["sample_aspect"]) if stream["sample_aspect"] else Fraction(1)
    # Nonsense in a header must not make a picture that is a line.
    aspect = aspect if Fraction(1, 20) <= aspect <= 20 else Fraction(1)
    width, height = displayed(coded_width, coded_height, aspect, rotation)
    rate = _rate(stream, packets)
    transfer, primaries, space = stream["color"]
    return VideoStream(
        index=stream["index"],
        codec=stream["codec"],
        width=width,
        height=height,
        coded_width=coded_width,
        coded_height=coded_height,
        fps=round(float(rate), 6),
        frame_rate=f"{rate.numerator}/{rate.denominator}",
        pixel_format=frame.get("pixel_format") or stream["pixel_format"],
        bit_depth=frame.get("bit_depth") or stream["bit_depth"],
        rotation=rotation,
        sample_aspect=f"{aspect.numerator}/{aspect.denominator}",
        duration=stream["duration"] if stream["duration"] else _length(packets),
        start=stream["start"] or 0.0,
        frames=_frames(stream, packets, answer),
        bit_rate=stream.get("bit_rate"),
        color_transfer=_TRANSFER.get(transfer, ""),
        color_primaries=_PRIMARIES.get(primaries, ""),
        color_space=_SPACE.get(space, "") if space else "",
        has_alpha=bool(frame.get("alpha") or stream["alpha"] or stream["alpha_mode"] == "1"),
        interlaced=bool(frame.get("interlaced")),
        attached_picture=stream["attached"],
        variable_rate=bool(packets and packets["variable"]),
        **_weights(packets),
    )


def _weights(packets: dict[str, Any] | None) -> dict[str, Any]:
    """What the packets weigh, which says how much there is to see."""
    if not packets or not packets.get("bytes"):
        return {}
    return {
        "packets": packets["count"],
        "packet_bytes": packets["bytes"],
        "keyframes": packets["keys"],
        "keyframe_bytes": packets["key_bytes"],
        "profile": tuple(packets["parts"]),
    }


def _rate(stream: dict[str, Any], packets: dict[str, Any] | None) -> Fraction:
    if stream["average_rate"]:
        rate = Fraction(*stream["average_rate"])
        if 0 < rate <= 1000:
            return rate
    length = _length(packets)
    if packets and length and packets["shown"] > 1:
        return Fraction(packets["shown"] / length).limit_denominator(1001)
    return Fraction(*stream["base_rate"]) if stream["base_rate"] and Fraction(*stream["base_rate"]) <= 1000 else Fraction(0)


def _frames(stream: dict[str, Any], packets: dict[str, Any] | None, answer: dict[str, Any]) -> int | None:
    if packets and answer["packets"]["complete"] and stream["codec"] not in _HIDDEN_FRAMES:
        return int(packets["shown"])
    return int(stream["frames"]) if stream["frames"] else None


def _length(packets: dict[str, Any] | None) -> float | None:
    """Seconds from a stream's first packet to the end of its last."""
    if not packets:
        return None
    return float((packets["end"] - packets["first"]) * Fraction(*packets["base"])) or None


def _audio(stream: dict[str, Any], answer: dict[str, Any]) -> AudioStream:
    packets = answer["packets"]["streams"].get(str(stream["index"]))
    return AudioStream(
        index=stream["index"],
        codec=stream["codec"],
        channels=stream["channels"],
        channel_layout=stream["layout"],
        sample_rate=stream["sample_rate"],
        duration=stream["duration"] or _length(packets),
        start=stream["start"] or 0.0,
        bit_rate=stream.get("bit_rate"),
        language=clean_language(stream.get("language", "")),
        title=clean(stream.get("title", "")),
        sample_format=stream.get("sample_format", ""),
    )


def _duration(answer: dict[str, Any], sniffed: Sniffed) -> float | None:
    """What a person sees: from the first start to the last end."""
    said, walk = answer["duration"], answer["packets"]
    measured = None
    if walk["streams"]:
        spans = [(p["first"] * Fraction(*p["base"]), _end(p, sniffed) * Fraction(*p["base"])) for p in walk["streams"].values()]
        # Sound often begins a little before zero with samples that are not played.
        measured = float(max(end for _, end in spans) - min(max(start, Fraction(0)) for start, _ in spans))
    if said is None or said <= 0:
        return measured
    if measured and walk["complete"] and sniffed.container in _EXACT and measured < min(said * _TOO_SHORT, said - 0.2):
        raise MediaError("corrupt_media", f"Only {measured / said:.0%} of the media can be read: the file is damaged or cut off.")
    if measured and walk["complete"] and (sniffed.container in _ESTIMATED or abs(measured - said) > max(0.5, said * _DIFFERENT)):
        return measured
    return float(said)


def _end(packets: dict[str, Any], sniffed: Sniffed) -> int:
    """When a stream's last frame ends, in its time base.

    MP4 writes how long a sample lasts in the order of decoding: where frames are reordered around a
    gap, the last one shown may carry the gap's length, and the sum of all of them may hold it twice. Neither is too short.
    """
    if sniffed.demuxer == "mov" and packets["decoded_from"] is not None:
        return int(min(packets["end"], packets["first"] + packets["decoded_to"] - packets["decoded_from"]))
    return int(packets["end"])


def _notes(answer: dict[str, Any]) -> tuple[str, ...]:
    lost = [s for s in answer["streams"] if s["type"] == "audio" and not s["supported"]]
    notes = [f"A sound track uses the codec {s['codec'] or 'unknown'}, which is not supported: it is left out." for s in lost[:1]]
    return (*notes, "The file is damaged in places.") if answer["packets"]["error"] else tuple(notes)
