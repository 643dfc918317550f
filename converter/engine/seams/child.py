"""The process that compares pictures: `python -I child.py REQUEST`, in a directory with raw pictures and sound that ffmpeg made.

Runs alone in the sandbox and knows nothing of the project. Writes the seams as JSON to `output`.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any


def main(request: dict[str, Any]) -> int:
    """Find the seams; exit status 0."""
    matching = load("matching")
    parts = [_part(matching, part, request["rate"]) for part in request["parts"]]
    wish = matching.Wish(**request["wish"])
    seams = matching.find(parts[0], parts[-1], wish, request["best"])
    answer = {"seams": [_as_dict(seam) for seam in seams], "frames": [len(part.frames) for part in parts]}
    Path(request["output"]).write_text(json.dumps(answer), encoding="utf-8")
    return 0


def _part(matching: Any, part: dict[str, Any], rate: float) -> Any:
    frames = matching.read_frames(Path(part["pictures"]).read_bytes())
    sound = Path(part["sound"]).read_bytes() if part["sound"] else b""
    return matching.Part(part["first"], frames, matching.read_sound(sound, len(frames), rate) if sound else None)


def _as_dict(seam: Any) -> dict[str, Any]:
    return {"start": seam.start, "end": seam.end, "score": seam.score, "picture": seam.picture, "sound": seam.sound}


def load(name: str) -> Any:
    """A module that lies beside this script."""
    path = Path(__file__).resolve().parent / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # noqa: S101 - tells the type checker
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
