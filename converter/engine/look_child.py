"""A look at a film for estimates: runs alone in the sandbox, prints one JSON object.

Started as a script with the descriptor of the file and a request in JSON. A few moments are decoded, made small and
encoded: what an encoder needs for them says more of what is to be seen than anything that stands in the file.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

PIXELS = 80_000_000
"""Pixels that are decoded at most: 38 frames of 1920×1080, a third of a second of one core."""
MOMENTS, FEWEST, MOST = 8, 3, 10
"""Moments that are looked at, and pictures of each."""
MOMENT_SECONDS = 0.4
LARGE, SMALL = 320, 160
"""Pixels of the longer side: two sizes, because what is left of a picture's detail in a smaller one differs from film to film."""
CHANGED = 4
"""Levels by which a pixel has changed for the eye, and for the GIF encoder."""
_DRAWN = 3
"""Pairs of pictures of a moment that are drawn."""
_HEADER, _FRAME = 650, 11
"""Bytes that x264 writes into its first packet before any picture, and into every one."""
_SOUND_SECONDS, _SOUND_RATE = 0.4, 128_000
_RATE = Fraction(25)
_X264 = {"preset": "veryfast", "crf": "23", "x264-params": "bframes=0:rc-lookahead=0:scenecut=0:mbtree=0:keyint=999:sync-lookahead=0"}


_HELD: list[Any] = []


def held(frames: list[Any]) -> list[Any]:
    """Never give back sound whose channels may lie in an order of their own: PyAV (18.1) frees that twice (`probe_packets.held`)."""
    _HELD.extend((frame, frame.layout) for frame in frames)
    return frames


