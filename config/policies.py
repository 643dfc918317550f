"""What a browser may do on our pages, and how the API describes itself: long constants of the settings."""

from __future__ import annotations

from typing import Any

from csp.constants import NONCE, NONE, SELF

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        # Nothing of ours is inline; a page that must be gives its element `request.csp_nonce`, and only then is one allowed.
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "blob:", "data:"],
        "media-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

_TUS = ("tus-resumable", "upload-length", "upload-offset", "upload-metadata", "upload-checksum", "x-http-method-override")
CORS_ALLOW_HEADERS = ("accept", "authorization", "content-type", "idempotency-key", "last-event-id", "range", "x-request-id", *_TUS)
"""What a named origin may send. Credentials are not among it: such pages use a Bearer, never a visitor's cookies."""

CORS_EXPOSE_HEADERS = (
    *("location", "retry-after", "content-range", "etag", "x-request-id"),
    *("tus-resumable", "tus-version", "tus-extension", "tus-max-size", "tus-checksum-algorithm", "upload-offset", "upload-length", "upload-expires"),
)

PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "usb",
    )
)

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Cutroom",
    "DESCRIPTION": "Upload media, turn it into other media, download the result once.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "JobStatusEnum": "converter.jobs.states.JobStatus",
        "UploadStatusEnum": "converter.uploads.models.UploadStatus",
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "config.docs.local_examples", "config.docs.common_refusals"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    "REDOC_DIST": "SIDECAR",
}
