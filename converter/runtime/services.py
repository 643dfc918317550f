"""Reading and changing the settings that hold from the next use on.

Nothing is cached: each `get` asks the database, so a change is obeyed by the very next sweep, in
every process.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction

from converter.audit import services as audit
from converter.engine.errors import MediaError

from . import registry
from .models import RuntimeSetting

logger = logging.getLogger(__name__)


def get(key: str) -> Any:
    """The value in force. Raises `MediaError("bad_parameter")` for an unknown key."""
    registry.spec(key)
    row = RuntimeSetting.objects.filter(pk=key).first()
    return registry.default(key) if row is None else _valid(key, row.value)


def all() -> dict[str, Any]:
    """Every key with the value in force."""
    stored = dict(RuntimeSetting.objects.values_list("key", "value"))
    return {key: _valid(key, stored[key]) if key in stored else registry.default(key) for key in registry.registry()}


def set(key: str, value: object) -> Any:
    """Change a setting and return the value as it was understood. Raises `MediaError("bad_parameter")`."""
    new = registry.read(key, value)
    with transaction.atomic():
        old = get(key)
        row, _ = RuntimeSetting.objects.update_or_create(key=key, defaults={"value": new})
        audit.record("setting.changed", row, old=old, new=new)
    return new


def reset(key: str) -> None:
    """Return a setting to its default. Raises `MediaError("bad_parameter")` for an unknown key."""
    registry.spec(key)
    with transaction.atomic():
        row = RuntimeSetting.objects.filter(pk=key).first()
        if row is not None:
            audit.record("setting.reset", row, old=row.value, new=registry.default(key))
            row.delete()


def _valid(key: str, stored: object) -> Any:
    """A stored value; the default where an older version stored what no longer holds."""
    try:
        return registry.read(key, stored)
    except MediaError as error:
        logger.warning("the stored setting %s is not valid any more (%s); its default holds", key, error.detail)
        return registry.default(key)
