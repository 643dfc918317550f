"""`/api/v1/projects/`, `clips/` and `renders/`: the same services as the pages use."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from converter.owners.authentication import api_owner
from converter.problems import problems
from converter.uploads import selectors as uploads
from converter.uploads.pagination import NewestFirst

from . import selectors, services
from .models import Clip, Project, Render
from .serializers import ClipChange, ClipInput, ClipSerializer, ProjectInput, ProjectSerializer, RenderInput, RenderSerializer

M = TypeVar("M", bound=Model)
_OF_PROJECT = OpenApiParameter("project", OpenApiTypes.UUID, description="Only those of this project.")
_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="Repeat a request under the same key and nothing is rendered twice."
)


_KNOWN = problems("unauthenticated")
_FOUND = problems("unauthenticated", "not_found")
_CHANGED = problems("unauthenticated", "not_allowed", "not_found", "bad_parameter")
_CUT = problems(
    *("unauthenticated", "not_allowed", "not_found", "bad_parameter", "start_past_end", "empty_range", "no_video", "gone", "conflict"),
)
_REMOVED: dict[Any, Any] = {204: None, **problems("unauthenticated", "not_allowed", "not_found")}
_RENDERED = problems(
    *("unauthenticated", "not_allowed", "not_found", "bad_parameter", "too_long", "too_many_pixels", "gone", "conflict"),
)


def _valid(form: serializers.Serializer[Any]) -> dict[str, Any]:
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


@extend_schema_view(list=extend_schema(responses={200: ProjectSerializer(many=True), **_KNOWN}))
class ProjectViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Project]):
    """The owner's projects."""

    queryset = Project.objects.none()
    serializer_class = ProjectSerializer
    pagination_class = NewestFirst
    filter_backends: list[Any] = []
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Project]:
        """Only the owner's own."""
        return selectors.for_owner(api_owner(self.request))

    @extend_schema(request=ProjectInput, responses={201: ProjectSerializer, **problems("unauthenticated", "not_allowed", "bad_parameter")})
    def create(self, request: Request) -> Response:
        """Make an empty project."""
        project = services.create(api_owner(request), **_valid(ProjectInput(data=request.data)))
        return Response(ProjectSerializer(project).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={200: ProjectSerializer, **_FOUND})
    def retrieve(self, request: Request, pk: str) -> Response:
        """One project with its clips."""
        return Response(ProjectSerializer(selectors.get_project(api_owner(request), pk)).data)

    @extend_schema(request=ProjectInput(partial=True), responses={200: ProjectSerializer, **_CHANGED})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change its name or frame."""
        project = selectors.get_project(api_owner(request), pk)
        services.change(project, **_valid(ProjectInput(data=request.data, partial=True)))
        return self.retrieve(request, pk)

    @extend_schema(responses=_REMOVED)
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete it with its clips; uploads, jobs and exports stay."""
        services.delete(selectors.get_project(api_owner(request), pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ClipViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Clip]):
    """The clips of the owner's projects."""

    queryset = Clip.objects.none()
    serializer_class = ClipSerializer
    pagination_class = NewestFirst
    filter_backends: list[Any] = []
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Clip]:
        """Only the owner's own, of one project where `?project=` says so."""
        return _of_project(self.request, selectors.clips_for_owner(api_owner(self.request)))

    @extend_schema(parameters=[_OF_PROJECT], responses={200: ClipSerializer(many=True), **_FOUND})
    def list(self, request: Request) -> Response:
        """Clips, the newest first; a project itself lists its own in their order."""
        return super().list(request)

    @extend_schema(request=ClipInput, responses={201: ClipSerializer, **_CUT})
    def create(self, request: Request) -> Response:
        """Put a range of an upload behind the project's last clip."""
        owner, data = api_owner(request), _valid(ClipInput(data=request.data))
        project = selectors.get_project(owner, data["project"])
        clip = services.add_clip(project, uploads.get_for_owner(owner, data["upload"]), start=data["start"], end=data["end"])
        return Response(ClipSerializer(clip).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={200: ClipSerializer, **_FOUND})
    def retrieve(self, request: Request, pk: str) -> Response:
        """One clip."""
        return Response(ClipSerializer(selectors.get_clip(api_owner(request), pk)).data)

    @extend_schema(request=ClipChange, responses={200: ClipSerializer, **_CUT})
    def partial_update(self, request: Request, pk: str) -> Response:
        """Move its ends, or move it to another place: all of it or nothing."""
        clip = selectors.get_clip(api_owner(request), pk)
        data = _valid(ClipChange(data=request.data))
        with transaction.atomic():
            if "start" in data or "end" in data:
                clip = services.update_clip(clip, start=data.get("start"), end=data.get("end"))
            if "place" in data:
                services.move_clip(clip, data["place"])
        return self.retrieve(request, pk)

    @extend_schema(responses=_REMOVED)
    def destroy(self, request: Request, pk: str) -> Response:
        """Take it out of its project; the upload stays."""
        services.remove_clip(selectors.get_clip(api_owner(request), pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class RenderViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Render]):
    """Compositions of the owner's projects."""

    queryset = Render.objects.none()
    serializer_class = RenderSerializer
    pagination_class = NewestFirst
    filter_backends: list[Any] = []
    lookup_value_converter = "uuid"

    def get_queryset(self) -> QuerySet[Render]:
        """Only the owner's own, of one project where `?project=` says so."""
        return _of_project(self.request, selectors.renders_for_owner(api_owner(self.request)))

    @extend_schema(parameters=[_OF_PROJECT], responses={200: RenderSerializer(many=True), **_FOUND})
    def list(self, request: Request) -> Response:
        """Renders, the newest first."""
        return super().list(request)

    @extend_schema(request=RenderInput, responses={201: RenderSerializer, **_RENDERED}, parameters=[_KEY])
    def create(self, request: Request) -> Response:
        """Compose a project as it is now; follow its job's events."""
        owner, data = api_owner(request), _valid(RenderInput(data=request.data))
        render = services.render(selectors.get_project(owner, data["project"]), idempotency_key=request.headers.get("Idempotency-Key") or None)
        return Response(RenderSerializer(selectors.get_render(owner, render.pk)).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={200: RenderSerializer, **_FOUND})
    def retrieve(self, request: Request, pk: str) -> Response:
        """One render."""
        return Response(RenderSerializer(selectors.get_render(api_owner(request), pk)).data)


def _of_project(request: Request, rows: QuerySet[M]) -> QuerySet[M]:
    wanted = request.query_params.get("project")
    return rows.filter(project=selectors.get_project(api_owner(request), wanted)) if wanted else rows
