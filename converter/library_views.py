"""The pages of one's own files: exports and uploads, found, packed, deleted and brought back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from converter import library
from converter.engine.errors import MediaError
from converter.exports import bundles
from converter.exports import selectors as exports
from converter.owners.models import Owner
from converter.owners.services import ensure_owner
from converter.uploads import selectors as uploads

from .pages import page, page_of


@dataclass(frozen=True, slots=True)
class Shelf:
    """One of the two lists: its address, its template, what stands on it and what was just taken off it."""

    route: str
    template: str
    rows: Callable[[Owner | None, library.Query], QuerySet[Any]]
    aside: Callable[[Owner | None], QuerySet[Any]]


EXPORTS = Shelf("export-list", "exports/list.html", library.exports_of, exports.set_aside)
UPLOADS = Shelf("upload-list", "uploads/list.html", library.uploads_of, uploads.set_aside)


@page("GET", "POST")
def exports_page(request: HttpRequest) -> HttpResponseBase:
    """The owner's finished files."""
    return _shelf(request, EXPORTS)


@page("GET", "POST")
def uploads_page(request: HttpRequest) -> HttpResponseBase:
    """The files that the owner brought in."""
    return _shelf(request, UPLOADS)


def _shelf(request: HttpRequest, shelf: Shelf) -> HttpResponseBase:
    query = library.Query.of(request.GET)
    if request.method == "POST":
        return _act(request, shelf, query)
    owner = request.owner  # type: ignore[attr-defined]
    rows = shelf.rows(owner, query)
    shown = page_of(request, rows)
    count, size = library.room(shelf.rows(owner, library.Query()))
    context = {
        "page": shown,
        "query": query,
        "kinds": library.KINDS,
        "sorts": library.SORTS,
        "aside": shelf.aside(owner).count(),
        "count": count,
        "size": size,
        "until": library.kept_until(list(shown)) if shelf is UPLOADS else {},
        "address": query.address(),
        "list_url": reverse(shelf.route),
    }
    return render(request, shelf.template, context)


def _act(request: HttpRequest, shelf: Shelf, query: library.Query) -> HttpResponseBase:
    owner = ensure_owner(request)
    action = request.POST.get("action")
    if action == "restore":
        library.bring_back(shelf.aside(owner))
    else:
        rows = library.chosen(shelf.rows(owner, library.Query()), request.POST.getlist("ids"))
        if not rows:
            raise MediaError("bad_parameter", "Nothing was chosen; tick at least one file.", field="ids")
        if action == "zip" and shelf is EXPORTS:
            return bundles.bundle(request, rows)
        if action != "delete":
            raise MediaError("bad_parameter", "action: it is not one of zip, delete, restore.", field="action")
        library.set_aside(rows)
    return redirect(f"{reverse(shelf.route)}?{query.address()}".rstrip("?"))
