"""Dividing a number of bytes between picture, sound and container."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from .errors import MediaError
from .framing import frame_size
from .limits import megabytes
from .media import AudioStream, Media, VideoStream

_SPARE = 0.99
"""The part of the target that is aimed at; encoders land beside their aim."""
_SAFER = 0.983
"""What the second try aims at: in the middle of what counts as met (-2 to 0 %), and a little lower than before."""
_FILE_BYTES = 4000
ALONE, BESIDE_SOUND = (10, _FILE_BYTES), (30, 1000)
"""What a file's index takes for each frame, and once: of an MP4, 12 to 13 bytes a frame, and where sound lies between the frames 20 to 35, because
each piece of either has a place of its own. Six clips, sound's own index not counted."""
_SOUND_FRAMES = 48000 / 1024
"""Sound packets for each second, each with an entry in the index."""
_SOUND_SHARE = 0.2
"""Sound may take this part of a small target; it gets less, down to the smallest rate, when that is not enough."""
_SOUND_RATES = (320, 256, 192, 160, 128, 96, 80, 64, 48, 32, 24, 16)
_GOOD_DENSITY, _LEAST_DENSITY = 0.03, 0.006
"""Bits for each pixel: below the first the picture is scaled down, below the second nothing can be seen any more."""
_HEIGHTS = (2160, 1440, 1080, 720, 540, 480, 360, 240, 180, 144)
_SMOOTH_FPS, _POOR_FPS = 33.0, 16.0
"""Rates above the first are halved before the picture is scaled down; above the second only where it is small already."""
_SMALL = 240
"""Lines at which a rate above `_POOR_FPS` costs more than it shows."""
_EFFICIENCY = {"h264": 1.0, "h265": 0.7, "vp9": 0.75, "av1": 0.55}
"""Bits beside H.264's at each codec's usual factor, rounded towards caution: 4 s of film at 1080p took 0.53, 0.47 and 0.39."""
_CEILING_DENSITY = 0.6
_SMALLEST_VIDEO_BPS, _NAMED_VIDEO_BPS, _STEP = 6000, 9000, 1000
"""Bits per second; ffmpeg hands x264 and x265 whole thousands, and cuts off what is over. What a refusal names leaves room to step down after a
first miss: x264 itself refuses 6000 where much moves."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How `target` bytes are spent. `fixed` is what sound and container take, in bytes; rates in bits per second."""

    target: int
    seconds: float
    frames: float
    width: int
    height: int
    audio_kbps: int
    video_bps: int
    remarks: tuple[str, ...] = ()
    rate: Fraction | None = None
    """Frames a second where they had to become fewer."""
    aim: float = _SPARE
    """The part of the target that the first try aims at."""
    fixed: int = 0
    """Bytes of the finished file that are not the picture's."""
    index: tuple[int, int] = ALONE
    """Bytes of the file's index for each frame, and once."""

    def with_sound(self, size: int) -> Budget:
        """The same when the sound turned out to take `size` bytes."""
        fixed = size + _indexed(self.index, self.frames)
        return replace(self, fixed=fixed, video_bps=_steps(_video_bps(self.target, fixed, self.seconds, self.aim)))

    def corrected(self, size: int, last: tuple[int, int] | None = None) -> Budget:
        """The next try when this one made `size` bytes; `last` is the rate and size of the try before it, where there was one.

        Bytes are taken to grow with the rate as they did between the tries, else in proportion to what is the picture's.
        """
        wanted = _SAFER * self.target
        fixed = min(self.fixed, int(0.9 * min(size, wanted)))
        rate = self.video_bps * (wanted - fixed) / (size - fixed)
        if last is not None and (last[0] - self.video_bps) * (last[1] - size) > 0:
            # A third try must fit, whatever it leaves unused.
            rate = min(rate, self.video_bps + (last[0] - self.video_bps) / (last[1] - size) * (wanted - size)) * 0.97
        # Where a step is coarse, the next one down is still a step.
        if size > self.target:
            return replace(self, video_bps=max(_SMALLEST_VIDEO_BPS, int(min(rate, self.video_bps - _STEP)) // _STEP * _STEP))
        return replace(self, video_bps=_steps(rate))


def bounded(video: VideoStream, max_height: int | None) -> tuple[int, int]:
    """The picture's size with its shorter side at most `max_height`, even, never enlarged."""
    side = min(video.width, video.height)
    if max_height is None or side <= max_height:
        return frame_size(video, None, None, even=True)
    return frame_size(video, max_height, None, even=True) if video.width < video.height else frame_size(video, None, max_height, even=True)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for: `target` in bytes, the most lines, the most sound, the most frames a second, and the codec's name."""

    target: int
    max_height: int | None = None
    audio_kbps: int = 128
    max_fps: float | None = None
    codec: str = "h264"
    aim: float = _SPARE
    index: tuple[int, int] = ALONE
    """Bytes of the file's index for each frame, and once."""


def divide(source: Media, video: VideoStream, seconds: float, wish: Wish, *, whole: bool = True) -> Budget:
    """Spend bytes on `seconds` of a clip; `video` is the picture as it is encoded, `whole` that nothing is cut out.

    Raises `MediaError("target_unreachable")` naming the size that would work.
    """
    least = _least(video, seconds, wish, sound=source.audio is not None)
    if wish.target < least:
        raise _too_small(wish.target, least, seconds)
    # A target above the source's size is a bound, not a wish for a larger file.
    target = min(wish.target, max(source.size, least)) if whole else wish.target
    said: list[str] = [_unneeded(source)] if target < wish.target else []
    kbps = _sound(target, seconds, wish.audio_kbps) if source.audio else 0
    if source.audio and kbps < wish.audio_kbps:
        said.append(f"The sound gets {kbps} kbit/s instead of {wish.audio_kbps}, to leave room for the picture.")
    sound = int(seconds * kbps * 125 + seconds * _SOUND_FRAMES * 4 * (kbps > 0))
    full, own = bounded(video, wish.max_height), frame_rate(video, wish.max_fps)
    most = own or _exact(video)
    rate = _video_bps(target, sound + _indexed(wish.index, max(1.0, seconds * float(most))), seconds, wish.aim)
    (width, height), fps = _scaled(source, video, full, most, rate, kbps, _EFFICIENCY[wish.codec])
    said += _lost(video, full, (width, height), most, fps, target)
    ceiling = int(_CEILING_DENSITY * width * height * max(1.0, float(fps))) + 50_000
    frames = max(1.0, seconds * float(fps))
    changed = fps if fps != _exact(video) else None
    return Budget(
        target, seconds, frames, width, height, kbps, min(max(rate, _SMALLEST_VIDEO_BPS), ceiling), tuple(said), changed, wish.aim, index=wish.index
    )


def frame_rate(video: VideoStream, most: float | None) -> Fraction | None:
    """The rate to bring a picture to so that it has at most `most` frames a second; None where it may stay as it is."""
    if most is None or video.fps <= most + 0.01:
        return None
    # A whole part of the source's rate keeps its motion even.
    parts = ceil(video.fps / (most + 0.01))
    return _exact(video) / parts if video.fps / parts > 0.7 * most else Fraction(most).limit_denominator(1001)


def sound_only(source: Media, audio: AudioStream, seconds: float, wanted: int, audio_kbps: int) -> Budget:
    """Spend `wanted` bytes on a recording; `audio_kbps` is the most it gets. Raises `MediaError("target_unreachable")`."""
    least = ceil((seconds * (_SOUND_RATES[-1] * 125 + _SOUND_FRAMES * 5) + _FILE_BYTES) / _SPARE)
    if wanted < least:
        raise _too_small(wanted, least, seconds)
    target = min(wanted, max(source.size, least))
    fits = int((_SPARE * target - _FILE_BYTES - seconds * _SOUND_FRAMES * 5) / seconds / 125)
    most = min(320, max(audio_kbps, _SOUND_RATES[4]), max(16, round((audio.bit_rate or 320_000) / 1000)))
    said = (_unneeded(source),) if target < wanted else ()
    return Budget(target, seconds, 0, 0, 0, max(_SOUND_RATES[-1], min(fits, most)), 0, said)


def unreachable(size: int, target: int) -> MediaError:
    """The refusal when the smallest try still had `size` bytes."""
    near = ceil(size * 1.02 / 10_000) / 100
    return MediaError("target_unreachable", f"target_mb: {megabytes(target)} could not be reached; {near:g} MB would work.", field="target_mb")


def _steps(rate: float) -> int:
    """The nearest rate that an encoder hears: at 150 kbit/s a step is 0.7 % of a file."""
    return max(_SMALLEST_VIDEO_BPS, round(rate / _STEP) * _STEP)


def _exact(video: VideoStream) -> Fraction:
    return max(Fraction(1), Fraction(video.frame_rate)) if video.fps else Fraction(1)


def _indexed(index: tuple[int, int], frames: float) -> int:
    """Bytes of the index of a file of that many frames."""
    return int(index[0] * frames) + index[1]


def _video_bps(target: int, fixed: int, seconds: float, aim: float) -> int:
    return int((aim * target - fixed) * 8 / seconds)


def _least(video: VideoStream, seconds: float, wish: Wish, *, sound: bool) -> int:
    """The smallest size, in bytes, that leaves something to be seen and heard."""
    width, height = bounded(video, _HEIGHTS[-1])
    fps = float(_fewer(frame_rate(video, wish.max_fps) or _exact(video), _HEIGHTS[-1]))
    density = _LEAST_DENSITY * _EFFICIENCY[wish.codec]
    rate = max(_NAMED_VIDEO_BPS, density * width * height * fps) + sound * (_SOUND_RATES[-1] * 1000 + _SOUND_FRAMES * 40)
    return ceil((seconds * rate / 8 + _indexed(wish.index, max(1.0, seconds * fps))) / wish.aim)


def _sound(target: int, seconds: float, most: int) -> int:
    affordable = _SOUND_SHARE * target * 8 / seconds / 1000
    return min(most, next((rate for rate in _SOUND_RATES if rate <= affordable), _SOUND_RATES[-1]))


def _fewer(fps: Fraction, lines: int) -> Fraction:
    """The rate at which so small a budget is better spent."""
    fps = fps / 2 if fps > _SMOOTH_FPS else fps
    return fps / 2 if lines < _SMALL and fps > _POOR_FPS else fps


def _scaled(
    source: Media, video: VideoStream, full: tuple[int, int], most: Fraction, rate: int, kbps: int, efficiency: float
) -> tuple[tuple[int, int], Fraction]:
    """The largest of the usual sizes, and the rate of frames, at which `rate` is enough."""
    seconds = source.duration or 1.0
    # A source that itself lives on few bits is easy: half of them will do.
    own = max(0.0, video.bit_rate or source.size * 8 / seconds - 1000 * kbps)
    density = _GOOD_DENSITY * efficiency
    enough = min(density, 0.5 * own / (video.width * video.height * max(1.0, video.fps))) if own else density
    if rate >= enough * full[0] * full[1] * most:
        return full, most
    size, fps = full, _fewer(most, min(full))
    for height in (height for height in _HEIGHTS if height < min(full)):
        if rate >= enough * size[0] * size[1] * fps:
            break
        size = bounded(video, height)
        fps = _fewer(most, height)
    return size, fps


def _lost(video: VideoStream, full: tuple[int, int], size: tuple[int, int], most: Fraction, fps: Fraction, target: int) -> list[str]:
    """Sentences about what the picture loses."""
    said: list[str] = []
    if size != full:
        said.append(f"The picture is scaled down to {size[0]}×{size[1]}, because {megabytes(target)} are too few for {full[0]}×{full[1]}.")
    elif full != frame_size(video, None, None, even=True):
        said.append(f"The picture is scaled down to {size[0]}×{size[1]}.")
    if fps != most:
        said.append(f"It shows {float(fps):.4g} frames a second instead of {float(most):.4g}, because {megabytes(target)} are too few for all.")
    return said


def _unneeded(source: Media) -> str:
    return f"The source has only {megabytes(source.size)}, so the result is kept below that."


def _too_small(wanted: int, least: int, seconds: float) -> MediaError:
    near = ceil(least / 10_000) / 100
    text = f"target_mb: {megabytes(wanted)} is too small for {seconds:.0f} s; at least {near:g} MB would work."
    return MediaError("target_unreachable", text, field="target_mb")
