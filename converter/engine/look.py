"""Look at a few moments of a film or a recording, for estimates: once for each content, in the sandbox, at about a third of a second of CPU."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

from . import guards
from .config import default_limits
from .errors import MediaError
from .files import private_dir
from .seen import Look
from .workbench import Source, Workbench

CPU_SECONDS, WALL_SECONDS = 10, 60
"""Most that a look may take; what needs more is estimated without one."""
_CHILD = Path(__file__).resolve().parent / "look_child.py"


def look(source: Source, work: Path) -> Look | None:
    """What moments of `source` need of an encoder; None where there is nothing to see or hear, or the file does not let itself be looked at.

    `work` is a directory to make a private one in. Raises `MediaError("gone")` when the file is not there.
    """
    media = source.media
    video, audio = media.video if media.moving else None, media.audio
    if not media.duration or (video is None and audio is None):
        return None
    limits = replace(default_limits(), cpu_seconds=CPU_SECONDS, wall_seconds=WALL_SECONDS)
    request = {
        **guards.reader(media, limits),
        **{"stream": video.index if video else None, "sound": audio.index if audio else None},
        **{"duration": media.duration, "fps": video.fps if video and video.fps > 0 else 25.0},
    }
    answer = bytearray()
    place = private_dir(work)
    bench = Workbench(place, (source,), limits=limits)
    try:
        with bench.opened(0) as descriptor:
            bench.python(_CHILD, (str(descriptor), json.dumps(request)), keep=(descriptor,), on_output=answer.extend)
        found = Look.from_dict(json.loads(answer))
    except (MediaError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, MediaError) and error.code.name == "gone":
            raise
        # Nothing depends on it: plans have their own ranges.
        return None
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return found if found.moments or found.sounds else None
