"""What work cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metrics:
    """What work cost: seconds, CPU seconds (user + system), bytes of peak resident memory."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0

    def __add__(self, other: Metrics) -> Metrics:
        return Metrics(self.wall_seconds + other.wall_seconds, self.cpu_seconds + other.cpu_seconds, max(self.peak_memory, other.peak_memory))
