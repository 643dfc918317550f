"""The language of the pages: one person's choice, and the catalogue that our scripts read."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.views.i18n import JavaScriptCatalog


class ScriptCatalogue(JavaScriptCatalog):
    """What static/js/words.js looks its sentences up in, for the language named in the address."""

    packages = ["config"]

    def get(self, request: HttpRequest, *args: Any, language: str, **kwargs: Any) -> HttpResponse:
        """The catalogue as a script; a browser asks again for it, since a new version may say more.

        Raises `Http404` for a language that is not ours.
        """
        if language not in dict(settings.LANGUAGES):  # Django would keep a catalogue for each name that anybody thinks of
            raise Http404
        with translation.override(language):
            response: HttpResponse = super().get(request, *args, **kwargs)
        patch_cache_control(response, public=True, max_age=300)
        return response
