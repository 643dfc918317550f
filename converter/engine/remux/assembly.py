"""One ffmpeg command from the decisions for each stream, and the proof that the result is made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from converter.engine import codecs, estimate, guards, tags
from converter.engine.errors import MediaError
from converter.engine.media import Media
from converter.engine.operations.base import Command, Expectation, Input, Plan
from converter.engine.ranges import length
from converter.engine.workbench import Workbench

from .encoders import HDR, MAKERS
from .targets import Target
from .tracks import Asked, Tracks, decide

_CHAPTERS = "chapters.ffmeta"
_TEXT_DECODERS = "subrip,srt,ass,ssa,webvtt,mov_text,text"
_GUESSED_KBPS = 160
"""What a copied sound of unknown rate is taken for."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """A clip, its new container, and what goes into it."""

    source: Media
    target: Target
    asked: Asked
    tracks: Tracks
    names: bool
    chapters: bool
    """Whether there are chapters to write."""

    def command(self) -> Command:
        """The one command that makes the result."""
        container, tracks = self.target.container, self.tracks
        inputs = [Input(source=0, options=self._options())]
        marks = None
        if self.chapters:
            marks = len(inputs)
            inputs.append(Input(work_file=_CHAPTERS, options=("-f", "ffmetadata")))
        metadata = tags.arguments(self.source.tags if self.names else (), marks)
        arguments = (*self._picture(), *self._sounds(), *self._subtitles(), *self._cover(), *metadata, *container.flags)
        stage = "moving streams" if tracks.picture is None else "encoding"
        return Command(stage, tuple(inputs), arguments, f"result.{container.extension}", container.muxer, self.source.duration or 0.0)

    def _options(self) -> tuple[str, ...]:
        options: tuple[str, ...] = ()
        if self.source.container in ("avi", "mpeg"):
            # These say not for every picture when it is shown; other containers need that.
            options += ("-fflags", "+genpts")
        if any(codec for _, codec in self.tracks.subtitles):
            options += ("-codec_whitelist", f"{guards.DECODERS},{_TEXT_DECODERS}")
        return options

    def _picture(self) -> tuple[str, ...]:
        video, made = self.tracks.video, self.tracks.picture
        codec = video.codec if made is None else made.codec
        # What Apple's players look for.
        tag = ("-tag:v:0", "hvc1") if codec == "hevc" and self.target.container.muxer in ("mp4", "mov") else ()
        if made is not None:
            return ("-filter_complex", made.graph, "-map", "[v]", *made.arguments, *tag)
        packed = ("-bsf:v:0", "mpeg4_unpack_bframes") if codec == "mpeg4" and self.source.container == "avi" else ()
        return ("-map", codecs.stream(video), "-c:v:0", "copy", *tag, *packed)

    def _sounds(self) -> tuple[str, ...]:
        words: list[str] = []
        for number, (audio, way) in enumerate(self.tracks.sounds):
            words += ["-map", codecs.stream(audio), *tags.stream_arguments("a", number, audio.language, audio.title if self.names else "")]
            if way is None:
                words += [f"-c:a:{number}", "copy"]
                continue
            words += [_numbered(word, number) if word.startswith("-") and not word[1:2].isdigit() else word for word in way.arguments]
            if chain := (*way.filters, *way.last):
                words += [f"-filter:a:{number}", ",".join(chain)]
        return tuple(words)

    def _subtitles(self) -> tuple[str, ...]:
        words: list[str] = []
        for number, (stream, codec) in enumerate(self.tracks.subtitles):
            title = stream.title if self.names else ""
            words += ["-map", f"0:{stream.index}", f"-c:s:{number}", codec or "copy"]
            words += tags.stream_arguments("s", number, stream.language, title)
        return tuple(words)

    def _cover(self) -> tuple[str, ...]:
        cover = self.tracks.cover
        if cover is None:
            return ()
        return ("-map", codecs.stream(cover), "-c:v:1", "copy" if cover.codec in ("mjpeg", "png") else "mjpeg", "-disposition:v:1", "attached_pic")

    def expectation(self) -> Expectation:
        """What the result must turn out to be."""
        video, made = self.tracks.video, self.tracks.picture
        seconds = self.source.duration or 0.0
        # A container may round the shape of wide pixels.
        square = video.sample_aspect == "1/1"
        width, height = (made.width, made.height) if made else (video.width if square else None, video.height if square else None)
        return Expectation(
            "video",
            self.target.container.name,
            width,
            height,
            duration=seconds,
            tolerance=0.5 + 0.005 * seconds,
            audio=bool(self.tracks.sounds),
            copied=self.tracks.copies,
        )

    def size(self) -> tuple[int, int]:
        """Bytes of the result, 95 %."""
        seconds, made, source = self.source.duration or 0.0, self.tracks.picture, self.source
        low = high = 0.0
        for audio, way in self.tracks.sounds:
            rate = way.bps if way else audio.bit_rate or min(_GUESSED_KBPS * 1000 * max(1, audio.channels // 2), source.size * 8 / max(seconds, 0.1))
            low, high = low + 0.3 * rate * seconds / 8, high + 1.3 * rate * seconds / 8
        if made is None:
            rate = self.tracks.video.bit_rate or 0
            known = rate * seconds / 8 or max(0.0, source.size - low)
            least = (0.8 if rate else 0.4) * known
            return int(least + low), int(min(1.1 * known + high, 1.2 * source.size + high)) + 100_000
        frames = seconds * (self.asked.fps or self.tracks.video.fps)
        bounds = estimate.h264_size(made.width * made.height, frames, made.crf, 0)
        # An animation's dither is noise to an encoder; so is everything to its fastest ways.
        hard = (3.0 if source.kind == "animation" else 1.0) * (1.5 if self.asked.speed == "ultrafast" else 1.0)
        factor = MAKERS[made.codec].bytes_factor * (2.0 if "a4" in made.pixel_format else 1.0)
        return int(bounds[0] * min(0.5, factor) + low), int(bounds[1] * factor * hard + high)

    def work_seconds(self) -> float:
        """CPU seconds of this class of machine."""
        made, video, seconds = self.tracks.picture, self.tracks.video, self.source.duration or 0.0
        sound = sum(estimate.sound_seconds(seconds) for _, way in self.tracks.sounds if way is not None)
        if made is None:
            return 0.1 + self.source.size / 1e9 + sound
        frames, pixels = seconds * (self.asked.fps or video.fps), made.width * made.height
        speed = self.asked.speed
        return sound + MAKERS[made.codec].cpu_factor * estimate.h264_seconds(video.coded_width * video.coded_height, pixels, frames, speed)


def planned(operation: str, params: dict[str, Any], source: Media, target: Target, asked: Asked, *, names: bool, chapters: bool) -> Plan:
    """The plan for a clip. Raises `MediaError`: `no_video`, `bad_parameter`, `unsupported_media`."""
    if source.video is None:
        raise MediaError("no_video")
    length(source)
    tracks = decide(source, source.video, target, asked)
    return _plan(operation, params, Assembly(source, target, asked, tracks, names, chapters and target.chapters and bool(source.chapters)))


def _plan(operation: str, params: dict[str, Any], made: Assembly) -> Plan:
    container = made.target.container
    return Plan(
        operation=operation,
        params=params,
        commands=(made.command(),),
        extension=container.extension,
        mime=container.mime,
        expects=made.expectation(),
        size_range=made.size(),
        work_seconds=made.work_seconds(),
        warnings=made.tracks.remarks,
        extra={"assembly": made},
    )


def run(plan: Plan, bench: Workbench) -> Path:
    """Make the result; where copying turns out impossible, everything is encoded and the plan is settled anew."""
    made: Assembly = plan.extra["assembly"]
    if made.chapters:
        (bench.work / _CHAPTERS).write_text(tags.chapter_file(made.source.chapters), encoding="utf-8")
    try:
        bench.ffmpeg(plan.commands[0])
    except MediaError as error:
        wished = "copy" in (made.asked.video_codec, made.asked.audio_codec)
        if error.code.name != "tool_failed" or not made.tracks.copies or wished:
            raise
        bench.warn("Copying did not work for this file, so everything was encoded again.")
        asked = replace(made.asked, encode_all=True)
        made = replace(made, asked=asked, tracks=decide(made.source, made.tracks.video, made.target, asked))
        bench.settled = _plan(plan.operation, dict(plan.params), made)
        bench.ffmpeg(replace(bench.settled.commands[0], share=0.0))
    return bench.work / plan.commands[0].output


def check(plan: Plan, media: Media) -> None:
    """Each stream of the result is the source's own, or what it was to be encoded as. Raises `MediaError("tool_failed")`."""
    made: Assembly = plan.extra["assembly"]
    faults = [*_picture_faults(made, media), *_sound_faults(made, media)]
    wanted = [codec or stream.codec for stream, codec in made.tracks.subtitles]
    if sorted(stream.codec for stream in media.subtitles) != sorted(wanted):
        faults.append(f"it has subtitles {[stream.codec for stream in media.subtitles]} instead of {wanted}")
    if faults:
        raise MediaError("tool_failed", f"The result is not what was planned: {'; '.join(faults)}.", log=str(media))


