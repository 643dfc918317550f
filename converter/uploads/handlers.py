"""Django's multipart parser, writing straight into `incoming/`."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.db import connection

from converter.engine.errors import MediaError
from converter.owners.models import Owner
from converter.quotas import services as quotas

from . import storage
from .incoming import Incoming, too_large

OVERHEAD = 1 << 20
"""Bytes of a multipart body that are not the file: boundaries, headers, other fields."""


if TYPE_CHECKING:
    _UploadedFile = UploadedFile[bytes]
else:
    _UploadedFile = UploadedFile


class IncomingUploadedFile(_UploadedFile):
    """A received file that lies in `incoming/` with its hash known, or the error that kept it from there.

    Closing it removes it, unless it was taken.
    """

    def __init__(self, received: Incoming | MediaError, field: str | None, name: str | None, content_type: str | None) -> None:
        self.received = received
        self._opened: IO[bytes] | None = None
        super().__init__(file=None, name=name, content_type=content_type, size=received.size if isinstance(received, Incoming) else 0)
        self.field_name = field

    def incoming(self) -> Incoming:
        """The file on disk. Raises the `MediaError` that it was refused with."""
        if isinstance(self.received, MediaError):
            raise self.received
        return self.received

    @property
    def file(self) -> IO[bytes]:
        """The bytes, for whoever reads it as an ordinary uploaded file."""
        if self._opened is None:
            self._opened = self.incoming().path.open("rb")
        return self._opened

    @file.setter
    def file(self, value: IO[bytes] | None) -> None:
        self._opened = value

    def close(self) -> None:
        """Forget the file."""
        if self._opened is not None:
            self._opened.close()
        if isinstance(self.received, Incoming):
            self.received.discard()


class IncomingUploadHandler(FileUploadHandler):
    """Streams each file of a form to disk once, hashing it on the way, with a hard limit on its size.

    Named in the settings it serves pages: Django reads a form before the page's view runs (to find
    the CSRF token), so an error waits in the file until `uploads.services.receive` takes it. With
    `at_once`, as the API makes it, an error ends the reading where it happens.
    """

    chunk_size = 256 * 1024

    def __init__(self, request: Any = None, *, owner: Owner | None = None, at_once: bool = False) -> None:
        super().__init__(request)
        self.owner = owner
        self.at_once = at_once
        self.received: Incoming | MediaError | None = None
        self.received_name = ""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: Any = None) -> None:
        """Refuse by the announced length, before anything is read: `too_large`, `quota_exceeded`, `disk_full`."""
        try:
            if content_length > settings.MAX_UPLOAD_BYTES + OVERHEAD:
                raise too_large(settings.MAX_UPLOAD_BYTES)
            self._check_quota(max(content_length - OVERHEAD, 1))
            storage.check_room(content_length)
        except MediaError as error:
            self._fail(error)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """A part with a file name begins."""
        super().new_file(*args, **kwargs)
        self.received_name = self.file_name or ""
        try:
            if not isinstance(self.received, MediaError):
                self.received = Incoming(settings.MAX_UPLOAD_BYTES)
        except MediaError as error:
            self._fail(error)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write it; returning nothing keeps it from the handlers that follow."""
        try:
            if isinstance(self.received, Incoming):
                self.received.write(raw_data)
        except MediaError as error:
            self._fail(error)

    def file_complete(self, file_size: int) -> IncomingUploadedFile | None:
        """The part ended."""
        try:
            if isinstance(self.received, Incoming):
                self.received.finish()
        except MediaError as error:
            self._fail(error)
        received, self.received = self.received, None
        return IncomingUploadedFile(received, self.field_name, self.file_name, self.content_type) if received is not None else None

    def upload_interrupted(self) -> None:
        """The body ended within the part."""
        self.discard()

    def discard(self) -> None:
        """Remove what was received of a file that did not come to its end."""
        if isinstance(self.received, Incoming):
            self.received.discard()
            self.received = None

    def _check_quota(self, size: int) -> None:
        owner = self.owner or getattr(self.request, "owner", None)
        if owner is not None and not owner._state.adding:
            quotas.admit_bytes(owner, size)
            if not connection.in_atomic_block:
                connection.close()  # a slow sender keeps no database connection from others: PostgreSQL's are few

    def _fail(self, error: MediaError) -> None:
        if self.at_once:
            raise error
        self.received = error
