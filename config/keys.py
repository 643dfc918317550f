"""The signing key: given in production, generated once and kept in the embedded mode."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

SHORTEST = 50
_WELL_KNOWN = ("django-insecure", "changeme", "change-me", "change_me", "secret", "example", "replace-me", "your-")


def given_key(value: str) -> str:
    """The production key, checked. Raises `ImproperlyConfigured` when it is missing, short or well known."""
    how = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(64))'"
    if not value:
        raise ImproperlyConfigured(f"SECRET_KEY is not set, and the production mode needs one; {how}.")
    if len(value) < SHORTEST or len(set(value)) < 10:
        raise ImproperlyConfigured(f"SECRET_KEY is too weak: it needs at least {SHORTEST} random characters; {how}.")
    if any(word in value.lower() for word in _WELL_KNOWN):
        raise ImproperlyConfigured(f"SECRET_KEY is a well-known example, which anybody could use to sign in; {how}.")
    return value


def kept_key(path: Path) -> str:
    """The key in `path` (0600), made on first use; of several processes that start at once, one makes it and all read it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".secret_key.", dir=path.parent)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(64))
                file.flush()
                os.fsync(file.fileno())
            Path(path).hardlink_to(name)
        except FileExistsError:
            pass
        finally:
            Path(name).unlink()
    key = path.read_text().strip()
    if len(key) < SHORTEST:
        raise ImproperlyConfigured(f"{path} does not hold a key; delete it, and a new one is made (everybody will be signed out).")
    path.chmod(0o600)
    return key


def derived_key(key: str, purpose: str) -> str:
    """A key of its own for one purpose, so that what is signed for one never passes for another."""
    return hmac.new(key.encode(), f"cutroom:{purpose}".encode(), hashlib.sha256).hexdigest()
