"""What every page of ours shares: which methods it takes, how a failure looks, and how a long list is divided."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import select_template
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import Throttled

from converter.engine.errors import MediaError
from converter.owners.ratelimit import limit_owner, retry_after
from converter.problems import headers_of

View = Callable[..., HttpResponseBase]
PER_PAGE = 25


def page(*methods: str) -> Callable[[View], View]:
    """A personal page: its methods, never in a shared cache, failures drawn as pages."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                if request.method == "POST":
                    limit_owner(request)
                return view(request, *args, **kwargs)
            except MediaError as problem:
                return failure(request, problem)
            except Throttled as throttled:
                response = failure(request, MediaError("rate_limited"))
                response["Retry-After"] = retry_after(throttled)
                return response

        return require_http_methods([*methods, "HEAD"])(cache_control(private=True, no_cache=True)(guarded))

    return decorate


def failure(request: HttpRequest, problem: MediaError) -> HttpResponse:
    """A page that says what is wrong and what to do."""
    template = select_template([f"{problem.code.status}.html", "error.html"])
    return told(HttpResponse(template.render({"problem": problem}, request), status=problem.code.status), problem)


def told(response: HttpResponse, problem: MediaError | None) -> HttpResponse:
    """The response of a page that shows a problem, with the headers that an API's answer has too."""
    for name, value in headers_of(problem).items() if problem else ():
        response[name] = value
    return response


def page_of(request: HttpRequest, rows: QuerySet[Any]) -> Page[Any]:
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
