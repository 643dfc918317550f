"""For each stream of a clip: may it stay as it is in the new container, and if not, what becomes of it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from converter.engine import budget
from converter.engine.errors import MediaError
from converter.engine.media import AudioStream, Media, SubtitleStream, VideoStream
from converter.engine.sound.formats import CODERS, Encoding, encoding

from .encoders import HDR, Picture, picture
from .targets import Target

AUTO, COPY, NONE = "auto", "copy", "none"
_PLAIN_FORMATS = ("yuv420p", "yuvj420p", "")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks of the streams. Pixels, frames per second."""

    video_codec: str = AUTO
    audio_codec: str = AUTO
    quality: str = "good"
    speed: str = "fast"
    max_height: int | None = None
    fps: float | None = None
    hdr: str = AUTO
    channels: str = "keep"
    every_sound: bool = True
    subtitles: bool = True
    cover: bool = True
    encode_all: bool = False
    """Copying was tried and did not work."""


@dataclass(frozen=True, slots=True)
class Tracks:
    """What the result is made of: each stream of the source that goes in, with its encoding or None where it is copied."""

    video: VideoStream
    picture: Picture | None
    sounds: tuple[tuple[AudioStream, Encoding | None], ...]
    subtitles: tuple[tuple[SubtitleStream, str | None], ...]
    cover: VideoStream | None
    remarks: tuple[str, ...]

    @property
    def copies(self) -> bool:
        """Whether anything is copied that could also be encoded."""
        return self.picture is None or any(way is None for _, way in self.sounds)


def decide(source: Media, video: VideoStream, target: Target, asked: Asked) -> Tracks:
    """Decide for every stream. Raises `MediaError("bad_parameter")` for what the container or this ffmpeg can't."""
    shown, said = _picture(source, video, target, asked)
    sounds = tuple(_sound(audio, target, asked) for audio in _wanted_sounds(source, target, asked))
    subtitles, lost = _subtitles(source, target, asked)
    cover = source.cover if asked.cover and target.cover else None
    tracks = Tracks(video, shown, sounds, subtitles, cover, ())
    return replace(tracks, remarks=(*_summary(tracks, target), *said, *_remarks(sounds), *lost, *_left_out(source, target, asked)))


def _picture(source: Media, video: VideoStream, target: Target, asked: Asked) -> tuple[Picture | None, tuple[str, ...]]:
    is_hdr = video.color_transfer in HDR
    size = budget.bounded(video, asked.max_height)
    why = _why_not(source, video, target, asked, size)
    if asked.video_codec == COPY and not asked.encode_all:
        if why:
            raise MediaError("bad_parameter", f"video_codec: the picture can't be copied, because {why}; choose auto.", field="video_codec")
        return None, ()
    if not why:
        return None, ()
    keep = is_hdr and asked.hdr == "keep"
    codec = _codec(target, asked, keep_hdr=keep)
    encoded = picture(
        video, codec, size, quality=asked.quality, speed=asked.speed, fps=asked.fps, keep_hdr=keep, plain=target.plain and not asked.encode_all
    )
    said = ["The colours are mapped from HDR to SDR."] if is_hdr and not keep else []
    said += ["The fields of the interlaced picture are joined to whole frames."] if video.interlaced else []
    said += ["Transparent parts become black."] if video.has_alpha and "a4" not in encoded.pixel_format else []
    odd = size != (video.width, video.height) and asked.max_height is None
    said += [f"The picture becomes {size[0]}×{size[1]}, because the codec needs even numbers."] if odd else []
    return encoded, tuple(said)


def _why_not(source: Media, video: VideoStream, target: Target, asked: Asked, size: tuple[int, int]) -> str:
    """Why the picture can't stay as it is; nothing where it can."""
    wish = asked.video_codec
    taken = target.pictures | (target.more_pictures if wish in (COPY, video.codec) else frozenset())
    smaller = asked.max_height is not None and min(video.width, video.height) > asked.max_height
    plays = wish != "h264" or (video.bit_depth == 8 and video.pixel_format in _PLAIN_FORMATS)
    crooked = target.plain and (video.rotation or video.sample_aspect != "1/1" or video.variable_rate)
    reasons = (
        (asked.encode_all, "copying did not work"),
        (source.kind == "animation", "it is an animation"),
        (video.codec not in taken, f"{target.title} does not hold {video.codec}"),
        (wish not in (AUTO, COPY, video.codec), f"{wish} is wanted"),
        (not plays, "it is not the kind of H.264 that plays everywhere"),
        (smaller, f"it is scaled to {size[0]}×{size[1]}"),
        (asked.fps is not None and abs(asked.fps - video.fps) > 0.01, "its rate is changed"),
        (asked.hdr == "sdr" and video.color_transfer in HDR, "HDR becomes SDR"),
        (bool(crooked), f"{target.title} knows no rotation, no wide pixels and no varying rate"),
    )
    return next((text for applies, text in reasons if applies), "")


