"""The few process-wide settings of the engine, set once at start by whoever embeds it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .limits import Limits


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """`ffmpeg_binary` empty means "find one"; `limits` are used where a call brings none.

    `analysis_cache` is where `converter.engine.analysis` keeps what it measured, if anywhere.
    `gif_cores` is how many cores one GIF may use, 1 or 2; its bytes are the same.
    `strict_sandbox` lets no tool start below the rung `sandbox.STRICT`.
    `kernel_cache` is where `converter.engine.gif.warm` left the GIF encoder's machine code.
    """

    ffmpeg_binary: str = ""
    threads: int = 0
    limits: Limits = field(default_factory=Limits)
    analysis_cache: Path | None = None
    gif_cores: int = 2
    strict_sandbox: bool = False
    kernel_cache: Path = Path(__file__).resolve().parents[2] / "var" / "kernels"


_current = EngineConfig()


def configure(**changes: Any) -> EngineConfig:
    """Change fields of the process-wide configuration and return it. Raises `TypeError` for unknown names."""
    global _current
    _current = replace(_current, **changes)
    return _current


def current() -> EngineConfig:
    """The configuration in force."""
    return _current


def default_limits() -> Limits:
    """The configured limits, with the configured number of threads."""
    limits = _current.limits
    return replace(limits, threads=_current.threads) if _current.threads and not limits.threads else limits
