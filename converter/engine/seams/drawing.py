"""The commands that draw a loop once its seam is known: a cut, a cross-fade, or there and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from converter.engine import codecs, framing, ranges
from converter.engine.framing import Frame
from converter.engine.media import AudioStream, Media, VideoStream
from converter.engine.operations.base import Command, Input

if TYPE_CHECKING:
    from converter.engine.workbench import Workbench

RESULT = "result.mp4"
CLICK_SECONDS = 0.02
"""Sound is always cross-faded for this long at the seam of a cut: a step in the wave is heard as a click."""
EDGE_SECONDS = 0.005
"""Where nothing precedes the start, sound is faded out and in for this long instead."""
BLOCK_BYTES = 64 << 20
"""Most bytes of pictures that ffmpeg's `reverse`, which holds all it gets, is given at a time."""
_FORTH, _BACK, _LEAD = "forth.mkv", "back.ts", "lead.mkv"
_STAGE = "drawing the loop"
# For two more generations of encoding: far finer than the result, and every picture by itself so that any can be found.
_BETWEEN = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "6", "-g", "1", "-bf", "0", "-pix_fmt", "yuv420p")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A loop of frames `start` to `end - 1` of `media`, on a grid of `rate`, drawn at `width`×`height`.

    `fade` is in frames, 0 for a cut; `encode` are the encoder's arguments; `sound` is None for a silent loop.
    """

    media: Media
    video: VideoStream
    sound: AudioStream | None
    rate: Fraction
    start: int
    end: int
    fade: int
    width: int
    height: int
    encode: tuple[str, ...]

    @property
    def frames(self) -> int:
        """How many are played before the start comes again (there and back: one way)."""
        return self.end - self.start

    def seconds(self, frames: int) -> float:
        """The length of so many frames."""
        return float(frames / self.rate)

    def once(self, bench: Workbench, share: float) -> Path:
        """A cut or a cross-fade. Errors as of tools."""
        graph = self._picture("0", "v", self.frames)
        if self.fade:
            part = share * self.fade / (self.fade + self.frames)
            self._lead(bench, part)
            share -= part
            graph = f"{self._picture('0', 'whole', self.frames)};{self._laid_over()}"
        seconds, inputs = self.seconds(self.frames), [self._from(self.start)]
        audio: tuple[str, ...] = ()
        if self.sound is not None:
            # A graph of its own: in one, pictures pile up where the sound's inputs are behind.
            audio = ("-filter_complex", self._sound(self.sound, inputs, seconds), "-map", "[a]", *codecs.aac(codecs.ample_kbps(self.sound)))
        arguments = ("-filter_complex", graph, "-map", "[v]", *audio, *self._output())
        bench.ffmpeg(Command(_STAGE, tuple(inputs), arguments, RESULT, "mp4", seconds, share))
        (bench.work / _LEAD).unlink(missing_ok=True)
        return bench.work / RESULT

    def _lead(self, bench: Workbench, share: float) -> None:
        """Write what precedes the start into a file of single pictures: a second decoder of the source would wait with all it holds."""
        arguments = ("-filter_complex", self._picture("0", "v", self.fade), "-map", "[v]", "-fps_mode", "passthrough", *_BETWEEN)
        seconds = self.seconds(self.fade)
        bench.ffmpeg(Command(_STAGE, (self._from(self.start - self.fade),), arguments, _LEAD, "matroska", seconds, share))

    def _laid_over(self) -> str:
        """What precedes the start, laid over the end of `[whole]` as `[v]`, so that the last frame is the one before the first.

        A source inside the graph is read when a picture is wanted, while an input is decoded ahead into queues and filters. `xfade` knows
        4:4:4 only, twice the bytes and two conversions; a growing alpha over 4:2:0 differs from it by less than can be seen (48 dB and more).
        """
        lead = f"movie={_LEAD}:format_name=matroska:dec_threads=1,{self._steady()}+{self.frames - self.fade}"
        return f"{lead},format=yuva420p,fade=t=in:s=0:n={self.fade}:alpha=1[lead];[whole][lead]overlay=eof_action=pass:repeatlast=0:format=yuv420[v]"

    def _steady(self) -> str:
        """Times of whole frames from 0 on: containers round them."""
        return f"settb={self.rate.denominator}/{self.rate.numerator},setpts=N"

    def there_and_back(self, bench: Workbench, share: float) -> Path:
        """Every frame forth, then back without the two ends again; memory doesn't grow with the length.

        The pictures are decoded once into a file of single pictures, which is turned round in blocks from its end. Errors as of tools.
        """
        frames = self.frames
        forth = ("-filter_complex", self._picture("0", "v", frames), "-map", "[v]", "-fps_mode", "passthrough", *_BETWEEN)
        bench.ffmpeg(Command("drawing the way there", (self._from(self.start),), forth, _FORTH, "matroska", self.seconds(frames), 0.4 * share))
        turned = self._turn(bench, 0.3 * share)
        bench.ffmpeg(self._joined(turned, 0.3 * share))
        for name in (_FORTH, _BACK):
            (bench.work / name).unlink(missing_ok=True)
        return bench.work / RESULT

    def _turn(self, bench: Workbench, share: float) -> int:
        """Write the way back, block by block; the number of its frames, which is two less than there are."""
        inner, block = max(0, self.frames - 2), max(1, BLOCK_BYTES * 2 // (3 * self.width * self.height))
        done = 0
        with (bench.work / _BACK).open("wb") as target:

            def keep(data: bytes) -> None:
                target.write(data)

            while done < inner:
                count = min(block, inner - done)
                first = inner - done - count + 1
                # Half a frame early: the container rounds times to thousandths.
                options = ("-ss", f"{self.seconds(first) - 0.5 / float(self.rate):.6f}")
                arguments = (
                    "-vf",
                    f"trim=end_frame={count},reverse",
                    "-mpegts_flags",
                    "initial_discontinuity",
                    "-output_ts_offset",
                    f"{self.seconds(done):.6f}",
                    *_BETWEEN,
                )
                length = self.seconds(count)
                one = Command("turning it round", (Input(work_file=_FORTH, options=options),), arguments, "", "mpegts", length, share * count / inner)
                bench.ffmpeg(one, keep)
                done += count
        return inner

    def _joined(self, turned: int, share: float) -> Command:
        total, steady = self.frames + turned, self._steady()
        inputs, graphs = [Input(work_file=_FORTH)], [f"[0:0]{steady}[v]"]
        if turned:
            inputs.append(Input(work_file=_BACK))
            graphs = [f"[0:0]{steady}[x];[1:0]{steady}[y];[x][y]concat=n=2:v=1:a=0,{steady}[v]"]
        audio: tuple[str, ...] = ()
        if self.sound is not None:
            mirrored = self._mirrored(self.sound, len(inputs), turned)
            inputs.append(self._from(self.start))
            audio = ("-filter_complex", mirrored, "-map", "[a]", *codecs.aac(codecs.ample_kbps(self.sound)))
        arguments = ("-filter_complex", ";".join(graphs), "-map", "[v]", *audio, *self._output())
        return Command(_STAGE, tuple(inputs), arguments, RESULT, "mp4", self.seconds(total), share)

    def _mirrored(self, sound: AudioStream, number: int, turned: int) -> str:
        """The sound forth and back; what goes back begins where the picture turns."""
        length, back = self.seconds(self.frames), self.seconds(turned)
        whole = self._heard(sound, number, length)
        edge = f"afade=t=in:d={EDGE_SECONDS},afade=t=out:st={max(0.0, length + back - EDGE_SECONDS):.6f}:d={EDGE_SECONDS}"
        if not turned:
            return f"{whole},{edge}[a]"
        return f"{whole},asplit[f][g];[g]areverse,atrim=end={back:.6f}[h];[f][h]concat=n=2:v=0:a=1,{edge}[a]"

    def _sound(self, sound: AudioStream, inputs: list[Input], seconds: float) -> str:
        """The loop's sound as `[a]`; adds the input of what precedes the start, where there is something."""
        fade = self.seconds(self.fade) if self.fade else min(CLICK_SECONDS, self.seconds(self.start), seconds / 4)
        whole = self._heard(sound, 0, seconds)
        if fade < EDGE_SECONDS:
            edge = min(EDGE_SECONDS, seconds / 4)
            return f"{whole},afade=t=in:d={edge:.6f},afade=t=out:st={seconds - edge:.6f}:d={edge:.6f}[a]"
        inputs.append(Input(source=0, options=ranges.seek(self.media, self.seconds(self.start) - fade)))
        number = len(inputs) - 1
        # Equal power: the two sides of a seam have nothing to do with each other.
        mixed = f"[ending][lead]acrossfade=ns={round(fade * sound.sample_rate)}:c1=qsin:c2=qsin[a]"
        return f"{whole}[ending];{self._heard(sound, number, fade)}[lead];{mixed}"

    def _heard(self, sound: AudioStream, number: int, seconds: float) -> str:
        """A chain with exactly `seconds` of an input's sound."""
        source = f"[{number}:{sound.index}]"
        return f"{source}atrim=start=0,aresample=async=1:first_pts=0,apad=whole_dur={seconds:.6f},atrim=end={seconds:.6f},asetpts=N/SR/TB"

    def _picture(self, number: str, label: str, frames: int) -> str:
        # The last picture is held where the clip's picture ends a little before it says so.
        pick = (f"fps={self.rate}:start_time=0", "tpad=stop_mode=clone:stop=-1", f"trim=end_frame={frames}")
        frame = Frame(self.width, self.height, "stretch", flags="bicubic", pixel_format="yuv420p")
        return framing.graph(self.video, frame, f"{number}:{self.video.index}", label, before=pick)

    def _from(self, frame: int) -> Input:
        # A cross-fade has a second decoder open, and each thread keeps pictures of its own.
        few = ("-threads", "1") if self.fade else ()
        return Input(source=0, options=(*few, *ranges.seek(self.media, float(frame / self.rate))))

    def _output(self) -> tuple[str, ...]:
        return ("-fps_mode", "passthrough", *self.encode, *codecs.BARE, *codecs.MP4.flags)


def shifted(drawing: Drawing, length: int) -> Drawing:
    """The same seam where its fade has room: something must precede the start.

    Both ends move on by what is missing; where the clip (of `length` frames) ends before that, only the start does.
    """
    fade = min(drawing.fade, drawing.frames // 2)
    missing = max(0, fade - drawing.start)
    end = drawing.end + missing if drawing.end + missing <= length else drawing.end
    start = drawing.start + missing
    return replace(drawing, start=start, end=end, fade=min(fade, max(0, (end - start) // 2)))
