"""The clips that are measured on, and what is made from them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_FOLDER = ROOT.parent / "shared" / "media"


@dataclass(frozen=True, slots=True)
class Clip:
    """A real clip and where the interesting part of it begins, in seconds.

    A frame begins exactly at `start`: tools differ in which frame they show first when none does, and
    being one frame beside each other would drown every difference in quality.
    """

    key: str
    file: str
    start: float
    what: str
    seconds: float = 60.0
    """How much there is from `start` on, at least, in whole seconds."""


CLIPS = (
    Clip("bunny", "bunny_1080p_24fps_aac51.mp4", 12.0, "film, 1920×1080, 24 fps, moving"),
    Clip("talk", "talk_720p_speech.mp4", 3.0, "a talking head, 1280×720, 30 fps, nearly static"),
    Clip("car", "car_432p_12fps.mp4", 3.04, "traffic, 768×432, 12.5 fps, noisy, scaled up"),
    Clip("flower", "flower_540p_5s.mp4", 0.0, "camera, 960×540, 5.06 s", 5.0),
)


class Clips:
    """The clips of a folder. A clip that is not there is reported when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> tuple[Clip, Path] | None:
        """A clip and its file, or None when the folder does not have it."""
        clip = next(c for c in CLIPS if c.key == key)
        path = self.folder / clip.file
        return (clip, path) if path.is_file() else None

    def require(self, key: str) -> tuple[Clip, Path]:
        """A clip and its file. Raises `FileNotFoundError` when the folder does not have it."""
        found = self.get(key)
        if found is None:
            raise FileNotFoundError(f"{self.folder} has no clip {key!r}; point --clips at the folder that has it")
        return found


def repeated(ffmpeg: str, source: Path, target: Path, size: int) -> Path:
    """A playable file of at least `size` bytes: the source's packets over and over, nothing encoded."""
    times = -(-size // source.stat().st_size)
    loop = ["-stream_loop", str(times - 1), "-i", str(source)]
    argv = [ffmpeg, "-v", "error", "-nostdin", "-y", *loop, "-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", str(target)]
    subprocess.run(argv, check=True, capture_output=True)
    return target
