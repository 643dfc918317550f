"""Who may do what at which address: the decisions that tests/test_authorisation.py proves.

Every route of the site has a line here; a new route without one fails the tests. To add yours:

1. Give the route a name in its `urls.py` and copy the line below that is most like it.
2. Say for each method that it answers who is let in: one of the `Who` below. Methods that you leave
   out must be refused to everybody. HEAD and OPTIONS need no mention.
3. An address with an id in it gets `of=`: the kind of thing, one of `world.KINDS` in tests/world.py
   (make your own kind there when it is a new model: one line that creates a row for an owner).
   Such a route is `OWN`: its owner gets in, everybody else is told 404.
4. A request that names somebody's thing in its body or query says so with `body=` or `query=`:
   `"{upload}"` stands for the id of an upload, and so on. Then the method is `OWN`, too.

Several lines with one name add up. Addresses of the admin need no line: all of them are for staff.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Who(Enum):
    """Who is let in. Those who are not get 401 (API without credentials), 404, 403, or the sign-in page."""

    ALL = "everybody, with or without credentials"
    MINE = "everybody who says who they are, and each sees only what is theirs; pages need no credentials to be empty"
    OWN = "the owner of the thing that is named; strangers, staff too, are told that there is none"
    ACCOUNT = "whoever is signed in"
    STAFF = "staff"


ALL, MINE, OWN, ACCOUNT, STAFF = Who.ALL, Who.MINE, Who.OWN, Who.ACCOUNT, Who.STAFF
PIECE = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
TUS = {"Tus-Resumable": "1.0.0"}


@dataclass(frozen=True)
class Route:
    """The decisions for one route."""

    name: str
    methods: dict[str, Who]
    of: str = ""
    at: dict[str, str] = field(default_factory=dict)
    """Parts of the address that are nobody's, such as a language."""
    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    csrf: bool = True
    """Whether a browser's unsafe request needs its CSRF token; say in the view why it does not."""


def route(
    name: str, *, of: str = "", at: Any = None, body: Any = None, query: Any = None, headers: Any = None, csrf: bool = True, **methods: Who
) -> Route:
    """A line of the table: `route("job-detail", GET=OWN, of="job")`."""
    return Route(name, methods, of, at or {}, body or {}, query or {}, headers or {}, csrf)


ROUTES = [
    # the site itself
    route("health", GET=ALL),
    route("health-ready", GET=ALL),
    route("schema", GET=ALL),
    route("docs", GET=ALL),
    route("words", at={"language": "de"}, GET=ALL),
    route("language", POST=ALL),
    # pages
    route("workshop", GET=MINE, POST=MINE, body={"action": "upload"}),
    route("workshop", GET=OWN, query={"upload": "{upload}"}),
    route("workshop", GET=OWN, query={"job": "{job}"}),
    route("workshop", POST=OWN, body={"upload": "{upload}"}),
    route("job-list", GET=MINE),
    route("job-detail", GET=OWN, POST=OWN, of="job"),
    route("export-list", GET=MINE, POST=MINE, body={"action": "delete", "ids": "{export}"}),
    route("upload-list", GET=MINE, POST=MINE, body={"action": "delete", "ids": "{upload}"}),
    route("export-content", GET=OWN, of="export"),
    route("download", GET=ALL, POST=ALL, of="token", csrf=False),
    route("project-list", GET=MINE, POST=MINE),
    route("project-detail", GET=OWN, POST=OWN, of="project", body={"action": "change", "name": "New"}),
    route("sign-in", GET=ALL, POST=ALL),
    route("sign-up", GET=ALL, POST=ALL),
    route("sign-out", POST=ALL),
    route("password", GET=ACCOUNT, POST=ACCOUNT),
    route("account", GET=ACCOUNT, POST=ACCOUNT),
    # /api/v1/
    route("api-auth-token", POST=ALL, body={"username": "nobody", "password": "", "code": ""}, csrf=False),
    route("api-auth-refresh", POST=ALL, csrf=False),
    route("api-auth-logout", POST=ALL, csrf=False),
    route("api-auth-keys", GET=ACCOUNT, POST=ACCOUNT),
    route("api-audit", GET=STAFF),
    route("api-audit-export", GET=STAFF),
    route("api-auth-key", DELETE=OWN, of="key"),
    route("api-auth-guest", POST=ALL, csrf=False),
    route("api-operations", GET=ALL),
    route("api-quote", POST=OWN, body={"upload": "{upload}", "operation": "trim"}),
    route("api-tryout-seams", POST=OWN, body={"upload": "{upload}", "start": 0, "end": 1}),
    route("api-tryout", POST=OWN, body={"upload": "{upload}", "operation": "compress", "megabytes": 1}),
    route("api-usage", GET=MINE),
    route("api-upload-list", GET=MINE, POST=MINE),
    route("api-upload-detail", GET=OWN, DELETE=OWN, of="upload"),
    route("api-upload-content", GET=OWN, of="upload"),
    route("api-upload-filmstrip", GET=OWN, of="upload"),
    route("api-upload-thumbnail", GET=OWN, of="upload"),
    route("api-upload-waveform", GET=OWN, of="upload"),
    route("api-upload-markers", GET=OWN, of="upload"),
    route("api-upload-preview", GET=OWN, of="upload"),
    route("api-tus", POST=MINE, headers=TUS),
    route("api-tus-upload", PATCH=OWN, DELETE=OWN, POST=OWN, of="upload", headers={**TUS, "X-HTTP-Method-Override": "PATCH", **PIECE}),
    route("api-job-list", GET=MINE),
    route("api-job-list", POST=OWN, body={"upload": "{upload}", "operation": "trim"}),
    route("api-job-detail", GET=OWN, of="job"),
    route("api-job-cancel", POST=OWN, of="job"),
    route("api-job-retry", POST=OWN, of="job"),
    route("api-job-events", GET=OWN, of="job"),
    route("api-export-list", GET=MINE),
    route("api-export-detail", GET=OWN, DELETE=OWN, of="export"),
    route("api-export-thumbnail", GET=OWN, of="export"),
    route("api-export-comparison", GET=OWN, of="export"),
    route("api-export-comparison-pair", GET=OWN, of="export"),
    route("api-export-grants", GET=OWN, POST=OWN, of="export"),
    route("api-export-rebuild", POST=OWN, of="export"),
    route("api-project-list", GET=MINE, POST=MINE),
    route("api-project-detail", GET=OWN, PATCH=OWN, DELETE=OWN, of="project"),
    route("api-clip-list", GET=MINE),
    route("api-clip-list", GET=OWN, query={"project": "{project}"}),
    route("api-clip-list", POST=OWN, body={"project": "{project}", "upload": "{upload}", "start": 0, "end": 1}),
    route("api-clip-detail", GET=OWN, PATCH=OWN, DELETE=OWN, of="clip"),
    route("api-render-list", GET=MINE),
    route("api-render-list", GET=OWN, query={"project": "{project}"}),
    route("api-render-list", POST=OWN, body={"project": "{project}"}),
    route("api-render-detail", GET=OWN, of="render"),
]
