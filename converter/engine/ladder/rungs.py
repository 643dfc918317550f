"""Which renditions a ladder has, and the one ffmpeg command that makes them all from one decode."""

from __future__ import annotations

from dataclasses import dataclass

from converter.engine import codecs, framing
from converter.engine.budget import bounded
from converter.engine.media import Media, VideoStream
from converter.engine.operations.base import Command, Input

SEGMENT_SECONDS = 4
"""Length of a segment; RFC 8216 names no number, Apple's authoring rules say 6, and shorter ones start sooner."""
_HEIGHTS = (2160, 1440, 1080, 720, 480, 360, 240)
_MOST_RUNGS = 5
_SOUND_KBPS = 128
_OFFSET = 1.0
"""Seconds at which every rendition's clock begins. Sound begins before zero (its encoder's lead) and pictures are decoded before
they are shown; each output alone would be shifted by its own lead, and picture and sound would part by 40 to 90 ms."""
INDEX, INIT, SOUND = "index.m3u8", "init.mp4", "audio"
LAST = "last.m3u8"
"""The smallest picture's playlist as the command leaves it: a command's own output lies in no folder."""
KINDS = {"fmp4": "m4s", "mpegts": "ts"}
"""Segment types and the extension of their files."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One rendition of the picture: its folder's name, its size in pixels, and its ceiling in bits per second."""

    name: str
    width: int
    height: int
    most_bps: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """What is made: renditions of the picture from the largest down, of one segment type, with sound beside them or without."""

    rungs: tuple[Rung, ...]
    kind: str
    sound: bool
    seconds: float
    fps: float

    @property
    def folders(self) -> tuple[str, ...]:
        """Every rendition's folder in the work directory."""
        return (*(rung.name for rung in self.rungs), *((SOUND,) if self.sound else ()))


def ladder(source: Media, video: VideoStream, seconds: float, height: int, kind: str) -> Ladder:
    """The usual heights from `height` down, none larger than the source; upright clips are measured by their width."""
    side = min(video.width, video.height)
    top = min(height, side)
    sides = [top, *(one for one in _HEIGHTS if one < 0.85 * top)][:_MOST_RUNGS]
    rungs = tuple(_rung(video, one) for one in sides)
    # Sound may be longer than the picture.
    return Ladder(rungs, kind, source.audio is not None, min(seconds, video.duration or seconds), max(1.0, video.fps))


def command(source: Media, video: VideoStream, wanted: Ladder, crf: int, effort: str) -> Command:
    """The command that decodes once and writes every rendition; its last output is the smallest picture's list."""
    name, number = codecs.stream(video), len(wanted.rungs)
    first = wanted.rungs[0]
    # HDR, transparency and interlacing are dealt with once, at the largest size; the rest is scaling.
    frame = framing.Frame(first.width, first.height, "stretch", flags="bicubic", pixel_format="yuv420p")
    parts = [framing.graph(video, frame, name, "top"), f"[top]split={number}{''.join(f'[t{i}]' for i in range(number))}"]
    parts += [f"[t{i}]scale={rung.width}:{rung.height}:flags=bicubic,setsar=1[v{i}]" for i, rung in enumerate(wanted.rungs)]
    pixels = sum(rung.width * rung.height for rung in wanted.rungs)
    outputs: list[str] = ["-filter_complex", ";".join(parts)]
    audio = source.audio
    if audio is not None:
        sound = ("-map", codecs.stream(audio), *codecs.aac(_SOUND_KBPS), "-ac", str(min(2, audio.channels)))
        outputs += [*sound, *_muxer(SOUND, wanted.kind), "-f", "hls", f"file:{SOUND}/{INDEX}"]
    for i, rung in enumerate(wanted.rungs):
        rate = ("-crf", str(crf + 2 * (i > 1)), "-maxrate", str(rung.most_bps), "-bufsize", str(2 * rung.most_bps))
        # The encoders run beside each other: the largest has two threads, and together they hold no more than their pixels allow.
        encode = codecs.h264(effort, *rate, pixels=pixels, most=1 if i else 2, look=10)
        keys = ("-force_key_frames", f"expr:gte(t,n_forced*{SEGMENT_SECONDS})", "-sc_threshold", "0")
        outputs += ["-map", f"[v{i}]", *encode, *keys, *codecs.KEEP_TIMES]
        outputs += [*_muxer(rung.name, wanted.kind), "-f", "hls", f"file:{rung.name}/{INDEX}"]
    # The command writes what stands last: the smallest picture's list is its own output.
    return Command("making the renditions", (Input(source=0),), tuple(outputs[:-3]), LAST, "hls", wanted.seconds, 0.95)


def _rung(video: VideoStream, side: int) -> Rung:
    width, height = bounded(video, side)
    # 0.12 bits for each pixel at 30 frames are plenty for H.264 on film; more makes a stream stall.
    return Rung(f"{side}p", width, height, max(200_000, int(0.12 * width * height * min(60.0, max(15.0, video.fps)))))


def _muxer(folder: str, kind: str) -> tuple[str, ...]:
    segments = f"file:{folder}/seg%05d.{KINDS[kind]}"
    first = ("-hls_fmp4_init_filename", INIT) if kind == "fmp4" else ()
    times = ("-output_ts_offset", str(_OFFSET), "-hls_time", str(SEGMENT_SECONDS), "-hls_playlist_type", "vod", "-hls_list_size", "0")
    return (*codecs.BARE, *times, "-hls_segment_type", kind, *first, "-hls_segment_filename", segments)
