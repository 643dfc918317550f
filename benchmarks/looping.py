"""Measures the seam search in a process of its own: `python -m benchmarks.looping REQUEST`, JSON in and out."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy

import numpy as np

from converter.engine.seams import matching
from converter.engine.tests.planted import found, planted

REPEATS = 5


def hidden(first: int, cases: int) -> dict[str, list[int]]:
    """Cases and right answers for each kind of generated clip."""
    kinds: dict[str, list[int]] = {}
    for seed in range(first, first + cases):
        case = planted(seed)
        seams = matching.find(case.clip, case.clip, case.wish, best=1)
        counts = kinds.setdefault(case.name.partition(",")[0], [0, 0])
        counts[0] += 1
        counts[1] += bool(seams) and found(case, seams[0].start, seams[0].end)
    return kinds


def speed(seconds: int, fps: int) -> dict[str, float]:
    """CPU seconds for two stretches of a wandering noise."""
    random, count = np.random.default_rng(1), seconds * fps
    steps = random.normal(0, 3, (2 * count, matching.FRAME_BYTES))
    frames = np.clip(128 + np.cumsum(steps, axis=0), 0, 255).astype(np.uint8)
    wish = matching.Wish(count // 2, count + count // 2, count // 2, fps // 2, max(2, round(0.17 * fps)))
    start, end = matching.Part(0, frames[: count + 6]), matching.Part(count - 6, frames[count - 6 :])
    costs = []
    for _ in range(REPEATS):
        began = time.process_time()
        matching.find(start, end, wish)
        costs.append(time.process_time() - began)
    cpu = statistics.median(costs)
    return {"seconds": seconds, "fps": fps, "cpu": cpu, "times": 2 * seconds / cpu}


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Both measurements."""
    return {"found": hidden(request["first"], request["cases"]), "speed": [speed(*stretch) for stretch in request["stretches"]]}


if __name__ == "__main__":
    json.dump(main(json.loads(sys.argv[1])), sys.stdout)
