"""Reading projects: each owner sees only its own."""

from __future__ import annotations

import uuid
from typing import TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Exists, Model, OuterRef, Prefetch, QuerySet

from converter.engine.errors import MediaError
from converter.owners.models import Owner
from converter.uploads.models import Upload

from .models import Clip, Project, Render

M = TypeVar("M", bound=Model)


def for_owner(owner: Owner | None) -> QuerySet[Project]:
    """The owner's projects with their clips, the last changed first; none for nobody."""
    rows = Project.objects.prefetch_related(Prefetch("clips", Clip.objects.select_related("upload")))
    return rows.filter(owner=owner) if owner else rows.none()


def clips_for_owner(owner: Owner | None) -> QuerySet[Clip]:
    """Every clip of the owner's projects, in the projects' order."""
    rows = Clip.objects.select_related("project", "upload").order_by("project_id", "position")
    return rows.filter(project__owner=owner) if owner else rows.none()


def renders_for_owner(owner: Owner | None) -> QuerySet[Render]:
    """The renders of the owner's projects with their jobs and exports, newest first."""
    rows = Render.objects.select_related("project", "job", "job__export")
    return rows.filter(project__owner=owner) if owner else rows.none()


def get_project(owner: Owner | None, project_id: uuid.UUID | str) -> Project:
    """One of the owner's projects. Raises `MediaError("not_found")`, also when it is somebody else's."""
    return _one(for_owner(owner), project_id, "project")


def get_clip(owner: Owner | None, clip_id: uuid.UUID | str) -> Clip:
    """A clip of one of the owner's projects. Raises `MediaError("not_found")`."""
    return _one(clips_for_owner(owner), clip_id, "clip")


def get_render(owner: Owner | None, render_id: uuid.UUID | str) -> Render:
    """A render of one of the owner's projects. Raises `MediaError("not_found")`."""
    return _one(renders_for_owner(owner), render_id, "render")


def without_clips(going: QuerySet[Upload]) -> QuerySet[Upload]:
    """Of uploads that are to expire, those that no clip is cut from: retention keeps the others."""
    return going.exclude(Exists(Clip.objects.filter(upload=OuterRef("pk"))))


def _one(rows: QuerySet[M], raw: uuid.UUID | str, what: str) -> M:
    try:
        return rows.get(pk=uuid.UUID(str(raw)))
    except (ObjectDoesNotExist, ValueError):
        raise MediaError("not_found", f"There is no such {what}.") from None
