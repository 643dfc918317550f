"""ffmpeg's part of a cut: pictures and sound of each range by themselves, then all of them one after another.

Each range is its own command that seeks, so that nothing between the ranges is decoded and only one decoder is open at
a time. Raw sound is put together before it is encoded, so that no codec's padding comes between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from converter.engine import codecs, framing
from converter.engine.codecs import Container
from converter.engine.edits import EditParams, edited, picture_filters, sound_filters
from converter.engine.media import AudioStream, Media, VideoStream
from converter.engine.operations.base import Command, Input
from converter.engine.ranges import Cut, Shot, seek, shot

CRF, SPEED = 18, "veryfast"
FADE_SECONDS = 0.008
"""Length of the fades where sound was cut: inaudible as such, and long enough that no click is left."""
_TOUCH = 0.01
"""Seconds within which a part begins or ends with its source, where nothing was cut and nothing has to fade."""
_ON_TIME = 0.0005


@dataclass(frozen=True, slots=True)
class Piece:
    """One file to make: its name without an extension, and the parts in it, in their order."""

    stem: str
    parts: tuple[Cut, ...]

    @property
    def seconds(self) -> float:
        """How long it is, as asked for."""
        return sum(part.seconds for part in self.parts)

    @property
    def listing(self) -> str:
        """The file that names its parts."""
        return f"{self.stem}-parts.txt"

    def part(self, number: int, extension: str) -> str:
        """The file of one part."""
        return f"{self.stem}-part{number}.{extension}"


def listed(names: Sequence[str], seconds: Sequence[float] = ()) -> str:
    """A list for ffmpeg's concat demuxer, with each file's length where that says more than the file does."""
    lengths = [f"duration {length:.9f}\n" for length in seconds] or [""] * len(names)
    return "".join(f"file {name}\n{length}" for name, length in zip(names, lengths, strict=True))


def exact(source: Media, piece: Piece, params: EditParams, share: float) -> tuple[Command, ...]:
    """Commands that decode and encode every part of one file; its last one makes the file."""
    video, audio = source.video, source.audio
    if video is None:
        return sound(source, piece, share)
    if len(piece.parts) == 1:
        return (_picture(source, video, piece.parts[0], params, f"{piece.stem}.mp4", share),)
    commands = tuple(
        _picture(source, video, part, params, piece.part(number, "mov"), 0.97 * share * part.seconds / piece.seconds)
        for number, part in enumerate(piece.parts)
    )
    kept = ("-map", "0:v:0", "-c:v", "copy", *(("-map", "0:a:0", *codecs.aac(codecs.ample_kbps(audio))) if audio else ()))
    return (*commands, joining(piece, kept, codecs.MP4, 0.03 * share))


def joining(piece: Piece, arguments: tuple[str, ...], container: Container, share: float) -> Command:
    """Put the listed parts of a file one after another."""
    name = f"{piece.stem}.{container.extension}"
    joined = Input(work_file=piece.listing, options=("-f", "concat"))
    return Command("joining", (joined,), (*arguments, *codecs.BARE, *container.flags), name, container.muxer, piece.seconds, share)


def _picture(source: Media, video: VideoStream, part: Cut, params: EditParams, output: str, share: float) -> Command:
    width, height = framing.frame_size(edited(video, params), None, None, even=True)
    taken = shot(source, video, part)
    seconds = taken.seconds / params.speed
    alone = output.endswith("mp4")
    audio: tuple[str, ...] = ()
    if source.audio is not None:
        audio = ("-map", "[a]", *(codecs.aac(codecs.ample_kbps(source.audio)) if alone else ("-c:a", "pcm_s16le")))
    encode = (*codecs.h264(SPEED, "-crf", str(CRF), pixels=width * height, look=10), *_times(taken, params))
    graph = exact_graph(source, taken, width, height, params)
    flags = codecs.MP4.flags if alone else ()
    arguments = ("-filter_complex", graph, "-map", "[v]", *audio, *encode, "-t", f"{seconds:.6f}", *codecs.BARE, *flags)
    return Command("cutting", (Input(source=0, options=seek(source, taken.start)),), arguments, output, "mp4" if alone else "mov", seconds, share)


def _times(taken: Shot, params: EditParams) -> tuple[str, ...]:
    """At a constant rate the frames are on its grid: some containers round times, and say nothing of how long the last one lasts."""
    grid = taken.frames is not None and params.speed == 1 and not params.reverse
    return ("-fps_mode", "cfr", "-r", str(taken.rate)) if grid else codecs.KEEP_TIMES


def exact_graph(source: Media, taken: Shot, width: int, height: int, params: EditParams) -> str:
    """The filters from the first input to `[v]` and `[a]`: the part's own frames and samples, from time zero."""
    video = source.video
    assert video is not None  # noqa: S101 (tells the type checker)
    after = edited(video, params)
    edits = picture_filters(video, params)
    chain = ",".join((*edits, *framing.prepare(after), *_sized(after, width, height), *framing.to_sdr(after), *framing.as_yuv(after)))
    name = codecs.stream(video)
    # At a constant rate a frame may be half a frame's time from where it should be, whatever the container's clock rounds.
    half = float(1 / taken.rate / 2) if taken.frames is not None else 0.0
    until = f"*lt(t,{taken.seconds - 2 * half:.6f})" if half else ""
    early, late = (f"setpts=PTS-{half:.6f}/TB,", f"setpts=PTS+{half:.6f}/TB,") if half else ("", "")
    # The first frame is the one on the screen at the start, however long before it came up; then all later ones.
    first = "fps=fps=1000:start_time=0,trim=end_frame=1,settb=AVTB"
    rest = f"select='gt(t,{_ON_TIME}){until}',{late}settb=AVTB"
    picture = f"[{name}]settb=AVTB,{early}split[head][tail];[head]{first}[first];[tail]{rest}[rest];[first][rest]interleave,{chain}[v]"
    if source.audio is None:
        return picture
    return f"{picture};{sound_graph(source, source.audio, taken.start, taken.seconds, params)}"


