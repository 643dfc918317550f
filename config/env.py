"""Typed reading of the environment (and of `.env`) over python-decouple.

Every reader takes the variable's name and a default; a malformed value raises
`ImproperlyConfigured` with the name, the value and what would be right. Nothing here needs a
configured Django, so that the supervisor reads the same values as the settings do.
"""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

from decouple import Config, RepositoryEmpty, RepositoryEnv
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
DOTENV = BASE_DIR / ".env"

T = TypeVar("T")

_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_DECIMAL = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


def _source() -> Config:
    """The process environment first, then `.env` beside manage.py; `CUTROOM_DOTENV=0` leaves the file out."""
    if os.environ.get("CUTROOM_DOTENV", "1") != "0" and DOTENV.is_file():
        return Config(RepositoryEnv(str(DOTENV)))
    return Config(RepositoryEmpty())


_config = _source()


def _raw(name: str) -> str:
    return str(_config(name, default="")).strip()


def _refuse(name: str, value: str, right: str) -> NoReturn:
    raise ImproperlyConfigured(f"{name}={value!r} is not valid: give {right}.")


def _read(name: str, default: T, convert: Callable[[str], T]) -> T:
    """An unset or empty variable is the default; everything else must convert."""
    value = _raw(name)
    return convert(value) if value else default


def text(name: str, default: str = "", *, choices: tuple[str, ...] = ()) -> str:
    """A string, where `choices` are given one of them. Raises `ImproperlyConfigured`."""
    value = _raw(name) or default
    if choices and value not in choices:
        _refuse(name, value, "one of " + ", ".join(choices))
    return value


def integer(name: str, default: int, *, low: int = 0, high: int | None = None) -> int:
    """A whole number within bounds. Raises `ImproperlyConfigured`."""
    right = f"a whole number from {low}" + (f" to {high}" if high is not None else " up") + f", for example {default}"

    def convert(value: str) -> int:
        try:
            number = int(value.replace("_", ""))
        except ValueError:
            _refuse(name, value, right)
        if number < low or (high is not None and number > high):
            _refuse(name, value, right)
        return number

    return _read(name, default, convert)


def number(name: str, default: float, *, low: float = 0.0) -> float:
    """A finite decimal number not below `low`. Raises `ImproperlyConfigured`."""
    right = f"a number from {low:g} up, for example {default:g}"

    def convert(value: str) -> float:
        try:
            result = float(value)
        except ValueError:
            _refuse(name, value, right)
        if not math.isfinite(result) or result < low:
            _refuse(name, value, right)
        return result

    return _read(name, float(default), convert)


def size(name: str, default: int, *, low: int = 1) -> int:
    """A size in bytes: `4096`, `512MiB`, `2 GiB` (1024), `2GB` (1000). Raises `ImproperlyConfigured`."""

    def convert(value: str) -> int:
        right = "a size such as 2147483648, 512MiB or 2GiB"
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)", value.lower().replace("_", ""))
        if match is None:
            _refuse(name, value, right)
        unit = match[2]
        factor = _DECIMAL.get(unit) or _UNITS.get(unit.removesuffix("ib"))
        if factor is None:
            _refuse(name, value, right)
        result = int(float(match[1]) * factor) if "." in match[1] else int(match[1]) * factor
        if result < low:
            _refuse(name, value, f"at least {low} bytes")
        return result

    return _read(name, default, convert)


def boolean(name: str, default: bool) -> bool:
    """A truth value: 1/0, true/false, yes/no, on/off. Raises `ImproperlyConfigured`."""

    def convert(value: str) -> bool:
        if value.lower() in _TRUE:
            return True
        if value.lower() in _FALSE:
            return False
        _refuse(name, value, "true or false")

    return _read(name, default, convert)


def listing(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """Values between commas, without empty ones."""
    return _read(name, list(default), lambda value: [part.strip() for part in value.split(",") if part.strip()])


def url(name: str, default: str = "", *, schemes: tuple[str, ...]) -> str:
    """An address with one of the given schemes. Its value may hold a password and is not repeated in the error."""

    def convert(value: str) -> str:
        try:
            parts = urlsplit(value)
            sound = parts.scheme in schemes and bool(parts.netloc or parts.path.strip("/"))
            _ = parts.port
        except ValueError:
            sound = False
        if not sound:
            raise ImproperlyConfigured(f"{name} is not a valid address: give one that starts with {' or '.join(s + '://' for s in schemes)}.")
        return value

    return _read(name, default, convert)


def path(name: str, default: Path) -> Path:
    """A file or directory; a relative one is taken from the project's directory."""
    return _read(name, default, lambda value: BASE_DIR / Path(value).expanduser())


def rate(name: str, default: str) -> str:
    """A limit of requests in a time, as django-ratelimit reads it: `30/hour`, `5/10m`. Raises `ImproperlyConfigured`."""
    value = text(name, default)
    if re.fullmatch(r"[0-9]+/(?:[0-9]*[smhd]|second|minute|hour|day)", value) is None:
        _refuse(name, value, f"a number and a time, for example {default}")
    return value


def proxies(name: str) -> list[str]:
    """Addresses and networks between commas, and `unix` for a local socket. Raises `ImproperlyConfigured`."""
    found = listing(name)
    for proxy in found:
        try:
            _ = proxy == "unix" or ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            _refuse(name, proxy, "addresses and networks such as 10.0.0.7 or 172.16.0.0/12, or unix, between commas")
    return found


def origins(name: str) -> list[str]:
    """Origins between commas: scheme, host and, where it is not the usual one, port; nothing else, and no `*`. Raises `ImproperlyConfigured`."""
    found = listing(name)
    for origin in found:
        parts = urlsplit(origin)
        whole = origin == f"{parts.scheme}://{parts.netloc}" and "*" not in origin and "@" not in origin
        if parts.scheme not in ("http", "https") or not parts.hostname or not whole:
            _refuse(name, origin, "origins such as https://app.example.org, between commas")
    return found
