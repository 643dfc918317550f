"""Every mutation of projects, clips and renders, each with its audit entry.

Positions change only under the lock of their project's row, so clips never share one.
"""

from __future__ import annotations

import math
import unicodedata
from typing import Any

from django.db import transaction
from django.db.models import Max

from converter import services as pipeline
from converter.audit import services as audit
from converter.engine import operations
from converter.engine.errors import MediaError
from converter.engine.params import Spec, specs
from converter.owners.models import Owner
from converter.uploads.models import Upload, UploadStatus

from .models import Clip, Project, Render

OPERATION = "join"
"""The operation that composes a project; its own bounds hold for the frame and the number of clips."""

LONGEST_NAME = 200
POSITIONS_END = 1_000_000
"""Positions grow with every move; past this they begin at 0 again."""

END_SLACK = 0.05
"""Seconds by which an end may lie past the media (players round up); it is moved back to the end."""


@transaction.atomic
def create(owner: Owner, name: str, *, width: int = 1280, height: int = 720, fps: float = 30) -> Project:
    """Make an empty project. Pixels and frames per second. Raises `MediaError("bad_parameter")`."""
    project = Project.objects.create(owner=owner, name=_name(name), **_frame(width=width, height=height, fps=fps))
    audit.record("project.created", project, width=project.width, height=project.height, fps=project.fps)
    return project


@transaction.atomic
def change(project: Project, **fields: Any) -> Project:
    """Change `name`, `width`, `height` or `fps`. Raises `MediaError("bad_parameter")`."""
    project = _lock(project)
    wanted = _frame(**{key: value for key, value in fields.items() if key != "name"})
    if "name" in fields:
        wanted["name"] = _name(fields["name"])
    for key, value in wanted.items():
        setattr(project, key, value)
    project.save(update_fields=[*wanted, "updated_at"])
    audit.record("project.changed", project, **wanted)
    return project


@transaction.atomic
def delete(project: Project) -> None:
    """Delete a project with its clips. Jobs and exports of its renders stay: they stand for themselves."""
    project = _lock(project)
    audit.record("project.deleted", project, clips=project.clips.count(), renders=project.renders.count())
    project.delete()


@transaction.atomic
def add_clip(project: Project, upload: Upload, *, start: float = 0.0, end: float | None = None) -> Clip:
    """Put a range of an upload (seconds; to its end when `end` is None) behind the last clip.

    Raises `MediaError`: `not_found` for somebody else's upload, `gone` for one whose bytes were
    cleaned up, `no_video`, `start_past_end`, `empty_range`, `bad_parameter`, `conflict` when the
    project is full.
    """
    project = _lock(project)
    # Locked as well: retention must not take the bytes between this look and the commit.
    locked = Upload.objects.select_for_update().filter(pk=upload.pk).first()
    if locked is None:
        raise MediaError("gone", f"{upload.name!r} was deleted meanwhile; upload it again.", field="upload")
    upload = locked
    _usable(project, upload)
    start, end = _range(upload, start, end)
    most = operations.get(OPERATION).inputs[1]
    if project.clips.count() >= most:
        raise MediaError("conflict", f"A project holds at most {most} clips; remove one first.", field="project")
    last: int | None = project.clips.aggregate(last=Max("position"))["last"]
    clip = Clip.objects.create(project=project, upload=upload, position=0 if last is None else last + 1, start=start, end=end)
    _touch(project)
    audit.record("clip.added", clip, project=str(project.pk), upload=str(upload.pk), start=start, end=end)
    return clip


@transaction.atomic
def update_clip(clip: Clip, *, start: float | None = None, end: float | None = None) -> Clip:
    """Move the ends of a clip (seconds in the upload); None leaves one as it is. Raises as `add_clip`."""
    project = _lock(clip.project)
    clip = _fresh(clip)
    start, end = clip.start if start is None else start, clip.end if end is None else end
    clip.start, clip.end = _range(clip.upload, start, end)
    clip.save(update_fields=["start", "end"])
    _touch(project)
    audit.record("clip.changed", clip, project=str(project.pk), start=clip.start, end=clip.end)
    return clip


@transaction.atomic
def move_clip(clip: Clip, place: int) -> None:
    """Move a clip to `place` among its project's clips, the first being 0; a place beyond the end is the end.

    Raises `MediaError("bad_parameter")` for a negative place.
    """
    if place < 0:
        raise MediaError("bad_parameter", f"place: {place} is below 0, which is the first place.", field="place")
    project = _lock(clip.project)
    clip = _fresh(clip)
    ordered = list(project.clips.order_by("position"))
    others = [other for other in ordered if other.pk != clip.pk]
    wanted = [*others[:place], clip, *others[place:]]
    if [one.pk for one in wanted] == [one.pk for one in ordered]:
        return
    _renumber(wanted, taken=[one.position for one in ordered])
    _touch(project)
    audit.record("clip.moved", clip, project=str(project.pk), place=wanted.index(clip))


@transaction.atomic
def remove_clip(clip: Clip) -> None:
    """Take a clip out of its project; the upload stays."""
    project = _lock(clip.project)
    clip = _fresh(clip)
    audit.record("clip.removed", clip, project=str(project.pk), upload=str(clip.upload_id))
    clip.delete()
    _touch(project)


