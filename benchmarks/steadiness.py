"""tstab: the mean of |Δframe(result) − Δframe(source)| in grey levels. Arguments: ffmpeg, result, source, filters.

A process of its own, so that numpy never weighs on the measuring process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import IO, cast

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.int16]


def frames(ffmpeg: str, path: str, filters: str) -> Iterator[Picture]:
    """The grey frames of a file, one at a time."""
    argv = [ffmpeg, "-v", "error", "-nostdin", "-i", path, "-vf", f"{filters},format=gray", "-f", "image2pipe", "-c:v", "pgm", "-"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        pipe = cast(IO[bytes], process.stdout)
        while pipe.readline():
            width, height = map(int, pipe.readline().split())
            pipe.readline()
            yield np.frombuffer(pipe.read(width * height), np.uint8).astype(np.int16)


def main() -> None:
    """Print the figure."""
    ffmpeg, result, source, filters = sys.argv[1:5]
    before: tuple[Picture, Picture] | None = None
    differences: list[float] = []
    for pair in zip(frames(ffmpeg, result, filters), frames(ffmpeg, source, filters), strict=True):
        if before is not None:
            differences.append(float(np.abs((pair[0] - before[0]) - (pair[1] - before[1])).mean()))
        before = pair
    print(sum(differences) / len(differences) if differences else 0.0)


main()
