"""Smart cuts of every kind of source: what is copied is the source's own pictures, what is encoded is near them, every frame is there."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from converter.engine.tests.making import FLOWER, FRIDAY, clip, execute, ffmpeg, samples, times

START, SECONDS = 1.3, 2.0
_H264 = ("-c:v", "libx264", "-preset", "veryfast")
_GROUPS = ("-g", "24", "-bf", "3", "-refs", "3")
MADE: dict[str, tuple[str, ...]] = {
    "b.mp4": (*_H264, *_GROUPS),
    "b.mov": (*_H264, *_GROUPS),
    "b.mkv": (*_H264, *_GROUPS),
    "b.ts": (*_H264, *_GROUPS, "-output_ts_offset", "10"),
    "baseline.mp4": (*_H264, "-g", "24", "-profile:v", "baseline"),
    "many_b.mp4": (*_H264, "-g", "48", "-bf", "8", "-refs", "6", "-x264-params", "b-pyramid=normal:b-adapt=0"),
    "ten.mp4": (*_H264, *_GROUPS, "-pix_fmt", "yuv420p10le"),
    "wide.mp4": (*_H264, *_GROUPS, "-pix_fmt", "yuv422p"),
    "full.mp4": (*_H264, *_GROUPS, "-color_range", "pc", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
    "fragments.mp4": (*_H264, *_GROUPS, "-movflags", "frag_keyframe+empty_moov"),
    "hevc_open.mp4": (
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-g",
        "24",
        "-tag:v",
        "hvc1",
        "-x265-params",
        "log-level=error:open-gop=1:bframes=3",
    ),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "24"),
    "alt.webm": ("-c:v", "libvpx", "-deadline", "good", "-cpu-used", "5", "-g", "24", "-auto-alt-ref", "1", "-lag-in-frames", "8"),
    "av1.mp4": ("-c:v", "libsvtav1", "-preset", "12", "-g", "24"),
}
WHOLE: dict[str, tuple[str, ...]] = {
    "open.mp4": (*_H264, "-g", "24", "-x264-params", "open-gop=1"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-g", "24"),
    "one_group.mp4": (*_H264, "-g", "1000", "-sc_threshold", "0"),
}


def _source(media_dir: Path, name: str, *codec: str) -> Path:
    """Five seconds at 30000/1001 frames a second, without sound."""
    target = media_dir / "smart" / name
    target.parent.mkdir(exist_ok=True)
    if not target.exists():
        ffmpeg("-i", str(clip(media_dir, FLOWER)), "-vf", "scale=192:108", "-an", *codec, str(target))
    return target


def _pictures(path: Path) -> list[tuple[float, Any]]:
    with av.open(path) as container:
        return [(float(frame.time or 0), frame.to_ndarray()) for frame in container.decode(video=0)]


def _digests(path: Path) -> list[str]:
    lines = ffmpeg("-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-").decode().splitlines()
    return [line.rsplit(",", 1)[1].strip() for line in lines if not line.startswith("#")]


def _psnr(one: Any, other: Any, peak: float) -> float:
    error = float(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2))
    return 10 * np.log10(peak**2 / error) if error else 99.0


def _hash(picture: Any) -> str:
    return hashlib.sha256(picture.tobytes()).hexdigest()


@pytest.mark.parametrize("name", MADE)
def test_every_frame_is_there_and_most_are_the_sources_own(media_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # The same on every machine: with sixteen threads for so small a picture H.265 falls back to encoding all of it.
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    path = _source(media_dir, name, *MADE[name])
    source, rate = _pictures(path), 30000 / 1001
    zero = source[0][0]
    result = execute("trim", [path], {"start": START, "duration": SECONDS, "mode": "smart"}, tmp_path)
    cut = _pictures(result.path)
    first = max(k for k, (time, _) in enumerate(source) if time - zero <= START + 0.0005)
    assert len(cut) == round(SECONDS * rate) == 60
    assert [time for time, _ in cut] == pytest.approx([k / rate for k in range(60)], abs=0.0021)
    wanted = source[first : first + 60]
    same = [_hash(mine) == _hash(theirs) for (_, mine), (_, theirs) in zip(cut, wanted, strict=True)]
    encoded = next(int(said.split()[0]) for said in result.warnings if "were encoded" in said)
    assert same.count(True) >= 60 - encoded
    assert encoded < 30
    peak = 1023.0 if name == "ten.mp4" else 255.0
    assert min(_psnr(mine, theirs, peak) for (_, mine), (_, theirs) in zip(cut, wanted, strict=True)) > 30
    # ffmpeg's own decoder, beside PyAV's.
    mine, theirs = _digests(result.path), _digests(path)[first : first + 60]
    assert len(mine) == 60
    assert [a == b for a, b in zip(mine, theirs, strict=True)].count(True) >= 60 - encoded


@pytest.mark.parametrize("name", WHOLE)
def test_what_has_no_whole_group_is_encoded_and_says_so(media_dir: Path, tmp_path: Path, name: str) -> None:
    path = _source(media_dir, name, *WHOLE[name])
    result = execute("trim", [path], {"start": START, "duration": SECONDS, "mode": "smart"}, tmp_path)
    assert len(result.warnings) == 1
    assert "encoded" in result.warnings[0]
    assert len(_pictures(result.path)) == 60
    assert (result.plan.extension, result.plan.mime) == ("mp4", "video/mp4")


def test_several_parts_that_overlap_and_go_back(media_dir: Path, tmp_path: Path) -> None:
    path = _source(media_dir, "b.mp4", *MADE["b.mp4"])
    source, rate = _digests(path), 30000 / 1001
    result = execute("trim", [path], {"ranges": ["2-4", "0.6-2.2", "1-1.2"], "mode": "smart"}, tmp_path)
    wanted = []
    for start, seconds in ((2, 2), (0.6, 1.6), (1, 0.2)):
        first = int((start + 0.0005) * rate)
        wanted += source[first : first + round(seconds * rate)]
    cut = _digests(result.path)
    encoded, frames = (int(result.warnings[0].split()[place]) for place in (0, 2))
    assert len(cut) == len(wanted) == frames
    assert sum(a == b for a, b in zip(cut, wanted, strict=True)) >= frames - encoded
    shown = times(result.path)
    assert [b - a for a, b in pairwise(shown)] == pytest.approx([1 / rate] * (frames - 1), abs=0.0012)


def test_varying_rates_keep_their_times(media_dir: Path, tmp_path: Path) -> None:
    path = media_dir / "smart" / "gaps.mp4"
    path.parent.mkdir(exist_ok=True)
    ffmpeg("-i", str(clip(media_dir, "gaps.mp4")), "-an", "-fps_mode", "passthrough", "-enc_time_base", "1/30000", *_H264, "-g", "12", str(path))
    source = times(path)
    result = execute("trim", [path], {"start": 0.5, "end": 3.2, "mode": "smart"}, tmp_path)
    assert "were encoded" in result.warnings[0]
    assert times(result.path) == pytest.approx([0.0] + [time - 0.5 for time in source if 0.5 < time < 3.2], abs=0.001)


def test_rotation_and_edit_lists(media_dir: Path, tmp_path: Path) -> None:
    turned, hidden = media_dir / "smart" / "turned.mp4", media_dir / "smart" / "hidden.mp4"
    path = _source(media_dir, "b.mp4", *MADE["b.mp4"])
    ffmpeg("-display_rotation", "90", "-i", str(path), "-c", "copy", str(turned))
    ffmpeg("-ss", "1.1", "-i", str(path), "-c", "copy", str(hidden))
    video = execute("trim", [turned], {"start": START, "duration": 1, "mode": "smart"}, tmp_path).media.video
    assert video is not None
    assert (video.rotation, video.width, video.height) == (270, 108, 192)
    source, result = _digests(hidden), execute("trim", [hidden], {"start": 0.1, "duration": 2, "mode": "smart"}, tmp_path)
    cut, first = _digests(result.path), int(0.1005 * 30000 / 1001)
    assert len(cut) == 60
    assert sum(a == b for a, b in zip(cut, source[first : first + 60], strict=True)) >= 30


def test_sound_stays_beside_the_picture(media_dir: Path, tmp_path: Path) -> None:
    # A beep and a flash each second, of which the cut begins in between and its body later still.
    path = media_dir / "smart" / "beeps.mp4"
    path.parent.mkdir(exist_ok=True)
    flash = "color=black:s=160x90:r=25:d=6,geq=lum='if(lt(mod(T,1),0.04),235,16)':cb=128:cr=128"
    beep = "aevalsrc='if(lt(mod(t,1),0.04),sin(2*PI*1000*t),0)':s=48000:d=6"
    ffmpeg("-f", "lavfi", "-i", flash, "-f", "lavfi", "-i", beep, *_H264, "-g", "20", "-sc_threshold", "0", "-c:a", "aac", str(path))
    result = execute("trim", [path], {"ranges": ["0.7-3.3", "1.5-4.2"], "mode": "smart"}, tmp_path)
    flashes = [time for time, picture in _pictures(result.path) if picture[:90].mean() > 150]
    sound = np.abs(np.frombuffer(samples(result.path), np.int16)[:: result.media.audios[0].channels].astype(np.int32))
    loud = np.flatnonzero(sound > 8000) / 48000
    beeps = [float(time) for place, time in enumerate(loud) if place == 0 or time - loud[place - 1] > 0.3]
    assert len(flashes) == 6
    assert beeps == pytest.approx(flashes, abs=0.022)


@pytest.mark.parametrize("name", [FRIDAY, "vp8.webm", "late_picture.mp4", "offset.ts", "mute.mp4", "moving.gif"])
def test_every_kind_of_source(media_dir: Path, tmp_path: Path, name: str) -> None:
    result = execute("trim", [clip(media_dir, name)], {"start": 0.5, "duration": 1.2, "mode": "smart"}, tmp_path)
    assert result.media.duration == pytest.approx(1.2, abs=0.12)
    assert result.warnings


def test_damage_leaves_an_answer(media_dir: Path, tmp_path: Path) -> None:
    from converter.engine.errors import MediaError

    data = bytearray(clip(media_dir, FLOWER).read_bytes())
    data[len(data) // 4 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 4)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    with pytest.raises(MediaError) as caught:
        execute("trim", [broken], {"start": 0.5, "duration": 1.5, "mode": "smart"}, tmp_path)
    assert caught.value.code.name == "corrupt_media"