class Film:
    """One picture stream of an open container."""

    def __init__(self, container: Any, request: dict[str, Any]) -> None:
        self.container, self.stream = container, container.streams[request["stream"]]
        self.base = float(self.stream.time_base)
        self.origin = (container.start_time or 0) / 1_000_000
        self.duration, self.fps = request["duration"], min(120.0, max(1.0, request["fps"]))
        context = self.stream.codec_context
        context.thread_count, context.thread_type = request["threads"], "AUTO"
        self.pixels = max(1, context.width * context.height)

    def moments(self) -> Iterator[list[Any]]:
        """Pictures that follow one another, of each moment: out of all of a short film, else after keyframes."""
        affordable = max(2 * FEWEST, PIXELS // self.pixels)
        count = max(FEWEST, min(MOST, round(MOMENT_SECONDS * self.fps)))
        if self.duration * self.fps <= affordable:
            yield from self._throughout(count)
            return
        number = max(2, min(MOMENTS, affordable // FEWEST))
        count = max(FEWEST, min(count, affordable // number))
        seen: set[int] = set()
        for place in range(number):
            pictures = self._after((place + 0.5) / number * self.duration, count, seen)
            if pictures:
                yield pictures

    def _throughout(self, count: int) -> Iterator[list[Any]]:
        every = max(float(count), self.duration * self.fps / MOMENTS)
        taken: list[Any] = []
        following = 0.0
        for number, frame in enumerate(self._decoded()):
            if taken or number >= following:
                taken.append(frame)
            if len(taken) == count:
                yield taken
                taken, following = [], following + every
        if len(taken) >= FEWEST:
            yield taken

    def _after(self, time: float, count: int, seen: set[int]) -> list[Any]:
        self.container.seek(round((time + self.origin) / self.base), stream=self.stream, backward=True)
        self.stream.codec_context.flush_buffers()
        taken: list[Any] = []
        for frame in self._decoded(seen):
            taken.append(frame)
            if len(taken) == count:
                break
        return taken

    def _decoded(self, seen: set[int] | None = None) -> Iterator[Any]:
        """Pictures from here on; none where the first packet was `seen` before."""
        import av

        first = True
        for packet in self.container.demux(self.stream):
            if first and seen is not None and packet.pts is not None:
                if packet.pts in seen:
                    return
                seen.add(packet.pts)
            first = False
            try:
                yield from packet.decode()
            except av.FFmpegError:
                continue

    def time(self, frame: Any) -> float:
        """When a picture is shown, in seconds from the film's start."""
        return max(0.0, float((frame.pts or 0) * self.base) - self.origin)


def measured(film: Film, pictures: list[Any]) -> dict[str, Any] | None:
    """What one moment needs: bits for each pixel of a keyframe and of what follows, in two sizes; detail, and how much changes."""
    if len(pictures) < FEWEST:
        return None
    large = [_small(picture, LARGE) for picture in pictures]
    small = [_small(picture, SMALL) for picture in large]
    key, inter = _encoded(large)
    small_key, small_inter = _encoded(small)
    step = max(1, round(film.fps / 12))
    change, drawn = _drawn([_luma(picture) for picture in large], step)
    return {
        **{"time": round(film.time(pictures[0]), 3), "seconds": round(len(pictures) / film.fps, 4)},
        **{"key": key, "inter": inter, "small_key": small_key, "small_inter": small_inter},
        **{"detail": _detail(pictures[0]), "change": change, "drawn": drawn},
    }


def _small(picture: Any, longest: int) -> Any:
    times = min(1.0, longest / max(picture.width, picture.height))
    width, height = (max(16, round(side * times / 2) * 2) for side in (picture.width, picture.height))
    return picture.reformat(width=width, height=height, format="yuv420p", interpolation="AREA")


def _encoded(pictures: list[Any]) -> tuple[float, float]:
    """Bits for each pixel of the first picture, and on average of the others."""
    import av

    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = pictures[0].width, pictures[0].height, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.thread_count, encoder.options = 1 / _RATE, _RATE, 1, _X264
    sizes: list[int] = []
    for number, picture in enumerate([*pictures, None]):
        if picture is not None:
            picture.pts, picture.time_base, picture.pict_type = number, 1 / _RATE, 0
        sizes += [packet.size for packet in encoder.encode(picture)]
    bits = 8 / (encoder.width * encoder.height)
    rest = sum(sizes[1:]) / max(1, len(sizes) - 1)
    return round(max(20, sizes[0] - _HEADER) * bits, 6), round(max(1.0, rest - _FRAME) * bits, 6)


def _detail(picture: Any) -> float:
    """Bits for each pixel of the picture as PNG."""
    import av

    shown = _small(picture, LARGE).reformat(format="rgb24")
    encoder: Any = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = shown.width, shown.height, "rgb24", 1 / _RATE
    shown.pts, shown.time_base = 0, 1 / _RATE
    size = sum(packet.size for frame in (shown, None) for packet in encoder.encode(frame))
    return round(float(8 * size / (shown.width * shown.height)), 4)


def _luma(picture: Any) -> Any:
    from PIL import Image

    plane = picture.planes[0]
    return Image.frombytes("L", (plane.line_size, picture.height), bytes(plane)).crop((0, 0, picture.width, picture.height))


def _drawn(pictures: list[Any], step: int) -> tuple[float, float]:
    """What changes from one twelfth of a second to the next: the part of the picture, and bits for each pixel to draw it anew in few colours."""
    from PIL import Image, ImageChops

    parts, drawn = [], []
    pairs = list(zip(pictures, pictures[step:] or pictures[-1:], strict=False))
    for one, other in pairs[:: max(1, len(pairs) // _DRAWN)][:_DRAWN]:
        mask = ImageChops.difference(one, other).point([0] * CHANGED + [255] * (256 - CHANGED))
        parts.append(mask.histogram()[255] / (mask.width * mask.height))
        coarse = Image.composite(other.point([value & 0xF8 | 4 for value in range(256)]), Image.new("L", other.size), mask)
        drawn.append(8 * len(zlib.compress(coarse.tobytes(), 1)) / (mask.width * mask.height))
    return round(sum(parts) / max(1, len(parts)), 5), round(sum(drawn) / max(1, len(drawn)), 5)


def heard(container: Any, stream: Any, duration: float) -> list[dict[str, float]]:
    """What moments of the sound need: bits a second as AAC, and for each sample of each channel as FLAC."""
    base, origin = float(stream.time_base), (container.start_time or 0) / 1_000_000
    found = []
    for place in range(MOMENTS):
        time = (place + 0.5) / MOMENTS * duration
        container.seek(round((time + origin) / base), stream=stream, backward=True)
        stream.codec_context.flush_buffers()
        frames = _sounds(container, stream)
        if frames:
            # Whatever the source is, as two channels at most: neither encoder takes every layout or rate.
            layout = "mono" if frames[0].layout.nb_channels == 1 else "stereo"
            lossy, seconds = _weighed(frames, "aac", "fltp", layout, 48_000)
            lossless, _ = _weighed(frames, "flac", "s16", layout, frames[0].sample_rate)
            rate = frames[0].sample_rate * (1 if layout == "mono" else 2)
            found.append({"time": round(time, 3), "lossy": round(lossy / seconds), "lossless": round(lossless / seconds / rate, 4)})
    return found


def _sounds(container: Any, stream: Any) -> list[Any]:
    import av

    frames: list[Any] = []
    for packet in container.demux(stream):
        try:
            frames += held(packet.decode())
        except av.FFmpegError:
            continue
        if sum(frame.samples for frame in frames) >= _SOUND_SECONDS * stream.codec_context.sample_rate:
            break
    return frames


def _weighed(frames: list[Any], codec: str, form: str, layout: str, rate: int) -> tuple[float, float]:
    """Bits of an encoding, and how many seconds they are."""
    import av

    encoder: Any = av.CodecContext.create(codec, "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.time_base = rate, layout, form, Fraction(1, rate)
    if codec == "aac":
        encoder.bit_rate = _SOUND_RATE
    encoder.open()
    resampler = av.AudioResampler(format=form, layout=layout, rate=rate, frame_size=encoder.frame_size or 0)
    size = samples = 0
    for frame in [*frames, None]:
        if frame is not None:
            frame.pts = None
        for ready in resampler.resample(frame):
            samples += ready.samples
            size += sum(packet.size for packet in encoder.encode(ready))
    size += sum(packet.size for packet in encoder.encode(None))
    return 8.0 * size, max(1, samples) / rate


def look(file: Any, request: dict[str, Any]) -> dict[str, Any]:
    """What the moments of picture and sound need."""
    import av

    av.logging.set_level(None)
    answer: dict[str, Any] = {"moments": [], "sounds": []}
    with av.open(file, format=request["demuxer"], options=request["options"], metadata_errors="replace") as container:
        if request["stream"] is not None:
            film = Film(container, request)
            for pictures in film.moments():
                time = film.time(pictures[0])
                moment = measured(film, pictures)
                if moment is not None:
                    answer["moments"].append({**moment, "time": round(time, 3)})
        if request["sound"] is not None:
            answer["sounds"] = heard(container, container.streams[request["sound"]], request["duration"])
    return answer


if __name__ == "__main__":
    with os.fdopen(int(sys.argv[1]), "rb") as source:
        json.dump(look(source, json.loads(sys.argv[2])), sys.stdout)
    sys.stdout.flush()
    # What is held must not be given back, as the interpreter's own end would.
    os._exit(0)
