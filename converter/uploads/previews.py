"""What takes longer than a filmstrip: the marks at which one cuts, and a stand-in for what browsers can't play."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings

from converter.engine import run
from converter.engine.analysis.report import Question, answer
from converter.engine.errors import MediaError
from converter.engine.limits import Limits
from converter.engine.media import Media
from converter.engine.workbench import Progress, Source, Workbench

from . import storage
from .derived import source_of
from .making import Pending, ask
from .models import Upload

VERSION = 1
"""Raised when the same upload begins to give other marks or another stand-in."""
SCENE_WORK = 100.0
"""Seconds of one core that may go into the scenes of a clip that somebody opened: about 12 minutes of 1080p."""
STAND_IN = {"height": 480, "crf": 27, "effort": "ultrafast", "package": "mp4"}
"""Small and quick: it is made while somebody waits for it."""

_marks, _stand_ins = threading.Semaphore(1), threading.Semaphore(1)


def markers(upload: Upload) -> Path | Pending:
    """A JSON file `{"keyframes": […], "scenes": […], "silences": [[from, to], …]}`, in seconds; null where nothing of the kind was sought.

    Keyframes are there at once, silences in seconds, scenes last; `Pending.found` has what is known. Raises `MediaError`:
    `unsupported_media` for what has no time, `gone`, and what the analysis raises.
    """
    source = source_of(upload)
    if not source.media.duration:
        raise MediaError("unsupported_media", "A still picture has no moments to be marked.")

    def make(work: Path, pending: Pending) -> Path:
        found: dict[str, Any] = {"keyframes": None, "scenes": None, "silences": None}
        wanted = sought(source.media)
        # Minutes of work that nobody waits for, on the cores that answer the same person's page: the other half of them stays free.
        limits = storage.limits()
        limits = replace(limits, nice=settings.WORKER_NICE, threads=limits.threads or max(1, (os.cpu_count() or 1) // 2))
        for number, name in enumerate(wanted):
            found[name] = _found(source, name, work, limits, pending, (number / len(wanted), 1 / len(wanted)))
            pending.found = dict(found)
        target = work / "markers.json"
        target.write_text(json.dumps(found, separators=(",", ":")), encoding="utf-8")
        return target

    return ask(upload, f"markers-{VERSION}.json", make, _marks)


def sought(media: Media) -> list[str]:
    """Which marks are sought in a file, the quickest first."""
    film = media.kind == "video" and media.video is not None
    applies = {"keyframes": film, "silences": media.audio is not None, "scenes": media.video is not None and media.moving and _affordable(media)}
    return [name for name, wanted in applies.items() if wanted]


def _affordable(media: Media) -> bool:
    cuts = {name: name == "scenes" for name in ("scenes", "keyframes", "black", "frozen", "motion", "samples", "silences", "loudness")}
    return run.plan("analyse", [media], cuts).work_seconds <= SCENE_WORK


def stand_in(upload: Upload) -> Path | Pending:
    """A small MP4 with the same frames at the same times, that every browser plays.

    Raises `MediaError`: `no_video`, `gone`, `disk_full`, and what the proxy operation raises.
    """
    source = source_of(upload)
    if source.media.video is None or not source.media.moving:
        raise MediaError("no_video", "Nothing moves in this upload.")

    def make(work: Path, pending: Pending) -> Path:
        storage.check_room(run.plan("proxy", [source.media], STAND_IN).size_range[1])

        def tell(progress: Progress) -> None:
            pending.progress = progress.fraction

        return run.execute("proxy", [source], STAND_IN, work=work, progress=tell, stop=lambda: not source.path.exists(), limits=storage.limits()).path

    return ask(upload, f"preview-{VERSION}.mp4", make, _stand_ins)


def _found(source: Source, name: str, work: Path, limits: Limits, pending: Pending, stretch: tuple[float, float]) -> Any:
    base, share = stretch

    def tell(progress: Progress) -> None:
        pending.progress = base + share * progress.fraction

    bench = Workbench(work, (source,), progress=tell, stop=lambda: not source.path.exists(), limits=limits)
    report = answer(bench, Question(frozenset({name})))
    pending.progress = base + share
    if name == "scenes":
        return [scene["start"] for scene in report.get("scenes") or [] if scene["start"] > 0]
    return report.get(name) or []
