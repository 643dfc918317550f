"""The report as a person, or a program, reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .table import Table

_INTRODUCTION = """# Benchmarks

One run of `python -m benchmarks --markdown docs/benchmarks.md`: Cutroom beside its peers, on the same clips, with the same
ffmpeg, interleaved, on a shared machine. CPU seconds are user + system of a whole process tree, and what to compare; where
there are several runs, they are medians. Memory is the tree's peak proportional set size, sampled. SSIM is taken in
YUV 4:4:4, PSNR in RGB, VMAF with the model v0.6.1; tstab is the mean of |Δframe(result) − Δframe(source)| in grey levels, and
lower is steadier. 1 MB is 1,000,000 bytes.
"""


@dataclass(slots=True)
class Report:
    """What a run has found so far: tables in order, and the rows that broke with their reasons."""

    machine: Mapping[str, str]
    tables: list[Table] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"machine": dict(self.machine), "broken": self.broken, "tables": [table.as_dict() for table in self.tables]}

    def markdown(self) -> str:
        """Machine, what was missed, then every table."""
        targets = [(table.title, target) for table in self.tables for target in table.targets]
        met = sum(target.met is True for _, target in targets)
        lines = [_INTRODUCTION, "## Machine", "", *(f"- {key}: {value}" for key, value in self.machine.items()), ""]
        lines += [f"## Targets: {met} of {len(targets)} met", ""]
        lines += [
            f"- **{target.verdict}**: {title}: {target.text} (measured: {target.measured})" for title, target in targets if target.met is not True
        ]
        lines += [f"- **BROKEN**: {name}: {reason.splitlines()[0]}" for name, reason in self.broken.items()]
        lines += ["", "## Tables", "", *(table.markdown() for table in self.tables)]
        return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"
