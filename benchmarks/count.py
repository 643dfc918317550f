"""Count the frames that a player shows: `python -m benchmarks.count FILE` prints JSON.

A process of its own, so that the libraries it loads never weigh on the measuring process.
"""

from __future__ import annotations

import json
import sys

import av


def main() -> None:
    """Decode the first picture stream; frames at negative times are cut away by an edit list and not shown."""
    with av.open(sys.argv[1]) as container:
        stream = container.streams.video[0]
        times = [float(frame.pts * frame.time_base) for frame in container.decode(stream) if frame.pts is not None]
        shown = [time for time in times if time >= -1e-6]
        duration = container.duration / av.time_base if container.duration else None
    print(json.dumps({"frames": len(shown), "duration": duration, "start": min(shown, default=None), "decoded": len(times)}))


main()
