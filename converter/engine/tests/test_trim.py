"""Cuts, compared with the source frame by frame and sample by sample."""

from __future__ import annotations

import zipfile
from array import array
from itertools import pairwise
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
    assert len(cut) == round(duration * 30000 / 1001)
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
    path = _tone(media_dir, "tone.wav", "-c:a", "pcm_s16le")
    result = execute("trim", [path], {"start": 1.25, "duration": 0.7505}, tmp_path)
    rate, faded = 48000 * 4, round(0.008 * 48000) * 4
    found, wanted = samples(result.path), samples(path)[int(1.25 * rate) : int(1.25 * rate) + round(0.7505 * 48000) * 4]
    assert result.path.suffix == ".wav"
    assert len(found) == len(wanted) and any(wanted)
    assert found[faded:-faded] == wanted[faded:-faded]


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
        ({"mode": "best"}, "bad_parameter"),
        ({"ranges": ["1-2"], "start": 1}, "bad_parameter"),
        ({"ranges": ["1-2"], "end": 3}, "bad_parameter"),
        ({"ranges": ["1-2"], "duration": 3}, "bad_parameter"),
        ({"ranges": ["1-2", "nonsense"]}, "bad_parameter"),
        ({"ranges": ["1-2", "30-31"]}, "start_past_end"),
        ({"ranges": ["1-2"] * 101}, "bad_parameter"),
        ({"mode": "smart", "crop": "0,0,100,100"}, "bad_parameter"),
        ({"mode": "copy", "speed": 2}, "bad_parameter"),
    ],
)
def test_bad_input(params: dict[str, Any], code: str) -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("trim", [making.media()], params)
    assert caught.value.code.name == code


def test_an_empty_part_is_named() -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("trim", [making.media()], {"ranges": ["0-1", "3-4", {"start": 2, "end": 2}]})
    assert (caught.value.code.name, caught.value.field) == ("empty_range", "ranges[2].end")


def test_what_can_not_be_copied_says_what_would_work() -> None:
    with pytest.raises(MediaError, match="choose the mode exact") as caught:
        run.plan("trim", [making.media()], {"mode": "smart", "flip": "horizontal"})
    assert caught.value.field == "flip"


@pytest.mark.parametrize("mode", ["exact", "copy"])
def test_a_transport_stream(media_dir: Path, tmp_path: Path, mode: str) -> None:
    result = execute("trim", [clip(media_dir, "offset.ts")], {"start": 1, "duration": 1, "mode": mode}, tmp_path)
    assert 0.9 < (result.media.duration or 0) < 2.5


def test_a_copy_says_by_how_much_it_begins_earlier(media_dir: Path, tmp_path: Path) -> None:
    result = execute("trim", [clip(media_dir, FRIDAY)], {"start": 1.3, "duration": 2, "mode": "copy"}, tmp_path)
    assert result.warnings == ("The result begins 0.133 s earlier, at 0:01.167, because the keyframe stands there.",)


@pytest.mark.parametrize("ranges", [["1-1.5"], ["3-3.5", "0-1", "0.5-1"]])
def test_several_parts_in_the_order_given(media_dir: Path, tmp_path: Path, ranges: list[str]) -> None:
    source = frames(clip(media_dir, FLOWER))
    result = execute("trim", [clip(media_dir, FLOWER)], {"ranges": ranges}, tmp_path)
    rate = 30000 / 1001
    wanted = []
    for word in ranges:
        start, end = (float(value) for value in word.split("-"))
        first = int((start + 0.0005) * rate)
        wanted += range(first, first + round((end - start) * rate))
    cut = frames(result.path)
    assert len(cut) == len(wanted)
    assert all(difference(picture, source[k]) < 8 for picture, k in zip(cut, wanted, strict=True))
    shown = times(result.path)
    assert [b - a for a, b in pairwise(shown)] == pytest.approx([1 / rate] * (len(shown) - 1), abs=0.0012)
    assert len(samples(result.path)) / 4 / 48000 == pytest.approx(len(wanted) / rate, abs=1 / 40)


def test_separate_files(media_dir: Path, tmp_path: Path) -> None:
    result = execute("trim", [clip(media_dir, "small.mp4")], {"ranges": ["1-1.5", "0-1"], "separate": True}, tmp_path)
    with zipfile.ZipFile(result.path) as archive:
        assert archive.namelist() == ["part-01.mp4", "part-02.mp4"]
        archive.extractall(tmp_path)
    assert [len(frames(tmp_path / name)) for name in archive.namelist()] == [15, 30]


def _tone(media_dir: Path, name: str, *codec: str) -> Path:
    target = media_dir / name
    if not target.exists():
        making.ffmpeg("-f", "lavfi", "-i", "sine=f=440:r=48000:d=4,volume=4", "-ac", "2", *codec, str(target))
    return target


@pytest.mark.parametrize(("name", "codec"), [("tone.wav", ("-c:a", "pcm_s16le")), ("tone.flac", ("-c:a", "flac"))])
def test_parts_of_a_recording_are_exact_and_fade(media_dir: Path, tmp_path: Path, name: str, codec: tuple[str, ...]) -> None:
    path = _tone(media_dir, name, *codec)
    source, cut = (array("h", samples(one)) for one in (path, execute("trim", [path], {"ranges": ["1.25-2.0005", "0-1"]}, tmp_path).path))
    first, fade = round(0.7505 * 48000), round(0.008 * 48000)
    assert len(cut) == 2 * (first + 48000)
    begin = round(1.25 * 48000)
    assert cut[2 * fade : 2 * (first - fade)] == source[2 * (begin + fade) : 2 * (begin + first - fade)]
    # The second part begins where the recording does, so only its end fades.
    assert cut[2 * first : 2 * (first + 48000 - fade)] == source[: 2 * (48000 - fade)]
    for edge in (cut[:8], cut[2 * first - 8 : 2 * first], cut[-8:]):
        assert max(abs(value) for value in edge) < 400


@pytest.mark.parametrize("mode", ["copy", "exact"])
def test_parts_of_compressed_sound(media_dir: Path, tmp_path: Path, mode: str) -> None:
    result = execute("trim", [clip(media_dir, "sound.m4a")], {"ranges": ["1-2", "0-0.5", "3-3.5"], "mode": mode}, tmp_path)
    assert result.plan.extension == "m4a"
    assert result.media.duration == pytest.approx(2, abs=0.08 if mode == "copy" else 0.025)


def test_edits_are_done_in_one_go(media_dir: Path, tmp_path: Path) -> None:
    params = {"start": 1, "duration": 1, "crop": "0,0,100,60", "rotate": "90", "speed": 2}
    video = execute("trim", [clip(media_dir, "small.mp4")], params, tmp_path).media.video
    assert video is not None
    assert (video.width, video.height) == (60, 100)
    assert video.duration == pytest.approx(0.5, abs=0.05)


def test_sound_that_outlasts_the_picture(media_dir: Path, tmp_path: Path) -> None:
    result = execute("trim", [clip(media_dir, "late_picture.mp4")], {"start": 0, "end": 3}, tmp_path)
    assert result.media.duration == pytest.approx(3, abs=0.1)
