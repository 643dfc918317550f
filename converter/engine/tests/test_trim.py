"""Cuts, compared with the source frame by frame and sample by sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from converter.engine import run
from converter.engine.errors import MediaError
from converter.engine.tests import making
from converter.engine.tests.making import FLOWER, FRIDAY, clip, difference, execute, frames, samples, times


def nearest(picture: Any, source: list[Any], around: int) -> int:
    """Which source frame near `around` looks most like `picture`."""
    return min(range(max(0, around - 2), min(len(source), around + 3)), key=lambda k: difference(picture, source[k]))


@pytest.mark.parametrize(("start", "duration"), [(0, 1), (1, 1), (2.49, 0.5)])
def test_exact_to_the_frame(media_dir: Path, tmp_path: Path, start: float, duration: float) -> None:
    # 29.97 fps: frame k is shown from k·1001/30000 on.
    source = frames(clip(media_dir, FLOWER))
    result = execute("trim", [clip(media_dir, FLOWER)], {"start": start, "duration": duration}, tmp_path)
    cut = frames(result.path)
    first = max(k for k in range(len(source)) if k * 1001 / 30000 <= start + 0.0005)
    assert len(cut) == sum(start - 1001 / 30000 + 0.0005 < k * 1001 / 30000 < start + duration for k in range(len(source)))
    assert nearest(cut[0], source, first) == first
    assert nearest(cut[-1], source, first + len(cut) - 1) == first + len(cut) - 1
    assert result.media.audio is not None
    assert result.warnings == ()


def test_times_of_a_varying_rate_are_kept(media_dir: Path, tmp_path: Path) -> None:
    source = times(clip(media_dir, "gaps.mp4"))
    result = execute("trim", [clip(media_dir, "gaps.mp4")], {"start": 0.5, "end": 2.2}, tmp_path)
    wanted = [0.0] + [time - 0.5 for time in source if 0.5 < time < 2.2]
    assert times(result.path) == pytest.approx(wanted, abs=0.001)
    shown, before = frames(result.path), frames(clip(media_dir, "small.mp4"))
    assert nearest(shown[0], before, 7) == 7


@pytest.mark.parametrize("name", ["rotated.mp4", "wide_pixels.mp4", "late_picture.mp4", "offset.ts", "vp8.webm", "moving.gif", "moving.webp", FRIDAY])
def test_every_kind_of_source(media_dir: Path, tmp_path: Path, name: str) -> None:
    result = execute("trim", [clip(media_dir, name)], {"start": 0.5, "duration": 0.6}, tmp_path)
    video = result.media.video
    assert video is not None
    assert (video.codec, video.sample_aspect, video.rotation) == ("h264", "1/1", 0)
    assert result.media.duration == pytest.approx(0.6, abs=0.1)
    if name == "rotated.mp4":
        assert (video.width, video.height) == (180, 320)


def test_sound_is_exact_to_the_sample(media_dir: Path, tmp_path: Path) -> None:
    source = samples(clip(media_dir, "sound.wav"))
    result = execute("trim", [clip(media_dir, "sound.wav")], {"start": 1.25, "duration": 0.7505}, tmp_path)
    rate = 48000 * 4
    assert result.path.suffix == ".wav"
    assert samples(result.path) == source[int(1.25 * rate) : int(1.25 * rate) + round(0.7505 * 48000) * 4]


@pytest.mark.parametrize(("name", "extension"), [("sound.m4a", "m4a"), ("sound.mp3", "m4a")])
def test_compressed_sound(media_dir: Path, tmp_path: Path, name: str, extension: str) -> None:
    result = execute("trim", [clip(media_dir, name)], {"start": 1, "duration": 1.5}, tmp_path)
    assert result.plan.extension == extension
    assert len(samples(result.path)) / 4 == pytest.approx(1.5 * 48000, abs=1024)


@pytest.mark.parametrize(
    ("name", "extension", "codec"),
    [
        (FLOWER, "mp4", "h264"),
        ("vp8.webm", "webm", "vp8"),
        ("sound.m4a", "m4a", "aac"),
        ("sound.mp3", "mp3", "mp3"),
        ("sound.wav", "wav", "pcm_s16le"),
    ],
)
def test_a_copy_keeps_the_codecs(media_dir: Path, tmp_path: Path, name: str, extension: str, codec: str) -> None:
    result = execute("trim", [clip(media_dir, name)], {"start": 1.5, "duration": 1, "mode": "copy"}, tmp_path)
    stream = result.media.video or result.media.audio
    assert stream is not None
    assert (result.plan.extension, stream.codec) == (extension, codec)
    assert (result.media.duration or 0) >= 0.9
    assert bool(result.warnings) == (result.media.video is not None)


def test_a_copy_begins_with_a_keyframe_of_the_source(media_dir: Path, tmp_path: Path) -> None:
    source = frames(clip(media_dir, "small.mp4"))
    result = execute("trim", [clip(media_dir, "small.mp4")], {"start": 3, "mode": "copy"}, tmp_path)
    cut = frames(result.path)
    assert difference(cut[0], source[len(source) - len(cut)]) == 0
    assert len(source) - len(cut) <= 90


def test_a_copy_of_damage_blames_the_file(media_dir: Path, tmp_path: Path) -> None:
    data = bytearray(clip(media_dir, FLOWER).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 100_000] = bytes(100_000)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    with pytest.raises(MediaError, match="damaged within the part") as caught:
        execute("trim", [broken], {"start": 0, "mode": "copy"}, tmp_path)
    assert caught.value.code.name == "corrupt_media"


def test_a_cut_past_the_end_is_shorter_and_says_so(media_dir: Path, tmp_path: Path) -> None:
    result = execute("trim", [clip(media_dir, "small.mp4")], {"start": 4, "end": 9}, tmp_path)
    assert len(result.warnings) == 1
    assert "ends before that" in result.warnings[0]


def test_no_private_tags_are_passed_on(media_dir: Path, tmp_path: Path) -> None:
    tagged = tmp_path / "tagged.mp4"
    making.ffmpeg(
        "-t",
        "1",
        "-i",
        str(clip(media_dir, "small.mp4")),
        "-c",
        "copy",
        "-metadata",
        "location=+48.1-016.3/",
        "-metadata",
        "title=secret",
        str(tagged),
    )
    assert b"secret" in tagged.read_bytes()
    for mode in ("copy", "exact"):
        data = execute("trim", [tagged], {"mode": mode}, tmp_path).path.read_bytes()
        assert b"secret" not in data
        assert b"48.1" not in data


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"start": 30}, "start_past_end"),
        ({"start": 5, "end": 5}, "empty_range"),
        ({"start": 5, "end": 4}, "empty_range"),
        ({"duration": 0}, "empty_range"),
        ({"duration": -1}, "empty_range"),
        ({"end": 3, "duration": 2}, "bad_parameter"),
        ({"start": float("nan")}, "bad_parameter"),
        ({"end": "inf"}, "bad_parameter"),
        ({"mode": "smart"}, "bad_parameter"),
    ],
)
def test_bad_input(params: dict[str, Any], code: str) -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("trim", [making.media()], params)
    assert caught.value.code.name == code


def test_what_can_not_be_copied_says_what_would_work(media_dir: Path) -> None:
    probed = making.probe.inspect(clip(media_dir, "offset.ts"))
    with pytest.raises(MediaError, match="choose exact"):
        run.plan("trim", [probed], {"start": 1, "mode": "copy"})
