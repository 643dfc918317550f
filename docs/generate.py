"""Writes the parts of the documentation that the code already knows: `python docs/generate.py`.

`docs/operations.md` comes from the registry, the table of error codes in `docs/api.md` from
`converter.engine.errors`, and the configuration table in README.md from `.env.example`. With
`--check` nothing is written, and the exit status is 1 when something is out of date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from converter.engine import operations  # noqa: E402 (the path above)
from converter.engine.errors import CODES, Code  # noqa: E402
from converter.engine.operations.base import Operation  # noqa: E402
from converter.engine.params import Spec, specs  # noqa: E402

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+=.*")


def documents() -> dict[Path, str]:
    """Every document as it should be, by its path."""
    api, readme = ROOT / "docs" / "api.md", ROOT / "README.md"
    return {
        ROOT / "docs" / "operations.md": operations_page(),
        api: _between(api.read_text(), "error codes", error_table()),
        readme: _between(readme.read_text(), "configuration", configuration_table((ROOT / ".env.example").read_text())),
    }


def operations_page() -> str:
    """Every operation with its presets and parameters."""
    known = operations.all_operations().values()
    lines = [
        "# Operations",
        "",
        "Made from the registry by `python docs/generate.py`; `manage.py operations` prints the same, and so does `/api/v1/operations/`.",
        "Sizes in pixels, times in seconds or as `1:02.5`. A parameter that is left out takes the preset's value, or else the default.",
        "",
        *(f"- [{operation.name}](#{operation.name}): {operation.summary}" for operation in known),
    ]
    for operation in known:
        lines += ["", *_operation(operation)]
    return "\n".join(lines) + "\n"


def error_table() -> str:
    """The stable codes: whose fault, which status, which sentence."""
    lines = ["| code | status | whose | what it means | what helps |", "|---|---|---|---|---|"]
    lines += [f"| `{code.name}` | {code.status} | {_whose(code)} | {code.sentence} | {code.hint} |" for code in CODES.values()]
    return "\n".join(lines)


def configuration_table(example: str) -> str:
    """The variables of `.env.example`: a row for each comment with the variables that it explains."""
    rows: list[tuple[list[str], list[str]]] = []
    for line in example.splitlines():
        variable = _VARIABLE.fullmatch(line)
        if variable is not None and rows:
            rows[-1][1].append(line)
        elif line.startswith("#"):
            if not rows or rows[-1][1]:
                rows.append(([], []))
            rows[-1][0].append("" if line.startswith("# ---") else line.removeprefix("# "))
        else:
            rows.append(([], []))
    lines = ["| variable and default | what it does |", "|---|---|"]
    lines += [f"| {'<br>'.join(f'`{v}`' for v in variables)} | {_escape(' '.join(filter(None, words)))} |" for words, variables in rows if variables]
    return "\n".join(lines)


def _operation(operation: Operation[Any]) -> Iterator[str]:
    fewest, most = operation.inputs
    count = "one file" if most == 1 else f"{fewest} to {most} files"
    yield f"## {operation.name}"
    yield ""
    yield f"**{operation.title}.** {operation.summary} Takes {count}: {', '.join(sorted(operation.accepts))}."
    if operation.presets:
        yield from ("", "| preset | what for | sets |", "|---|---|---|")
        for preset in operation.presets:
            values = ", ".join(f"{name} {_value(value)}" for name, value in preset.params.items() if value is not None)
            yield f"| `{preset.name}` | {_escape(preset.title)}: {_escape(preset.summary)} | {_escape(values)} |"
    yield from ("", "| parameter | type | default | range | what it does |", "|---|---|---|---|---|")
    for spec in specs(operation.params):
        yield f"| `{spec.name}` | {spec.type} | {_default(spec)} | {_range(spec)} | {_escape(spec.help)} |"


def _default(spec: Spec) -> str:
    if spec.default is None or spec.default == () or spec.default == "":
        return "none"
    return f"`{_value(spec.default)}`"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _range(spec: Spec) -> str:
    if spec.choices:
        return ", ".join(f"`{value}` ({_escape(label)})" for value, label in spec.choices)
    if spec.type in ("text", "list"):
        what = "characters" if spec.type == "text" else "elements"
        return f"at most {spec.maximum:g} {what}" if spec.maximum is not None else ""
    unit = f" {spec.unit}" if spec.unit else ""
    low = "" if spec.minimum is None else f"{'above' if spec.above_minimum else 'from'} {spec.minimum:g}"
    high = "" if spec.maximum is None else f"to {spec.maximum:g}"
    return " ".join(filter(None, (low, high))) + (unit if low or high else "")


def _whose(code: Code) -> str:
    if code.users:
        return "yours"
    return "ours, tried again" if code.transient else "ours"


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _between(text: str, name: str, made: str) -> str:
    begin, end = f"<!-- {name}: made by docs/generate.py -->", f"<!-- end of {name} -->"
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise ValueError(f"the marks of {name!r} are missing")
    return f"{head}{begin}\n{made}\n{end}{tail}"


def main() -> int:
    """Write what changed, or with `--check` say what would."""
    stale = [path for path, text in documents().items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is out of date; run: python docs/generate.py\n")
        return 1 if stale else 0
    for path, text in documents().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
