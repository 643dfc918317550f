"""Taking files in and giving them up: one way in, whoever brings them."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError, transaction
from django.utils import timezone

from converter.audit import services as audit
from converter.engine import files
from converter.engine.errors import MediaError
from converter.engine.faultpoints import reach
from converter.engine.media import Media
from converter.engine.probe import inspect
from converter.owners.models import Owner
from converter.quotas import services as quotas

from . import selectors, storage
from .handlers import IncomingUploadedFile
from .incoming import Incoming
from .models import Upload, UploadStatus
from .names import clean_name

CHUNK = 256 * 1024

_probes = threading.BoundedSemaphore(4)
"""Probes that one web process runs at a time: each may take a sandbox's whole memory."""


def receive(owner: Owner, name: str, source: UploadedFile[Any] | Iterable[bytes]) -> Upload:
    """Take a file in: stream it to disk, check and probe it, keep it.

    `source` is an uploaded file, or its bytes in chunks; it is never whole in memory. What
    `IncomingUploadHandler` received is moved, not copied. Whatever fails leaves neither file nor
    row, and an entry `upload.refused` in the trail.

    Raises `MediaError`: `too_large`, `quota_exceeded`, `disk_full`, `unsupported_media`, `corrupt_media`,
    `mismatched_type`, `too_long`, `too_many_pixels`, `out_of_memory`, `timed_out`, `tool_failed`;
    and what `source` itself raises when it breaks off.
    """
    incoming: Incoming | None = None
    shown = clean_name(name)
    try:
        incoming = source.incoming() if isinstance(source, IncomingUploadedFile) else _write(source)
        return _accept(owner, shown, incoming)
    except MediaError as error:
        error.field = error.field or "file"
        refused(owner, shown, error, size=incoming.size if incoming else None)
        raise
    finally:
        if incoming is not None:
            incoming.discard()


def refused(owner: Owner, name: str, error: MediaError, *, size: int | None = None) -> None:
    """Note in the trail that a file was not taken in."""
    audit.record("upload.refused", ("upload", "", clean_name(name)), owner=str(owner.pk), code=error.code.name, detail=error.detail, size=size)


def delete(upload: Upload) -> None:
    """Give an upload up on its owner's wish: its bytes go, and its row unless something points at it.

    Raises `MediaError("conflict")` while a job that has not ended needs it.
    """
    with transaction.atomic():
        locked = _locked(upload.pk)
        if locked is None:
            return
        if selectors.is_in_use(locked):
            raise MediaError("conflict", "A job is still working on this upload; wait for it or cancel it first.", field="upload")
        audit.record("upload.deleted", locked, owner=str(locked.owner_id), size=locked.size, sha256=locked.sha256)
        # The row outlives the bytes where recipes or projects refer to it.
        if selectors.is_referenced(locked):
            Upload.objects.filter(pk=locked.pk).update(removed_at=timezone.now())
        else:
            Upload.objects.filter(pk=locked.pk).delete()
        transaction.on_commit(lambda: _remove_bytes(locked))


def set_aside(upload: Upload) -> bool:
    """Take an upload out of its owner's sight; for `selectors.UNDO` it can come back, then it goes as by `delete`.

    False when it was gone already. Raises `MediaError("conflict")` while a job that has not ended needs it.
    """
    with transaction.atomic():
        locked = _locked(upload.pk)
        if locked is None or locked.deleted_at is not None:
            return False
        if selectors.is_in_use(locked):
            raise MediaError("conflict", f"A job is still working on “{locked.name}”; wait for it or cancel it first.", field="upload")
        Upload.objects.filter(pk=locked.pk).update(deleted_at=timezone.now())
        audit.record("upload.set_aside", locked, owner=str(locked.owner_id), size=locked.size)
    return True


def bring_back(upload: Upload) -> bool:
    """Undo `set_aside`. False when it was not set aside, or its bytes went."""
    with transaction.atomic():
        locked = _locked(upload.pk)
        if locked is None or locked.deleted_at is None:
            return False
        Upload.objects.filter(pk=locked.pk).update(deleted_at=None)
        audit.record("upload.restored", locked, owner=str(locked.owner_id), size=locked.size)
    return True


