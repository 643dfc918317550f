"""Count the frames that a player shows: `python -m benchmarks.count FILE` prints JSON.

A process of its own, so that the libraries it loads never weigh on the measuring process.
"""

from __future__ import annotations

import json
import sys

import av


def count(path: str, options: dict[str, str]) -> tuple[int, float | None]:
    """Decoded frames of the first picture stream, and the file's seconds."""
    with av.open(path, options=options) as container:
        frames = sum(1 for frame in container.decode(container.streams.video[0]))
        return frames, container.duration / av.time_base if container.duration else None


def main() -> None:
    """Once as the file says, and once as players do that ignore edit lists."""
    frames, duration = count(sys.argv[1], {})
    careless, _ = count(sys.argv[1], {"ignore_editlist": "1"})
    print(json.dumps({"frames": frames, "duration": duration, "careless": careless}))


main()
