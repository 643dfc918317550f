"""Delivery: the page and the bytes behind a one-time link, and the owner's own look at the bytes."""

from __future__ import annotations

import copy
import re
import uuid
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import select_template
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from converter.audit import services as audit
from converter.audit.address import client_address
from converter.engine.errors import MediaError
from converter.problems import problem_response
from converter.uploads.delivery import media_response

from . import grants, selectors
from .models import Export, Grant
from .services import require_bytes
from .transfers import Transfer

RESUME_COOKIE = "cutroom_resume"
"""Set for the taker of a grant, under the link's own path: it may go on after its address changed."""

_FROM = re.compile(r"bytes=(\d{1,18})-\d{0,18}", re.ASCII)
_CONDITIONS = ("HTTP_RANGE", "HTTP_IF_RANGE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_MATCH")
_NO_STORE = "private, no-store"


@require_http_methods(["GET", "HEAD"])
def content(request: HttpRequest, export_id: uuid.UUID) -> HttpResponseBase:
    """The bytes for their owner, to play or (`?download=1`) to save, with Range; uses up no grant."""
    try:
        export = selectors.get_for_owner(request.owner, export_id)  # type: ignore[attr-defined]
        path, attachment = require_bytes(export), "download" in request.GET
        if attachment and request.method == "GET" and not _start(request):
            audit.record("export.downloaded", export, size=export.size)
        return media_response(request, path, mime=export.mime, name=export.name, attachment=attachment, etag=export.sha256)
    except MediaError as problem:
        return _failure(request, problem)


# Exempt from CSRF: whoever posts here shows the right to by the 256 random bits in the address, which
# no other site can know, and no cookie of the visitor adds anything to it. So curl can post, too.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def download(request: HttpRequest, token: str) -> HttpResponseBase:
    """A one-time link: GET and HEAD show what it is, POST downloads, once.

    The owner's own page downloads by GET with `?direct=1`, and whoever took the grant may go on by
    GET with Range. Link previews, prefetching browsers and scanners use up nothing.
    """
    grant: Grant | None = None
    try:
        grant = grants.find(token)
        taking = request.method == "POST" or (request.method == "GET" and _may_get(request, grant))
        response = _deliver(request, token) if taking else _show(request, grant, token)
    except MediaError as problem:
        response = _refuse(request, grant, token, problem)
    # Django would log the address of every refusal, and the address is the secret.
    response._has_been_logged = True  # type: ignore[attr-defined]
    response.headers["Cache-Control"] = _NO_STORE
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _may_get(request: HttpRequest, grant: Grant) -> bool:
    """Whether a GET is more than a look: the owner's own button, or the taker going on."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    if "prefetch" in purpose or "prerender" in purpose:
        return False
    owner = request.owner  # type: ignore[attr-defined]
    direct = request.GET.get("direct") == "1" and owner is not None and owner.pk == grant.export.owner_id
    return direct or (_start(request) is not None and _client(request).took(grant))


def _deliver(request: HttpRequest, token: str) -> HttpResponseBase:
    """Take the grant, or go on with it, and send the bytes."""
    grant, resumed = grants.take(token, _client(request), _start(request))
    export = grant.export
    try:
        asked = _as_get(request, keep_range=resumed)
        response = media_response(
            asked, require_bytes(export), mime=export.mime, name=export.name, attachment=True, etag=export.sha256, cache=_NO_STORE
        )
    except MediaError:
        # Taken away in this very moment: the lease ends, and nothing was sent.
        grants.record_end(grant, grant.bytes_sent, complete=False)
        raise
    # A resume whose If-Range does not fit gets the file from its beginning, with 200.
    start = 0 if response.status_code == 200 else _start(request) or 0
    transfer = Transfer(grant, start)
    if isinstance(response, StreamingHttpResponse):
        transfer.watch(response)
    else:
        transfer.close()  # 416: the taker has every byte already
    response.set_cookie(
        RESUME_COOKIE,
        grants.resume_proof(grant),
        max_age=settings.GRANT_SECONDS,
        path=request.path,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
    return response


def _as_get(request: HttpRequest, *, keep_range: bool) -> HttpRequest:
    """The request as delivery knows it: ranges are defined for GET, and the first transfer is always whole and unconditional."""
    shadow = copy.copy(request)
    shadow.method = "GET"
    kept = ("HTTP_RANGE", "HTTP_IF_RANGE") if keep_range else ()
    shadow.META = {key: value for key, value in request.META.items() if key not in _CONDITIONS or key in kept}
    shadow.__dict__.pop("headers", None)  # cached from the META before
    return shadow


def _start(request: HttpRequest) -> int | None:
    """The first byte that is asked for; None where it is not said (no Range, its last part, several)."""
    match = _FROM.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    return int(match[1]) if match else None


def _client(request: HttpRequest) -> grants.Client:
    return grants.Client.of(client_address(request), request.headers.get("User-Agent", ""), request.COOKIES.get(RESUME_COOKIE, ""))


def _show(request: HttpRequest, grant: Grant, token: str) -> HttpResponse:
    state = grants.state(grant)
    if state == "available":
        require_bytes(grant.export)
        return _page(request, grant, token, state)
    raise grants.refusal(grant)


def _page(request: HttpRequest, grant: Grant, token: str, state: str) -> HttpResponse:
    export: Export = grant.export
    context = {"export": export, "grant": grant, "token": token, "media": export.media.summary(), "expires_at": grant.expires_at, "state": state}
    return render(request, "exports/download.html", context, status=200 if state == "available" else 410)


def _refuse(request: HttpRequest, grant: Grant | None, token: str, problem: MediaError) -> HttpResponse:
    if grant is None or problem.code.name != "gone" or not _is_browser(request):
        return _failure(request, problem)
    state = grants.state(grants.find(token))
    # An available grant was refused: only a missing file does that.
    return _page(request, grant, token, "removed" if state == "available" else state)


def _failure(request: HttpRequest, problem: MediaError) -> HttpResponse:
    """A page for browsers, a problem document for everything else."""
    if not _is_browser(request):
        return problem_response(problem)
    template: Any = select_template([f"{problem.code.status}.html", "error.html"])
    return HttpResponse(template.render({"problem": problem}, request), status=problem.code.status)


def _is_browser(request: HttpRequest) -> bool:
    """Only browsers name text/html; curl and libraries say `*/*`."""
    return "text/html" in request.headers.get("Accept", "")