def expire(upload: Upload) -> bool:
    """Clean an upload's bytes up by retention; its row stays, for recipes point at its hash.

    False when the bytes were gone already, or a job that has not ended needs them.
    """
    with transaction.atomic():
        locked = _locked(upload.pk)
        if locked is None or selectors.is_in_use(locked):
            return False
        Upload.objects.filter(pk=locked.pk).update(removed_at=timezone.now())
        audit.record("upload.expired", locked, owner=str(locked.owner_id), size=locked.size, sha256=locked.sha256)
        transaction.on_commit(lambda: _remove_bytes(locked))
    return True


def keep(upload: Upload, path: Path) -> None:
    """Check a complete file of a row that is not ready yet, move it from `path` to the row's place, and make the row ready.

    Both may be there already from an attempt that died half way. Raises what `receive` raises about a file.
    """
    with _probes:
        media = inspect(path, upload.name, limits=storage.limits())
    reach("upload.checked")
    try:
        sha256 = files.hash_file(path)
        if path != upload.file:
            files.publish(path, upload.file)
    except OSError as error:
        raise storage.coded(error) from error
    with transaction.atomic():
        now = timezone.now()
        Upload.objects.filter(pk=upload.pk).update(status=UploadStatus.READY, sha256=sha256, media_data=media.as_dict(), ready_at=now)
        _record_created(upload, upload.size, sha256, media)
        reach("upload.ready-row")
    reach("upload.ready")


def _write(source: UploadedFile[Any] | Iterable[bytes]) -> Incoming:
    incoming = Incoming(settings.MAX_UPLOAD_BYTES)
    try:
        for chunk in source.chunks(CHUNK) if isinstance(source, UploadedFile) else source:
            incoming.write(chunk)
        incoming.finish()
    except BaseException:
        incoming.discard()
        raise
    return incoming


def _accept(owner: Owner, name: str, incoming: Incoming) -> Upload:
    with _probes:
        media = inspect(incoming.path, name, limits=storage.limits())
    relative = storage.new_stored()
    target = Path(settings.MEDIA_ROOT) / relative
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.publish(incoming.path, target)
        incoming.taken()
        with transaction.atomic():
            quotas.hold(owner)
            quotas.admit_bytes(owner, incoming.size)
            return _create(owner, name, incoming, media, relative)
    except OSError as error:
        _withdraw(target, relative)
        raise storage.coded(error) from error
    except BaseException:
        _withdraw(target, relative)
        raise


def _create(owner: Owner, name: str, incoming: Incoming, media: Media, relative: str) -> Upload:
    upload = Upload.objects.create(
        owner=owner,
        name=name,
        status=UploadStatus.READY,
        size=incoming.size,
        sha256=incoming.sha256,
        path=relative,
        media_data=media.as_dict(),
        ready_at=timezone.now(),
    )
    _record_created(upload, upload.size, upload.sha256, media)
    return upload


def _record_created(upload: Upload, size: int, sha256: str, media: Media) -> None:
    facts: dict[str, Any] = {"kind": media.kind, "container": media.container, "duration": media.duration}
    audit.record("upload.created", upload, owner=str(upload.owner_id), size=size, sha256=sha256, **facts)


def _withdraw(target: Path, relative: str) -> None:
    """Remove a file whose row was not written after all.

    An error at the very end (a connection lost during COMMIT) does not say whether it was, so the
    database is asked; where it cannot be, the file stays for the sweep, which finds files without rows.
    """
    try:
        if Upload.objects.filter(path=relative).exists():
            return
    except DatabaseError:
        return
    with suppress(OSError):  # the error that brought us here is the one to tell
        target.unlink()


def _locked(upload_id: uuid.UUID) -> Upload | None:
    """The row under a lock that jobs also take before they use it; None when its bytes are gone."""
    return Upload.objects.select_for_update().filter(pk=upload_id, removed_at__isnull=True).first()


def _remove_bytes(upload: Upload) -> None:
    upload.file.unlink(missing_ok=True)
    storage.remove_derived(upload.pk)
