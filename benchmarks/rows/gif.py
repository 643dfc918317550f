"""The Chrome background: 6 s → 1280×720, 24 fps, beside every other way to make that GIF."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.clips import Clip
from benchmarks.measure import Contender, Usage
from benchmarks.quality import Frame, compare, cover, reference
from benchmarks.table import Table

TITLE = "GIF, preset chrome-background"
CLIPS = ("bunny", "car", "talk", "flower")
OURS = "cutroom"
PROFILES = {"fast": "cutroom fast", "balanced": OURS, "best": "cutroom best"}
FLOOR, FULL = "floor: decode + lanczos to RGB", "ffmpeg split, full palette, bayer3"
COLUMNS = {
    "way": ("way", ""),
    "cpu": ("CPU s", ".2f"),
    "floor": ("× floor", ".1f"),
    "ours": ("CPU ÷ ours", ".2f"),
    "size": ("MB", ".2f"),
    "seconds": ("length s", ".2f"),
    "ssim": ("SSIM", ".4f"),
    "psnr": ("PSNR dB", ".1f"),
    "vmaf": ("VMAF", ".1f"),
    "steady": ("tstab", ".3f"),
    "bands": ("CAMBI", ".3f"),
    "memory": ("peak MB", ".0f"),
}
Cells = dict[str, Any]
SIX_BITS = "lutrgb=r='bitand(val,252)+2':g='bitand(val,252)+2':b='bitand(val,252)+2'"


def run(bench: Bench) -> list[Table]:
    """One table a clip."""
    tables = []
    for key in CLIPS:
        found = bench.clips.get(key)
        if found is None:
            bench.say(f"SKIPPED clip {key}: {bench.clips.folder} does not have it")
            continue
        tables.append(_clip(bench, *found))
    return tables


def _clip(bench: Bench, clip: Clip, source: Path) -> Table:
    bench.say(f" {clip.key}")
    # What would play again is no work for those who don't fill, and nothing to compare with.
    bench = replace(bench, seconds=min(bench.seconds, clip.seconds))
    frame = Frame(1280, 720, 24, round(bench.seconds * 24))
    usages = bench.race(_contenders(bench, clip, source, frame))
    original = reference(bench, source, clip.start, frame)
    table = Table(f"GIF of {clip.key} ({clip.what}), {bench.seconds:g} s → 1280×720 at 24 fps", COLUMNS)
    floor = usages[FLOOR].cpu
    if bench.peers.gifski is not None:
        usages |= _gifski(bench, clip, frame, original, usages[FLOOR])
    measured = {name: _line(bench, name, usage, floor, original, frame) for name, usage in usages.items()}
    ours = measured.get(OURS)
    for cells in measured.values():
        cells["ours"] = cells["cpu"] / ours["cpu"] if ours else None
        table.add(**cells)
    _targets(table, clip, measured)
    table.notes.append(
        "Ours includes what a safe run costs on any clip: the start of Python, the probe, the sandbox, and decoding the result to verify it."
    )
    table.notes.append(
        "Each file is compared by its own clock. MoviePy gives every frame 4 cs, so that 6 s are over after 5.76 s: the drift is in its figures."
    )
    table.notes.append("gifski reads PNG files: making them is not counted against it; decoding and scaling (the floor) is.")
    return table


def _contenders(bench: Bench, clip: Clip, source: Path, frame: Frame) -> list[Contender]:
    cut = ["-ss", f"{clip.start:g}", "-t", f"{bench.seconds:g}", "-i", str(source), "-map", "0:v:0", "-an"]
    scale = f"fps={frame.fps:g},{cover(frame.width, frame.height)}"
    palette = bench.work / "palette.png"
    sampled = bench.ffmpeg_argv(*cut, "-vf", "fps=4,scale=320:180:flags=area,palettegen=stats_mode=full", str(palette))

    def two_step(target: Path, prepare: str) -> tuple[list[str], ...]:
        graph = f"[0:v]{scale}{prepare}[x];[x][1:v]paletteuse=dither=bayer:bayer_scale=3"
        return (sampled, bench.ffmpeg_argv(*cut[:6], "-i", str(palette), "-lavfi", graph, str(target)))

    full, plain, six = (_file(bench, name) for name in (FULL, "ffmpeg two-step, bayer3", "ffmpeg two-step, 6 bits, bayer3"))
    split = f"[0:v]{scale},split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=bayer:bayer_scale=3"
    options = ["--operation", "gif", "--preset", "chrome-background", "--start", f"{clip.start:g}", "--duration", f"{bench.seconds:g}"]
    contenders = [
        Contender(FLOOR, (bench.ffmpeg_argv(*cut, "-vf", f"{scale},format=rgb24", "-f", "null", "-"),)),
        *(
            Contender(name, (bench.convert(source, _file(bench, name), *options, "--profile", profile, "--json"),), _file(bench, name))
            for profile, name in PROFILES.items()
        ),
        Contender("ffmpeg two-step, 6 bits, bayer3", two_step(six, f",format=bgr0,{SIX_BITS}"), six),
        Contender("ffmpeg two-step, bayer3", two_step(plain, ""), plain),
        Contender(FULL, (bench.ffmpeg_argv(*cut[:6], "-lavfi", split, str(full)),), full),
    ]
    script = str(Path(__file__).resolve().parent.parent / "peers" / "moviepy_gif.py")
    for name, python in (("moviepy 2.2.1", bench.peers.moviepy2), ("moviepy 1.0.3", bench.peers.moviepy1)):
        if python is not None:
            numbers = [f"{n:g}" for n in (clip.start, bench.seconds, frame.width, frame.height, frame.fps)]
            target = _file(bench, name)
            argv = [str(python), script, str(source), str(target), *numbers]
            contenders.append(Contender(name, (argv,), target, {"IMAGEIO_FFMPEG_EXE": bench.ffmpeg}))
    return contenders


def _gifski(bench: Bench, clip: Clip, frame: Frame, original: Path, floor: Usage) -> dict[str, Usage]:
    folder = bench.work / "frames"
    folder.mkdir(exist_ok=True)
    bench.call(bench.ffmpeg_argv("-i", str(original), "-compression_level", "1", str(folder / "%05d.png")))
    pictures = [str(path) for path in sorted(folder.iterdir())]
    contenders = []
    for quality in (100, 90, 70):
        target = _file(bench, f"gifski Q{quality}")
        size = ["-W", str(frame.width), "-H", str(frame.height)]
        argv = [str(bench.peers.gifski), "-q", "-Q", str(quality), "-r", f"{frame.fps:g}", *size, "-o", str(target), *pictures]
        contenders.append(Contender(f"gifski Q{quality}", (argv,), target, extra=floor))
    usages = bench.race(contenders)
    for picture in pictures:
        Path(picture).unlink()
    return usages


def _line(bench: Bench, name: str, usage: Usage, floor: float, original: Path, frame: Frame) -> Cells:
    cells = {"way": name, "cpu": usage.cpu, "floor": usage.cpu / floor, "memory": usage.memory / 1e6}
    if name != FLOOR:
        target = _file(bench, name)
        quality = compare(bench, target, original, frame)
        cells |= {
            "size": target.stat().st_size / 1e6,
            "seconds": bench.streams(target)["duration"],
            "ssim": quality.ssim,
            "psnr": quality.psnr,
            "vmaf": quality.vmaf,
            "steady": quality.steadiness,
            "bands": quality.banding,
        }
    return cells


def _file(bench: Bench, name: str) -> Path:
    return bench.work / f"{''.join(c if c.isalnum() else '-' for c in name)}.gif"


def _targets(table: Table, clip: Clip, measured: dict[str, Cells]) -> None:
    ours, full = measured.get(OURS, {}), measured.get(FULL, {})

    def ratio(name: str, key: str = "cpu", way: str = OURS) -> float | None:
        return measured[way][key] / measured[name][key] if way in measured and name in measured else None

    if clip.key == "bunny":  # on easy clips every way is quick, and the fixed cost of a safe run decides
        table.target("CPU ≤ 6 × floor on film", ours.get("floor"), 6, form=".2f", unit=" ×")
        table.target("fast: CPU ≤ 3.5 × floor on film", measured.get(PROFILES["fast"], {}).get("floor"), 3.5, form=".2f", unit=" ×")
        table.target("CPU ≤ ½ of ffmpeg's full palette on film", ratio(FULL), 0.5, form=".2f", unit=" ×")
    table.target("CPU ≤ moviepy 2.2.1", ratio("moviepy 2.2.1"), 1, form=".2f", unit=" ×")
    if full:
        fast = measured.get(PROFILES["fast"], {})
        table.target("fast: SSIM ≥ ffmpeg's full palette − .005", fast.get("ssim"), full["ssim"] - 0.005, at_least=True, form=".4f")
    table.target("peak memory ≤ 300 MB with ffmpeg", ours.get("memory"), 300, unit=" MB", form=".0f")
    _against(table, measured, OURS, "gifski Q90", size=0.75, cpu=1 / 4 if clip.key == "talk" else 1 / 8, slack=(0.001, 1.0))
    _against(table, measured, PROFILES["best"], "gifski Q100", size=1.0, cpu=1 / 4, slack=(0.0, 0.0))


def _against(table: Table, measured: dict[str, Cells], way: str, peer: str, *, size: float, cpu: float, slack: tuple[float, float]) -> None:
    if way not in measured or peer not in measured:
        return
    ours, theirs = measured[way], measured[peer]
    said = f"{way} against {peer}:"
    table.target(f"{said} size ≤ {size:g} ×", ours["size"] / theirs["size"], size, form=".3f", unit=" ×")
    table.target(f"{said} CPU ≤ {cpu:.3g} ×", ours["cpu"] / theirs["cpu"], cpu, form=".3f", unit=" ×")
    table.target(f"{said} SSIM ≥ {theirs['ssim']:.4f} − {slack[0]:g}", ours["ssim"], theirs["ssim"] - slack[0], at_least=True, form=".4f")
    table.target(f"{said} VMAF ≥ {theirs['vmaf']:.2f} − {slack[1]:g}", ours["vmaf"], theirs["vmaf"] - slack[1], at_least=True, form=".2f")
    table.target(f"{said} tstab no worse", ours["steady"], theirs["steady"], form=".4f")
    table.target(f"{said} CAMBI no worse", ours["bands"], theirs["bands"], form=".4f")
