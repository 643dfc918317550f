"""The addresses of projects: pages and API."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from rest_framework.routers import SimpleRouter

from . import views
from .api import ClipViewSet, ProjectViewSet, RenderViewSet

router = SimpleRouter()
router.register("projects", ProjectViewSet, basename="api-project")
router.register("clips", ClipViewSet, basename="api-clip")
router.register("renders", RenderViewSet, basename="api-render")

urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/", views.project_list, name="project-list"),
    path("projects/<uuid:project_id>/", views.project_detail, name="project-detail"),
    path("api/v1/", include(router.urls)),
]
