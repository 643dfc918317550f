"""Which machine and which versions a run was made with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import psutil


def header(ffmpeg: str, skipped: tuple[str, ...]) -> dict[str, str]:
    """What a reader needs to judge the numbers. No name of the machine."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": f"{_processor()}, {psutil.cpu_count()} threads",
        "busy": f"load average {os.getloadavg()[0]:.1f} when the run began",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "ffmpeg": ffmpeg_version(ffmpeg),
        "packages": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("django", "celery", "gunicorn", "av")),
        "skipped peers": "; ".join(skipped) or "none",
    }


def ffmpeg_version(ffmpeg: str) -> str:
    """The version as ffmpeg prints it."""
    first = subprocess.run([ffmpeg, "-version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]
    return first.split()[2]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
