"""The pages of projects: plain forms, each followed by a redirect, so that no script is needed."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from converter.engine.errors import MediaError
from converter.owners.models import Owner
from converter.owners.services import ensure_owner
from converter.pages import page, told
from converter.uploads import selectors as uploads
from converter.uploads.models import UploadStatus

from . import selectors, services
from .forms import ClipForm, ProjectForm
from .models import Clip, Project

SHOWN = 100
"""Most projects, uploads to choose from, and renders on one page."""


@page("GET", "POST")
def project_list(request: HttpRequest) -> HttpResponse:
    """The owner's projects, and a form for another one."""
    form = ProjectForm(request.POST or None, initial={"name": ""})
    problem = None
    if request.method == "POST" and form.is_valid():
        try:
            project = services.create(ensure_owner(request), **form.cleaned_data)
        except MediaError as error:
            problem = error
        else:
            return redirect("project-detail", project.pk)
    failed = request.method == "POST"
    context = {"projects": selectors.for_owner(_owner(request))[:SHOWN], "form": form, "problem": problem}
    return told(render(request, "projects/list.html", context, status=problem.code.status if problem else 400 if failed else 200), problem)


@page("GET", "POST")
def project_detail(request: HttpRequest, project_id: uuid.UUID) -> HttpResponse:
    """One project: its clips in order, its frame, and what was rendered from it."""
    owner = _owner(request)
    project = selectors.get_project(owner, project_id)
    if request.method != "POST":
        return _project_page(request, project)
    try:
        return _act(request, owner, project)
    except MediaError as problem:
        if problem.code.name == "not_found" and problem.field is None:
            raise
        return _project_page(request, project, problem=problem, status=problem.code.status)


def _act(request: HttpRequest, owner: Owner | None, project: Project) -> HttpResponse:
    """Do what the pressed button says, then show the page anew."""
    action = request.POST.get("action", "")
    if action == "delete":
        services.delete(project)
        messages.success(request, _("The project %(name)s was deleted; its uploads and exports were kept.") % {"name": project.name})
        return redirect("project-list")
    if action == "change":
        services.change(project, **_cleaned(ProjectForm(request.POST)))
    elif action == "add":
        ends = _ends(request.POST)
        upload = uploads.get_for_owner(owner, _uuid(request.POST.get("upload", ""), "upload"))
        services.add_clip(project, upload, start=ends["start"] or 0.0, end=ends["end"])
    elif action == "render":
        services.render(project)
    else:
        clip = selectors.get_clip(owner, request.POST.get("clip", ""))
        if clip.project_id != project.pk:
            raise MediaError("not_found", "There is no such clip in this project.")
        _act_on_clip(request, clip, action)
    return redirect("project-detail", project.pk)


def _act_on_clip(request: HttpRequest, clip: Clip, action: str) -> None:
    if action == "remove":
        services.remove_clip(clip)
    elif action == "update":
        services.update_clip(clip, **_ends(request.POST))
    elif action in ("up", "down"):
        place = list(clip.project.clips.values_list("pk", flat=True)).index(clip.pk)
        services.move_clip(clip, max(0, place - 1) if action == "up" else place + 1)
    else:
        raise MediaError("bad_parameter", "action: it is not one of add, update, up, down, remove, render, change, delete.", field="action")


def _project_page(request: HttpRequest, project: Project, *, problem: MediaError | None = None, status: int = 200) -> HttpResponse:
    owner = _owner(request)
    project = selectors.get_project(owner, project.pk)
    clips = list(project.clips.all())
    frame = {"name": project.name, "width": project.width, "height": project.height, "fps": f"{project.fps:g}"}
    context = {
        "project": project,
        "clips": clips,
        "duration": sum(clip.duration for clip in clips),
        "uploads": uploads.for_owner(owner).filter(status=UploadStatus.READY, removed_at=None)[:SHOWN],
        "renders": selectors.renders_for_owner(owner).filter(project=project)[:SHOWN],
        "form": ProjectForm(initial=frame),
        "problem": problem,
        "typed": request.POST if problem else {},
    }
    return told(render(request, "projects/detail.html", context, status=status), problem)


def _ends(typed: QueryDict) -> dict[str, float | None]:
    return _cleaned(ClipForm(typed))


def _cleaned(form: forms.Form) -> dict[str, Any]:
    """What was typed. Raises `MediaError("bad_parameter")` with the first field that is wrong."""
    if not form.is_valid():
        field, faults = next(iter(form.errors.items()))
        raise MediaError("bad_parameter", f"{field}: {' '.join(str(fault) for fault in faults)}", field=field)
    return form.cleaned_data


def _owner(request: HttpRequest) -> Owner | None:
    owner: Owner | None = request.owner  # type: ignore[attr-defined]
    return owner


def _uuid(raw: str, field: str) -> uuid.UUID:
    try:
        return uuid.UUID(raw)
    except ValueError:
        raise MediaError("bad_parameter", f"{field}: nothing was chosen; choose one from the list.", field=field) from None
