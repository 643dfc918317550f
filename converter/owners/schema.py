"""How the API's description speaks of `OwnerAuthentication`."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from .services import COOKIE


class OwnerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A Bearer token of any kind, or a browser's cookie."""

    target_class = "converter.owners.authentication.OwnerAuthentication"
    name = ["guestToken", "browserCookie"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Either of them is enough."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        """One definition for each name."""
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "description": "A guest's token (POST /api/v1/auth/guest/), an access token (auth/token/) or a personal token (auth/keys/).",
            },
            {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Given with every page; unsafe requests also need X-CSRFToken."},
        ]
