"""Our own encoder as a tool: fed through a pipe, watched, stopped, and replaced where it can't run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PIL import Image

from converter.engine import gif, probe, run
from converter.engine.config import configure, current
from converter.engine.errors import MediaError
from converter.engine.gif import encoder, warm
from converter.engine.limits import Limits
from converter.engine.pair import Side, run_pair, run_pairs
from converter.engine.sandbox import Policy
from converter.engine.tests.making import CAR, FLOWER, clip, difference, execute, ffmpeg, frames, soon

pytestmark = pytest.mark.xdist_group("gif-kernel")
SMALL = {"width": 160, "height": 90, "fps": 24, "duration": 1}


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    assert warm.warm(current().kernel_cache)


@pytest.fixture
def without_kernel(tmp_path: Path) -> Iterator[None]:
    before = current().kernel_cache
    configure(kernel_cache=tmp_path / "none")
    yield
    configure(kernel_cache=before)


@pytest.mark.parametrize("profile", encoder.PROFILES)
def test_every_profile_is_exact_and_close_to_its_source(media_dir: Path, tmp_path: Path, profile: str) -> None:
    result = execute("gif", [clip(media_dir, "small.mp4")], {**SMALL, "profile": profile}, tmp_path)
    info = gif.inspect_gif(result.path)
    assert info.delays_cs == (4, 4, 4, 4, 4, 5) * 4
    assert "kernel" in result.tools["encoder"]
    shown = frames(result.path)
    source = frames(clip(media_dir, "small.mp4"), "fps=24:start_time=0")[:24]
    assert max(difference(a, b) for a, b in zip(shown, source, strict=True)) < 6
    with Image.open(result.path) as image:
        image.seek(23)
        assert difference(image.convert("RGB"), shown[23]) == 0


def test_profiles_differ_in_size(media_dir: Path, tmp_path: Path) -> None:
    sizes = [
        execute("gif", [clip(media_dir, CAR)], {**SMALL, "width": 480, "height": 270, "profile": p}, tmp_path).size
        for p in ("fast", "balanced", "best")
    ]
    assert sizes[1] < sizes[2]
    assert sizes[0] < sizes[2]


def test_rare_sizes_rates_and_single_frames(media_dir: Path, tmp_path: Path) -> None:
    for width, height, fps, duration in ((16, 17, 50, 0.5), (333, 16, 1, 3), (31, 33, 23.976, 0.02)):
        result = execute("gif", [clip(media_dir, "small.mp4")], {"width": width, "height": height, "fps": fps, "duration": duration}, tmp_path)
        info = gif.inspect_gif(result.path)
        assert (info.width, info.height) == (width, height)
        assert info.frames == result.plan.expects.frames


def test_repeated_frames_are_the_same_bytes(media_dir: Path, tmp_path: Path) -> None:
    result = execute("gif", [clip(media_dir, FLOWER)], {**SMALL, "start": 4.5, "duration": 2, "fill": "loop"}, tmp_path)
    images = [block.size for block in gif.read_blocks(result.path) if isinstance(block, gif.Image)]
    period = next(k for k in range(1, 48) if images[k] == images[0] and images[k + 1] == images[1])
    assert images == [images[k % period] for k in range(48)]


def test_two_cores_make_the_bytes_of_one(media_dir: Path, tmp_path: Path) -> None:
    path = clip(media_dir, CAR)
    source, results = run.Source(path, probe.inspect(path)), []
    before = current().gif_cores
    try:
        for cores in (1, 2):
            configure(gif_cores=cores)
            work = tmp_path / str(cores)
            work.mkdir()
            results.append(run.execute("gif", [source], {**SMALL, "start": 1.3, "duration": 2}, work=work, limits=Limits(threads=cores)))
    finally:
        configure(gif_cores=before)
    assert results[0].path.read_bytes() == results[1].path.read_bytes()
    assert results[0].tools == results[1].tools


def test_without_the_kernel_ffmpeg_stands_in_and_says_so(media_dir: Path, tmp_path: Path, without_kernel: None) -> None:
    result = execute("gif", [clip(media_dir, "small.mp4")], SMALL, tmp_path)
    assert result.tools["encoder"] == "ffmpeg"
    assert any("encoder" in warning for warning in result.warnings)
    assert gif.inspect_gif(result.path).delays_cs == (4, 4, 4, 4, 4, 5) * 4


@pytest.mark.parametrize("content", [b"", b"\x7fELF no library", None])
def test_a_library_that_does_not_load_is_found_out_at_once(media_dir: Path, tmp_path: Path, without_kernel: None, content: bytes | None) -> None:
    # The stamp says that it fits, but the library is damaged, or another one.
    working = Path("/lib/x86_64-linux-gnu/libc.so.6").resolve()
    if content is None and not working.exists():
        pytest.skip("no other library to try")
    current().kernel_cache.mkdir()
    encoder.library().write_bytes(working.read_bytes() if content is None else content)
    (current().kernel_cache / encoder.STAMP).write_text(encoder.stamp())
    assert gif.ready()
    result = execute("gif", [clip(media_dir, "small.mp4")], SMALL, tmp_path)
    assert result.tools["encoder"] == "ffmpeg"
    assert sorted(path.name for path in result.path.parent.iterdir()) == ["palette.png", "result.gif"]


def test_the_encoder_needs_nothing_that_was_installed(tmp_path: Path) -> None:
    request = encoder.Request(16, 16, (4,), 0, "balanced", 256, "normal", False, str(tmp_path / "a.gif"))
    argv = request.argv(0)
    code = f"import sys, runpy; sys.argv = {argv[-2:]!r}; runpy.run_path({argv[-2]!r}, run_name='__main__')"
    code = f"import atexit, sys; atexit.register(lambda: print(sorted({{name.split('.')[0] for name in sys.modules}}))); {code}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], input=bytes(4 * 16 * 16), capture_output=True, check=True)
    assert gif.inspect_gif(tmp_path / "a.gif").frames == 1
    for module in ("numpy", "numba", "llvmlite", "PIL", "django", "logging", "asyncio", "subprocess"):
        assert f"'{module}'".encode() not in done.stdout


def test_no_picture_there(media_dir: Path, tmp_path: Path) -> None:
    source = clip(media_dir, "small.mp4")
    work = tmp_path / "work"
    work.mkdir()
    media = probe.inspect(source)
    late = run.Source(source, replace(media, duration=9.0, videos=(replace(media.video, duration=9.0),)))
    with pytest.raises(MediaError) as caught:
        run.execute("gif", [late], {**SMALL, "start": 8}, work=work)
    assert caught.value.code.name == "start_past_end"


def test_a_stop_kills_both(media_dir: Path, tmp_path: Path) -> None:
    source = clip(media_dir, "bunny_1080p_24fps_aac51.mp4")
    wanted = threading.Event()

    def progress(now: run.Progress) -> None:
        if now.fraction > 0.02:
            wanted.set()

    with pytest.raises(MediaError) as caught:
        run.execute(
            "gif",
            [run.Source(source, probe.inspect(source))],
            {"duration": 20, "width": 960, "fps": 24},
            work=tmp_path,
            progress=progress,
            stop=wanted.is_set,
        )
    assert caught.value.code.name == "cancelled"
    assert soon(lambda: children_of(os.getpid(), "gif/kernel/child.py") == [])


def children_of(parent: int, word: str) -> list[str]:
    lines = []
    for child in psutil.Process(parent).children():
        with suppress(psutil.Error):
            lines.append(" ".join(child.cmdline()))
    return [line for line in lines if word in line]


def test_a_damaged_source_is_its_own_fault(media_dir: Path, tmp_path: Path) -> None:
    source = tmp_path / "bad.mp4"
    data = bytearray(clip(media_dir, "small.mp4").read_bytes())
    start = data.index(b"mdat")
    data[start + 2000 : start + 60_000] = bytes(58_000)
    source.write_bytes(data)
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(MediaError) as caught:
        run.execute("gif", [run.Source(source, probe.inspect(source))], SMALL, work=work)
    assert caught.value.code.name == "corrupt_media"


_PEAK = """
import sys
from pathlib import Path
from converter.engine import probe, run
source, work, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
params = {"width": 1280, "height": 720, "fps": 10, "duration": seconds, "profile": "fast"}
print(run.execute("gif", [run.Source(source, probe.inspect(source))], params, work=work).metrics.peak_memory)
"""


@pytest.mark.slow
def test_memory_stays_constant(media_dir: Path, tmp_path: Path) -> None:
    # In a process of its own: what this one has imported would be counted as its children's.
    peaks = []
    for seconds in (1, 8):
        work = tmp_path / str(seconds)
        work.mkdir()
        argv = [sys.executable, "-c", _PEAK, str(clip(media_dir, "bunny_720p_vp8.webm")), str(work), str(seconds)]
        peaks.append(int(subprocess.run(argv, check=True, capture_output=True).stdout))
    assert max(peaks) < 260_000_000
    assert peaks[1] < peaks[0] + 40_000_000


def pipes() -> set[str]:
    """The ends of pipes that this process has, each by its descriptor and the pipe's own number. Other threads may close some."""
    found = set()
    for path in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.add(f"{path.name} {path.readlink()}")
    return {text for text in found if " pipe:" in text}


