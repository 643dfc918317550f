"""The workshop's form, built from what the operations say about themselves.

Nothing here knows an operation by name: outcomes are the cards (`outcomes.py`), fields are the operations'
parameters. A field left empty means "as the preset says", so that the page works without scripts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from converter.engine.errors import MediaError
from converter.engine.media import Media
from converter.engine.operations import all_operations
from converter.engine.operations.base import Operation
from converter.engine.params import Spec, specs
from converter.engine.timecode import format_time
from converter.outcomes import RANGE, groups, offered, outcomes
from converter.sentences import translated

DRAWN = ("crop", "rotate", "flip", "reverse")
"""Parameters that a script's tools beside the preview set, in operations that have all of them (`engine.edits`); and `speed`, as a number."""
DRAWN_STILL = ("crop", "rotate", "flip")
"""The same for still pictures, which have no direction."""

PROMOTED = ("fill",)
"""Parameters that answer a question the timeline raises (the clip is shorter than what is asked for)."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter's field as the templates in `workshop/params/` draw it."""

    spec: Spec
    operation: str
    bound: forms.BoundField
    drawn: bool = False
    """Whether a script's tools set it, so that its field is shown only without scripts."""

    @property
    def template(self) -> str:
        """The fragment that draws this type."""
        return f"workshop/params/{self.spec.type}.html"

    @property
    def promoted(self) -> bool:
        """Whether it stands with the range instead of under "More"."""
        return self.spec.name in PROMOTED

    @property
    def default(self) -> str:
        """The default as people read it."""
        default = self.spec.default
        if default is None or default == "":
            return ""
        if self.spec.type == "choice":
            return dict(self.spec.choices).get(default, str(default))
        if self.spec.type == "flag":
            return "yes" if default else "no"
        return format_time(default) if self.spec.type == "time" else f"{default:g}" if isinstance(default, float) else str(default)


def _fields(operation: Operation[Any]) -> list[Spec]:
    return [spec for spec in specs(operation.params) if spec.name not in RANGE and spec.type != "list"]


def _drawn(spec: Spec, known: Sequence[Spec]) -> bool:
    if spec.name == "speed":
        return spec.type == "number"
    names = {other.name for other in known}
    return spec.name in DRAWN and (names.issuperset(DRAWN) or (spec.name in DRAWN_STILL and names.issuperset(DRAWN_STILL)))


class ConvertForm(forms.Form):
    """What to make of one upload. `request()` turns it into the arguments of `services.submit`."""

    outcome = forms.ChoiceField(widget=forms.RadioSelect)
    start = forms.CharField(required=False, max_length=30)
    duration = forms.CharField(required=False, max_length=30)

    def __init__(self, *args: Any, media: Media | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.groups = groups(media)
        # All of them can be asked for; what can't be made from a file is refused with the reason, not as unknown.
        self.outcomes = {outcome.value: outcome for outcome in outcomes()}
        self.fields["outcome"].choices = [(outcome.value, outcome.title) for outcome in self.outcomes.values()]  # type: ignore[attr-defined]
        self._specs = {operation.name: _fields(operation) for operation in offered()}
        for name, known in self._specs.items():
            for spec in known:
                self.fields[f"{name}.{spec.name}"] = forms.CharField(required=False, max_length=500, label=spec.label, strip=spec.type != "text")

    @property
    def chosen_group(self) -> str:
        """The wish whose cards are shown at first."""
        value = str(self["outcome"].value() or "")
        return next((group.name for group in self.groups for outcome in group.outcomes if outcome.value == value), "")

    @property
    def shown_in(self) -> str:
        """Where the chosen outcome can be shown beforehand."""
        chosen = self.outcomes.get(str(self["outcome"].value() or ""))
        return chosen.shown_in if chosen else ""

    def parameters(self) -> list[tuple[str, list[Parameter]]]:
        """The fields of every operation that a card is drawn of."""
        drawn = {outcome.operation for group in self.groups for outcome in group.outcomes}
        known = ((name, fields) for name, fields in self._specs.items() if name in drawn)
        return [(name, [Parameter(spec, name, self[f"{name}.{spec.name}"], _drawn(spec, fields)) for spec in fields]) for name, fields in known]

    def clean(self) -> dict[str, Any]:
        """Read the parameters exactly as the API does; what is wrong stands beside its field."""
        cleaned = super().clean() or {}
        if "outcome" in cleaned:
            operation, preset, params = self.request()
            try:
                all_operations()[operation].read(params, preset or None)
            except MediaError as problem:
                self.blame(problem)
        return cleaned

    def request(self) -> tuple[str, str, dict[str, Any]]:
        """The operation, the preset's name or "", and the parameters that were given."""
        outcome = self.outcomes[self.cleaned_data["outcome"]]
        prefix = f"{outcome.operation}."
        given = {name.removeprefix(prefix): value for name, value in self.cleaned_data.items() if name.startswith(prefix)}
        known = {spec.name for spec in specs(all_operations()[outcome.operation].params)}
        given |= {name: self.cleaned_data.get(name, "") for name in ("start", "duration") if name in known}
        return outcome.operation, outcome.preset, {name: value for name, value in given.items() if value not in ("", None)}

    def blame(self, problem: MediaError) -> None:
        """Put a failure beside the field that it names."""
        outcome = self.cleaned_data.get("outcome", "")
        operation = outcome.partition(":")[0]
        candidates = (f"{operation}.{problem.field}", problem.field or "", "start" if problem.field == "end" else "")
        field = next((name for name in candidates if name in self.fields), None)
        detail = translated(problem.detail).removeprefix(f"{problem.field}: ")
        hint = _(problem.code.hint) if problem.code.hint else ""
        self.add_error(field, (detail[:1].upper() + detail[1:]) + (f" {hint}" if hint and hint not in detail else ""))


def initial_for(operation: str, preset: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The form's initial values that repeat a job."""
    initial: dict[str, Any] = {"outcome": f"{operation}:{preset}"}
    for name, value in params.items():
        if value is None or (isinstance(value, (Sequence, Mapping)) and not isinstance(value, str)):
            continue
        if name in ("start", "duration"):
            initial[name] = format_time(value) if isinstance(value, (int, float)) else value
        elif name not in RANGE:
            initial[f"{operation}.{name}"] = (
                str(value).lower() if isinstance(value, bool) else format(value, ".10g") if isinstance(value, float) else value
            )
    return initial
