"""Typed parameters of operations, declared once and used by everything that asks for them.

An operation's parameters are a frozen dataclass whose fields are made by `number`, `integer`,
`time`, `choice`, `flag` and `text`. From that one declaration come `parse` (strict reading of
JSON, form or command-line values) and `specs` (what the form, the OpenAPI schema, the admin
and the command line show).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from .errors import MediaError
from .timecode import parse_time

Type = Literal["number", "integer", "time", "choice", "flag", "text", "list"]


P = TypeVar("P")
N = TypeVar("N", int, float)


class Reader(Protocol):
    """Reads one raw element of a `list` parameter; raises `MediaError("bad_parameter")`."""

    def __call__(self, raw: object, field: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Spec:
    """One parameter as people see it. `minimum`/`maximum` are inclusive, in `unit`."""

    name: str
    type: Type
    default: Any
    label: str
    help: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[tuple[str, str], ...] = ()
    optional: bool = False
    """May be left empty (None), which `help` explains."""
    advanced: bool = True
    """Shown under "More"; presets and the basics stand first."""
    above_minimum: bool = False
    """The minimum itself is not allowed."""
    below: str = "bad_parameter"
    """The error code of a value under the minimum."""
    read: Reader | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, without the reader and without what does not apply."""
        data = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name not in ("read", "below")}
        data["choices"] = [{"value": value, "label": label} for value, label in self.choices]
        return {key: value for key, value in data.items() if value not in (None, "", []) or key == "default"}


def _field(type_: Type, default: Any, label: str, help: str, **more: Any) -> Any:
    # The name is filled in by `specs`, which knows it.
    return dataclasses.field(default=default, metadata={"spec": Spec("", type_, default, label, help, **more)})


def number(default: float | None, *, label: str, help: str, **more: Any) -> Any:
    """A finite decimal number."""
    return _field("number", default, label, help, **more)


def integer(default: int | None, *, label: str, help: str, **more: Any) -> Any:
    """A whole number."""
    return _field("integer", default, label, help, **more)


def time(default: float | None, *, label: str, help: str, **more: Any) -> Any:
    """Seconds, or a clock time such as `1:02.5`."""
    return _field("time", default, label, help, unit="s", **more)


def choice(default: str, choices: Mapping[str, str], *, label: str, help: str, **more: Any) -> Any:
    """One of several names; `choices` maps each name to its label."""
    return _field("choice", default, label, help, choices=tuple(choices.items()), **more)


def flag(default: bool, *, label: str, help: str, **more: Any) -> Any:
    """Yes or no."""
    return _field("flag", default, label, help, **more)


def text(default: str, *, label: str, help: str, maximum: int, **more: Any) -> Any:
    """A line of text of at most `maximum` characters."""
    return _field("text", default, label, help, maximum=maximum, **more)


def listing(*, label: str, help: str, read: Reader, maximum: int, **more: Any) -> Any:
    """A list of at most `maximum` elements, each read by `read`."""
    return _field("list", (), label, help, read=read, maximum=maximum, **more)


def specs(params: type) -> tuple[Spec, ...]:
    """The parameters of a dataclass, in the order of declaration."""
    return tuple(dataclasses.replace(f.metadata["spec"], name=f.name) for f in dataclasses.fields(params))


def parse(params: type[P], raw: Mapping[str, Any]) -> P:
    """Build `params` from raw values, strictly.

    Raises `MediaError("bad_parameter")` naming the field for an unknown name, a wrong type, NaN,
    or a value out of bounds. Missing names take their defaults.
    """
    known = {spec.name: spec for spec in specs(params)}
    unknown = next((name for name in raw if name not in known), None)
    if unknown is not None:
        raise MediaError("bad_parameter", f"{str(unknown)[:60]!r} is not a parameter; known are {', '.join(known)}.", field=str(unknown)[:60])
    return params(**{name: _read(known[name], value) for name, value in raw.items()})


def as_dict(params: Any) -> dict[str, Any]:
    """JSON-able values of a parameter object, to be stored and parsed again."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in dataclasses.asdict(params).items()}


def _read(spec: Spec, value: Any) -> Any:
    if value is None or (value == "" and spec.type != "text"):
        if spec.optional or value == spec.default:
            return None
        raise _bad(spec, "a value is needed")
    readers = {"number": _number, "integer": _integer, "time": _time, "choice": _choice, "flag": _flag, "text": _text, "list": _list}
    return readers[spec.type](spec, value)


def _bounded(spec: Spec, value: N) -> N:
    low, high, unit = spec.minimum, spec.maximum, f" {spec.unit}" if spec.unit else ""
    too_low = low is not None and (value < low or (spec.above_minimum and value == low))
    if too_low or (high is not None and value > high):
        most = "" if high is None else f"{high:g}{unit}"
        if low is None:
            why = f"{value:g} is out of range; it must be at most {most}"
        elif most:
            why = f"{value:g} is out of range; it must be {'above' if spec.above_minimum else 'at least'} {low:g} and at most {most}"
        else:
            least = f"{low:g}{unit}"
            why = f"{value:g} is out of range; it must be {'above' if spec.above_minimum else 'at least'} {least}"
        raise _bad(spec, why, spec.below if too_low else "bad_parameter")
    return value


def _number(spec: Spec, value: Any) -> float:
    if isinstance(value, bool):
        raise _bad(spec, f"{value!r} is not a number")
    try:
        parsed = float(value)
    except (TypeError, ValueError, OverflowError):
        raise _bad(spec, f"{str(value)[:60]!r} is not a number") from None
    if not math.isfinite(parsed):
        raise _bad(spec, f"{str(value)[:60]!r} is not a finite number")
    return _bounded(spec, parsed)


def _integer(spec: Spec, value: Any) -> int:
    parsed = _number(spec, value)
    if parsed != int(parsed):
        raise _bad(spec, f"{parsed:g} is not a whole number")
    return int(parsed)


def _time(spec: Spec, value: Any) -> float:
    return _bounded(spec, parse_time(value, field=spec.name))


def _choice(spec: Spec, value: Any) -> str:
    names = [name for name, _ in spec.choices]
    # A name that looks like a number (degrees) may be sent as one.
    value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(value, str) or value not in names:
        raise _bad(spec, f"{str(value)[:60]!r} is not one of {', '.join(names)}")
    return value


def _flag(spec: Spec, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if str(value).lower() not in words:
        raise _bad(spec, f"{str(value)[:60]!r} is neither yes nor no")
    return words[str(value).lower()]


def _text(spec: Spec, value: Any) -> str:
    if not isinstance(value, str):
        raise _bad(spec, "it must be a text")
    if spec.maximum is not None and len(value) > spec.maximum:
        raise _bad(spec, f"it has {len(value)} characters; at most {spec.maximum:g} are allowed")
    if any(ord(character) < 32 for character in value):
        raise _bad(spec, "control characters are not allowed")
    return value


def _list(spec: Spec, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise _bad(spec, "it must be a list")
    if spec.maximum is not None and len(value) > spec.maximum:
        raise _bad(spec, f"it has {len(value)} elements; at most {spec.maximum:g} are allowed")
    if spec.read is None:
        return tuple(value)
    return tuple(spec.read(element, f"{spec.name}[{i}]") for i, element in enumerate(value))


def _bad(spec: Spec, why: str, code: str = "bad_parameter") -> MediaError:
    return MediaError(code, f"{spec.name}: {why}.", field=spec.name)