def _codec(target: Target, asked: Asked, *, keep_hdr: bool) -> str:
    """What the picture is encoded as."""
    if asked.video_codec in (AUTO, COPY):
        return "hevc" if keep_hdr and target.picture == "h264" else target.picture
    allowed = target.pictures | target.more_pictures
    if asked.video_codec not in allowed:
        text = f"video_codec: {target.title} does not hold {asked.video_codec}; choose auto or another format."
        raise MediaError("bad_parameter", text, field="video_codec")
    return asked.video_codec


def _wanted_sounds(source: Media, target: Target, asked: Asked) -> Sequence[AudioStream]:
    if asked.audio_codec == NONE:
        return ()
    return source.audios if asked.every_sound else source.audios[:1]


def _sound(audio: AudioStream, target: Target, asked: Asked) -> tuple[AudioStream, Encoding | None]:
    wish = asked.audio_codec
    own = "pcm" if audio.codec.startswith("pcm_") else audio.codec
    taken = target.sounds | (target.more_sounds if wish in (COPY, own) else frozenset())
    mixed = (asked.channels == "mono" and audio.channels > 1) or (asked.channels == "stereo" and audio.channels > 2)
    fits = audio.codec in taken and wish in (AUTO, COPY, own) and not mixed
    if fits and not asked.encode_all:
        return audio, None
    if wish == COPY and not asked.encode_all:
        why = "its channels are mixed" if mixed else f"{target.title} does not hold {audio.codec}"
        raise MediaError("bad_parameter", f"audio_codec: the sound can't be copied, because {why}; choose auto.", field="audio_codec")
    codec = target.sound if wish in (AUTO, COPY) else wish
    if codec not in CODERS or not ({codec, "pcm_s16le"} if codec == "pcm" else {codec}) & (target.sounds | target.more_sounds):
        text = f"audio_codec: {target.title} does not hold {codec}; choose auto or another format."
        raise MediaError("bad_parameter", text, field="audio_codec")
    return audio, encoding(codec, audio, quality=asked.quality, channels=asked.channels, field="audio_codec")


def _subtitles(source: Media, target: Target, asked: Asked) -> tuple[tuple[tuple[SubtitleStream, str | None], ...], tuple[str, ...]]:
    if not asked.subtitles:
        return (), ()
    found: list[tuple[SubtitleStream, str | None]] = []
    lost: list[str] = []
    for stream in source.subtitles:
        if stream.codec in target.subtitle_copies:
            found.append((stream, None))
        elif stream.text and target.subtitles:
            found.append((stream, target.subtitles))
        else:
            lost.append("written" if stream.text else "drawn")
    said = ("Subtitles that are pictures are left out: this format can't hold them.",) if "drawn" in lost else ()
    return tuple(found), (*said, *(("Subtitles are left out: this format holds none.",) if "written" in lost else ()))


def _summary(tracks: Tracks, target: Target) -> tuple[str, ...]:
    """One sentence: what is copied and what is encoded."""
    codecs = sorted({_name(way.codec) for _, way in tracks.sounds if way is not None})
    encoded = [f"the picture is encoded as {_name(tracks.picture.codec)}"] if tracks.picture else []
    encoded += [f"the sound is encoded as {' and '.join(codecs)}"] if codecs else []
    if not encoded:
        return (f"Nothing is encoded again: the streams move to {target.title} as they are.",)
    kept = ["the picture is copied as it is"] if tracks.picture is None else []
    kept += ["the sound is copied as it is"] if tracks.sounds and not codecs else []
    said = "; ".join((*kept, *encoded))
    return (f"{said[0].upper()}{said[1:]}.",)


def _remarks(sounds: Sequence[tuple[AudioStream, Encoding | None]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for _, way in sounds if way is not None for text in way.remarks))


def _left_out(source: Media, target: Target, asked: Asked) -> tuple[str, ...]:
    said: list[str] = []
    more = sum(1 for video in source.videos if not video.attached_picture) - 1
    said += [f"{more} more picture{'s' if more > 1 else ''} in the file {'are' if more > 1 else 'is'} left out."] if more > 0 else []
    other = source.streams - len(source.videos) - len(source.audios) - len(source.subtitles)
    # MP4 keeps its chapters in a stream of their own.
    said += ["Data streams (timecodes, positions, sensors) are left out."] if other > (1 if source.chapters else 0) else []
    said += ["The cover picture is left out: this format can't hold it."] if source.cover and asked.cover and not target.cover else []
    said += ["The chapters are left out: this format holds none."] if source.chapters and not target.chapters else []
    return tuple(said)


def _name(codec: str) -> str:
    known = {"h264": "H.264", "hevc": "H.265", "av1": "AV1", "vp9": "VP9", "prores": "ProRes", "mpeg4": "MPEG-4", "opus": "Opus", "vorbis": "Vorbis"}
    return "PCM" if codec.startswith("pcm_") else known.get(codec, codec.upper())
