"""`/api/v1/uploads/tus/`: the tus protocol 1.0.0, so that any of its clients can send a file and go on after a break.

Core, creation, creation-with-upload, termination, checksum and expiration (https://tus.io/protocols/resumable-upload,
version 1.0.0). This module is the protocol's words only; what they do stands in `resumable`.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.http import http_date
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from converter.engine.errors import MediaError
from converter.owners.ratelimit import limit
from converter.owners.services import api_owner
from converter.problems import problem_response

from . import resumable
from .models import Upload, UploadStatus
from .partial import DIGESTS, Busy, Checksum, Read, WrongChecksum

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
BODY = "application/offset+octet-stream"
PATIENCE_SECONDS = 0.5
"""How often a request that waits for its body looks whether another one wants to go on instead."""
_MOST = 1 << 62
_KEY = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,100}")
_METHODS = ("PATCH", "DELETE", "HEAD", "POST")


class TusView(APIView):
    """What all of the protocol's addresses share: its version, and its headers on every answer."""

    parser_classes: list[Any] = []

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Obey X-HTTP-Method-Override, for clients behind something that knows no PATCH."""
        wanted = request.headers.get("X-HTTP-Method-Override", "").upper()
        if request.method == "POST" and wanted in _METHODS:
            request.method = wanted
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who asks, and whether the protocol's version is ours."""
        super().initial(request, *args, **kwargs)
        if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
            raise _Refusal(MediaError("bad_parameter", f"Tus-Resumable: this server speaks version {VERSION}.", field="Tus-Resumable"), 412)

    def handle_exception(self, exc: Exception) -> Any:
        """The protocol's own statuses."""
        if isinstance(exc, _Refusal):
            return problem_response(exc.error, status=exc.status, headers=exc.headers)
        if isinstance(exc, Busy):
            return problem_response(exc, status=423, headers={"Retry-After": "1"})
        if isinstance(exc, WrongChecksum):
            return problem_response(
                MediaError("bad_parameter", "What arrived does not have the checksum that was sent with it.", field="Upload-Checksum"), status=460
            )
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Every answer says the version."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Tus-Resumable"] = VERSION
        if response.status_code == 412:
            response["Tus-Version"] = VERSION
        return response

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """What this server can do."""
        headers = {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(settings.MAX_UPLOAD_BYTES),
            "Tus-Checksum-Algorithm": ",".join(DIGESTS),
        }
        return Response(status=204, headers=headers)


class Creation(TusView):
    """Where an upload begins."""

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        """201 with the new upload's address; a body, where there is one, is its first part."""
        owner = api_owner(request)
        limit(request._request, "upload", str(owner.pk))
        if "Upload-Defer-Length" in request.headers:
            raise MediaError("bad_parameter", "Upload-Defer-Length: the size must be known before; send Upload-Length.", field="Upload-Defer-Length")
        metadata = request.headers.get("Upload-Metadata", "")
        named = read_metadata(metadata)
        upload = resumable.create(owner, named.get("filename") or named.get("name") or "", _number(request, "Upload-Length"), metadata)
        headers = {"Location": request.build_absolute_uri(reverse("api-tus-upload", args=[upload.pk]))}
        if request.headers.get("Content-Type", "") == BODY:
            headers["Upload-Offset"] = str(resumable.append(upload, 0, _reader(request), _checksum(request)))
            upload.refresh_from_db()
        return Response(status=201, headers={**headers, **_expires(upload)})


class Unfinished(TusView):
    """One upload on its way."""

    @extend_schema(exclude=True)
    def head(self, request: Request, id: uuid.UUID) -> Response:
        """How far it got. A client whose last answer was lost takes a full offset for success: so the file is checked first."""
        upload = resumable.find(api_owner(request), id)
        resumable.settle(upload)
        headers = {
            "Upload-Offset": str(resumable.received(upload)),
            "Upload-Length": str(upload.size),
            "Cache-Control": "no-store",
            **_expires(upload),
        }
        return Response(status=200, headers={**headers, **({"Upload-Metadata": upload.sent_metadata} if upload.sent_metadata else {})})

    @extend_schema(exclude=True)
    def patch(self, request: Request, id: uuid.UUID) -> Response:
        """More bytes; with the last one the file is checked, and a refusal says why."""
        if request.headers.get("Content-Type", "") != BODY:
            raise _Refusal(MediaError("bad_parameter", f"Content-Type: it must be {BODY}.", field="Content-Type"), 415)
        offset, checksum = _number(request, "Upload-Offset"), _checksum(request)
        upload = resumable.find(api_owner(request), id)
        size = resumable.append(upload, offset, _reader(request), checksum)
        upload.refresh_from_db()
        return Response(status=204, headers={"Upload-Offset": str(size), **_expires(upload)})

    @extend_schema(exclude=True)
    def delete(self, request: Request, id: uuid.UUID) -> Response:
        """Forget it."""
        resumable.give_up(resumable.find(api_owner(request), id))
        return Response(status=204)


class _Refusal(Exception):
    """A refusal whose status is the protocol's, not the code's."""

    def __init__(self, error: MediaError, status: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error.detail)
        self.error, self.status, self.headers = error, status, headers


def read_metadata(header: str) -> dict[str, str]:
    """Upload-Metadata as a dictionary: pairs of a key and base64, separated by commas. Raises `MediaError("bad_parameter")`."""
    found: dict[str, str] = {}
    if len(header) > 2000:
        raise _bad_metadata("it is longer than 2000 characters")
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        if not _KEY.fullmatch(key) or key in found:
            raise _bad_metadata(f"{key[:60]!r} is not a key, or stands there twice")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode("utf-8", "replace")
        except (ValueError, binascii.Error):
            raise _bad_metadata(f"the value of {key[:60]!r} is not base64") from None
    return found


def _bad_metadata(why: str) -> MediaError:
    return MediaError("bad_parameter", f"Upload-Metadata: {why}.", field="Upload-Metadata")


def _number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    # Not int(): that also takes signs, spaces, underscores and other scripts' digits.
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) > _MOST:
        raise MediaError("bad_parameter", f"{header}: it must be a whole number of bytes.", field=header)
    return int(text)


def _checksum(request: Request) -> Checksum | None:
    text = request.headers.get("Upload-Checksum")
    if text is None:
        return None
    name, _, value = text.strip().partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        digest = b""
    if name not in DIGESTS or not digest:
        raise MediaError("bad_parameter", f"Upload-Checksum: write {' or '.join(DIGESTS)} and the digest in base64.", field="Upload-Checksum")
    return Checksum(name, digest)


def _reader(request: Request) -> Read:
    plain = request._request
    body: Any = getattr(plain, "_stream", None)
    if hasattr(body, "patience"):
        body.patience = PATIENCE_SECONDS
    read: Callable[[int], bytes | None] = plain.read
    return read


def _expires(upload: Upload) -> dict[str, str]:
    if upload.status == UploadStatus.READY:
        return {}
    return {"Upload-Expires": http_date(resumable.expires_at(upload).timestamp())}


urlpatterns = [
    path("uploads/tus/", Creation.as_view(), name="api-tus"),
    path("uploads/tus/<uuid:id>/", Unfinished.as_view(), name="api-tus-upload"),
]
