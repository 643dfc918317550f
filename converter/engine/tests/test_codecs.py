"""Four codecs on every kind of picture that people have, and qualities that are measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from converter.engine import codecs, config, run
from converter.engine.errors import MediaError
from converter.engine.rates.encoders import ENCODERS
from converter.engine.tests import making
from converter.engine.tests.making import clip, execute

_LAVFI = ("-f", "lavfi", "-i")
_X264 = ("-c:v", "libx264", "-preset", "ultrafast")
MADE: dict[str, tuple[str, ...]] = {
    "ten_bit.mp4": (*_LAVFI, "testsrc2=s=160x90:r=25:d=1", *_X264, "-pix_fmt", "yuv420p10le"),
    "hdr.mp4": (
        *(*_LAVFI, "testsrc2=s=160x90:r=25:d=1", "-vf", "setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc"),
        *(*_X264, "-pix_fmt", "yuv420p10le"),
    ),
    "odd.mkv": (*_LAVFI, "testsrc2=s=161x91:r=25:d=1", "-c:v", "ffv1", "-pix_fmt", "yuv444p"),
    "one.mp4": (*_LAVFI, "testsrc2=s=160x90:r=25", "-frames:v", "1", *_X264, "-pix_fmt", "yuv420p"),
    "fields.mp4": (*_LAVFI, "testsrc2=s=160x96:r=50:d=1", "-vf", "interlace", *_X264, "-flags", "+ilme+ildct", "-pix_fmt", "yuv420p"),
    "tiny.mkv": (*_LAVFI, "color=red:s=1x1:r=5:d=1", "-c:v", "ffv1", "-pix_fmt", "yuv444p"),
}
_OURS = ("see_through.mov", "rotated.mp4", "gaps.mp4", "mute.mp4")
_NAMES = {"h264": "h264", "h265": "hevc", "av1": "av1", "vp9": "vp9"}


def _source(media_dir: Path, name: str) -> Path:
    if name in _OURS:
        return clip(media_dir, name)
    path = media_dir / name
    if not path.exists():
        making.ffmpeg(*MADE[name], str(path))
    return path


@pytest.fixture(autouse=True)
def _four_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes on every machine: how well a size is met depends on the encoders' threads."""
    monkeypatch.setattr("os.cpu_count", lambda: 4)


@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize("name", [*MADE, *_OURS])
def test_every_codec_takes_every_picture(media_dir: Path, tmp_path: Path, codec: str, name: str) -> None:
    source = _source(media_dir, name)
    if codec == "h265" and name == "tiny.mkv":
        with pytest.raises(MediaError, match="h264 would work"):
            execute("compress", [source], {"codec": codec}, tmp_path)
        return
    result = execute("compress", [source], {"codec": codec, "effort": "ultrafast", "max_height": 96, "quality": "small"}, tmp_path)
    video = result.media.video
    assert video is not None
    assert video.codec == _NAMES[codec]
    assert (video.bit_depth, video.color_transfer in ("smpte2084", "arib-std-b67")) == (8, False)
    assert result.plan.extension == ("webm" if codec in ("av1", "vp9") else "mp4")
    if name == "gaps.mp4":
        assert making.times(result.path) == pytest.approx(making.times(source), abs=0.002)


@pytest.mark.parametrize("codec", ENCODERS)
def test_every_codec_meets_a_size(media_dir: Path, tmp_path: Path, codec: str) -> None:
    result = execute("compress", [clip(media_dir, "small.mp4")], {"codec": codec, "target_mb": 0.12, "effort": "ultrafast"}, tmp_path)
    assert 0.8 * 120_000 <= result.size <= 120_000
    assert result.media.audio is not None
    assert result.media.audio.codec == ("opus" if codec in ("av1", "vp9") else "aac")
    assert int(result.tools["passes"]) <= 4


@pytest.mark.parametrize(("codec", "deep"), [("h264", False), ("h265", True), ("av1", True), ("vp9", True)])
def test_ten_bits_and_hdr_stay_where_the_codec_can(media_dir: Path, tmp_path: Path, codec: str, deep: bool) -> None:
    params = {"codec": codec, "effort": "ultrafast", "colours": "keep"}
    result = execute("compress", [_source(media_dir, "hdr.mp4")], params, tmp_path)
    video = result.media.video
    assert video is not None
    assert (video.bit_depth == 10) is deep
    assert (video.color_transfer == "smpte2084") is deep
    assert any("10 bits" in warning for warning in result.warnings) is not deep


@pytest.mark.parametrize(
    ("codec", "container", "tag"), [("h265", "mp4", b"hvc1"), ("av1", "mp4", b"av01"), ("vp9", "mkv", b"V_VP9"), ("h264", "mkv", b"V_MPEG4/ISO/AVC")]
)
def test_containers(media_dir: Path, tmp_path: Path, codec: str, container: str, tag: bytes) -> None:
    params = {"codec": codec, "container": container, "effort": "ultrafast", "crf": 40}
    result = execute("compress", [clip(media_dir, "small.mp4")], params, tmp_path)
    assert result.path.suffix == f".{container}"
    assert tag in result.path.read_bytes()


def test_a_likeness_is_reached_and_said(media_dir: Path, tmp_path: Path) -> None:
    source = clip(media_dir, "small.mp4")
    result = execute("compress", [source], {"vmaf": 90, "effort": "veryfast"}, tmp_path)
    said = next(warning for warning in result.warnings if warning.startswith("VMAF"))
    reached, factor, probes = float(said.split()[1]), int(said.split("CRF ")[1].split()[0]), int(said.split(" in ")[1].split()[0])
    assert 90 <= reached <= 94
    assert probes <= 4
    assert result.tools["vmaf"] == f"{reached:.1f} at crf {factor}"
    better = execute("compress", [source], {"vmaf": 97, "effort": "veryfast"}, tmp_path)
    assert better.size > result.size


