"""Stand-ins that seek in a second's steps, and ladders whose every segment plays."""

from __future__ import annotations

import itertools
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from converter.engine import probe, run
from converter.engine.errors import MediaError
from converter.engine.ladder import lists
from converter.engine.tests import making
from converter.engine.tests.making import clip, execute


def _keyframes(path: Path) -> list[float]:
    lines = making.ffmpeg("-skip_frame", "nokey", "-i", str(path), "-map", "0:v", "-fps_mode", "passthrough", "-f", "framecrc", "-").decode()
    base = re.search(r"#tb 0: (\d+)/(\d+)", lines)
    assert base is not None
    return [int(line.split(",")[2]) * int(base[1]) / int(base[2]) for line in lines.splitlines() if not line.startswith("#")]


def test_a_keyframe_in_every_second_and_the_index_in_front(media_dir: Path, tmp_path: Path) -> None:
    result = execute("proxy", [clip(media_dir, "small.mp4")], {"height": 90}, tmp_path)
    video = result.media.video
    assert video is not None
    assert (video.codec, video.width, video.height) == ("h264", 160, 90)
    assert result.media.audio is not None
    keys = _keyframes(result.path)
    assert all(later - earlier <= 1.05 for earlier, later in itertools.pairwise(keys))
    head = result.path.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")


def test_frame_times_are_kept(media_dir: Path, tmp_path: Path) -> None:
    source = clip(media_dir, "gaps.mp4")
    result = execute("proxy", [source], {}, tmp_path)
    assert making.times(result.path) == pytest.approx(making.times(source), abs=0.002)
    assert result.media.video is not None
    assert result.media.video.height == 180


@pytest.mark.parametrize("name", ["rotated.mp4", "wide_pixels.mp4", "see_through.mov", "moving.gif", "late_picture.mp4", "vp8.webm"])
def test_every_kind_of_picture(media_dir: Path, tmp_path: Path, name: str) -> None:
    result = execute("proxy", [clip(media_dir, name)], {}, tmp_path, "preview")
    assert result.media.kind == "video"


@pytest.mark.parametrize(("package", "name"), [("hls", "small.mp4"), ("hls-ts", "mute.mp4"), ("hls", "portrait.mp4")])
def test_a_ladder(media_dir: Path, tmp_path: Path, package: str, name: str) -> None:
    result = execute("proxy", [clip(media_dir, name)], {"package": package, "height": 1080}, tmp_path)
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(result.path) as archive:
        archive.extractall(unpacked)
    master = (unpacked / "master.m3u8").read_text()
    sizes = re.findall(r"RESOLUTION=(\d+)x(\d+)", master)
    # Nothing is larger than the source, whatever was asked for.
    assert sizes[0] == (("180", "320") if name == "portrait.mp4" else ("320", "180"))
    assert ("TYPE=AUDIO" in master) == (name != "mute.mp4")
    assert re.search(r'CODECS="avc1\.64[0-9a-f]{4}', master)
    for bandwidth, average in re.findall(r"BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+)", master):
        assert 0 < int(average) <= int(bandwidth)
    folders = [line.split("/")[0] for line in master.splitlines() if not line.startswith("#")]
    for folder in folders:
        lists.read(unpacked / folder)
    # A player that knows playlists reads the same length.
    assert making.times(unpacked / "master.m3u8")[-1] > 4


def test_several_rungs_cut_at_the_same_places(media_dir: Path, tmp_path: Path) -> None:
    source = tmp_path / "large.mp4"
    making.ffmpeg(
        "-t", "5", "-i", str(media_dir / making.FLOWER), "-c:v", "libx264", "-preset", "ultrafast", "-g", "300", "-c:a", "copy", str(source)
    )
    plan = run.plan("proxy", [probe.inspect(source, source.name)], {"package": "hls"})
    assert "3 renditions: 960×540, 640×360, 426×240" in plan.warnings[0]
    result = execute("proxy", [source], {"package": "hls", "effort": "ultrafast"}, tmp_path)
    with zipfile.ZipFile(result.path) as archive:
        names = archive.namelist()
    assert [name for name in names if name.endswith("seg00001.m4s")] == [f"{folder}/seg00001.m4s" for folder in ("540p", "360p", "240p", "audio")]


def test_picture_and_sound_stay_together(media_dir: Path, tmp_path: Path) -> None:
    source = clip(media_dir, "small.mp4")
    result = execute("proxy", [source], {"package": "hls"}, tmp_path)
    with zipfile.ZipFile(result.path) as archive:
        archive.extractall(tmp_path / "u")
    joined = {}
    for folder in ("180p", "audio"):
        files = sorted((tmp_path / "u" / folder).glob("*.m4s"))
        joined[folder] = tmp_path / f"{folder}.mp4"
        joined[folder].write_bytes((tmp_path / "u" / folder / "init.mp4").read_bytes() + b"".join(f.read_bytes() for f in files))
    begins = {}
    for folder, path in joined.items():
        lines = making.ffmpeg("-i", str(path), "-map", "0", "-c", "copy", "-copyts", "-f", "framecrc", "-").decode()
        base = re.search(r"#tb 0: (\d+)/(\d+)", lines)
        assert base is not None
        begins[folder] = min(int(line.split(",")[2]) for line in lines.splitlines() if not line.startswith("#")) * int(base[1]) / int(base[2])
    # AAC's encoder needs 1024 samples before the first that is heard.
    assert begins["180p"] - begins["audio"] == pytest.approx(1024 / 48000, abs=0.003)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.0,\nseg00000.ts\n", "whole"),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.0,\n../seg00000.ts\n#EXT-X-ENDLIST\n", "segments"),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:5.0,\nseg00000.ts\n#EXT-X-ENDLIST\n", "longer"),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.0,\nseg00001.ts\n#EXT-X-ENDLIST\n", "listed"),
    ],
)
def test_a_wrong_playlist_is_found(tmp_path: Path, lines: str, why: str) -> None:
    (tmp_path / "index.m3u8").write_text(lines)
    (tmp_path / "seg00000.ts").write_bytes(b"x")
    with pytest.raises(MediaError) as caught:
        lists.read(tmp_path)
    assert caught.value.code.name == "tool_failed"
    assert why in (caught.value.log or "")


@pytest.mark.parametrize(
    ("params", "code"), [({"height": 10}, "bad_parameter"), ({"package": "dash"}, "bad_parameter"), ({"crf": 60}, "bad_parameter")]
)
def test_bad_input(params: dict[str, Any], code: str) -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("proxy", [making.media()], params)
    assert caught.value.code.name == code


def test_sound_alone_is_refused(media_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        execute("proxy", [clip(media_dir, "sound.wav")], {}, tmp_path)
    assert caught.value.code.name in ("no_video", "bad_parameter")


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("proxy", {}),
        ("proxy", {"package": "hls"}),
        ("compress", {"target_mb": 0.1, "effort": "ultrafast"}),
        ("compress", {"vmaf": 90, "effort": "ultrafast"}),
        ("compress", {"codec": "vp9", "effort": "ultrafast"}),
    ],
)
def test_a_corrupt_middle_is_the_files_fault(media_dir: Path, tmp_path: Path, operation: str, params: dict[str, Any]) -> None:
    data = bytearray(clip(media_dir, "small.mp4").read_bytes())
    begin = data.index(b"mdat") + 4
    for at in range(begin + 20_000, len(data) - 60_000, 97):
        data[at] ^= 0x5A
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    with pytest.raises(MediaError) as caught:
        execute(operation, [broken], params, tmp_path)
    assert caught.value.code.name == "corrupt_media"
