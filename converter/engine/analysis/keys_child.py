"""When the keyframes of a film are shown: runs alone in the sandbox, prints one JSON array of seconds.

From the index where the container has a whole one, else from the packets; nothing is decoded.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

MOST = 50_000


def keys(file: Any, request: dict[str, Any]) -> list[float]:
    """Seconds from the film's start, at most `MOST`."""
    import av

    av.logging.set_level(None)
    with av.open(file, format=request["demuxer"], options=request["options"], metadata_errors="replace") as container:
        stream = container.streams[request["stream"]]
        origin, base = (container.start_time or 0) / 1_000_000, float(stream.time_base)
        found: list[float] = []
        # Packets that are no keyframes are not even read where the container can tell them apart before.
        stream.discard = type(stream.discard).nonkey
        for packet in container.demux(stream):
            if packet.is_keyframe and packet.pts is not None and not packet.is_discard:
                found.append(round(packet.pts * base - origin, 3))
                if len(found) >= MOST:
                    break
                if len(found) % 500 == 0:
                    sys.stdout.write(" ")
                    sys.stdout.flush()
    return sorted(found)


if __name__ == "__main__":
    with os.fdopen(int(sys.argv[1]), "rb") as source:
        json.dump(keys(source, json.loads(sys.argv[2])), sys.stdout)