def test_a_reader_that_dies_is_the_cause(tmp_path: Path) -> None:
    def writer(descriptor: int) -> list[str]:
        return [sys.executable, "-I", "-c", f"import os\nwhile True: os.write({descriptor}, bytes(1 << 16))"]

    def reader(descriptor: int) -> list[str]:
        return [sys.executable, "-I", "-c", f"import os, sys; os.read({descriptor}, 9); sys.exit(7)"]

    sides = [Side(argv, Policy(tmp_path, python=True)) for argv in (writer, reader)]
    with pytest.raises(MediaError) as caught:
        run_pair(*sides, Limits())
    assert caught.value.log.startswith("exit 7:")


def test_a_writer_that_dies_is_the_cause(tmp_path: Path) -> None:
    sides = [
        Side(lambda _: [sys.executable, "-I", "-c", "import sys; sys.exit(9)"], Policy(tmp_path, python=True)),
        Side(lambda d: [sys.executable, "-I", "-c", f"import os, sys; sys.exit(len(os.read({d}, 9)) or 4)"], Policy(tmp_path, python=True)),
    ]
    before = pipes()
    with pytest.raises(MediaError) as caught:
        run_pair(*sides, Limits())
    assert caught.value.log.startswith("exit 9:")
    assert soon(lambda: not pipes() - before)


