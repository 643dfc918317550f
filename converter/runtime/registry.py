"""Every setting that may change while the machine runs: its type, bounds, unit and default.

A new one is a field of `Values`; what reads and what shows settings needs no change.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings

from converter.engine.errors import MediaError
from converter.engine.params import Spec, flag, integer, number, parse, specs

_YEARS = 10 * 365 * 24


@dataclass(frozen=True, slots=True)
class Values:
    """The settings. A key's default is the Django setting of the same name in capitals, else the one here."""

    upload_retention_hours: float = number(
        7 * 24,
        label="Keep uploads",
        help="An upload's bytes are cleaned up this long after it arrived; 0 means at the next sweep.",
        unit="h",
        minimum=0,
        maximum=_YEARS,
    )
    export_retention_hours: float = number(
        7 * 24,
        label="Keep exports",
        help="An export's bytes are cleaned up this long after it was made; its recipe stays.",
        unit="h",
        minimum=0,
        maximum=_YEARS,
    )
    sign_up: bool = flag(True, label="Sign-up", help="Whether visitors may make accounts for themselves; staff always may in the admin.")
    audit_retention_days: float = number(
        400,
        label="Keep the audit trail",
        help="Entries older than this leave the trail each night; what stays can still be verified. 0 keeps all.",
        unit="d",
        minimum=0,
        maximum=10 * 366,
    )
    temp_retention_hours: float = number(
        24,
        label="Keep left-overs",
        help="Files that nobody owns (broken uploads, lost work) are removed when they have been still for this long.",
        unit="h",
        minimum=1,
        maximum=_YEARS,
    )
    pause_jobs: bool = flag(
        False,
        label="Pause jobs",
        help="No job is begun; what runs is finished, and new ones wait. `manage.py drain` sets it too.",
    )
    quota_gigabytes: float = number(
        50,
        label="Bytes stored per owner",
        help="Uploads and exports of one owner together, in GB of 1,000,000,000 bytes; 0 means no limit.",
        unit="GB",
        minimum=0,
        maximum=1_000_000,
    )
    quota_jobs: int = integer(
        1000,
        label="Jobs per owner",
        help="Most jobs of one owner that wait or run; 0 means no limit.",
        minimum=0,
        maximum=1_000_000,
    )
    quota_cpu_seconds: float = number(
        24 * 3600,
        label="CPU time per owner and day",
        help="CPU seconds of the jobs that one owner may have done in 24 hours; 0 means no limit.",
        unit="s",
        minimum=0,
        maximum=100_000_000,
    )
    owner_running_jobs: int = integer(
        0,
        label="Jobs at work per owner",
        help="Most jobs of one owner that run at the same time; 0 means as many as there are workers.",
        minimum=0,
        maximum=1000,
    )


@cache
def registry() -> dict[str, Spec]:
    """Every key with what is known about it."""
    return {spec.name: spec for spec in specs(Values)}


def spec(key: str) -> Spec:
    """What is known about a key. Raises `MediaError("bad_parameter")` for one that there is not."""
    try:
        return registry()[key]
    except KeyError:
        raise MediaError("bad_parameter", f"key: {key[:60]!r} is not a setting; known are {', '.join(registry())}.", field="key") from None


def read(key: str, raw: object) -> Any:
    """A raw value as the key's type, within its bounds. Raises `MediaError("bad_parameter")` naming the key."""
    spec(key)
    if raw is None or raw == "":
        raise MediaError("bad_parameter", f"{key}: a value is needed; reset the setting to return to its default.", field=key)
    return getattr(parse(Values, {key: raw}), key)


def default(key: str) -> Any:
    """The value that holds where none was set."""
    return getattr(settings, key.upper(), spec(key).default)
