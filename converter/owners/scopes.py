"""What a personal API token may do: the rooms of the API, to read or to write.

The scope that a request needs follows from its address and method alone, and an address that is not listed here is
closed to personal tokens: a new room is forgotten safely.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

SCOPES = {
    "media:read": _("Look at and download uploads"),
    "media:write": _("Upload and delete files"),
    "jobs:read": _("Look at jobs and operations, and ask for quotes"),
    "jobs:write": _("Make, cancel and repeat jobs"),
    "exports:read": _("Look at and download exports"),
    "exports:write": _("Make download links, delete and rebuild exports"),
    "projects:read": _("Look at projects, clips and renders"),
    "projects:write": _("Change projects, and render them"),
    "staff:read": _("Staff only: look at the audit trail, load and settings"),
    "staff:write": _("Staff only: change settings"),
}
"""Every scope with what it means, as people read it."""

STAFF = frozenset({"staff:read", "staff:write"})

ROOMS = {
    "uploads": "media",
    "operations": "jobs",
    "quotes": "jobs",
    "tryouts": "jobs",
    "jobs": "jobs",
    "usage": "jobs",
    "exports": "exports",
    "projects": "projects",
    "clips": "projects",
    "renders": "projects",
    "briefs": "projects",
    "publications": "projects",
    "system": "staff",
    "audit": "staff",
}
"""The first part of an address under /api/v1/, and the room that its scopes are named after."""

_READS = frozenset({"/api/v1/quotes/", "/api/v1/tryouts/", "/api/v1/tryouts/seams/"})
"""Asked by POST, but nothing is made."""


def needed(request: HttpRequest) -> str | None:
    """The scope that a personal token must have for this request; None where no such token is good."""
    path = request.path_info
    if path.startswith("/api/v1/"):
        room = ROOMS.get(path.removeprefix("/api/v1/").partition("/")[0])
    else:  # the one page outside of the API that the API's answers point at
        room = "exports" if path.startswith("/exports/") and path.endswith("/content/") else None
    if room is None:
        return None
    return f"{room}:{'read' if request.method in SAFE or path in _READS else 'write'}"
