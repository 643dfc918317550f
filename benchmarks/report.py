"""The report as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .table import Table


def markdown(machine: Mapping[str, str], tables: Sequence[Table], broken: Mapping[str, str], *, repeats: int) -> str:
    """Machine, verdicts first, then every table."""
    targets = [(table.title, target) for table in tables for target in table.targets]
    passed = sum(target.met is True for _, target in targets)
    lines = ["## Machine", "", *(f"- {key}: {value}" for key, value in machine.items()), ""]
    lines += [
        f"Medians of {repeats} interleaved runs. CPU seconds are user + system of the whole process tree; "
        "memory is the tree's peak proportional set size.",
        "",
        f"## Targets: {passed} of {len(targets)} met",
        "",
    ]
    lines += [f"- **{target.verdict}**: {title}: {target.text} (measured: {target.measured})" for title, target in targets if target.met is not True]
    lines += [f"- **BROKEN**: {name}: {reason.splitlines()[0]}" for name, reason in broken.items()]
    lines += ["", "## Tables", "", *(table.markdown() for table in tables)]
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"
