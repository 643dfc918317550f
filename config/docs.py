"""/api/docs/: the API's description to click through, from our own files alone."""

from __future__ import annotations

from typing import Any

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularSwaggerSplitView


@method_decorator(csp_update({"style-src": [UNSAFE_INLINE]}), name="dispatch")
class ApiDocs(SpectacularSwaggerSplitView):
    """Swagger UI with its script in a request of its own; only its styles need an exception, and only on this page."""


def local_examples(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Pages of a list point to this site: REST framework's examples name a host that is somebody else's."""
    for schema in result.get("components", {}).get("schemas", {}).values():
        for name in ("next", "previous"):
            linked = schema.get("properties", {}).get(name, {})
            if "://" in str(linked.get("example", "")):
                linked["example"] = "/api/v1/…/?cursor=cD00ODY%3D"
    return result
