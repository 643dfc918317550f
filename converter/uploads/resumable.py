"""Uploads that may break off and go on: made, appended to, checked and given up, whatever the protocol.

The row is there from the first byte on. `size` is what was promised; what arrived is the size of the file.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from converter.audit import services as audit
from converter.audit.scrub import scrub
from converter.engine import files, sniff
from converter.engine.errors import MediaError
from converter.engine.faultpoints import reach
from converter.owners.models import Owner
from converter.quotas import services as quotas
from converter.runtime import services as runtime

from . import partial, selectors, services, storage
from .incoming import too_large
from .models import Upload, UploadStatus
from .names import clean_name
from .partial import Checksum, Read

UNFINISHED = (UploadStatus.RECEIVING, UploadStatus.CHECKING)


def create(owner: Owner, name: str, size: int, sent_metadata: str = "") -> Upload:
    """A row and an empty file for `size` bytes to come. Raises `MediaError`: `bad_parameter`, `too_large`, `quota_exceeded`, `disk_full`."""
    shown = clean_name(name)
    try:
        if size < 1:
            raise MediaError("bad_parameter", "Upload-Length: an empty file is nothing to work on.", field="Upload-Length")
        if size > settings.MAX_UPLOAD_BYTES:
            raise too_large(settings.MAX_UPLOAD_BYTES)
        storage.check_room(size)
    except MediaError as error:
        services.refused(owner, shown, error, size=size)
        raise
    path = storage.new_stored()
    partial.begin(_token(path))
    reach("upload.file")
    try:
        with transaction.atomic():
            quotas.hold(owner)
            quotas.admit_bytes(owner, size)
            upload = Upload.objects.create(owner=owner, name=shown, size=size, path=path, sent_metadata=sent_metadata)
            audit.record("upload.begun", upload, owner=str(owner.pk), size=size)
            reach("upload.row")
    except BaseException as error:
        partial.remove(_token(path))
        if isinstance(error, MediaError):
            services.refused(owner, shown, error, size=size)
        raise
    reach("upload.begun")
    return upload


def find(owner: Owner, upload_id: uuid.UUID) -> Upload:
    """One of the owner's uploads that is not ready yet, or became so this way. Raises `MediaError`: `not_found`, `gone`."""
    upload = selectors.get_for_owner(owner, upload_id)
    if upload.status == UploadStatus.REJECTED:
        raise MediaError("gone", f"The file was refused: {upload.error_detail}", field="upload")
    return upload


def received(upload: Upload) -> int:
    """How many bytes have arrived and would survive a power cut. Raises `MediaError("gone")`."""
    if upload.status == UploadStatus.READY or upload.file.exists():
        return upload.size
    try:
        return partial.size_of(_token(upload.path))
    except MediaError:
        if upload.file.exists():  # whoever sent the last of it had it renamed between the two looks
            return upload.size
        raise


def append(upload: Upload, offset: int, read: Read, checksum: Checksum | None = None) -> int:
    """Take more bytes in, and check the file when it is whole; the size it has then.

    Raises `MediaError`: what `services.receive` raises, `conflict` when `offset` is wrong, `gone`;
    `partial.Busy`, `partial.WrongChecksum`.
    """
    with _writing(upload) as hold:
        _refresh(upload)
        if received(upload) < upload.size:
            size = partial.append(_token(upload.path), offset, upload.size, read, hold, checksum)
            if offset < sniff.HEAD_BYTES <= size < upload.size:
                _look(upload)
        elif offset != upload.size:
            raise MediaError("conflict", f"The upload has {upload.size} bytes already.", field="Upload-Offset")
        else:
            size = upload.size
        if size == upload.size and upload.status in UNFINISHED:
            _finish(upload)
    return size


def settle(upload: Upload) -> None:
    """Check a file that is whole and was not, because whoever sent the last of it is gone; else wait a while for who does it now.

    Raises what `append` raises about the file.
    """
    if upload.status not in UNFINISHED or received(upload) < upload.size:
        return
    with suppress(partial.Busy), _writing(upload):
        _refresh(upload)
        if upload.status in UNFINISHED:
            _finish(upload)


def give_up(upload: Upload) -> None:
    """Forget an upload at its owner's wish: finished, on its way, or refused.

    Raises `MediaError`: `conflict` while a job needs it, `gone` when it was forgotten already; `partial.Busy`.
    """
    if upload.status in UNFINISHED:
        with _writing(upload):
            _refresh(upload)
            if upload.status in UNFINISHED:
                _forget(upload, "upload.deleted")
                return
    if upload.status == UploadStatus.REJECTED:
        _forget(upload, "upload.deleted")
    else:
        services.delete(upload)


