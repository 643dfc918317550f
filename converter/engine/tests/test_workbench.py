from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from converter.engine import probe
from converter.engine.errors import MediaError
from converter.engine.limits import Limits
from converter.engine.operations.base import Command, Input
from converter.engine.tests.formats import make
from converter.engine.tests.making import clip, ffmpeg
from converter.engine.workbench import Progress, Source, Workbench

SMALL = ("-map", "0:v:0", "-vf", "scale=160:90", "-c:v", "libx264", "-preset", "ultrafast")


def source(path: Path) -> Source:
    return Source(path, probe.inspect(path, path.name))


def failing(bench: Workbench, command: Command) -> MediaError:
    with pytest.raises(MediaError) as caught:
        bench.ffmpeg(command)
    return caught.value


def test_steps_share_the_progress_and_the_costs(media_dir: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    bench = Workbench(tmp_path, (source(clip(media_dir, "small.mp4")),), progress=seen.append, reserve=0.1)
    bench.ffmpeg(Command("first", (Input(0),), SMALL, "first.mp4", "mp4", 5.0, 0.6))
    once = bench.metrics
    bench.ffmpeg(Command("second", (Input(work_file="first.mp4", options=("-ss", "1")),), ("-c", "copy"), "second.mkv", "matroska", 4.0, 0.4))
    assert (tmp_path / "second.mkv").stat().st_size > 0
    assert [item.fraction for item in seen] == sorted(item.fraction for item in seen)
    assert seen[0] == Progress(0.0, "first")
    assert [item.stage for item in seen if item.stage == "second"]
    assert seen[-1].fraction == pytest.approx(0.9)
    assert 0 < once.cpu_seconds < bench.metrics.cpu_seconds
    bench.finish("done")
    assert seen[-1].fraction == 1.0


def test_progress_never_falls(tmp_path: Path) -> None:
    seen: list[Progress] = []
    bench = Workbench(tmp_path, progress=seen.append)
    for fraction in (0.2, 0.5, 0.3, 7.0, 0.1):
        bench.advance(fraction, "x")
    assert [item.fraction for item in seen] == [0.2, 0.5, 1.0]


def test_one_source_twice_and_output_in_pieces(media_dir: Path, tmp_path: Path) -> None:
    pieces: list[bytes] = []
    bench = Workbench(tmp_path, (source(clip(media_dir, "small.mp4")),))
    graph = "[0:v]scale=64:36,fps=5[a];[1:v]scale=64:36,fps=5[b];[a][b]concat=n=2[out]"
    command = Command(
        "both", (Input(0), Input(0, options=("-ss", "2"))), ("-filter_complex", graph, "-map", "[out]", "-pix_fmt", "gray"), "", "rawvideo", 8
    )
    bench.ffmpeg(command, pieces.append)
    assert sum(map(len, pieces)) == pytest.approx(64 * 36 * 40, rel=0.05)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../out.mp4", "/tmp/out.mp4", "-y", "a%d.png", "http:x.mp4", "", "a b.mp4", "concat:a|b", "é.mp4"])
def test_only_plain_names_in_the_work_directory(media_dir: Path, tmp_path: Path, name: str) -> None:
    bench = Workbench(tmp_path, (source(clip(media_dir, "small.mp4")),))
    if name:
        assert failing(bench, Command("x", (Input(0),), SMALL, name, "mp4", 1)).code.name == "internal"
    assert failing(bench, Command("x", (Input(work_file=name),), SMALL, "out.mp4", "mp4", 1)).code.name == "internal"


def test_a_source_that_is_gone(media_dir: Path, tmp_path: Path) -> None:
    item = source(clip(media_dir, "small.mp4"))
    bench = Workbench(tmp_path, (replace(item, path=tmp_path / "nothing"),))
    assert failing(bench, Command("x", (Input(0),), SMALL, "out.mp4", "mp4", 1)).code.name == "gone"


def test_a_mistake_of_ours_is_not_blamed_on_the_file(media_dir: Path, tmp_path: Path) -> None:
    bench = Workbench(tmp_path, (source(clip(media_dir, "small.mp4")),))
    error = failing(bench, Command("x", (Input(0),), ("-vf", "no_such_filter"), "out.mp4", "mp4", 1))
    assert error.code.name == "tool_failed"
    assert "no_such_filter" in error.log
    assert "no_such_filter" not in error.detail


def test_stop(media_dir: Path, tmp_path: Path) -> None:
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    bench = Workbench(tmp_path, (source(clip(media_dir, "bunny_1080p_24fps_aac51.mp4")),), stop=stop)
    assert (
        failing(bench, Command("x", (Input(0),), ("-map", "0:v", "-c:v", "libx264", "-preset", "slower"), "out.mp4", "mp4", 30)).code.name
        == "cancelled"
    )
    with pytest.raises(MediaError):
        bench.check_stop()


@pytest.mark.parametrize("name", ["small.mp4", "a.mkv", "hevc.mp4", "av1.mp4", "a.mov", "a.m4a", "a.flac", "a.ogg", "recorded.webm"])
def test_a_destroyed_middle_is_no_success(media_dir: Path, tmp_path: Path, name: str) -> None:
    path = clip(media_dir, name) if name == "small.mp4" else make(media_dir, name)
    data = bytearray(path.read_bytes())
    start, end = len(data) * 4 // 10, len(data) * 6 // 10
    data[start:end] = random.Random(1).randbytes(end - start)
    broken = tmp_path / "broken"
    broken.write_bytes(data)
    with pytest.raises(MediaError) as caught:
        Workbench(tmp_path, (source(broken),)).ffmpeg(Command("x", (Input(0),), ("-map", "0"), "", "null", 2))
    assert caught.value.code.name == "corrupt_media"


@pytest.mark.parametrize("start", [0.13, 1.07, 2.21, 3.4])
@pytest.mark.parametrize("encoder", ["libx264", "libx265", "mpeg2video"])
def test_a_cut_in_an_open_group_of_pictures_is_no_damage(media_dir: Path, tmp_path: Path, encoder: str, start: float) -> None:
    path = media_dir / f"open-{encoder}.mkv"
    if not path.exists():
        options = {"libx264": "open-gop=1:bframes=3", "libx265": "open-gop=1:bframes=4:log-level=error"}.get(encoder)
        more = (f"-{encoder[3:]}-params", options, "-preset", "ultrafast") if options else ("-bf", "2")
        ffmpeg("-i", str(clip(media_dir, "small.mp4")), "-an", "-c:v", encoder, "-g", "30", *more, str(path))
    bench = Workbench(tmp_path, (source(path),))
    bench.ffmpeg(Command("x", (Input(0, options=("-ss", str(start), "-t", "1")),), ("-map", "0:v"), "", "null", 1))
    assert bench.damaged == 0
    assert bench.warnings() == ()


def test_a_scratch_is_mentioned(media_dir: Path, tmp_path: Path) -> None:
    data = bytearray((media_dir / "talk_720p_speech.mp4").read_bytes())
    # A few bytes in one place of a clip of 1,272 pictures.
    at = len(data) // 2
    data[at : at + 400] = b"\xff" * 400
    broken = tmp_path / "broken"
    broken.write_bytes(data)
    bench = Workbench(tmp_path, (source(broken),))
    bench.ffmpeg(
        Command(
            "x",
            (Input(0),),
            (
                "-map",
                "0",
            ),
            "",
            "null",
            42,
        )
    )
    assert bool(bench.warnings()) == bool(bench.damaged)
    assert bench.damaged <= 12


def test_memory_is_bounded(media_dir: Path, tmp_path: Path) -> None:
    # With one thread the decoder gets through and the encoder's look-ahead does not.
    limits = replace(Limits(), memory_bytes=220 << 20, cpu_seconds=600, wall_seconds=600, threads=1)
    bench = Workbench(tmp_path, (source(media_dir / "bunny_1080p_24fps_aac51.mp4"),), limits=limits)
    error = failing(bench, Command("x", (Input(0),), ("-map", "0:v", "-c:v", "libx264", "-preset", "veryslow"), "out.mp4", "mp4", 30))
    assert error.code.name == "out_of_memory", error.log
