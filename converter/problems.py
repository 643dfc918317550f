"""Errors as RFC 9457 problem details: one shape for everything under /api/."""

from __future__ import annotations

import errno
import json
import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.csrf import csrf_failure as csrf_failure_page
from drf_spectacular.utils import OpenApiResponse
from rest_framework import exceptions, serializers
from rest_framework.views import set_rollback

from converter.engine.errors import CODES, MAX_MESSAGE, MediaError
from converter.sentences import translated

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:cutroom:problem:"

GUEST_HINT = "Get a token with POST /api/v1/auth/guest/ and send it as “Authorization: Bearer <token>”, or sign in."
CSRF_HINT = "Send the csrftoken cookie's value as the X-CSRFToken header, or use a Bearer token."

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details: `code` is stable, `detail` is one sentence for people."""

    type = serializers.CharField(help_text="A URN that ends in the code.")
    title = serializers.CharField(help_text="What the code means.")
    status = serializers.IntegerField(help_text="The HTTP status.")
    code = serializers.ChoiceField(choices=sorted(CODES), help_text="Stable name of the error.")
    detail = serializers.CharField(help_text="What is wrong here, in one sentence.")
    field = serializers.CharField(allow_null=True, help_text="The parameter or form field at fault, when there is one.")
    hint = serializers.CharField(required=False, help_text="What would work.")


def problem_response(
    error: MediaError | str,
    *,
    status: int | None = None,
    hint: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The response for an error or a bare code. `status` and `hint` stand in for the code's own."""
    if isinstance(error, str):
        error = MediaError(error)
    code = error.code
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + code.name,
        "title": _(code.sentence),
        "status": status or code.status,
        "code": code.name,
        "detail": translated(error.detail),
        "field": error.field,
    }
    hint = code.hint if hint is None else hint
    if hint:
        body["hint"] = _(hint)
    return HttpResponse(json.dumps(body, ensure_ascii=False), content_type=CONTENT_TYPE, status=body["status"], headers=dict(headers or {}))


def problems(*codes: str) -> dict[tuple[int, str], OpenApiResponse]:
    """The `responses` of `extend_schema` for the codes that a view may answer with."""
    by_status: dict[int, list[str]] = {}
    for name in codes:
        by_status.setdefault(401 if name == "unauthenticated" else CODES[name].status, []).append(name)
    return {(status, CONTENT_TYPE): OpenApiResponse(ProblemSerializer, description=", ".join(names)) for status, names in sorted(by_status.items())}


def exception_handler(exception: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """REST framework's handler: whatever a view raises becomes a problem; what nobody expected is logged and hidden."""
    set_rollback()
    if isinstance(exception, MediaError):
        return _media_problem(exception)
    if isinstance(exception, exceptions.APIException):
        return _api_problem(exception)
    for kinds, answer in _OTHERS:
        if isinstance(exception, kinds):
            return answer(exception)
    if isinstance(exception, OSError) and exception.errno in _FULL:
        logger.error("disk full", exc_info=exception)
        return problem_response("disk_full")
    logger.error("unexpected %s", type(exception).__name__, exc_info=exception, extra={"view": type(context.get("view")).__name__})
    return problem_response("internal")


def headers_of(error: MediaError) -> Mapping[str, str]:
    """What an error wants said in headers, such as when to come again, whatever the answer looks like."""
    headers: Mapping[str, str] = getattr(error, "headers", {})
    return headers


def _media_problem(error: MediaError) -> HttpResponse:
    if not error.users:
        logger.warning("%s: %s", error.code.name, error.detail, extra={"details": error.log[:2000]})
    return problem_response(error, headers=headers_of(error))


def _api_problem(error: exceptions.APIException) -> HttpResponse:
    if isinstance(error, exceptions.ValidationError):
        field, sentence = _first(error.detail)
        return problem_response(MediaError("bad_parameter", sentence, field=field), status=error.status_code)
    sentence = str(error.detail)[:MAX_MESSAGE]
    if isinstance(error, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)):
        challenge = getattr(error, "auth_header", "") or 'Bearer realm="api"'
        return problem_response(MediaError("not_allowed", sentence), status=401, hint=GUEST_HINT, headers={"WWW-Authenticate": challenge})
    if isinstance(error, exceptions.Throttled):
        wait: float | None = getattr(error, "wait", None)
        headers = {} if wait is None else {"Retry-After": str(math.ceil(wait))}
        return problem_response("rate_limited", headers=headers)
    if isinstance(error, exceptions.PermissionDenied):
        csrf = sentence.startswith("CSRF")
        return problem_response(MediaError("not_allowed", sentence), hint=CSRF_HINT if csrf else None)
    if isinstance(error, exceptions.NotFound):
        return problem_response("not_found")
    code = "not_allowed" if isinstance(error, exceptions.MethodNotAllowed) else "bad_parameter"
    if error.status_code >= 500:
        logger.error("%s: %s", type(error).__name__, sentence)
        return problem_response("internal", status=error.status_code)
    return problem_response(MediaError(code, sentence), status=error.status_code)


_OTHERS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any], HttpResponse]], ...] = (
    (Http404, lambda error: problem_response("not_found")),
    (PermissionDenied, lambda error: problem_response("not_allowed")),
    (RequestDataTooBig, lambda error: problem_response(MediaError("too_large", "The request is too large."))),
    (TooManyFilesSent, lambda error: problem_response(MediaError("bad_parameter", "Send one file at a time, as the field “file”.", field="file"))),
    (TooManyFieldsSent, lambda error: problem_response(MediaError("bad_parameter", "The request has too many fields."))),
    (UnreadablePostError, lambda error: problem_response(MediaError("bad_parameter", "The request broke off before its end."))),
    (SuspiciousOperation, lambda error: problem_response(MediaError("bad_parameter", "The request is not valid."))),
)


def _first(detail: Any, path: str = "") -> tuple[str | None, str]:
    """The first field at fault in REST framework's nested details, and its sentence."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            if value:
                own = key in ("non_field_errors", "detail")
                return _first(value, path if own else f"{path}.{key}" if path else str(key))
    if isinstance(detail, list):
        for i, value in enumerate(detail):
            if value:
                return _first(value, f"{path}[{i}]" if isinstance(value, (Mapping, list)) else path)
    sentence = str(detail) if detail else ""
    return path or None, f"{path}: {sentence}" if path and sentence else sentence


def is_api(request: HttpRequest) -> bool:
    """Whether a client that reads JSON asked."""
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler400`."""
    if is_api(request):
        return problem_response(MediaError("bad_parameter", "The request is not valid."))
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler403`."""
    return problem_response("not_allowed") if is_api(request) else defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler404`."""
    return problem_response("not_found") if is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`."""
    return problem_response("internal") if is_api(request) else defaults.server_error(request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """`CSRF_FAILURE_VIEW`."""
    if is_api(request):
        return problem_response(MediaError("not_allowed", f"CSRF failed: {reason}"), hint=CSRF_HINT)
    return csrf_failure_page(request, reason=reason)
