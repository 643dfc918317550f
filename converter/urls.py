"""Every address of the pipeline: the pages for people, and the API under /api/v1/."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path
from rest_framework.routers import SimpleRouter

from converter import account_views, api, library_views, staff_api, views
from converter.exports import views as exports
from converter.owners import account_api as accounts
from converter.owners import api as owners
from converter.quotas import api as quotas
from converter.tryouts.api import SeamsView, TryoutView
from converter.uploads import api as uploads
from converter.uploads import tus
from converter.uploads.api import WhateverAccepted

router = SimpleRouter(use_regex_path=False)
router.register("jobs", api.JobViewSet, basename="api-job")
router.register("exports", api.ExportViewSet, basename="api-export")


def _derived(action: str) -> Callable[..., HttpResponseBase]:
    """What is made of an export when it is first asked for."""
    return api.ExportViewSet.as_view({"get": action}, content_negotiation_class=WhateverAccepted)


api_patterns: list[URLPattern | URLResolver] = [
    *router.urls,
    *uploads.urlpatterns,
    *tus.urlpatterns,
    path("exports/<uuid:pk>/thumbnail.jpg", _derived("thumbnail"), name="api-export-thumbnail"),
    path("exports/<uuid:pk>/comparison.json", _derived("comparison"), name="api-export-comparison"),
    path("exports/<uuid:pk>/comparison/<int:number>.jpg", _derived("comparison_pair"), name="api-export-comparison-pair"),
    path("operations/", api.OperationsView.as_view(), name="api-operations"),
    path("quotes/", api.QuoteView.as_view(), name="api-quote"),
    path("tryouts/", TryoutView.as_view(), name="api-tryout"),
    path("tryouts/seams/", SeamsView.as_view(), name="api-tryout-seams"),
    *owners.urlpatterns,
    *accounts.urlpatterns,
    *staff_api.urlpatterns,
    *quotas.urlpatterns,
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.workshop, name="workshop"),
    path("jobs/", views.job_list, name="job-list"),
    path("jobs/<uuid:job_id>/", views.job_detail, name="job-detail"),
    path("exports/", library_views.exports_page, name="export-list"),
    path("uploads/", library_views.uploads_page, name="upload-list"),
    path("exports/<uuid:export_id>/content/", exports.content, name="export-content"),
    path("download/<str:token>/", exports.download, name="download"),
    path("accounts/", account_views.account, name="account"),
    path("accounts/sign-in/", account_views.SignIn.as_view(), name="sign-in"),
    path("accounts/sign-up/", account_views.SignUp.as_view(), name="sign-up"),
    path("accounts/sign-out/", account_views.sign_out, name="sign-out"),
    path("accounts/password/", account_views.password, name="password"),
    path("api/v1/", include(api_patterns)),
]