def test_samples_are_taken_from_all_of_a_longer_clip(media_dir: Path, tmp_path: Path) -> None:
    source = tmp_path / "longer.mp4"
    making.ffmpeg("-i", str(media_dir / making.CAR), "-vf", "scale=256:144", "-t", "12", *_X264, "-pix_fmt", "yuv420p", "-an", str(source))
    result = execute("compress", [source], {"vmaf": 85, "effort": "ultrafast", "start": 1, "end": 11, "crop": "0,0,200,144"}, tmp_path)
    assert any("on 4 samples" in warning for warning in result.warnings)
    assert result.media.video is not None
    assert (result.media.video.width, result.media.duration) == (200, pytest.approx(10, abs=0.2))


def test_a_part_is_cut_to_the_frame_and_edited_on_the_way(media_dir: Path, tmp_path: Path) -> None:
    source = clip(media_dir, "small.mp4")
    params = {"start": 1, "end": 3, "crf": 12, "effort": "veryfast", "flip": "horizontal", "rotate": "180", "speed": 2}
    result = execute("compress", [source], params, tmp_path)
    assert result.media.duration == pytest.approx(1.0, abs=0.1)
    shown = making.frames(result.path)
    expected = making.frames(source, "trim=start=1:end=3", "setpts=(PTS-STARTPTS)/2", "fps=30000/1001", "vflip")
    assert abs(len(shown) - len(expected)) <= 1
    assert making.difference(shown[10], expected[10]) < 4


def test_a_part_meets_a_size(media_dir: Path, tmp_path: Path) -> None:
    result = execute("compress", [clip(media_dir, "small.mp4")], {"start": 1, "end": 4, "target_mb": 0.1, "effort": "veryfast"}, tmp_path)
    assert 90_000 <= result.size <= 100_000
    assert result.media.duration == pytest.approx(3, abs=0.1)
    assert result.media.audio is not None


def test_one_pass_at_a_rate(media_dir: Path, tmp_path: Path) -> None:
    result = execute("compress", [clip(media_dir, "mute.mp4")], {"bitrate_kbps": 100, "effort": "veryfast"}, tmp_path)
    assert result.size == pytest.approx(7 * 100_000 / 8, rel=0.35)
    low, high = result.plan.size_range
    assert low <= result.size <= high


def test_small_sound_is_copied(media_dir: Path, tmp_path: Path) -> None:
    source = tmp_path / "quiet.mp4"
    making.ffmpeg("-i", str(clip(media_dir, "small.mp4")), "-c:v", "copy", "-c:a", "aac", "-b:a", "48k", str(source))
    result = execute("compress", [source], {"crf": 35, "effort": "ultrafast"}, tmp_path)
    packets = [making.ffmpeg("-i", str(path), "-map", "0:a", "-c", "copy", "-f", "adts", "-") for path in (source, result.path)]
    assert packets[0] == packets[1]


def test_a_source_that_fits_already_is_kept(media_dir: Path, tmp_path: Path) -> None:
    source = clip(media_dir, "small.mp4")
    result = execute("compress", [source], {"target_mb": 5}, tmp_path)
    assert len(result.plan.commands) == 1
    assert making.frames(result.path) == making.frames(source)
    assert "The source has only" in result.warnings[0]


def test_fewer_frames(media_dir: Path, tmp_path: Path) -> None:
    result = execute("compress", [clip(media_dir, "fast.mp4")], {"max_fps": 30, "effort": "ultrafast"}, tmp_path)
    assert len(making.times(result.path)) == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("params", "code", "field"),
    [
        ({"container": "webm"}, "bad_parameter", "container"),
        ({"crf": 60}, "bad_parameter", "crf"),
        ({"vmaf": 100}, "bad_parameter", "vmaf"),
        ({"start": 40}, "start_past_end", "start"),
        ({"start": 3, "end": 3}, "empty_range", "end"),
        ({"crop": "0,0,9999,9999"}, "bad_parameter", "crop"),
        ({"codec": "xvid"}, "bad_parameter", "codec"),
    ],
)
def test_bad_input(params: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("compress", [making.media()], params)
    assert (caught.value.code.name, caught.value.field) == (code, field)


def test_every_preset_plans() -> None:
    from converter.engine.operations import get

    for preset in get("compress").presets:
        plan = run.plan("compress", [making.media(size=900_000_000)], {}, preset.name)
        assert plan.size_range[0] < plan.size_range[1]
        assert plan.work_seconds > 0


def _threads(pixels: int, **wanted: int) -> tuple[int, bool]:
    words = codecs.x264("veryfast", pixels, **wanted)  # type: ignore[arg-type]
    return int(words[words.index("-threads") + 1]), "sliced-threads=1" in words[-1]


def test_x264_works_on_few_large_pictures_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    before = config.current()
    try:
        config.configure(threads=0)
        assert _threads(320 * 180) == (16, False)
        assert _threads(1280 * 720) == (4, False)
        assert _threads(1920 * 1080) == (2, True)
        assert _threads(3840 * 2160) == (2, True)
        assert _threads(1920 * 1080, most=1) == (1, False)
        config.configure(threads=1)
        assert _threads(320 * 180) == (1, False)
    finally:
        config.configure(threads=before.threads)
