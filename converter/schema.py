"""OpenAPI of what the operations declare: the API's page shows every parameter because the engine does."""

from __future__ import annotations

from typing import Any

from converter.engine import operations
from converter.engine.params import Spec, specs

_TYPES: dict[str, dict[str, Any]] = {
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "time": {"oneOf": [{"type": "number"}, {"type": "string", "example": "1:02.5"}]},
    "choice": {"type": "string"},
    "flag": {"type": "boolean"},
    "text": {"type": "string"},
    "list": {"type": "array", "items": {}},
}


def operation_names() -> dict[str, Any]:
    """The schema of an operation's name."""
    return {"type": "string", "enum": list(operations.all_operations())}


def params_of_any() -> dict[str, Any]:
    """The schema of a job's parameters: those of one of the operations."""
    described = [
        {
            "title": name,
            "type": "object",
            "properties": {spec.name: _property(spec) for spec in specs(operation.params)},
            "additionalProperties": False,
        }
        for name, operation in operations.all_operations().items()
    ]
    return {"anyOf": described, "description": "The operation's parameters; what is left out takes the preset's value, or the default."}


def _property(spec: Spec) -> dict[str, Any]:
    schema: dict[str, Any] = {**_TYPES[spec.type], "title": spec.label, "description": f"{spec.help} ({spec.unit})" if spec.unit else spec.help}
    if spec.choices:
        schema["enum"] = [value for value, _ in spec.choices]
    if spec.default is not None:
        schema["default"] = list(spec.default) if isinstance(spec.default, tuple) else spec.default
    schema |= {name: value for name, value in _bounds(spec).items() if value is not None}
    return {"anyOf": [schema, {"type": "null"}]} if spec.optional else schema


def _bounds(spec: Spec) -> dict[str, float | int | None]:
    if spec.type in ("number", "integer"):
        return {"exclusiveMinimum" if spec.above_minimum else "minimum": spec.minimum, "maximum": spec.maximum}
    longest = None if spec.maximum is None else int(spec.maximum)
    if spec.type == "text":
        return {"maxLength": longest}
    return {"maxItems": longest} if spec.type == "list" else {}