def sound_graph(
    source: Media, audio: AudioStream, start: float, seconds: float, params: EditParams | None = None, *, stream: str = "", filled: bool = True
) -> str:
    """The filters from the sound stream to `[a]`: exactly the part's samples from time zero, faded where they were cut.

    `filled` keeps the clock of the picture: gaps and a late beginning are silence, and so is what is missing at the end.
    """
    rate = audio.sample_rate
    samples, short = round(seconds * rate), round(FADE_SECONDS * rate)
    clock = ("aresample=async=1:first_pts=0", "apad") if filled else ()
    fade = max(1, min(short, samples // 2))
    before = (f"afade=t=in:ss=0:ns={fade}",) if start > _TOUCH else ()
    ends = audio.duration is not None and start + seconds >= (source.duration or audio.duration) - _TOUCH
    after = () if ends else (f"afade=t=out:ss={samples - fade}:ns={fade}",)
    own = sound_filters(params) if params is not None else ()
    chain = ("atrim=start=0", *clock, f"atrim=end_sample={samples}", *before, *after, *own)
    return f"[{stream or codecs.stream(audio)}]{','.join(chain)}[a]"


def sound(source: Media, piece: Piece, share: float) -> tuple[Command, ...]:
    """Commands for a recording without a picture: its parts to the sample, in a codec like its own."""
    audio = source.audio
    assert audio is not None  # noqa: S101 (tells the type checker)
    container, encoder = codecs.sound_like(audio)
    if len(piece.parts) == 1:
        arguments = ("-filter_complex", _samples(source, audio, piece.parts[0]), "-map", "[a]", *encoder, *codecs.BARE, *container.flags)
        name, part = f"{piece.stem}.{container.extension}", piece.parts[0]
        return (Command("cutting", (Input(source=0, options=seek(source, part.start)),), arguments, name, container.muxer, part.seconds, share),)
    raw = "pcm_s16le" if "pcm_s16le" in encoder or "-b:a" in encoder else "pcm_s24le"
    commands = tuple(
        raw_sound(source, audio, part, piece.part(number, "wav"), 0.9 * share / len(piece.parts), raw) for number, part in enumerate(piece.parts)
    )
    return (*commands, joining(piece, ("-map", "0:a:0", *encoder), container, 0.1 * share))


def _samples(source: Media, audio: AudioStream, part: Cut) -> str:
    return sound_graph(source, audio, part.start, part.seconds, filled=False)


def raw_sound(source: Media, audio: AudioStream, part: Cut, output: str, share: float, codec: str = "pcm_s16le", *, filled: bool = False) -> Command:
    """One part's samples in a file of their own."""
    graph = sound_graph(source, audio, part.start, part.seconds, filled=filled)
    arguments = ("-filter_complex", graph, "-map", "[a]", "-c:a", codec, *codecs.BARE)
    return Command("cutting", (Input(source=0, options=seek(source, part.start)),), arguments, output, "wav", part.seconds, share)


def _sized(video: VideoStream, width: int, height: int) -> tuple[str, ...]:
    if video.sample_aspect == "1/1":
        return (f"crop={width}:{height}:0:0:exact=1",) if (width, height) != (video.width, video.height) else ()
    return (f"scale={width}:{height}:flags=lanczos", "setsar=1")