@transaction.atomic
def render(project: Project, *, idempotency_key: str | None = None) -> Render:
    """Compose the project as it is now: one job, and the render that points at it, or neither.

    Raises `MediaError`: `bad_parameter` for a project without clips, `gone` when an upload's bytes
    were cleaned up, and whatever `converter.services.submit` refuses.
    """
    project = _lock(project)
    clips = list(project.clips.select_related("upload").order_by("position"))
    if not clips:
        raise MediaError("bad_parameter", "The project has no clips; add one first.", field="project")
    for clip in clips:
        _usable(project, clip.upload)
    params = {
        "ranges": [{"start": clip.start, "end": clip.end} for clip in clips],
        "width": project.width,
        "height": project.height,
        "fps": project.fps,
    }
    job = pipeline.submit(project.owner, OPERATION, params, [clip.upload for clip in clips], idempotency_key=idempotency_key)
    made, is_new = Render.objects.get_or_create(job=job, defaults={"project": project})
    if made.project_id != project.pk:
        raise MediaError("conflict", "This Idempotency-Key was already used to render another project.", field="Idempotency-Key")
    if is_new:
        audit.record("render.created", made, project=str(project.pk), job=str(job.pk), clips=len(clips))
    return made


def _lock(project: Project) -> Project:
    try:
        return Project.objects.select_for_update().get(pk=project.pk)
    except Project.DoesNotExist:
        raise MediaError("not_found", "There is no such project.") from None


def _fresh(clip: Clip) -> Clip:
    try:
        return Clip.objects.select_related("upload", "project").get(pk=clip.pk)
    except Clip.DoesNotExist:
        raise MediaError("not_found", "There is no such clip.") from None


def _touch(project: Project) -> None:
    project.save(update_fields=["updated_at"])


def _renumber(clips: list[Clip], *, taken: list[int]) -> None:
    """Give the clips free positions in their order, so that no step on the way repeats one."""
    base = max(taken) + 1
    if base + len(clips) > POSITIONS_END and min(taken) >= len(clips):
        base = 0
    for position, clip in enumerate(clips, base):
        Clip.objects.filter(pk=clip.pk).update(position=position)
        clip.position = position


def _usable(project: Project, upload: Upload) -> None:
    if upload.owner_id != project.owner_id:
        raise MediaError("not_found", "There is no such upload.", field="upload")
    if upload.removed_at is not None or upload.deleted_at is not None:
        raise MediaError("gone", f"The bytes of {upload.name!r} were cleaned up; upload it again.", field="upload")
    if upload.status != UploadStatus.READY:
        raise MediaError("conflict", f"{upload.name!r} is not ready; only a checked upload can be cut.", field="upload")
    if upload.media.kind not in operations.get(OPERATION).accepts or not upload.media.duration:
        raise MediaError("no_video", f"There is no moving picture in {upload.name!r}; choose a video.", field="upload")


def _range(upload: Upload, start: float, end: float | None) -> tuple[float, float]:
    duration = upload.media.duration or 0.0
    for field, value in (("start", start), ("end", end)):
        if value is not None and not math.isfinite(value):
            raise MediaError("bad_parameter", f"{field}: {value} is not a time; write seconds.", field=field)
    if start < 0:
        raise MediaError("bad_parameter", f"start: {start:g} is before the beginning; the first moment is 0.", field="start")
    if start >= duration:
        raise MediaError("start_past_end", f"start: {start:g} s lies at or after the end of {upload.name!r} ({duration:.2f} s).", field="start")
    if end is None:
        return start, duration
    if end <= start:
        raise MediaError("empty_range", f"end: {end:g} s is not after the start ({start:g} s).", field="end")
    if end > duration + END_SLACK:
        raise MediaError("bad_parameter", f"end: {end:g} s lies past the end of {upload.name!r} ({duration:.2f} s).", field="end")
    return start, min(end, duration)


def _frame(**fields: Any) -> dict[str, Any]:
    """Width, height (pixels) and fps within the bounds of the operation that will use them."""
    known = {spec.name: spec for spec in specs(operations.get(OPERATION).params)}
    return {key: _bounded(known[key], value) for key, value in fields.items()}


def _bounded(spec: Spec, value: float) -> float:
    low, high = spec.minimum, spec.maximum
    # Written so that NaN is refused too.
    if not ((low is None or value >= low) and (high is None or value <= high)):
        raise MediaError("bad_parameter", f"{spec.name}: {value:g} is out of range; it must be from {low or 0:g} to {high or 0:g}.", field=spec.name)
    return value


def _name(raw: str) -> str:
    """A line of display text. Raises `MediaError("bad_parameter")` when nothing visible is left of it."""
    # Control and format characters (newlines, right-to-left marks) would let a name pose as something else.
    printable = "".join(" " if character.isspace() else character for character in raw)
    name = " ".join("".join(c for c in printable if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn")).split())
    if not name:
        raise MediaError("bad_parameter", "name: it is empty; give the project a name.", field="name")
    if len(name) > LONGEST_NAME:
        raise MediaError("bad_parameter", f"name: it has {len(name)} characters; at most {LONGEST_NAME} are allowed.", field="name")
    return name
