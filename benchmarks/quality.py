"""How close a result comes to its source: SSIM, PSNR, VMAF, how steady it is, and whether bands show."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .bench import Bench
from .clips import ROOT
from .measure import CommandError

MODEL = "vmaf_v0.6.1"
"""Built into the ffmpeg that the wheel brings."""
_SSIM = re.compile(r"SSIM .*All:([\d.]+)")
_PSNR = re.compile(r"PSNR .*average:([\d.]+|inf)")


@dataclass(frozen=True, slots=True)
class Quality:
    """SSIM (0–1, YUV 4:4:4), PSNR (dB, RGB) and VMAF (0–100): higher is better. `steadiness` (tstab)
    is the mean of |Δframe(result) − Δframe(source)| in grey levels of 0–255, and `banding` is CAMBI of the
    result (0–24, visible above 5): lower is better."""

    ssim: float
    psnr: float
    vmaf: float
    steadiness: float
    banding: float


@dataclass(frozen=True, slots=True)
class Frame:
    """What both are compared as: pixels, frames per second, number of frames."""

    width: int
    height: int
    fps: float
    count: int

    @property
    def clock(self) -> str:
        """Filters that show a file by its own clock, at this rate, for exactly this many frames."""
        shown = f"fps={self.fps:g}:round=near,tpad=stop_mode=clone:stop=-1,trim=end_frame={self.count}"
        return f"{shown},setpts=N/{self.fps:g}/TB,scale={self.width}:{self.height}:flags=lanczos"


def cover(width: int, height: int) -> str:
    """Filters that fill a frame and crop what is left over."""
    return f"scale={width}:{height}:flags=lanczos:force_original_aspect_ratio=increase,crop={width}:{height}"


def reference(bench: Bench, source: Path, start: float, frame: Frame) -> Path:
    """The source cut, scaled (lanczos) and cropped, without loss."""
    target = bench.work / "reference.mkv"
    cut = ["-ss", str(start), "-t", str(frame.count / frame.fps), "-i", str(source)]
    filters = f"fps={frame.fps:g},{cover(frame.width, frame.height)},format=bgr0"
    bench.call(bench.ffmpeg_argv(*cut, "-map", "0:v:0", "-vf", filters, "-frames:v", str(frame.count), "-c:v", "ffv1", str(target)))
    return target


def compare(bench: Bench, result: Path, original: Path, frame: Frame) -> Quality:
    """Measure a result against its reference, frame by frame, each by its own clock."""
    log = bench.work / "vmaf.json"
    graph = (
        f"[0:v]{frame.clock},split=3[a][b][c];[1:v]{frame.clock},split=3[d][e][f];"
        "[a]format=yuv444p[a0];[d]format=yuv444p[d0];[a0][d0]ssim;"
        "[b]format=gbrp[b0];[e]format=gbrp[e0];[b0][e0]psnr;"
        "[c]format=yuv420p[c0];[f]format=yuv420p[f0];"
        f"[c0][f0]libvmaf='model=version={MODEL}:feature=name=cambi:n_threads=2:log_fmt=json:log_path={log.name}'"
    )
    argv = [bench.ffmpeg, "-hide_banner", "-nostdin", "-nostats", "-i", str(result), "-i", str(original), "-lavfi", graph, "-f", "null", "-"]
    done = subprocess.run(argv, cwd=bench.work, capture_output=True, text=True, check=False)
    ssim, psnr = _SSIM.search(done.stderr), _PSNR.search(done.stderr)
    if done.returncode or ssim is None or psnr is None:
        raise CommandError(f"{result.name} could not be compared:\n{done.stderr[-2000:]}")
    steady = bench.call([sys.executable, str(ROOT / "benchmarks" / "steadiness.py"), bench.ffmpeg, str(result), str(original), frame.clock])
    pooled = json.loads(log.read_text())["pooled_metrics"]
    return Quality(float(ssim[1]), float(psnr[1]), pooled["vmaf"]["mean"], float(steady), pooled["cambi"]["mean"])
