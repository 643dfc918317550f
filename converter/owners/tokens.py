"""Random values that stand for an anonymous owner: 256 bits, of which only the SHA-256 is ever kept.

A row is found by the hash of what was sent, so no comparison of secrets takes place whose time
could tell anything.
"""

from __future__ import annotations

import hashlib
import re
import secrets

_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


_MIXED = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])")
"""What all but one of 1500 have anyway. Logs and the trail know a token by it, and hide it wherever it stands."""


def new_token() -> str:
    """A fresh random value, safe in URLs, cookies and headers."""
    while not _MIXED.match(token := secrets.token_urlsafe(32)):
        pass
    return token


def well_formed(token: str) -> bool:
    """Whether `token` has the shape of one that we gave out."""
    return _SHAPE.fullmatch(token) is not None


def hash_token(token: str) -> str:
    """What is stored instead of the token."""
    return hashlib.sha256(token.encode()).hexdigest()
