"""/api/docs/: the API's description to click through, from our own files alone."""

from __future__ import annotations

from typing import Any

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularSwaggerSplitView

from converter.problems import CONTENT_TYPE


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


def common_refusals(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """What any request may be refused with, whatever its view is for: said here once, for all of them."""
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            for status, codes in _refusals(operation).items():
                refusal = {"content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}, "description": codes}
                operation["responses"].setdefault(status, refusal)
    return result


def _refusals(operation: dict[str, Any]) -> dict[str, str]:
    """Codes by the status that comes with them."""
    found = {"429": "rate_limited"}
    if operation.get("security"):
        found |= {"401": "unauthenticated", "403": "not_allowed"}  # a Bearer of nobody; a token without the scope, a browser without its CSRF token
    if "requestBody" in operation:
        found |= {"400": "bad_parameter", "415": "bad_parameter"}
    if any(parameter["in"] == "query" for parameter in operation.get("parameters", ())):
        found["400"] = "bad_parameter"
    return found
