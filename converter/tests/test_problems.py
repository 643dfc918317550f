"""Whatever goes wrong under /api/ has one shape and gives nothing away."""

from __future__ import annotations

import errno
import json
import logging
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, TooManyFilesSent
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from rest_framework import exceptions

from converter import problems
from converter.engine.errors import CODES, MediaError

KEYS = {"type", "title", "status", "code", "detail", "field"}


def handled(error: Exception) -> tuple[HttpResponse, dict[str, object]]:
    response = problems.exception_handler(error, {})
    body = json.loads(response.content)
    assert response["Content-Type"] == "application/problem+json" and body["status"] == response.status_code
    assert KEYS <= set(body) <= KEYS | {"hint"} and body["code"] in CODES and len(body["detail"]) <= 500
    return response, body


def said(caplog: pytest.LogCaptureFixture) -> Any:
    """The first line of this module's log; a thread of the test before may still write to others."""
    return next(record for record in caplog.records if record.name == problems.__name__)


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_code_has_its_status_and_sentence(code: str) -> None:
    response, body = handled(MediaError(code, field="start"))
    assert (response.status_code, body["code"], body["title"], body["field"]) == (CODES[code].status, code, CODES[code].sentence, "start")
    assert body["type"] == f"urn:cutroom:problem:{code}" and body.get("hint", "") == CODES[code].hint


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (exceptions.ParseError("JSON parse error"), 400, "bad_parameter"),
        (exceptions.NotAuthenticated(), 401, "not_allowed"),
        (exceptions.AuthenticationFailed(), 401, "not_allowed"),
        (exceptions.PermissionDenied(), 403, "not_allowed"),
        (exceptions.NotFound(), 404, "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "not_allowed"),
        (exceptions.NotAcceptable(), 406, "bad_parameter"),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "bad_parameter"),
        (exceptions.Throttled(wait=1.2), 429, "rate_limited"),
        (exceptions.APIException("secret"), 500, "internal"),
        (Http404("secret"), 404, "not_found"),
        (PermissionDenied("secret"), 403, "not_allowed"),
        (RequestDataTooBig("secret"), 413, "too_large"),
        (TooManyFilesSent("secret"), 400, "bad_parameter"),
        (SuspiciousOperation("secret"), 400, "bad_parameter"),
        (OSError(errno.ENOSPC, "secret"), 507, "disk_full"),
        (OSError(errno.EIO, "secret"), 500, "internal"),
        (ZeroDivisionError("secret"), 500, "internal"),
    ],
)
def test_every_exception_becomes_a_problem(error: Exception, status: int, code: str) -> None:
    response, body = handled(error)
    assert (response.status_code, body["code"]) == (status, code) and b"secret" not in response.content


def test_validation_names_the_first_field() -> None:
    _, body = handled(exceptions.ValidationError({"ranges": [{}, {"end": ["A number is needed."]}]}))
    assert body["field"] == "ranges[1].end" and body["detail"] == "ranges[1].end: A number is needed."
    _, body = handled(exceptions.ValidationError({"non_field_errors": ["They do not fit."]}))
    assert body["field"] is None and body["detail"] == "They do not fit."
    _, body = handled(exceptions.ValidationError("No."))
    assert body["detail"] == "No."


def test_headers_that_clients_need() -> None:
    assert handled(exceptions.Throttled(wait=1.2))[0]["Retry-After"] == "2"
    response, body = handled(exceptions.NotAuthenticated())
    assert response["WWW-Authenticate"].startswith("Bearer") and "/api/v1/auth/guest/" in str(body["hint"])
    assert "X-CSRFToken" in str(handled(exceptions.PermissionDenied("CSRF failed: no cookie"))[1]["hint"])


def test_the_unexpected_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="converter.problems"):
        handled(ZeroDivisionError("what happened"))
    assert said(caplog).exc_info and "what happened" in caplog.text


def test_our_faults_are_logged_with_what_only_the_log_may_know(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="converter.problems"):
        response, _ = handled(MediaError("tool_failed", log="/private/path"))
    assert b"/private/path" not in response.content and said(caplog).details == "/private/path"


def test_pages_and_api_are_told_apart() -> None:
    api, page = RequestFactory().get("/api/v1/nothing/"), RequestFactory().get("/nothing/")
    for answer in (
        lambda request: problems.page_not_found(request, Http404()),
        lambda request: problems.bad_request(request, SuspiciousOperation()),
        lambda request: problems.permission_denied(request, PermissionDenied()),
        problems.server_error,
        problems.csrf_failure,
    ):
        assert answer(api)["Content-Type"] == "application/problem+json"
        assert "problem" not in answer(page)["Content-Type"]
