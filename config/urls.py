"""Every address of the site, by including what the apps bring."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.http import require_POST
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView

from config import docs, health
from config.languages import ScriptCatalogue

urlpatterns: list[URLPattern | URLResolver] = [
    path("health/", health.live, name="health"),
    path("health/ready/", health.ready, name="health-ready"),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", docs.ApiDocs.as_view(), name="docs"),
    path("language/", require_POST(set_language), name="language"),
    path("language/<slug:language>.js", ScriptCatalogue.as_view(), name="words"),
    path("", include("projects.urls")),
    path("", include("converter.urls")),
]

handler400 = "converter.problems.bad_request"
handler403 = "converter.problems.permission_denied"
handler404 = "converter.problems.page_not_found"
handler500 = "converter.problems.server_error"