def test_the_first_failure_of_several_pairs_ends_all(tmp_path: Path) -> None:
    def writer(descriptor: int) -> list[str]:
        return [sys.executable, "-I", "-c", f"import os\nwhile True: os.write({descriptor}, bytes(1 << 16))"]

    def reader(script: str) -> Side:
        return Side(lambda d: [sys.executable, "-I", "-c", script.format(d=d)], Policy(tmp_path, python=True))

    endless, brief = reader("import os\nwhile os.read({d}, 1 << 16): pass"), reader("import os, sys; os.read({d}, 9); sys.exit(7)")
    for readers in ((endless, brief), (brief, endless)):
        with pytest.raises(MediaError) as caught:
            run_pairs([(Side(writer, Policy(tmp_path, python=True)), side) for side in readers], Limits())
        assert caught.value.log.startswith("exit 7:")
        assert soon(lambda: children_of(os.getpid(), "os.read") == [])


def test_bytes_arrive_whole(tmp_path: Path) -> None:
    got: list[bytes] = []
    sides = [
        Side(
            lambda d: [sys.executable, "-I", "-c", f"file = open({d}, 'wb')\nfor _ in range(100): file.write(bytes(50_000))\nfile.close()"],
            Policy(tmp_path, python=True),
        ),
        Side(
            lambda d: [sys.executable, "-I", "-c", f"import os; print(len(open({d}, 'rb').read()))"],
            Policy(tmp_path, python=True),
            on_output=got.append,
        ),
    ]
    run_pair(*sides, Limits())
    assert int(b"".join(got)) == 5_000_000


