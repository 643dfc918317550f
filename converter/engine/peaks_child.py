"""The greatest sample of each part of a sound: runs alone in the sandbox, writes one JSON array.

Started as a script with the descriptor of the file and a request in JSON. Samples are looked at as
they come from the decoder: nothing is resampled, mixed or sent through a pipe.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

_SCALES = {"u8": 128.0, "s16": 32768.0, "s32": 2147483648.0, "flt": 1.0, "dbl": 1.0, "s64": 2.0**63}
_USUAL = 2
"""Channels that every format has in the same order."""
_HELD: list[Any] = []


def held(layout: Any) -> None:
    """Never give back a layout of channels in an order of their own: PyAV (18.1) frees what it points to with each copy (`probe_packets.held`)."""
    # The library's names of its own orders have no blanks ("7.1"), those of others do ("8 channels"). Only these are kept: a long film has many.
    if layout.nb_channels > _USUAL and " " in layout.name:
        _HELD.append(layout)


def peaks(file: Any, request: dict[str, Any]) -> list[float]:
    """The peak, 0 to 1 of full scale, of each of `buckets` equal parts of `duration` seconds."""
    import av
    import numpy as np

    av.logging.set_level(None)
    count, duration = request["buckets"], request["duration"]
    found = np.zeros(count, dtype=np.float64)
    with av.open(file, format=request["demuxer"], options=request["options"], metadata_errors="replace") as container:
        stream = container.streams[request["stream"]]
        origin = (container.start_time or 0) / 1_000_000
        per_second, after = count / duration, 0.0
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                held(frame.layout)
                begin = float(frame.pts * frame.time_base) - origin if frame.pts is not None else after
                after = begin + frame.samples / frame.sample_rate
                first, last = begin * per_second, after * per_second
                heights = _heights(frame, np)
                if int(first) == int(last) and first >= 0:
                    place = min(int(first), count - 1)
                    height = float(max(heights.max(), -heights.min())) if heights.size else 0.0
                    found[place] = max(found[place], height)
                elif heights.size:
                    samples = np.abs(heights).max(axis=0)
                    places = np.clip(np.floor(first + np.arange(len(samples)) * (per_second / frame.sample_rate)), 0, count - 1).astype(np.int64)
                    np.maximum.at(found, places, samples)
    return [round(float(value), 6) for value in np.minimum(np.nan_to_num(found), 1.0)]


def _heights(frame: Any, np: Any) -> Any:
    """The samples of a frame by channel, as fractions of full scale."""
    form = frame.format.name.removesuffix("p")
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if form in ("flt", "dbl"):
        return samples
    samples = samples.astype(np.float32) / np.float32(_SCALES[form])
    return samples - 1.0 if form == "u8" else samples


if __name__ == "__main__":
    with os.fdopen(int(sys.argv[1]), "rb") as source:
        json.dump(peaks(source, json.loads(sys.argv[2])), sys.stdout)
    sys.stdout.flush()
    # What is held must not be given back, as the interpreter's own end would.
    os._exit(0)
