"""The workshop and its pages, for people; every one of them also works without scripts.

A view reads through selectors, changes through the same services as the API, and draws. The page's
scripts (static/js/) replace parts of it with what these same views draw.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from converter import services
from converter.engine.errors import MediaError
from converter.engine.ranges import picture_length
from converter.exports import grants
from converter.exports.models import Export
from converter.jobs import selectors as jobs
from converter.jobs import turns
from converter.jobs.models import Job
from converter.jobs.states import ACTIVE
from converter.owners.ratelimit import limit
from converter.owners.services import ensure_owner
from converter.uploads import derived
from converter.uploads import selectors as uploads
from converter.uploads import services as intake
from converter.uploads.models import Upload, UploadStatus

from .forms import ConvertForm, initial_for
from .outcomes import first_choice, groups
from .pages import page, page_of, told

RECENT_UPLOADS = 6
TRAY = 5
PER_TRAY = 20
"""Cards of jobs under way that a page shows at most."""


# The CSRF check reads the form, and with it a file that may be refused: here inside `page`, which answers that with a page.
@csrf_exempt
@page("GET", "POST")
@csrf_protect
def workshop(request: HttpRequest) -> HttpResponse:
    """The main page: bring a clip in, choose a part, choose what it becomes."""
    if request.method == "POST":
        return _receive(request) if request.POST.get("action") == "upload" else _convert(request)
    upload, initial, repeat = _chosen(request)
    form = None
    if upload:
        form = ConvertForm(initial=initial, media=upload.media)
        form.initial.setdefault("outcome", first_choice(form.groups))
    return _workshop_page(request, upload, form, repeat=repeat)


def _chosen(request: HttpRequest) -> tuple[Upload | None, dict[str, Any], Job | None]:
    """The upload to work on, the form's initial values, and the job that is to be repeated, if one is."""
    owner = request.owner  # type: ignore[attr-defined]
    if again := request.GET.get("job"):
        job = jobs.get_for_owner(owner, _id(again))
        first = job.job_inputs.select_related("upload").first()
        if first is not None and first.upload.removed_at is None and first.upload.deleted_at is None:
            return first.upload, initial_for(job.operation, job.preset, job.params), job
        raise MediaError("gone", "The clip this job was made from was cleaned up; bring it in again.")
    chosen = request.GET.get("upload")
    if not chosen:
        return None, {}, None
    return uploads.require_ready(uploads.get_for_owner(owner, chosen)), {}, None


def _receive(request: HttpRequest) -> HttpResponse:
    file = request.FILES.get("file")
    owner = ensure_owner(request)
    limit(request, "upload", str(owner.pk))
    try:
        if file is None:
            raise MediaError("bad_parameter", "No file was chosen; choose a clip first.", field="file")
        upload = intake.receive(owner, file.name or "", file)
    except MediaError as problem:
        return _workshop_page(request, None, None, problem=problem, status=problem.code.status)
    return redirect(f"{reverse('workshop')}?upload={upload.pk}")


def _convert(request: HttpRequest) -> HttpResponse:
    owner = ensure_owner(request)
    upload = uploads.require_ready(uploads.get_for_owner(owner, request.POST.get("upload", "")))
    form = ConvertForm(request.POST, media=upload.media)
    refused: MediaError | None = None
    if form.is_valid():
        operation, preset, params = form.request()
        try:
            job = services.submit(owner, operation, params, [upload], preset=preset, idempotency_key=request.POST.get("key") or None)
        except MediaError as problem:
            form.blame(problem)
            refused = problem
        else:
            return redirect("job-detail", job.pk)
    return told(_workshop_page(request, upload, form, status=refused.code.status if refused else 400), refused)


def _workshop_page(
    request: HttpRequest,
    upload: Upload | None,
    form: ConvertForm | None,
    *,
    repeat: Job | None = None,
    problem: MediaError | None = None,
    status: int = 200,
) -> HttpResponse:
    owner = request.owner  # type: ignore[attr-defined]
    recent = uploads.for_owner(owner).filter(status=UploadStatus.READY, removed_at=None)
    context = {
        "upload": upload,
        "form": form,
        "problem": problem,
        "groups": form.groups if form else groups(),
        "data": _page_data(upload, form, repeat) if upload and form else None,
        "key": uuid.uuid4(),
        "recent": recent[:RECENT_UPLOADS],
        "jobs": turns.placed(_with_inputs(jobs.for_owner(owner))[:TRAY]),
        "max_bytes": settings.MAX_UPLOAD_BYTES,
    }
    return told(render(request, "workshop/page.html", context, status=status), problem)


def _page_data(upload: Upload, form: ConvertForm, repeat: Job | None) -> dict[str, Any]:
    """What the editor's script needs to know, as one JSON block."""
    video = upload.media.video
    return {
        "upload": str(upload.pk),
        "media": {**upload.media.summary(), "frame_rate": video.frame_rate if video else None},
        "picture": picture_length(upload.media, video) if video else None,
        "repeat": repeat.params if repeat else None,
        "tiles": derived.TILES,
        "outcomes": {outcome.value: outcome.as_dict() for group in form.groups for outcome in group.outcomes},
    }


@page("GET")
def job_list(request: HttpRequest) -> HttpResponse:
    """The owner's jobs, newest first. `?part=tray` is the cards of those under way and of the ids in `also`, for scripts."""
    if request.GET.get("part") == "tray":
        watched = jobs.watched(request.owner, request.GET.get("also", "").split(",")[:TRAY])  # type: ignore[attr-defined]
        return render(request, "jobs/_tray.html", {"jobs": turns.placed(_with_inputs(watched)[:PER_TRAY])})
    rows = _with_inputs(jobs.for_owner(request.owner))  # type: ignore[attr-defined]
    return render(request, "jobs/list.html", {"page": page_of(request, rows)})


@page("GET", "POST")
def job_detail(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """One job: watched while it runs, judged when it is done. `?part=card` is the card alone, for scripts."""
    owner = request.owner  # type: ignore[attr-defined]
    job = jobs.get_for_owner(owner, job_id)
    if request.method == "POST":
        return _act(request, job)
    context = {"job": job, "active": job.status in ACTIVE, "open": True}
    return render(request, "jobs/_card.html" if request.GET.get("part") == "card" else "jobs/detail.html", context)


def _act(request: HttpRequest, job: Job) -> HttpResponse:
    """What the buttons of a job's card do when there are no scripts."""
    action = request.POST.get("action")
    if action == "cancel":
        services.cancel(job)
    elif action == "retry":
        job = services.retry(job)
    elif action == "rebuild":
        job = services.rebuild(_export(job))
    elif action == "reuse":
        return redirect(f"{reverse('workshop')}?upload={services.work_on(_export(job)).pk}")
    elif action in ("download", "link"):
        _, token = grants.create_grant(_export(job))
        return redirect(reverse("download", args=[token]) + ("?direct=1" if action == "download" else ""))
    else:
        raise MediaError("bad_parameter", "action: it is not one of cancel, retry, rebuild, reuse, download, link.", field="action")
    return redirect("job-detail", job.pk)


def _export(job: Job) -> Export:
    export: Export | None = getattr(job, "export", None)
    if export is None:
        raise MediaError("conflict", "This job has made no file.")
    return export


def _with_inputs(rows: QuerySet[Job]) -> QuerySet[Job]:
    return rows.prefetch_related("job_inputs__upload")


def _id(raw: str) -> uuid.UUID:
    try:
        return uuid.UUID(raw)
    except ValueError:
        raise MediaError("not_found") from None
