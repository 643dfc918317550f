"""/health/ (the process answers) and /health/ready/ (everything that it leans on does, each by name)."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse


def live(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})