def _picture_faults(made: Assembly, media: Media) -> list[str]:
    video, way, found = made.tracks.video, made.tracks.picture, media.video
    if found is None:
        return ["it has no picture"]
    codec, form, depth = (video.codec, video.pixel_format, video.bit_depth) if way is None else (way.codec, way.pixel_format, None)
    faults = [f"its picture is {found.codec} instead of {codec}"] if found.codec != codec else []
    if way is None and (found.pixel_format, found.bit_depth, found.coded_width, found.coded_height) != (
        form, depth, video.coded_width, video.coded_height,
    ):  # fmt: skip
        faults.append("its picture is not the source's own")
    if way is None and found.rotation != video.rotation:
        faults.append(f"it is turned by {found.rotation}° instead of {video.rotation}°")
    if way is not None and found.color_transfer in HDR and not way.hdr:
        faults.append("it is HDR")
    if way is not None and way.hdr and found.color_transfer not in HDR:
        faults.append("it is no longer HDR")
    return faults


def _sound_faults(made: Assembly, media: Media) -> list[str]:
    wanted = []
    for audio, way in made.tracks.sounds:
        wanted.append((audio.codec, audio.channels, audio.sample_rate) if way is None else (way.codec, way.channels, way.sample_rate))
    found = [(audio.codec, audio.channels, audio.sample_rate) for audio in media.audios]
    return [f"its sound is {found} instead of {wanted}"] if found != wanted else []


def _numbered(option: str, number: int) -> str:
    """An option of the encoder for one stream of sound among several."""
    name = option.removesuffix(":a")
    return f"{name}:a:{number}"