def expired(now: datetime) -> Iterator[Upload]:
    """Unfinished uploads to which nothing was added for longer than temporary files are kept, and refused ones as old."""
    before = now - timedelta(hours=runtime.get("temp_retention_hours"))
    for upload in Upload.objects.filter(status__in=(*UNFINISHED, UploadStatus.REJECTED), created_at__lt=before).iterator():
        if upload.status == UploadStatus.REJECTED or _touched(upload) < before:
            yield upload


def expire(upload: Upload) -> bool:
    """Clean an unfinished or refused upload up; False when somebody writes to it after all."""
    if upload.status == UploadStatus.REJECTED:
        return _forget(upload, "upload.expired")
    try:
        with _writing(upload, patience=0):
            _refresh(upload)
            return upload.status in UNFINISHED and _forget(upload, "upload.expired")
    except MediaError:  # somebody writes to it, or it was given up meanwhile
        return False


def expires_at(upload: Upload) -> datetime:
    """Until when an unfinished upload waits for more."""
    return _touched(upload) + timedelta(hours=runtime.get("temp_retention_hours"))


@contextmanager
def _writing(upload: Upload, patience: float | None = None) -> Iterator[partial.Hold]:
    token = _token(upload.path)
    with partial.held(token, patience) as hold:
        try:
            yield hold
        except _Forgotten:
            partial.remove(token)  # the lock was made anew to find that out
            raise


class _Forgotten(MediaError):
    """The upload's row went while somebody waited for the right to write."""


def _refresh(upload: Upload) -> None:
    """See what whoever wrote before has made of it. Raises `MediaError("gone")`."""
    try:
        upload.refresh_from_db()
    except Upload.DoesNotExist:
        raise _Forgotten("gone", "The upload was deleted meanwhile; send the file again.", field="upload") from None


def _look(upload: Upload) -> None:
    """Refuse by its beginning what is no media, so that nobody sends the rest of it in vain. Raises what `sniff.identify` raises."""
    path = partial.path_of(_token(upload.path))
    try:
        sniff.identify(path, upload.name)
    except MediaError as error:
        _reject(upload, error, path)
        raise


def _finish(upload: Upload) -> None:
    """Check a whole file and keep it, or refuse it; our own faults leave it as it is, to be checked again."""
    token = _token(upload.path)
    Upload.objects.filter(pk=upload.pk).update(status=UploadStatus.CHECKING)
    reach("upload.checking")
    # Renamed already when the process that did it died before it could say so.
    path = partial.path_of(token) if partial.path_of(token).exists() else upload.file
    try:
        services.keep(upload, path)
    except MediaError as error:
        if not error.users:
            Upload.objects.filter(pk=upload.pk).update(status=UploadStatus.RECEIVING)
            raise
        _reject(upload, error, path)
        raise
    partial.remove(token)


def _reject(upload: Upload, error: MediaError, path: Path) -> None:
    """Say on the row why the file at `path` is not taken, and remove it."""
    error.field = error.field or "file"
    with transaction.atomic():
        Upload.objects.filter(pk=upload.pk).update(
            status=UploadStatus.REJECTED, path="", error_code=error.code.name, error_detail=scrub(error.detail), removed_at=None
        )
        services.refused(upload.owner, upload.name, error, size=upload.size)
    _remove(_token(upload.path), path)


def _forget(upload: Upload, action: str) -> bool:
    """Delete the row, and its file where it still has one; False when the row was gone already."""
    path, token = upload.file, _token(upload.path)
    with transaction.atomic():
        if not Upload.objects.filter(pk=upload.pk).delete()[0]:
            return False
        audit.record(action, upload, owner=str(upload.owner_id), size=upload.size)
        if upload.path:  # what was refused has none
            transaction.on_commit(lambda: _remove(token, path))
    return True


def _remove(token: str, path: Path) -> None:
    partial.remove(token)
    path.unlink(missing_ok=True)


def _touched(upload: Upload) -> datetime:
    for path in (partial.path_of(_token(upload.path)), upload.file):
        with suppress(FileNotFoundError):  # it may be renamed from the first place to the second meanwhile
            return datetime.fromtimestamp(files.changed_at(path), tz=timezone.get_current_timezone())
    return upload.created_at


def _token(path: str) -> str:
    return Path(path).name