def test_warming_twice_does_nothing_the_second_time(tmp_path: Path) -> None:
    stamp = current().kernel_cache / encoder.STAMP
    before, folders = stamp.stat().st_mtime_ns, set(current().kernel_cache.parent.glob("kernels-*"))
    assert warm.warm(current().kernel_cache)
    assert stamp.stat().st_mtime_ns == before
    assert not set(current().kernel_cache.parent.glob("kernels-*")) - folders


@pytest.mark.parametrize(("name", "part"), [(FLOWER, 0.7), (FLOWER, 0.3), (CAR, 0.5)])
def test_a_size_is_met_and_never_passed(media_dir: Path, tmp_path: Path, name: str, part: float) -> None:
    asked = {**SMALL, "width": 320, "height": 180, "duration": 2}
    for folder in ("free", "capped"):
        (tmp_path / folder).mkdir()
    free = execute("gif", [clip(media_dir, name)], asked, tmp_path / "free")
    most = round(free.size * part / 1e6, 3)
    result = execute("gif", [clip(media_dir, name)], {**asked, "max_mb": most}, tmp_path / "capped")
    assert result.plan.size_range[1] <= most * 1e6
    assert 0.93 * most * 1e6 <= result.size <= most * 1e6
    assert gif.inspect_gif(result.path).delays_cs == (4, 4, 4, 4, 4, 5) * 8
    assert [path.name for path in result.path.parent.iterdir()] == ["result.gif"]


def test_a_size_counts_every_time_a_frame_is_shown(media_dir: Path, tmp_path: Path) -> None:
    asked = {**SMALL, "start": 4.5, "duration": 2, "fill": "loop", "max_mb": 0.25}
    result = execute("gif", [clip(media_dir, FLOWER)], asked, tmp_path)
    assert result.size <= 250_000


@pytest.mark.parametrize("megabytes", [0.01, 0.023])
def test_a_size_that_is_too_small_names_one_that_is_not(media_dir: Path, tmp_path: Path, megabytes: float) -> None:
    with pytest.raises(MediaError) as caught:
        execute("gif", [clip(media_dir, FLOWER)], {**SMALL, "width": 640, "height": 360, "duration": 5, "max_mb": megabytes}, tmp_path)
    assert caught.value.code.name == "target_unreachable"
    assert caught.value.field == "max_mb"
    assert "MB" in caught.value.detail


@pytest.mark.parametrize(
    "source", ["mandelbrot=s=320x180:r=12", "life=s=320x180:r=12:mold=10:ratio=0.2:seed=3", "nullsrc=s=320x180:r=12,geq=random(1)*255"]
)
def test_the_size_that_is_named_works(tmp_path: Path, source: str) -> None:
    path = tmp_path / "made.mkv"
    ffmpeg("-f", "lavfi", "-i", source, "-t", "2", "-c:v", "ffv1", str(path))
    asked = {"duration": 2, "width": 640, "height": 360, "fps": 12}
    with pytest.raises(MediaError) as caught:
        execute("gif", [path], {**asked, "max_mb": 0.01}, tmp_path)
    assert caught.value.code.name == "target_unreachable"
    named = re.search(r"about ([0-9.]+) MB would do", caught.value.detail)
    assert named
    result = execute("gif", [path], {**asked, "max_mb": float(named[1])}, tmp_path)
    assert result.size <= float(named[1]) * 1e6
